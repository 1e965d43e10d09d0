// registers: joins the machines that change registers on their own: claims, merging and reduction of
// siblings, the end of a time to live. It checks the calls of the program and fixes the order in which the
// machines write: in one slice of work a slot is written once.
//
// Pure; owned by a mesh, same thread contract. When to call again: work() and over.work() while they return
// true and whenever has_news(); tend() with the timers. The schedule has the deadlines of the machines.
#pragma once

#include "core/answers.hpp"
#include "core/claims.hpp"
#include "core/conflicts.hpp"
#include "core/courier.hpp"
#include "core/expired_removal.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/own_writes.hpp"
#include "core/proofs.hpp"
#include "core/schedule.hpp"
#include "crdt/store.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace baton::core {

class registers {
  public:
    registers(const mesh_options& settings, store& here, own_writes& writes, membership& members,
              proofs& asked, courier& mail, schedule& time);

    claims owned;
    conflicts contested;
    expired_removal over;

    // --- calls of the program; errors: those of own_writes::check and of the machine ---
    /// Takes the register over. A claim of this node on it ends. Errors: absent; conflict, if the terms are
    /// not met.
    result<claim_grant> claim(const moment& at, std::string_view key, const claim_terms& how);
    /// By the claim's number. Error: claim_lost.
    result<version> commit(const moment& at, std::string_view key, std::uint64_t number,
                           std::string_view value, own_writes::optional_ttl ttl = {});
    result<void> renew(const moment& at, std::string_view key, std::uint64_t number);
    /// Replaces exactly the versions `shown`, all of which must still exist. Error: conflict.
    result<version> resolve(const moment& at, std::string_view key, std::string_view value,
                            std::span<const version> shown);
    /// A register with siblings for this node to merge: then call resolve(), or contested.give_up_merge().
    [[nodiscard]] std::optional<merge_task> next_merge() { return contested.next_merge(writes_.may_write()); }

    // --- work ---
    /// With every slice, last. `wrote`: this node has written in this slice. `busy`: other work waits, so
    /// claims get a smaller share. True while there is more to do.
    bool work(bool wrote, bool busy, outbox& out);
    /// With the timers. `beats`: with the heartbeat, too.
    void tend(bool beats, outbox& out);
    /// work() is wanted soon although nothing is to be sent.
    [[nodiscard]] bool has_news() const { return owned.has_news() || store_.has_contests(); }

  private:
    void wake();

    const mesh_options& settings_;
    store& store_;
    own_writes& writes_;
    proofs& asked_;
    schedule& time_;
};

} // namespace baton::core
