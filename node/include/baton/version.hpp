// version: the name of one write.
//
// A plain value; any thread.
#pragma once

#include <baton/dot.hpp>

#include <compare>

namespace baton {

/// Names one write; larger than any version it has seen of the same key.
struct version {
    dot id{};
    friend constexpr auto operator<=>(const version&, const version&) = default;
};

} // namespace baton
