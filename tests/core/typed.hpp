// typed: three nodes that can be separated, so that what they do meanwhile is concurrent. The result is read
// on every node: after DELTAs, after repair, and on a newcomer after a session.
#pragma once

#include "scene.hpp"

namespace baton::sim {

struct typed : scene {
    typed() { gather(3); }
    /// Separates the nodes: their writes from now on are concurrent.
    void part() {
        for (const auto& [a, b] : {std::pair{0, 1}, {0, 2}, {1, 2}})
            sever(static_cast<slot_number>(a), static_cast<slot_number>(b), true);
        run_for(10ms);
    }
    void meet() {
        for (const auto& [a, b] : {std::pair{0, 1}, {0, 2}, {1, 2}})
            sever(static_cast<slot_number>(a), static_cast<slot_number>(b), false);
        settle();
    }
    /// Checks the three nodes, and a newcomer that has everything by a session.
    template <class Check>
    void everywhere(Check check) {
        settle();
        if (processes() == 3) join(3);
        for (const process_number who : {0, 1, 2, 3}) {
            CAPTURE(who);
            check(who);
        }
    }
    [[nodiscard]] std::optional<std::int64_t> count(process_number who, std::string_view key) {
        return mesh(who).state().count(key);
    }
};

} // namespace baton::sim
