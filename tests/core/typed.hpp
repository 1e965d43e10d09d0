// typed: three nodes that can be kept apart, so that what is done in between is concurrent; and everything
// read everywhere: by delta, by repair, and by a newcomer that has it all by session.
#pragma once

#include "scene.hpp"

namespace baton::sim {

struct typed : scene {
    typed() { gather(3); }
    /// What is done in between is concurrent.
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
    /// On the three, and on a newcomer, which has it all by session.
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
