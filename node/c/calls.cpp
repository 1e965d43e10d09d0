#include "calls.hpp"

#include "arguments.hpp"
#include "shared_calls.hpp"

#include <baton/stats.hpp>

#include <utility>

namespace baton::c {

namespace {

member self_of(const baton::node& of) {
    member self;
    self.id = of.id();
    self.name = of.name();
    self.endpoint = of.endpoint();
    self.state = member_state::up;
    self.synced = true;
    return self;
}

void run_on_claim(const baton_call& call, answer_maker& answer) {
    fault why;
    const using_a<claim_object> held(call.claim, why);
    if (!held) return answer.fail(why);
    auto& mine = held->of;
    switch (call.what) {
    case BATON_COMMIT:
        return put(answer, mine.commit(text(call.value), how_of<commit_options>(call)));
    case BATON_RENEW:
        return put(answer, mine.renew());
    case BATON_RELEASE:
        return put(answer, mine.release());
    default:
        return answer.set(flag(mine.lost(), BATON_LOST) | flag(mine.tentative(), BATON_TENTATIVE));
    }
}

} // namespace

void run(node_object& by, const baton_call& call, answer_maker& answer) {
    auto& of = by.of;
    if (run_write(of, call, answer) || run_read(of, call, answer)) return;
    switch (call.what) {
    case BATON_WAIT_SYNCED:
        return put(answer, of.wait_synced(how_of<write_options>(call).within));
    case BATON_LEAVE:
        return put(answer, of.leave(how_of<leave_options>(call)));
    case BATON_STATS:
        return put(answer,
                   of.stats().transform([&](const auto& all) { return to_prometheus(all, of.name()); }));
    case BATON_DIGEST:
        return put(answer, of.digest());
    case BATON_SELF:
        return answer.take(std::vector<member>{self_of(of)});
    case BATON_COMMIT:
    case BATON_RENEW:
    case BATON_RELEASE:
    case BATON_CLAIM_STATE:
        return run_on_claim(call, answer);
    default:
        return answer.fail({BATON_BAD_ARGUMENT, "only a client has this call: the handle is one of a node"});
    }
}

fault begin(node_object& by, queue_object& into, std::uint64_t tag, const baton_call& call) {
    async calls(by.of, into.of);
    const auto key = text(call.key), element = text(call.element), value = text(call.value);
    const auto how = how_of<write_options>(call);
    const auto begun = [&]() -> result<void> {
        switch (call.what) {
        case BATON_STASH:
            return calls.stash(tag, key, value, how_of<stash_options>(call));
        case BATON_DROP:
            return calls.drop(tag, key, how);
        case BATON_RESOLVE:
            return calls.resolve(tag, key, value, versions(call), how);
        case BATON_ADD:
            return calls.add(tag, key, call.amount, how);
        case BATON_INSERT:
            return calls.insert(tag, key, element, how);
        case BATON_ERASE:
            return calls.erase(tag, key, element, how);
        case BATON_SET_FIELD:
            return calls.set_field(tag, key, element, value, how);
        case BATON_ERASE_FIELD:
            return calls.erase_field(tag, key, element, how);
        case BATON_ENABLE:
            return calls.enable(tag, key, how);
        case BATON_DISABLE:
            return calls.disable(tag, key, how);
        case BATON_PICKUP:
            return calls.pickup(tag, key, how_of<pickup_options>(call));
        case BATON_CLAIM:
            return calls.claim(tag, key, how_of<claim_options>(call));
        case BATON_CONFIRM:
            return calls.confirm(tag, version_of(call.versions[0]), how.ack, how.within);
        case BATON_WAIT_SYNCED:
            return calls.wait_synced(tag, how.within);
        case BATON_LEAVE:
            return calls.leave(tag, how_of<leave_options>(call));
        default:
            return error{errc::bad_argument, "a node has this call for baton_run() only"};
        }
    };
    if (call.what == BATON_COMMIT) {
        fault why;
        const using_a<claim_object> mine(call.claim, why);
        if (!mine) return why;
        const auto committing = calls.commit(tag, mine->of, value, how_of<commit_options>(call));
        return committing ? fault{} : fault_of(committing.error());
    }
    const auto good = begun();
    return good ? fault{} : fault_of(good.error());
}

} // namespace baton::c
