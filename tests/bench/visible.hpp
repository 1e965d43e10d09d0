// The loops that the processes of visible_* run: one puts, the other notes when each put arrives. The same
// for baton and its references, so that both sides count the same thing.
//
// One thread. `told` has count and pace_ns; a pace of 0 is back to back: the next put follows the answer to
// the last.
#pragma once

#include "measure.hpp"
#include "process.hpp"

namespace baton::bench {

/// Puts when the parent says so, and reports the moment before each. put(i); await_answer(i).
template <class Put, class Await>
void send_puts(const json& told, parent& up, Put put, Await await_answer) {
    const std::int64_t pace = told["pace_ns"];
    std::vector<std::int64_t> sent(told["count"].get<std::size_t>());
    up.tell("ready");
    up.hear();
    auto next = now_ns();
    for (std::uint64_t i = 0; i < sent.size(); ++i) {
        if (pace > 0) sleep_until_ns(next += pace);
        sent[i] = now_ns();
        put(i);
        if (pace == 0) await_answer(i);
    }
    sleep_for_us(10'000); // the last put travels before this process gets busy with its report
    up.tell({{"sent", sent}});
    up.hear();
}

/// Reports the moment after each arrival. receive() blocks for the next one; answer() is called back to back.
template <class Receive, class Answer>
void stamp_puts(const json& told, parent& up, Receive receive, Answer answer) {
    const bool answers = told["pace_ns"] == 0;
    std::vector<std::int64_t> seen(told["count"].get<std::size_t>());
    up.tell("ready");
    for (auto& at : seen) {
        receive();
        at = now_ns();
        if (answers) answer();
    }
    up.tell({{"seen", seen}});
    up.hear();
}

} // namespace baton::bench
