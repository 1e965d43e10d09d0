// output: text on its way to a descriptor that may not take it: a full pipe, a terminal that is held. A
// thread of its own writes, so that nobody else of the program is ever stuck in the system for the sake of
// its reader.
//
// What waits is bounded by bytes; beyond that offer() drops and counts, and put() waits: as long as it takes,
// and once the program is asked to end, only as long as something is taken every 2 s, and 10 s in all. Any
// thread.
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
        /// Whether the program has been asked to end; looked at every 50 ms while somebody waits.
        std::function<bool()> ends = [] { return false; };
        /// Called once, on the writing thread, when nothing can be written any more.
        std::function<void()> on_fault{};
    };
    explicit output(terms how);
    ~output(); ///< does not wait for what is not written yet: flush() does
    output(const output&) = delete;

    /// False: dropped, as there is no room or nothing can be written. Never waits.
    bool offer(std::string text);
    /// The same, after waiting for room.
    bool put(std::string text);
    /// The last call: waits until all is written, as if the program were asked to end. False: it is not, and
    /// what is not written counts as dropped.
    bool flush();
    /// From now on waits are those of a program that is asked to end.
    void hurry();
    /// From now on nobody waits for longer than a moment, 0.3 s, nor for 1 s in all.
    void give_up();

    /// Why nothing can be written any more, an errno; 0: it can.
    [[nodiscard]] int fault() const;
    /// How many texts were dropped since the last call.
    [[nodiscard]] std::uint64_t take_dropped();

  private:
    struct state;
    const std::shared_ptr<state> state_; // the thread's too, which may be stuck for ever
};

/// Writes all of `text` to `fd`, however long that takes; false, with errno, and the rest is lost, when it
/// does not go there (any more).
bool write_all(int fd, std::string_view text);

} // namespace baton::cli
