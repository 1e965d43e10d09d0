// mesh_pages: /metrics, /livez, /readyz and the page of the mesh, for one node.
//
// Contract: constructed and destroyed by one thread, while the node lives. note() may be called by any
// thread. A thread of its own reads the node twice a second while somebody watches, and not at all otherwise.
#pragma once

#include "http/mesh_text.hpp"
#include "http/web_server.hpp"

#include <baton/node.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace baton::cli {

/// The token in that file: its first line. Errors: bad_option, if the file cannot be read, or others can read
/// it, or it has fewer than 16 characters or any that no header carries.
[[nodiscard]] result<std::string> read_token(const std::string& path);

class mesh_pages {
  public:
    struct terms {
        std::vector<std::string> hosts{};
        std::string token{};        ///< empty: there is none
        bool keys_are_open = false; ///< names of keys are shown without a token
    };
    /// Throws std::runtime_error if the server cannot start.
    mesh_pages(const node& served, listener where, terms how);
    ~mesh_pages();
    mesh_pages(const mesh_pages&) = delete;

    /// An event of the node, for the page.
    void note(const event& happened);

  private:
    enum channel : int { without_keys, with_keys, channels };
    static constexpr std::size_t events_max = 60;

    web_server::reply answer(const web_server::request& asked);
    web_server::reply answer_ready();
    [[nodiscard]] bool shows_keys(const request_head& head) const;
    std::string read_mesh(channel which, bool ask);
    void watch();

    const node& node_;
    const terms how_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<timed_event> events_;                     // under the lock
    std::uint64_t last_event_ = 0;                       // under the lock
    bool over_ = false, watched_ = false, came_ = false; // under the lock
    std::optional<web_server> server_;
    std::thread thread_;
};

} // namespace baton::cli
