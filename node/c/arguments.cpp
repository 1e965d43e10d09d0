#include "arguments.hpp"

#include <cstring>

namespace baton::c {

namespace {

bool is_readable(const baton_bytes& of) { return of.size == 0 || of.data != nullptr; }

bool is_known(std::uint32_t what) {
    return (what >= BATON_STASH && what <= BATON_STASH_ALL) ||
           (what >= BATON_PICKUP && what <= BATON_LEAVE) ||
           (what >= BATON_SIBLINGS && what <= BATON_ACCEPT_LOSS) ||
           (what >= BATON_RENEW && what <= BATON_CLAIM_STATE);
}

bool are_readable(const baton_call& call) {
    if (!is_readable(call.key) || !is_readable(call.element) || !is_readable(call.value)) return false;
    if (call.versions_count != 0 && call.versions == nullptr) return false;
    if (call.pairs_count != 0 && call.pairs == nullptr) return false;
    return std::all_of(call.pairs, call.pairs + call.pairs_count, [](const baton_pair& each) {
        return is_readable(each.key) && is_readable(each.value);
    });
}

} // namespace

fault check(const baton_call* call) {
    if (call == nullptr) return {BATON_BAD_ARGUMENT, "the call is NULL"};
    if (call->size < sizeof(baton_call))
        return {BATON_BAD_ARGUMENT, "baton_call.size is smaller than any version of the struct"};
    const auto* const bytes = reinterpret_cast<const char*>(call);
    if (std::any_of(bytes + sizeof(baton_call), bytes + call->size, [](char each) { return each != 0; }))
        return {BATON_BAD_ARGUMENT, "the call uses a part of baton_call that this library does not know"};
    if (!is_known(call->what) || call->ack > BATON_ACK_LOCAL ||
        (call->flags & ~std::uint32_t{BATON_CALL_FLAGS}) != 0)
        return {BATON_BAD_ARGUMENT,
                "baton_call.what, ack or flags has a value that this library does not know"};
    if (!are_readable(*call))
        return {BATON_BAD_ARGUMENT, "a pointer of baton_call is NULL, although its size or count is not 0"};
    if ((call->what == BATON_CONFIRM || (call->flags & BATON_IF_VERSION) != 0) && call->versions_count == 0)
        return {BATON_BAD_ARGUMENT, "the call needs baton_call.versions"};
    return {};
}

ack_level level(const baton_call& call, ack_level otherwise) {
    switch (call.ack) {
    case BATON_ACK_LOCAL:
        return ack_level::local();
    case BATON_ACK_COPIES:
        return ack_level::copies(call.copies);
    case BATON_ACK_MAJORITY:
        return ack_level::majority();
    case BATON_ACK_ALL_UP:
        return ack_level::all_up();
    default:
        return otherwise;
    }
}

std::vector<version> versions(const baton_call& call) {
    std::vector<version> all;
    for (std::size_t i = 0; i < call.versions_count; ++i) all.push_back(version_of(call.versions[i]));
    return all;
}

std::vector<std::pair<std::string_view, std::string_view>> pairs(const baton_call& call) {
    std::vector<std::pair<std::string_view, std::string_view>> all;
    for (std::size_t i = 0; i < call.pairs_count; ++i)
        all.emplace_back(text(call.pairs[i].key), text(call.pairs[i].value));
    return all;
}

kept_call::kept_call(const baton_call& of)
    : call_(of)
    , versions_(of.versions, of.versions + of.versions_count)
    , pairs_(of.pairs, of.pairs + of.pairs_count) {
    texts_.reserve(3 + 2 * pairs_.size()); // short texts move with their string
    call_.key = keep(of.key);
    call_.element = keep(of.element);
    call_.value = keep(of.value);
    for (auto& each : pairs_) each = {keep(each.key), keep(each.value)};
    call_.versions = versions_.data();
    call_.pairs = pairs_.data();
}

baton_bytes kept_call::keep(const baton_bytes& of) {
    const auto& kept = texts_.emplace_back(text(of));
    return {kept.data(), kept.size()};
}

} // namespace baton::c
