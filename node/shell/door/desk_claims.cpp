// Registers that clients own. The node makes the claims, and keeps for whom: so a claim of a client ends with
// the node's own, and also when the client is silent for its lease.
#include "shell/calls.hpp"
#include "shell/door/desk.hpp"

#include <string>
#include <utility>
#include <vector>

namespace baton::shell {

using namespace std::chrono_literals;
namespace client = wire::client;
using client::verb;

namespace {

constexpr std::size_t inline_bytes_max = 4096; // replies to writes are kept for a minute
constexpr auto lease_min = 3s, lease_max = 60s, lease_usual = 10s;

error claim_is_lost(std::string_view key) {
    return {errc::claim_lost, '"' + std::string(key) + "\" is not claimed by this client any more"};
}

} // namespace

void desk::claim(guest& of, const call& f) {
    if (const auto lease = ttl_of(f); lease && (*lease < lease_min || *lease > lease_max))
        return fail(of, f, {errc::bad_argument, "the lease of a client's claim is 3 to 60 s"});
    claim_options how;
    if ((f.flags & call::has_within) != 0) how.within = within_of(f);
    how.if_free = (f.flags & call::if_free) != 0;
    if ((f.flags & call::if_epoch) != 0) how.if_epoch = owner_epoch{f.amount};
    begin_claim(engine_, std::string(f.key), how, to_mail<core::claim_grant>(of, f));
}

void desk::finish(guest& of, const call& f, const result<core::claim_grant>& done) {
    lent_.lend(std::string(f.key), {of.id, done->number, done->epoch, ttl_of(f).value_or(lease_usual)});
    const auto& taken = done->shown.front();
    auto reply = reply_to(f);
    reply.what.flags = client::reply::yes;
    reply.what.written = taken.written.id;
    reply.what.siblings = done->shown.size() - 1;
    reply.what.epoch = done->epoch;
    reply.what.copies = taken.epoch ? taken.epoch->number : 0;
    reply.what.total = taken.value.size();
    if (taken.value.size() <= inline_bytes_max) reply.value = taken.value;
    answer(of, std::move(reply), true);
}

void desk::commit(guest& of, const call& f) {
    const auto* const held = lent_.of(of.id, f.key, f.amount);
    if (held == nullptr) return fail(of, f, claim_is_lost(f.key));
    begin_write(
        engine_, options_of(f),
        [key = std::string(f.key), number = held->number, value = std::string(f.value),
         ttl = ttl_of(f)](core::mesh& mesh, const moment& at) {
            return mesh.registers().commit(at, key, number, value, ttl);
        },
        to_mail<write_result>(of, f));
}

void desk::release(guest& of, const call& f) {
    const auto* const held = lent_.of(of.id, f.key, f.amount);
    if (held == nullptr) return fail(of, f, claim_is_lost(f.key));
    const auto free = release(f.key, held->number);
    if (!free) return fail(of, f, free.error());
    auto reply = reply_to(f);
    reply.what.epoch = *free;
    answer(of, std::move(reply), true);
}

result<std::uint64_t> desk::release(std::string_view key, std::uint64_t number) {
    auto free = engine_.write_now(
        [&](core::mesh& mesh, const moment& at) { return mesh.registers().owned.release(at, key, number); });
    lent_.forget(key);
    return free;
}

void desk::note_loss(const guest& of, const call& f) {
    if (lent_.of(of.id, f.key, f.amount) != nullptr) lent_.forget(f.key);
}

void desk::say_owns(guest& of, const call& f) {
    auto reply = reply_to(f);
    if (const auto* const held = lent_.of(of.id, f.key, f.amount);
        held != nullptr && is_owned(f.key, *held)) {
        reply.what.flags = client::reply::yes;
        const bool is_tentative = engine_.with(
            [&](core::mesh& mesh) { return mesh.registers().owned.is_tentative(f.key, held->number); });
        if (is_tentative) reply.what.flags |= client::reply::changed;
    } else {
        note_loss(of, f);
    }
    answer(of, std::move(reply), false);
}

bool desk::is_owned(std::string_view key, const lent_claim& held) {
    const auto owns = engine_.write_now([&](core::mesh& mesh, const moment& at) -> result<bool> {
        return mesh.registers().owned.owns(at, key, held.number);
    });
    return owns.value_or(false);
}

// For the mesh every write of this node is the owner's, so it is the desk that tells its clients apart.
std::optional<error> desk::owned_by_another(const guest& of, std::string_view key) {
    const auto* const held = lent_.holder(key);
    if (held == nullptr || held->client == of.id) return std::nullopt;
    if (!is_owned(key, *held)) {
        lent_.forget(key);
        return std::nullopt;
    }
    return error{errc::claimed, '"' + std::string(key) + "\" is owned by another client of this member"};
}

// Every quarter of a second, so a lease lasts up to so much longer.
void desk::end_leases(instant at) {
    std::vector<std::pair<std::string, std::uint64_t>> over;
    for (const auto& [key, held] : lent_.all()) {
        const auto* const of = of_client(held.client);
        if (of == nullptr || at > of->heard + held.lease) over.emplace_back(key, held.number);
    }
    for (const auto& [key, number] : over) (void)release(key, number); // it may be lost already
}

} // namespace baton::shell
