#include "arguments.hpp"
#include "calls.hpp"
#include "guard.hpp"
#include "shared_calls.hpp"
#include "shell/completions.hpp"

#include <baton/stats.hpp>

#include <memory>
#include <utility>

namespace baton::c {

namespace {

bool is_about_a_claim(const baton_call& call) {
    return call.what == BATON_COMMIT || call.what == BATON_RELEASE || call.what == BATON_CLAIM_STATE;
}

void run_on_client_claim(const baton_call& call, answer_maker& answer) {
    fault why;
    const using_a<client_claim_object> held(call.claim, why);
    if (!held) return answer.fail(why);
    auto& mine = held->of;
    if (call.what == BATON_COMMIT)
        return put(answer, mine.commit(text(call.value), how_of<client_commit_options>(call)));
    if (call.what == BATON_RELEASE) return put(answer, mine.release());
    const auto holds = mine.holds();
    if (!holds) return answer.fail(fault_of(holds.error()));
    const auto tentative = mine.tentative();
    if (!tentative) return answer.fail(fault_of(tentative.error()));
    answer.set(flag(!*holds, BATON_LOST) | flag(*tentative, BATON_TENTATIVE));
}

/// As Prometheus reads it, under the name of the member that the client talks to.
result<std::string> metrics(client& of) {
    const auto members = of.members();
    if (!members) return members.error();
    return of.stats().transform([&](const node_stats& all) {
        return to_prometheus(all, members->empty() ? "" : members->front().name);
    });
}

} // namespace

void run(client_object& by, const baton_call& call, answer_maker& answer) {
    auto& of = by.of;
    if (is_about_a_claim(call)) return run_on_client_claim(call, answer);
    if (run_write(of, call, answer) || run_read(of, call, answer)) return;
    switch (call.what) {
    case BATON_LEAVE:
        return put(answer, of.leave(text(call.key), within(call)));
    case BATON_STATS:
        return put(answer, metrics(of));
    case BATON_TALKS_TO: {
        const auto who = of.talks_to();
        if (!who) return;
        answer.set(BATON_FOUND);
        return answer.take(*who);
    }
    case BATON_PING: {
        const auto took = of.ping();
        if (!took) return answer.fail(fault_of(took.error()));
        return answer.set_number(took->count());
    }
    case BATON_LOST_WRITES:
        return answer.take(of.lost_writes());
    case BATON_ACCEPT_LOSS:
        return of.accept_loss();
    default:
        return answer.fail({BATON_BAD_ARGUMENT, "only a node has this call: the handle is one of a client"});
    }
}

fault begin(client_object& by, queue_object& into, std::uint64_t tag, const baton_call& call) {
    if (is_about_a_claim(call)) {
        fault why;
        if (const using_a<client_claim_object> mine(call.claim, why); !mine) return why;
    }
    const auto kept = std::make_shared<kept_call>(call);
    const auto answer = std::make_shared<answer_maker>(tag);
    const auto& queue = into.channel();
    if (const auto place = queue->reserve(); !place) return fault_of(place.error());
    auto given = guarded([&] {
        return by.calls.give([&by, kept, answer, queue, tag] {
            const auto failed = guarded([&]() -> fault {
                run(by, kept->call(), *answer);
                return {};
            });
            if (failed.code != BATON_OK) answer->fail(failed);
            queue->push({tag, result<void>()}, answer);
        });
    });
    if (given.code != BATON_OK) queue->give_back();
    return given;
}

} // namespace baton::c
