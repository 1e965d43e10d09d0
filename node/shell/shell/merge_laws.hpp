// merge_laws: checks on given values whether a merge function obeys its laws.
//
// Pure; any thread.
#pragma once

#include <baton/node.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace baton::shell {

/// True if the order, the grouping and the repetition of siblings do not change the result. `merged`: the
/// function's result for them. 2 × siblings + 2 calls.
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
