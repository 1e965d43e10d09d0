// asking: scenarios in which a node asks the others whether a key is absent.
#pragma once

#include "scene.hpp"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace baton::sim {

struct asking : scene {
    using scene::scene;
    std::uint64_t question(process_number who) {
        const auto number = mesh(who).begin_question(moment_at(who));
        give(who, core::time_passed{});
        return number;
    }
    [[nodiscard]] bool absent(process_number who, std::uint64_t asked) {
        return mesh(who).judge_absence(asked).confirmed;
    }
    /// Asks for at most `patience`. Returns the nodes that stand against absence; empty if absence is
    /// confirmed.
    [[nodiscard]] std::vector<replica_id> against(process_number who, duration patience = 1s) {
        const auto asked = question(who);
        const bool confirmed = run_until([&] { return absent(who, asked); }, patience);
        auto named = mesh(who).judge_absence(asked).who;
        mesh(who).end_question(asked);
        if (!confirmed && named.empty()) named.emplace_back(); // absence is not confirmed for another reason
        return named;
    }
    [[nodiscard]] bool caught_up(process_number who, duration patience = 1s) {
        mesh(who).catch_up(moment_at(who));
        give(who, core::time_passed{});
        return run_until([&] { return mesh(who).is_caught_up(); }, patience);
    }
    [[nodiscard]] std::vector<replica_id> ids_of(std::initializer_list<process_number> all) {
        std::vector<replica_id> ids;
        for (const auto who : all) ids.push_back(at(who).id);
        std::sort(ids.begin(), ids.end());
        return ids;
    }
};

} // namespace baton::sim
