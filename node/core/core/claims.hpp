// claims: which registers this node owns and until when; releases the claims of owners that are gone.
// Ownership is in the record: with an odd epoch the replica that wrote it owns the key, with an even epoch
// the key is free. Of concurrent records the one with the higher epoch is read. So only an event ends a
// claim, and a read does not depend on membership.
//
// Pure; owned by a mesh, same thread contract. Bounded by the number of claimed registers. When to call
// again: tend() at deadline(), work() while it returns true and whenever has_news(), look_for_gone() with
// every heartbeat; proofs::deadline() may have changed after each of them.
#pragma once

#include "core/answers.hpp"
#include "core/claim_book.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/proofs.hpp"
#include "core/writer.hpp"
#include "crdt/store.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::core {

class claims {
  public:
    struct counts {
        std::uint64_t made = 0, lost = 0;
    };
    claims(const mesh_options& settings, store& here, writer& write, membership& members, proofs& asked,
           courier& mail);

    // --- of this process; the caller has checked that the write may be made ---
    /// Takes over the value that is read, from any owner. Its siblings stay until a commit replaces them.
    /// Errors: absent; conflict, if the terms are not met.
    result<claim_grant> claim(const moment& at, std::string_view key, const claim_terms& how);
    // By the claim's number. Error: claim_lost.
    result<version> commit(const moment& at, std::string_view key, std::uint64_t number,
                           std::string_view value, std::optional<std::chrono::milliseconds> ttl);
    result<void> renew(const moment& at, std::string_view key, std::uint64_t number);
    /// Returns the epoch under which the key is free.
    result<std::uint64_t> release(const moment& at, std::string_view key, std::uint64_t number);
    [[nodiscard]] bool owns(const moment& at, std::string_view key, std::uint64_t number);
    /// A node that cannot be reached may have claimed the same keys.
    [[nodiscard]] bool is_tentative() const;
    /// The same, or a member in view has not agreed to this claim.
    [[nodiscard]] bool is_tentative(std::string_view key, std::uint64_t number);
    /// Releases at most `most` of this node's claims; true while some are left.
    bool release_some(const moment& at, std::size_t most, outbox& out);
    /// This node leaves: from now on leases end without a write.
    void freeze() { frozen_ = true; }

    // --- what has changed ---
    /// The moment of the input that is being worked on.
    void set_moment(const moment& at) { at_ = at; }
    /// False if the value that is read is not the one that was claimed here; the claim is over then.
    bool look_at(std::string_view key);
    /// Other members report that they heard `owner` at that time.
    void heard(const replica_id& owner, instant when);

    // --- work ---
    /// With every slice: reports lost claims, and releases at most `steps` claims of owners that are gone.
    /// `may_write`: this node is neither full nor leaving.
    bool work(std::size_t steps, bool may_write, outbox& out);
    /// With the timers: ends the leases that are over.
    void tend(outbox& out);
    /// With every heartbeat: finds the owners that are gone and still have claims.
    void look_for_gone(bool may_write, outbox& out);
    /// Traces of what has been given up.
    void report_given_up(outbox& out);
    [[nodiscard]] instant deadline() const;
    /// There is something to report, or a new deadline.
    [[nodiscard]] bool has_news() const { return !book_.lost.empty() || book_.began; }
    [[nodiscard]] const counts& counted() const { return counts_; }

  private:
    // claims.cpp
    /// nullptr if the claim has been lost; this call notices that at the latest.
    own_claim* owned(const moment& at, std::string_view key, std::uint64_t number);
    void start_lease(const moment& at, std::string_view key, own_claim& held);
    /// Ends the claim if its lease is over at this moment.
    void expire(const moment& at, std::string_view key);
    /// Writes that the key is free, and returns the epoch. Precondition: this node's claim of it is read.
    std::uint64_t give_up(const moment& at, std::string_view key);
    /// Writes the value that is read again, as free. It is this node's own, or its owner is gone.
    void write_free(const moment& at, std::string_view key, std::uint64_t epoch);
    void end(std::string_view key, std::string reason);
    void forget(std::string_view key);
    /// Asks members about new claims until they have agreed to them.
    void seek_agreement();
    /// Every member in view has seen this, and everything that it has seen is here.
    [[nodiscard]] bool is_known_to_all(const dot& id) const;

    // claim_releases.cpp
    /// The owner left or crashed, or was never met and has been silent for as long as it takes to close an
    /// origin. A suspect stays the owner.
    [[nodiscard]] bool is_gone_for_good(const replica_id& owner);
    /// The owner is gone, and no living member can hold more of it than this node.
    [[nodiscard]] bool is_known_whole(const replica_id& owner, gone_owner& how);
    [[nodiscard]] bool has_nobody(const replica_id& owner);
    [[nodiscard]] bool has_heard_all();
    void ask_for_gone();
    void inquire_about_named(outbox& out);
    [[nodiscard]] bool is_seen_by_others(const replica_id& owner, gone_owner& how);
    /// True while more is left to look at now.
    bool work_on_gone(std::size_t steps, bool may_write);
    void release_if_ours_to(const dot& claimed, const gone_owner& owner);
    /// Precondition: found_ has the slot's records.
    [[nodiscard]] bool may_give_up_own(std::string_view key, const record_view& own);
    void withdraw_beaten();

    const mesh_options& settings_;
    discovery::patience patience_;
    store& store_;
    writer& writer_;
    membership& members_;
    proofs& proofs_;
    courier& mail_;
    moment at_{};
    bool frozen_ = false;
    claim_book book_;
    counts counts_;
    std::vector<record_view> found_; ///< scratch
};

} // namespace baton::core
