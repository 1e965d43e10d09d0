// mesh_text: what the HTTP pages say of a node, as JSON and as sentences.
//
// Pure.
#pragma once

#include "show.hpp"

#include <baton/stats.hpp>
#include <baton/view.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace baton::cli {

/// An event with its time, in milliseconds since 1970.
struct timed_event {
    std::uint64_t number = 0, at_ms = 0;
    event what;
};

/// What the page shows. References to what the caller has read.
struct shown_mesh {
    std::string_view name;
    std::string id, endpoint;
    const mesh_view& view;
    const node_stats& stats;
    const std::deque<timed_event>& events; ///< the latest last
    bool with_keys = false;                ///< names of keys may be shown
    std::uint64_t now_ms = 0;
};

/// A JSON object on one line, of at most `bytes_max` bytes: the oldest events, then claims, then members are
/// left out until it fits. Text in it is any text; whoever shows it must not take it for HTML.
[[nodiscard]] std::string to_text(const shown_mesh& mesh, std::size_t bytes_max);

/// Why a node is not ready, as a sentence: one or two causes, with names of members.
[[nodiscard]] std::string unready_reason(const mesh_view& view);

} // namespace baton::cli
