// client_calls: how the calls of a client are put together, and what their replies mean.
//
// Pure; any thread.
#pragma once

#include "shell/door/guest.hpp"
#include "shell/node_impl.hpp"
#include "wire/client_frame.hpp"

#include <baton/ack.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/version.hpp>
#include <baton/write.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace baton::shell {

inline kept_call call_of(wire::client::verb what, std::string_view key = {}, std::string_view element = {},
                         std::string_view value = {}) {
    wire::client::call f;
    f.what = what;
    kept_call made(f);
    made.key = key;
    made.element = element;
    made.value = value;
    return made;
}

inline std::uint64_t milliseconds_of(std::chrono::milliseconds wait) {
    return static_cast<std::uint64_t>(io_thread::bounded(wait).count());
}

inline void set_level(kept_call& of, const ack_level& level, std::chrono::milliseconds within) {
    of.what.level = static_cast<std::uint64_t>(level.what);
    of.what.copies = level.count;
    of.what.within_ms = milliseconds_of(within);
}

inline void set_within(kept_call& of, const std::optional<std::chrono::milliseconds>& within) {
    if (!within || within->count() <= 0) return;
    of.what.flags |= wire::client::call::has_within;
    of.what.within_ms = milliseconds_of(*within);
}

/// Error: bad_argument.
inline result<void> set_ttl(kept_call& of, const std::optional<std::chrono::milliseconds>& ttl) {
    if (!ttl) return {};
    if (ttl->count() <= 0 || *ttl > std::chrono::hours{24 * 365 * 100})
        return error{errc::bad_argument, "a ttl is more than 0, and at most 100 years"};
    of.what.ttl_ms = static_cast<std::uint64_t>(ttl->count());
    return {};
}

inline write_result written_by(const kept_reply& got) {
    return {version{got.what.written}, static_cast<std::size_t>(got.what.copies),
            (got.what.flags & wire::client::reply::yes) != 0,
            (got.what.flags & wire::client::reply::changed) != 0};
}

inline stored_value stored_by(kept_reply got) {
    stored_value made;
    made.value = std::move(got.value);
    made.written = version{got.what.written};
    made.siblings = static_cast<std::size_t>(got.what.siblings);
    if (got.what.epoch != 0) made.epoch = owner_epoch{got.what.epoch};
    return made;
}

inline error malformed() {
    return {errc::malformed, "the member's reply does not have the form that it should have"};
}

} // namespace baton::shell
