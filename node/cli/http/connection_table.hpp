// connection_table: the open HTTP connections, and until when each may take. libmicrohttpd bounds only their
// number and the time without any traffic; a client that sends a byte a second would hold its place for ever.
//
// Any thread. A thread of its own shuts down the sockets whose time is over, and sleeps while there is none.
// The server closes them; until remove() has returned a descriptor is not used again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

namespace baton::cli {

class connection_table {
  public:
    struct bounds {
        std::size_t places = 28; ///< more connections than these serve only probes
        std::chrono::milliseconds head_within{2000};
        std::chrono::milliseconds late_head_within{250}; ///< of those more: their places are soon free again
        std::chrono::milliseconds reply_within{10000};
    };
    explicit connection_table(bounds allowed);
    ~connection_table();
    connection_table(const connection_table&) = delete;

    /// A connection has been accepted. Returns its number.
    std::uint64_t add(int fd);
    /// Its head is complete: from now on it is answered. True if it serves only probes.
    bool head_is_complete(std::uint64_t connection);
    /// Its reply is a stream, which may take for ever as long as the client reads.
    void becomes_stream(std::uint64_t connection);
    /// Call before its socket is closed.
    void remove(std::uint64_t connection);
    [[nodiscard]] std::uint64_t timed_out() const; ///< how many it has shut down

  private:
    using clock = std::chrono::steady_clock;
    struct entry {
        int fd = -1;
        bool is_late = false;
        clock::time_point until;
    };
    void watch();

    const bounds bounds_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::uint64_t, entry> open_;
    std::uint64_t last_ = 0, timed_out_ = 0;
    bool over_ = false;
    std::thread thread_;
};

} // namespace baton::cli
