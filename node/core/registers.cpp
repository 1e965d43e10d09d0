#include "core/registers.hpp"

#include <algorithm>
#include <cstddef>

namespace baton::core {

registers::registers(const mesh_options& settings, store& here, own_writes& writes, membership& members,
                     proofs& asked, courier& mail, schedule& time)
    : owned(settings, here, writes.write, members, asked, mail)
    , contested(here, writes.write, members, owned,
                {settings.limits.siblings_max, settings.bounds.watched, settings.bounds.conflicts})
    , over(here, writes.write, {settings.bounds.slice, settings.clock_skew_max})
    , settings_(settings)
    , store_(here)
    , writes_(writes)
    , asked_(asked)
    , time_(time) {}

// ---------------------------------------------------------------- calls of the program

result<claim_grant> registers::claim(const moment& at, std::string_view key, const claim_terms& how) {
    store_.set_now(at.now);
    if (const auto good = writes_.check(register_of(key), 0); !good) return good.error();
    auto grant = owned.claim(at, key, how);
    time_.wake_by(owned.deadline());
    return grant;
}

result<version> registers::commit(const moment& at, std::string_view key, std::uint64_t number,
                                  std::string_view value, own_writes::optional_ttl ttl) {
    store_.set_now(at.now);
    if (const auto good = writes_.check(register_of(key), value.size()); !good) return good.error();
    if (const auto good = own_writes::check_ttl(value_type::reg, ttl); !good) return good.error();
    auto done = owned.commit(at, key, number, value, ttl);
    if (done) writes_.count();
    time_.wake_by(owned.deadline());
    return done;
}

result<void> registers::renew(const moment& at, std::string_view key, std::uint64_t number) {
    auto done = owned.renew(at, key, number);
    time_.wake_by(owned.deadline());
    return done;
}

result<version> registers::resolve(const moment& at, std::string_view key, std::string_view value,
                                   std::span<const version> shown) {
    store_.set_now(at.now);
    // A merged value that is no longer than its longest sibling may exceed the limits of this node.
    std::optional<std::size_t> counted;
    if (contested.would_grow(key, value.size())) counted = value.size();
    if (const auto good = writes_.check(register_of(key), counted); !good) return good.error();
    auto done = contested.resolve(key, value, shown, at.wall_ms);
    if (done) writes_.count();
    return done;
}

// ---------------------------------------------------------------- work

bool registers::work(bool wrote, bool busy, outbox& out) {
    bool more = busy;
    if (wrote) { // salvaged values are visible before conflicts are judged
        more = true;
    } else {
        const auto before = store_.counter_of(settings_.self);
        more = contested.work(writes_.may_write(), time_.at(), out) || more;
        wrote = store_.counter_of(settings_.self) != before;
    }
    const auto slice = settings_.bounds.slice;
    more = owned.work(wrote ? 0 : more ? (slice + 3) / 4 : slice, writes_.may_write(), out) || more;
    wake();
    return more;
}

void registers::tend(bool beats, outbox& out) {
    if (beats) contested.tend(writes_.may_write(), time_.at(), out);
    if (beats) owned.look_for_gone(writes_.may_write(), out);
    owned.tend(out);
    wake();
}

// Claims ask the members by way of the proofs, so both deadlines count.
void registers::wake() { time_.wake_by(std::min(owned.deadline(), asked_.deadline())); }

} // namespace baton::core
