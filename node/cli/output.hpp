// output: writes text to a descriptor that may not accept it, such as a full pipe or a stopped terminal. A
// separate thread writes, so no other thread of the program blocks because of a slow reader.
//
// The waiting text is bounded in bytes. Beyond the bound offer() drops and counts, and put() waits without a
// limit. Once the program has been asked to end, put() waits only while the reader takes something every 2 s,
// and at most 10 s in all. Any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace baton::cli {

class output {
  public:
    struct terms {
        int fd = -1;
        std::size_t bytes_max = std::size_t{1} << 20; ///< a longer text waits until nothing is before it
        /// Whether the program has been asked to end; checked every 50 ms while a call waits.
        std::function<bool()> ends = [] { return false; };
        /// Called once, on the writing thread, when nothing can be written any more.
        std::function<void()> on_fault{};
    };
    explicit output(terms how);
    ~output(); ///< does not wait for what is not written yet: flush() does
    output(const output&) = delete;

    /// False: the text was dropped, since there is no room or writing is impossible. Never waits.
    bool offer(std::string text);
    /// The same, after waiting for room.
    bool put(std::string text);
    /// The last call: waits until everything is written, with the limits of a program that is asked to end.
    /// False: some text is not written; it counts as dropped.
    bool flush();
    /// From now on the limits of a program that is asked to end apply to waits.
    void hurry();
    /// From now on no call waits for longer than 0.3 s, and 1 s in all.
    void give_up();

    /// The errno if writing has become impossible; 0: it is possible.
    [[nodiscard]] int fault() const;
    /// How many texts were dropped since the last call.
    [[nodiscard]] std::uint64_t take_dropped();

  private:
    struct state;
    const std::shared_ptr<state> state_; // the thread's too, which may be stuck for ever
};

/// Writes all of `text` to `fd`, however long that takes. False, with errno: it cannot be written, and the
/// rest is lost.
bool write_all(int fd, std::string_view text);

} // namespace baton::cli
