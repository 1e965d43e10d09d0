// actor: what the processes of a show do alike. An actor has a node, speaks lines on stdout, answers the
// director's lines on stdin, plays until SIGTERM or the end of stdin, leaves, and says how that went by its
// exit status.
//
// One thread.
#pragma once

#include "line.hpp"

#include <baton/leave.hpp>
#include <baton/options.hpp>
#include <baton/result.hpp>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace actor {

/// Whether to leave: set by SIGTERM, and when the director is gone.
inline std::atomic<bool> stop_asked{false};

/// One line on stdout, at once.
void say(const line& what);

/// What a call gave; throws std::runtime_error with the error's sentence if it failed.
template <class T>
T must(baton::result<T> got) {
    if (!got) throw std::runtime_error(got.error().what);
    return *std::move(got);
}

/// The director's lines, read from stdin when poll says that there is something.
class questions {
  public:
    /// Calls `answer` with each line that is whole, without its end.
    template <class Answer>
    void read(Answer answer) {
        append();
        for (auto end = unfinished_.find('\n'); end != std::string::npos; end = unfinished_.find('\n')) {
            answer(unfinished_.substr(0, end));
            unfinished_.erase(0, end + 1);
        }
    }

  private:
    void append();

    std::string unfinished_;
};

struct settings {
    std::string name, cluster;
    std::uint16_t beacon_port = 0;
    bool verbose = false; ///< the node's log on stderr
};

/// Handles SIGTERM from now on; the options of a node on loopback.
[[nodiscard]] baton::options begin(const settings& given);

/// 0 left safely, 4 unsafe, 3 otherwise: degraded or spilled.
[[nodiscard]] int exit_status(baton::leave_outcome outcome);

/// Says why; the exit status of an actor that failed: 1.
[[nodiscard]] int failed(const std::exception& why);

} // namespace actor
