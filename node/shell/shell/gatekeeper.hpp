// gatekeeper: decides when the gates shut, because the process has no descriptors left, and when they open
// again. With shut gates the node can still dial members and write spills, and connections that it cannot
// accept keep no processor busy. See gate.hpp and descriptors.hpp.
//
// Owned by the I/O thread, which alone calls it. It holds the spares while the gates are open.
#pragma once

#include "crdt/time.hpp"
#include "shell/descriptors.hpp"

#include <cstdint>

namespace baton::shell {

class gatekeeper {
  public:
    /// What the caller must do to the gates. After `shut` and `stay_shut` it also closes the waiting
    /// connections, then calls let_go().
    enum class step : std::uint8_t { none, shut, stay_shut, open };
    /// Call it again at due(), or about every 100 ms if due() is never.
    [[nodiscard]] step look(instant now);
    /// The step deserves a log line: one for all shortages that follow one another closely.
    [[nodiscard]] bool is_news() const { return news_; }
    /// Releases the spares, for dials and files.
    void let_go() { spares_.shrink(0); }
    /// instant::max(): no shortage lately, so there is no hurry.
    [[nodiscard]] instant due() const { return watched_ ? at_ : instant::max(); }

  private:
    spares spares_;
    bool shut_ = false;
    bool watched_ = false; ///< closely, as there has been a shortage
    bool news_ = false;    ///< of the last shortage
    instant moved_{};      ///< shut or opened
    instant at_{};         ///< looked at again
};

} // namespace baton::shell
