// claims: which registers this node owns, until when, and what is to be done about those whose owners are
// gone. Ownership is in the record: an odd epoch says that the replica that wrote it has claimed the key, an
// even one that it is free; of concurrent records the higher epoch is read. So a claim ends by an event and
// by nothing else, and reading asks no membership.
//
// Pure; owned by a mesh, same thread contract. Bounded by the registers that are claimed. When to call again:
// tend() at deadline(), work() while it says true and whenever has_news(), look_for_gone() with every
// heartbeat; proofs::deadline() may have changed after each of them.
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
    /// Takes over the value that is read, whoever had it. The others stay beside it until they are committed
    /// over. Errors: absent; conflict, if it is to be free and is not.
    result<claim_grant> claim(const moment& at, std::string_view key,
                              std::optional<mesh_clock::duration> lease, bool if_free);
    // By the claim's number. Error: claim_lost.
    result<version> commit(const moment& at, std::string_view key, std::uint64_t number,
                           std::string_view value, std::optional<std::chrono::milliseconds> ttl);
    result<void> renew(const moment& at, std::string_view key, std::uint64_t number);
    /// The epoch under which it is free.
    result<std::uint64_t> release(const moment& at, std::string_view key, std::uint64_t number);
    [[nodiscard]] bool owns(const moment& at, std::string_view key, std::uint64_t number);
    /// Somebody who cannot be reached may have claimed the same.
    [[nodiscard]] bool is_tentative() const;
    /// Or somebody in view has not agreed to this claim.
    [[nodiscard]] bool is_tentative(std::string_view key, std::uint64_t number);
    /// At most `most` of this node's claims; true while some are left.
    bool release_some(const moment& at, std::size_t most, outbox& out);
    /// This node leaves: leases end without a write.
    void freeze() { frozen_ = true; }

    // --- what has changed ---
    /// The moment of the input that is being worked on.
    void set_moment(const moment& at) { at_ = at; }
    /// False, and the claim is over, when the value that is read is not the one that was claimed here.
    bool look_at(std::string_view key);
    /// Others have heard it then, as they say.
    void heard(const replica_id& owner, instant when);

    // --- work ---
    /// With every slice: what has been taken away is reported; claims of owners that are gone are released,
    /// `steps` at most. `may_write`: this node is neither full nor leaving.
    bool work(std::size_t steps, bool may_write, outbox& out);
    /// With the timers: leases that are over.
    void tend(outbox& out);
    /// With every heartbeat: whose claims are to be looked through.
    void look_for_gone(bool may_write, outbox& out);
    /// Traces of what has been given up.
    void report_given_up(outbox& out);
    [[nodiscard]] instant deadline() const;
    /// Something is to be reported, or there is a new deadline.
    [[nodiscard]] bool has_news() const { return !book_.lost.empty() || book_.began; }
    [[nodiscard]] const counts& counted() const { return counts_; }

  private:
    // claims.cpp
    /// Null when it has been lost, which is found out here at the latest.
    own_claim* owned(const moment& at, std::string_view key, std::uint64_t number);
    void start_lease(const moment& at, std::string_view key, own_claim& held);
    /// Ends the claim if its lease is over at this moment.
    void expire(const moment& at, std::string_view key);
    /// Writes that the key is free. Precondition: this node's claim of it is read. The epoch.
    std::uint64_t give_up(const moment& at, std::string_view key);
    /// The value that is read goes on, free. It is this node's own, or one whose owner is gone.
    void write_free(const moment& at, std::string_view key, std::uint64_t epoch);
    void end(std::string_view key, std::string reason);
    void forget(std::string_view key);
    /// Asks members about new claims until they have agreed to them.
    void seek_agreement();
    /// Every member in view has seen this, and everything that it has seen is here.
    [[nodiscard]] bool is_known_to_all(const dot& id) const;

    // claim_releases.cpp
    /// Left, crashed, or never met and silent for as long as it takes to close an origin. One that is merely
    /// suspect goes on owning.
    [[nodiscard]] bool is_gone_for_good(const replica_id& owner);
    /// Of an owner that is gone: nobody living can hold more of it than is here.
    [[nodiscard]] bool is_known_whole(const replica_id& owner, gone_owner& how);
    [[nodiscard]] bool has_nobody(const replica_id& owner);
    [[nodiscard]] bool has_heard_all();
    void ask_for_gone();
    void inquire_about_named(outbox& out);
    [[nodiscard]] bool is_seen_by_others(const replica_id& owner, gone_owner& how);
    /// True while more is left that may be looked at now.
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
