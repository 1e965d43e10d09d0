// arguments: what a baton_call asks for, as arguments of the C++ API.
//
// Any thread.
#pragma once

#include "answers.hpp"

#include <baton/ack.hpp>
#include <baton/baton.h>
#include <baton/client_options.hpp>
#include <baton/pickup.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::c {

/// Whether the call is one of this library, with arguments that can be read.
[[nodiscard]] fault check(const baton_call* call);

inline std::string_view text(const baton_bytes& of) {
    return of.size != 0 ? std::string_view(of.data, of.size) : "";
}

[[nodiscard]] ack_level level(const baton_call& call, ack_level otherwise);
[[nodiscard]] std::vector<version> versions(const baton_call& call);
[[nodiscard]] std::vector<std::pair<std::string_view, std::string_view>> pairs(const baton_call& call);

inline std::optional<std::chrono::milliseconds> within(const baton_call& call) {
    if (call.within_ms == 0) return std::nullopt;
    return std::chrono::milliseconds{std::max<std::int64_t>(call.within_ms, 0)};
}

/// The options of a call: what the call says nothing of is as How has it.
template <class How>
How how_of(const baton_call& call) {
    const auto has = [&](baton_call_flag flag) { return (call.flags & flag) != 0; };
    How how;
    if (const auto given = within(call)) how.within = *given;
    if constexpr (requires { how.ack; }) how.ack = level(call, how.ack);
    if constexpr (requires { how.retry; })
        how.retry = has(BATON_AT_LEAST_ONCE) ? client_retry::at_least_once : client_retry::never;
    if constexpr (requires { how.ttl; })
        if (call.ttl_ms != 0) how.ttl = std::chrono::milliseconds{call.ttl_ms};
    if constexpr (requires { how.if_version; })
        if (has(BATON_IF_VERSION)) how.if_version = version_of(call.versions[0]);
    if constexpr (requires { how.until; })
        how.until = has(BATON_UNTIL_KNOWN) ? pickup_until::known : pickup_until::found;
    if constexpr (requires { how.lease; })
        if (call.lease_ms != 0) how.lease = std::chrono::milliseconds{call.lease_ms};
    if constexpr (requires { how.if_free; }) how.if_free = has(BATON_IF_FREE);
    if constexpr (requires { how.if_epoch; })
        if (has(BATON_IF_EPOCH)) how.if_epoch = owner_epoch{call.epoch};
    if constexpr (requires { how.copies; })
        if (call.copies != 0) how.copies = call.copies;
    if constexpr (requires { how.nobody_stays; }) how.nobody_stays = has(BATON_NOBODY_STAYS);
    return how;
}

/// A call, and copies of what it points to, for as long as it takes.
class kept_call {
  public:
    explicit kept_call(const baton_call& of);
    kept_call(const kept_call&) = delete;
    [[nodiscard]] const baton_call& call() const { return call_; }

  private:
    baton_bytes keep(const baton_bytes& of);

    baton_call call_;
    std::vector<std::string> texts_;
    std::vector<baton_version> versions_;
    std::vector<baton_pair> pairs_;
};

} // namespace baton::c
