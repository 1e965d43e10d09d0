#include "calls.hpp"

#include <baton/stats.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace baton::c {

using std::chrono::milliseconds;

namespace {

// ---------------------------------------------------------------- arguments

std::string_view text(const baton_bytes& of) {
    return of.size != 0 ? std::string_view(of.data, of.size) : "";
}

milliseconds within(const baton_call& call, milliseconds otherwise) {
    return call.within_ms == 0 ? otherwise : milliseconds{std::max<std::int64_t>(call.within_ms, 0)};
}
std::optional<milliseconds> within(const baton_call& call) {
    if (call.within_ms == 0) return std::nullopt;
    return within(call, {});
}
std::optional<milliseconds> time_of(std::int64_t ms) {
    return ms != 0 ? std::optional(milliseconds{ms}) : std::nullopt;
}

ack_level level(const baton_call& call) {
    switch (call.ack) {
    case BATON_ACK_COPIES:
        return ack_level::copies(call.copies);
    case BATON_ACK_MAJORITY:
        return ack_level::majority();
    case BATON_ACK_ALL_UP:
        return ack_level::all_up();
    default:
        return ack_level::local();
    }
}

write_options write_how(const baton_call& call) {
    return {level(call), within(call, write_options{}.within)};
}
commit_options commit_how(const baton_call& call) {
    return {level(call), within(call, write_options{}.within), time_of(call.ttl_ms)};
}
stash_options stash_how(const baton_call& call) {
    stash_options how{level(call), within(call, write_options{}.within), time_of(call.ttl_ms), {}};
    if ((call.flags & BATON_IF_VERSION) != 0) how.if_version = version_of(call.versions[0]);
    return how;
}
pickup_options pickup_how(const baton_call& call) {
    return {within(call), (call.flags & BATON_UNTIL_KNOWN) != 0 ? pickup_until::known : pickup_until::found};
}
claim_options claim_how(const baton_call& call) {
    return {within(call), time_of(call.lease_ms), (call.flags & BATON_IF_FREE) != 0};
}
leave_options leave_how(const baton_call& call) {
    return {within(call), call.copies != 0 ? call.copies : leave_options{}.copies,
            (call.flags & BATON_NOBODY_STAYS) != 0};
}
std::vector<version> versions(const baton_call& call) {
    std::vector<version> all;
    for (std::size_t i = 0; i < call.versions_count; ++i) all.push_back(version_of(call.versions[i]));
    return all;
}

bool is_readable(const baton_bytes& of) { return of.size == 0 || of.data != nullptr; }

// ---------------------------------------------------------------- answers

template <class T>
void put(answer_maker& answer, result<T> done) {
    if (!done) return answer.fail(fault_of(done.error()));
    if constexpr (std::is_same_v<T, bool>) {
        answer.set(flag(*done, BATON_FOUND));
    } else if constexpr (std::is_same_v<T, std::string>) {
        answer.take_text(*std::move(done));
    } else if constexpr (!std::is_void_v<T>) {
        answer.take(*std::move(done));
    }
}

void put(answer_maker& answer, result<std::optional<std::int64_t>> done) {
    if (!done) return answer.fail(fault_of(done.error()));
    if (!*done) return;
    answer.set(BATON_FOUND);
    answer.set_number(**done);
}

void put(answer_maker& answer, result<std::optional<stored_value>> done) {
    if (!done) return answer.fail(fault_of(done.error()));
    std::vector<stored_value> all;
    if (*done) all.push_back(*std::move(*done));
    answer.take(std::move(all));
}

void put(answer_maker& answer, const result<std::vector<value_kind>>& done) {
    if (!done) return answer.fail(fault_of(done.error()));
    std::vector<std::string> names;
    for (const auto each : *done) names.emplace_back(to_string(each));
    answer.take(std::move(names));
}

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
        return put(answer, mine.commit(text(call.value), commit_how(call)));
    case BATON_RENEW:
        return put(answer, mine.renew());
    case BATON_RELEASE: {
        const auto epoch = mine.release();
        if (!epoch) return answer.fail(fault_of(epoch.error()));
        return answer.set_count(epoch->number);
    }
    default:
        return answer.set(flag(mine.lost(), BATON_LOST) | flag(mine.tentative(), BATON_TENTATIVE));
    }
}

void run_read(baton::node& of, const baton_call& call, answer_maker& answer) {
    const auto key = text(call.key), element = text(call.element);
    switch (call.what) {
    case BATON_SIBLINGS:
        return put(answer, of.siblings(key));
    case BATON_COUNT:
        return put(answer, of.count(key));
    case BATON_CONTAINS:
        return put(answer, of.contains(key, element));
    case BATON_ELEMENTS:
        return put(answer, of.elements(key));
    case BATON_FIELD:
        return put(answer, of.field(key, element));
    case BATON_FIELD_SIBLINGS:
        return put(answer, of.field_siblings(key, element));
    case BATON_FIELDS:
        return put(answer, of.fields(key));
    case BATON_ENABLED:
        return put(answer, of.enabled(key));
    case BATON_TYPES:
        return put(answer, of.types(key));
    case BATON_KEYS:
        return put(answer, of.keys(key));
    case BATON_MEMBERS:
        return put(answer, of.members());
    case BATON_STATS:
        return put(answer,
                   of.stats().transform([&](const auto& all) { return to_prometheus(all, of.name()); }));
    case BATON_DIGEST:
        return put(answer, of.digest());
    default:
        return answer.take(std::vector<member>{self_of(of)});
    }
}

} // namespace

fault check(const baton_call* call) {
    if (call == nullptr) return {BATON_BAD_ARGUMENT, "the call is NULL"};
    if (call->size < sizeof(baton_call))
        return {BATON_BAD_ARGUMENT, "baton_call.size is smaller than any version of the struct"};
    const auto* const bytes = reinterpret_cast<const char*>(call);
    if (std::any_of(bytes + sizeof(baton_call), bytes + call->size, [](char each) { return each != 0; }))
        return {BATON_BAD_ARGUMENT, "the call uses a part of baton_call that this library does not know"};
    const auto what = call->what;
    const bool known =
        (what >= BATON_STASH && what <= BATON_COMMIT) || (what >= BATON_PICKUP && what <= BATON_LEAVE) ||
        (what >= BATON_SIBLINGS && what <= BATON_SELF) || (what >= BATON_RENEW && what <= BATON_CLAIM_STATE);
    if (!known || call->ack > BATON_ACK_ALL_UP || (call->flags & ~std::uint32_t{BATON_CALL_FLAGS}) != 0)
        return {BATON_BAD_ARGUMENT,
                "baton_call.what, ack or flags has a value that this library does not know"};
    if (!is_readable(call->key) || !is_readable(call->element) || !is_readable(call->value) ||
        (call->versions_count != 0 && call->versions == nullptr))
        return {BATON_BAD_ARGUMENT, "a pointer of baton_call is NULL, although its size or count is not 0"};
    if ((call->what == BATON_CONFIRM || (call->flags & BATON_IF_VERSION) != 0) && call->versions_count == 0)
        return {BATON_BAD_ARGUMENT, "the call needs baton_call.versions"};
    return {};
}

void run(node_object& by, const baton_call& call, answer_maker& answer) {
    auto& of = by.of;
    const auto key = text(call.key), element = text(call.element), value = text(call.value);
    const auto how = write_how(call);
    switch (call.what) {
    case BATON_STASH:
        return put(answer, of.stash(key, value, stash_how(call)));
    case BATON_DROP:
        return put(answer, of.drop(key, how));
    case BATON_RESOLVE:
        return put(answer, of.resolve(key, value, versions(call), how));
    case BATON_ADD:
        return put(answer, of.add(key, call.amount, how));
    case BATON_INSERT:
        return put(answer, of.insert(key, element, how));
    case BATON_ERASE:
        return put(answer, of.erase(key, element, how));
    case BATON_SET_FIELD:
        return put(answer, of.set_field(key, element, value, how));
    case BATON_ERASE_FIELD:
        return put(answer, of.erase_field(key, element, how));
    case BATON_ENABLE:
        return put(answer, of.enable(key, how));
    case BATON_DISABLE:
        return put(answer, of.disable(key, how));
    case BATON_PICKUP:
        return put(answer, of.pickup(key, pickup_how(call)));
    case BATON_CONFIRM:
        return put(answer, of.confirm(version_of(call.versions[0]), level(call), how.within));
    case BATON_WAIT_SYNCED:
        return put(answer, of.wait_synced(how.within));
    case BATON_LEAVE:
        return put(answer, of.leave(leave_how(call)));
    case BATON_CLAIM: {
        auto granted = of.claim(key, claim_how(call));
        if (!granted) return answer.fail(fault_of(granted.error()));
        return answer.take(*std::move(granted));
    }
    case BATON_COMMIT:
    case BATON_RENEW:
    case BATON_RELEASE:
    case BATON_CLAIM_STATE:
        return run_on_claim(call, answer);
    default:
        return run_read(of, call, answer);
    }
}

fault begin(node_object& by, queue_object& into, std::uint64_t tag, const baton_call& call) {
    async calls(by.of, into.of);
    const auto key = text(call.key), element = text(call.element), value = text(call.value);
    const auto how = write_how(call);
    const auto begun = [&]() -> result<void> {
        switch (call.what) {
        case BATON_STASH:
            return calls.stash(tag, key, value, stash_how(call));
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
            return calls.pickup(tag, key, pickup_how(call));
        case BATON_CLAIM:
            return calls.claim(tag, key, claim_how(call));
        case BATON_CONFIRM:
            return calls.confirm(tag, version_of(call.versions[0]), level(call), how.within);
        case BATON_WAIT_SYNCED:
            return calls.wait_synced(tag, how.within);
        case BATON_LEAVE:
            return calls.leave(tag, leave_how(call));
        default:
            return error{errc::bad_argument, "the call never waits: it is for baton_run()"};
        }
    };
    if (call.what == BATON_COMMIT) {
        fault why;
        const using_a<claim_object> mine(call.claim, why);
        if (!mine) return why;
        const auto committing = calls.commit(tag, mine->of, value, commit_how(call));
        return committing ? fault{} : fault_of(committing.error());
    }
    const auto good = begun();
    return good ? fault{} : fault_of(good.error());
}

} // namespace baton::c
