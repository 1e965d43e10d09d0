// merge_laws: whether a merge function is what it has to be, on values at hand.
//
// Pure; any thread.
#pragma once

#include <baton/node.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace baton::shell {

/// True when order and grouping of the siblings do not matter, nor how often one comes. `merged`: what the
/// function has made of them. 2 × siblings + 2 calls.
inline bool obeys_laws(const merge_function& merge, const std::vector<std::string_view>& siblings,
                       const std::string& merged) {
    auto turned = siblings;
    for (std::size_t i = 0; i < siblings.size(); ++i) {
        std::rotate(turned.begin(), turned.begin() + 1, turned.end());
        if (merge(turned) != merged) return false;
    }
    std::reverse(turned.begin(), turned.end());
    if (merge(turned) != merged) return false;
    std::string grouped(siblings.front());
    for (std::size_t i = 1; i < siblings.size(); ++i) grouped = merge({grouped, siblings[i]});
    return grouped == merged && merge({merged, merged}) == merged;
}

} // namespace baton::shell
