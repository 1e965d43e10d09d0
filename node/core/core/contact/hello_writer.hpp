// hello_writer: builds a HELLO, what this node states about itself.
//
// Pure; owned by a mesh, same thread contract. A value that refers to what it reports, and
// changes nothing.
#pragma once

#include "core/handover.hpp"
#include "core/mesh_options.hpp"
#include "core/own_writes.hpp"
#include "core/room.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <cstdint>

namespace baton::core {

class hello_writer {
  public:
    hello_writer(const mesh_options& settings, const store& here, const own_writes& writes, const room& space,
                 const handover& leave)
        : settings_(settings)
        , store_(here)
        , writes_(writes)
        , room_(space)
        , leave_(leave) {}

    /// `flags`: in addition to those of this node's own state. O(origins).
    [[nodiscard]] wire::hello make(std::uint64_t flags) const;
    [[nodiscard]] bool is_full() const { return room_.is_full(); }
    /// What the HELLO reports of.
    [[nodiscard]] const store& here() const { return store_; }

  private:
    const mesh_options& settings_;
    const store& store_;
    const own_writes& writes_;
    const room& room_;
    const handover& leave_;
};

} // namespace baton::core
