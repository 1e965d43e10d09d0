// shared_calls: the calls of the C ABI that a node and a client have both, under the same names.
//
// Any thread.
#pragma once

#include "answers.hpp"
#include "arguments.hpp"

#include <baton/baton.h>
#include <baton/client.hpp>
#include <baton/node.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace baton::c {

// ---------------------------------------------------------------- answers

template <class T>
void put(answer_maker& answer, result<T> done) {
    if (!done) return answer.fail(fault_of(done.error()));
    if constexpr (std::is_same_v<T, bool>) {
        answer.set(flag(*done, BATON_FOUND));
    } else if constexpr (std::is_same_v<T, std::string>) {
        answer.take_text(*std::move(done));
    } else if constexpr (std::is_same_v<T, owner_epoch>) {
        answer.set_count(done->number);
    } else if constexpr (!std::is_void_v<T>) {
        answer.take(*std::move(done));
    }
}

inline void put(answer_maker& answer, result<std::optional<std::int64_t>> done) {
    if (!done) return answer.fail(fault_of(done.error()));
    if (!*done) return;
    answer.set(BATON_FOUND);
    answer.set_number(**done);
}

inline void put(answer_maker& answer, result<std::optional<stored_value>> done) {
    if (!done) return answer.fail(fault_of(done.error()));
    std::vector<stored_value> all;
    if (*done) all.push_back(*std::move(*done));
    answer.take(std::move(all));
}

inline void put(answer_maker& answer, const result<std::vector<value_kind>>& done) {
    if (!done) return answer.fail(fault_of(done.error()));
    std::vector<std::string> names;
    for (const auto each : *done) names.emplace_back(to_string(each));
    answer.take(std::move(names));
}

// ---------------------------------------------------------------- calls

/// The types of the options of a node or of a client.
template <class Of>
struct options_for {
    using write = write_options;
    using stash = stash_options;
    using claim = claim_options;
};
template <>
struct options_for<client> {
    using write = write_terms;
    using stash = stash_terms;
    using claim = client_claim_options;
};

/// Makes the call and waits for its end. False: it is none that both have.
template <class Of>
bool run_write(Of& of, const baton_call& call, answer_maker& answer) {
    using with = options_for<Of>;
    const auto key = text(call.key), element = text(call.element), value = text(call.value);
    const auto how = how_of<typename with::write>(call);
    switch (call.what) {
    case BATON_STASH:
        return put(answer, of.stash(key, value, how_of<typename with::stash>(call))), true;
    case BATON_STASH_ALL:
        return put(answer, of.stash(pairs(call), how_of<typename with::stash>(call))), true;
    case BATON_DROP:
        return put(answer, of.drop(key, how)), true;
    case BATON_RESOLVE:
        return put(answer, of.resolve(key, value, versions(call), how)), true;
    case BATON_ADD:
        return put(answer, of.add(key, call.amount, how)), true;
    case BATON_INSERT:
        return put(answer, of.insert(key, element, how)), true;
    case BATON_ERASE:
        return put(answer, of.erase(key, element, how)), true;
    case BATON_SET_FIELD:
        return put(answer, of.set_field(key, element, value, how)), true;
    case BATON_ERASE_FIELD:
        return put(answer, of.erase_field(key, element, how)), true;
    case BATON_ENABLE:
        return put(answer, of.enable(key, how)), true;
    case BATON_DISABLE:
        return put(answer, of.disable(key, how)), true;
    case BATON_CONFIRM:
        return put(answer, of.confirm(version_of(call.versions[0]), how.ack, how.within)), true;
    case BATON_CLAIM:
        return put(answer, of.claim(key, how_of<typename with::claim>(call))), true;
    default:
        return false;
    }
}

/// As run_write().
template <class Of>
bool run_read(Of& of, const baton_call& call, answer_maker& answer) {
    const auto key = text(call.key), element = text(call.element);
    switch (call.what) {
    case BATON_PICKUP:
        return put(answer, of.pickup(key, how_of<pickup_options>(call))), true;
    case BATON_SIBLINGS:
        return put(answer, of.siblings(key)), true;
    case BATON_COUNT:
        return put(answer, of.count(key)), true;
    case BATON_CONTAINS:
        return put(answer, of.contains(key, element)), true;
    case BATON_ELEMENTS:
        return put(answer, of.elements(key)), true;
    case BATON_FIELD:
        return put(answer, of.field(key, element)), true;
    case BATON_FIELD_SIBLINGS:
        return put(answer, of.field_siblings(key, element)), true;
    case BATON_FIELDS:
        return put(answer, of.fields(key)), true;
    case BATON_ENABLED:
        return put(answer, of.enabled(key)), true;
    case BATON_TYPES:
        return put(answer, of.types(key)), true;
    case BATON_KEYS:
        return put(answer, of.keys(key)), true;
    case BATON_MEMBERS:
        return put(answer, of.members()), true;
    default:
        return false;
    }
}

} // namespace baton::c
