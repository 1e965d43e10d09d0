// room: whether limits.bytes_max leaves room for writes, and for what a session brings.
//
// Values, no clock. Judged with every slice of work, under the mesh's lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace baton::crdt {
class store;
}

namespace baton::core {

/// The bytes that a node needs for the visible state of this store and nothing else: a function of that
/// state.
[[nodiscard]] std::uint64_t live_bytes(const store& of);

class room {
  public:
    /// `most`: limits.bytes_max; 0: no bound.
    explicit room(std::size_t most)
        : most_(most) {}

    /// The node accepts no more writes and applies no deltas.
    [[nodiscard]] bool is_full() const { return full_; }
    [[nodiscard]] bool is_bounded() const { return most_ != 0; }
    /// `held`: the bytes of the state, without staged rows. `no_memory`: the store cannot grow any more,
    /// whatever the bound. True if the node has become full, or has room again (a sixteenth of the bound).
    bool judge(std::size_t held, bool no_memory) {
        const bool over = most_ != 0 && (full_ ? held > most_ - most_ / 16 : held >= most_);
        const bool full = over || no_memory;
        return std::exchange(full_, full) != full;
    }
    [[nodiscard]] bool has_reached(std::size_t held) const { return most_ != 0 && held >= most_; }
    /// Staged rows replace what is here, and both exist until the session has been folded in. So they may
    /// exceed the bound by the bytes held, and by half of the bound at most.
    [[nodiscard]] bool is_exceeded(std::size_t held, std::size_t staged) const {
        return most_ != 0 && held + staged > most_ + std::min(held, most_ / 2);
    }
    /// Whether this node would have room again with the state of a member that has `live` bytes.
    [[nodiscard]] bool fits(std::optional<std::uint64_t> live) const {
        return most_ != 0 && live && *live <= most_ - most_ / 16;
    }

  private:
    std::size_t most_ = 0;
    bool full_ = false;
};

} // namespace baton::core
