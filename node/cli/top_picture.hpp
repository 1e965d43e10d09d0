// top_picture: the mesh as `baton top` shows it: what one look finds, and that as text or JSON.
//
// Pure, but for mesh_source. One thread.
#pragma once

#include "table.hpp"
#include "terminal.hpp"

#include <baton/event.hpp>
#include <baton/member.hpp>
#include <baton/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton::cli {

/// An event, and when it was read.
struct dated_event {
    std::chrono::system_clock::time_point at{};
    event what{};
};

/// What one look at the mesh finds.
struct mesh_sample {
    std::chrono::steady_clock::time_point at{};
    std::chrono::system_clock::time_point date{};
    std::string cluster, seen_from; ///< the name of the member that sees all this
    bool is_member = false;         ///< that member is there only to look: its state is one more copy
    bool synced = false;            ///< it holds everything
    member self{};                  ///< that member
    std::vector<member> members;    ///< all others, sorted by name
    std::uint64_t keys = 0, key_value_bytes = 0, store_bytes = 0;
    /// Counters since its start: writes of others that it has applied, frames of writes that it has received,
    /// and bytes of syncs in both directions.
    std::uint64_t writes = 0, frames = 0, sync_bytes = 0;
    std::vector<dated_event> events; ///< the last ones, the latest at the end; at most events_kept
};
constexpr std::size_t events_kept = 100;

/// Where `baton top` looks. Swap it to look through other eyes than those of a node.
class mesh_source {
  public:
    mesh_source() = default;
    mesh_source(const mesh_source&) = delete;
    virtual ~mesh_source() = default;
    /// Errors: those of the calls that it makes; the picture ends then.
    [[nodiscard]] virtual result<mesh_sample> look() = 0;
};

/// The picture: at most on.height - 1 lines, none wider than the screen. Rates are those since `before`.
std::string picture_of(const mesh_sample& now, const std::optional<mesh_sample>& before, const screen& on);
/// The same for scripts: `top`, the cluster, and the rest of it.
json to_json(const mesh_sample& now, const std::optional<mesh_sample>& before);

} // namespace baton::cli
