// Calls of clients that wait until this node has applied what the client has seen elsewhere.
#include "shell/door/desk.hpp"
#include "shell/text.hpp"

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;
namespace client = wire::client;

namespace {
constexpr auto look_every = 2ms, round_at_most = 50ms;
}

void desk::look() {
    look_for_lists();
    look_for_watches();
    const auto at = now();
    if (at < looked_ + look_every) return;
    looked_ = at;
    for (auto& [id, of] : guests_) {
        if (!of.owed.empty()) look_for_owed(of);
    }
    manage_rounds();
}

// One round of questions to all members is open at a time, for all clients that wait. Who comes while it is
// open waits for the next one: an answer shows only what was so after the question.
void desk::manage_rounds() {
    bool wanted = false, relied_on = false;
    for (const auto& [id, of] : guests_) {
        if (of.behind.empty()) continue;
        (of.question == 0 ? wanted : relied_on) = true;
    }
    const auto at = now();
    const bool is_over = round_ != 0 && (!relied_on || (wanted && at >= round_since_ + round_at_most));
    if (!is_over && (round_ != 0 || !wanted)) return;
    engine_.with([&](core::mesh& mesh) {
        const auto former = round_;
        round_ = wanted ? mesh.begin_question(io_thread::now()) : 0;
        if (former != 0) mesh.end_question(former);
    });
    round_since_ = at;
    if (round_ == 0) return;
    for (auto& [id, of] : guests_) {
        if (!of.behind.empty() && of.question == 0) of.question = round_;
    }
    engine_.look(); // the I/O thread asks
}

void desk::look_for_owed(guest& of) {
    if (engine_.with([&](core::mesh& mesh) { return mesh.state().covers(of.owed); })) {
        of.owed = {};
        of.question = 0;
        for (auto waiting = std::exchange(of.behind, {}); !waiting.empty(); waiting.pop_front())
            perform(of, waiting.front().view());
        return;
    }
    if (of.behind.empty() || now() < of.behind_since + of.patience) return;
    cut from;
    const auto failure = missing(of, from);
    of.question = 0;
    for (auto waiting = std::exchange(of.behind, {}); !waiting.empty(); waiting.pop_front()) {
        kept_reply reply;
        reply.what.number = waiting.front().what.number;
        reply.failure = to_string(failure.code);
        reply.text = failure.what;
        reply.value = wire::encode_cut(from);
        answer(of, std::move(reply), false);
    }
}

// What the client has seen is lost if nobody who could still have it is in view: its writer is gone, and
// every member in view has answered a question that was put after the client came, and everything that the
// answers name is applied here. `from`: of each writer the first event that is missing.
error desk::missing(guest& of, cut& from) {
    std::string whose;
    bool is_lost = false;
    engine_.with([&](core::mesh& mesh) {
        const auto members = mesh.members();
        const auto state_of = [&](const replica_id& id) -> std::optional<member_state> {
            const auto at =
                std::find_if(members.begin(), members.end(), [&](const auto& each) { return each.id == id; });
            return at == members.end() ? std::nullopt : std::optional(at->state);
        };
        const auto is_gone = [&](const replica_id& id) {
            const auto state = state_of(id);
            return state == member_state::left || state == member_state::crashed;
        };
        const auto judged = mesh.judge_absence(of.question);
        is_lost = of.question != 0 &&
                  (judged.who.empty() ? judged.confirmed
                                      : std::all_of(judged.who.begin(), judged.who.end(), is_gone));
        for (const auto& each : of.owed.entries()) {
            if (mesh.state().has_seen(each)) continue;
            from.push_back({each.replica, mesh.state().counter_of(each.replica) + 1});
            if (state_of(each.replica) && !is_gone(each.replica)) is_lost = false;
            const auto named = std::find_if(members.begin(), members.end(), [&](const auto& one) {
                return one.id == each.replica && !one.name.empty();
            });
            if (whose.size() > 300) continue; // of a sentence
            (whose += whose.empty() ? "" : ", ") +=
                named != members.end() ? printable(named->name) : each.replica.to_string();
        }
    });
    if (is_lost)
        return {errc::lost, "no member in view has all that this client has seen of " + whose +
                                ": accept_loss() goes on without it"};
    return {errc::behind, "'" + printable(settings_.name) + "' lacks what this client has seen of " + whose +
                              ": try again"};
}

} // namespace baton::shell
