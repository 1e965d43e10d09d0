// version: the name of one write.
//
// A plain value; any thread.
#pragma once

#include <baton/dot.hpp>

#include <compare>

namespace baton {

/// Names one write. It is larger than every version of the same key that its writer had seen.
struct version {
    dot id{}; ///< the event that made the write; nil: no write
    friend constexpr auto operator<=>(const version&, const version&) = default;
};

} // namespace baton
