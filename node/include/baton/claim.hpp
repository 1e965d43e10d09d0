// claim_handle: a register that this node owns, until the handle is released, destroyed, or loses it.
//
//     #include <baton/node.hpp>
//
//     // Runs a session that no other node runs at the same time; the handle releases it.
//     bool run(baton::node& node, const std::string& session, int rounds) {
//         auto mine = node.claim(session, {.within = std::chrono::seconds{5}, .if_free = true});
//         if (!mine) return false; // errc::conflict: another node owns it
//         int round = std::stoi(mine->taken_over().value);
//         while (rounds-- > 0)
//             if (!mine->commit(std::to_string(++round))) return false; // errc::claim_lost
//         return true;
//     }
//
// Thread contract: any thread may make const calls, commit and renew. One thread releases, moves or destroys
// the handle, while no other call runs. Movable; not copyable. The handle is independent of the node object,
// which may be moved or destroyed first: then every call returns `errc::leaving`, and lost() is true. In a
// forked child every call returns `errc::forked`, and lost() is true. Source: fencing tokens (Burrows 2006,
// "The Chubby lock service"): the epoch grows with every claim, so every node recognises writes of a former
// owner.
#pragma once

#include <baton/api.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/version.hpp>
#include <baton/write.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

class async; // async.hpp
/// How a claim is made.
struct claim_options {
    std::optional<std::chrono::milliseconds>
        within{}; ///< wait at most this long for the key; nullopt: do not

    /// The claim ends if neither renew() nor commit() is called for this long, by this node's monotonic
    /// clock. nullopt: no lease. Others release the claims of an owner that left or crashed.
    std::optional<std::chrono::milliseconds> lease{};
    /// Claim only if no node owns the key, as far as this node knows (stored_value::owner; this node counts,
    /// too), or if the owner is gone and every member in view has reported what it holds of it. Otherwise the
    /// claim fails with `conflict`. So of several nodes that wait for a key only the first gets it.
    bool if_free = false;

    /// Claim only if the epoch of the key is this one, or one more: nobody has claimed it since, and at most
    /// its release has been written. Otherwise the claim fails with `conflict`. So who has owned the key at
    /// this epoch, at this node or another one, finds its own state again or none.
    std::optional<owner_epoch> if_epoch{};
};

/// Owns a register; node::claim returns it.
class BATON_API claim_handle {
  public:
    claim_handle(claim_handle&&) noexcept;            ///< takes the claim over
    claim_handle& operator=(claim_handle&&) noexcept; ///< releases the present claim and takes the other over

    /// Releases the key if it still owns it. Does not wait.
    ~claim_handle();

    /// The key that it owns or owned.
    [[nodiscard]] const std::string& key() const;
    /// The epoch of the claim: odd, and larger than every epoch and timestamp that the node had seen of the
    /// key. So a claim that knows another one has the larger epoch. It does not depend on the node's own
    /// clock.
    [[nodiscard]] owner_epoch epoch() const;
    /// The value that the claim took over.
    [[nodiscard]] const stored_value& taken_over() const;
    /// All values that the claim found: the one it took over, then its siblings, which the first commit
    /// replaces.
    [[nodiscard]] const std::vector<stored_value>& values_found() const;

    /// Writes the key as its owner and keeps owning it. Replaces what values_found() lists and this node's
    /// own earlier writes; later writes of other nodes become siblings. Restarts the lease. The ttl is that
    /// of this write: without one the key has no time to live any more. Waits as node::stash does. Errors:
    /// those of node::stash; claim_lost. O(siblings + key + value).
    result<write_result> commit(std::string_view value, commit_options how = {});
    /// Restarts the lease. Errors: claim_lost, leaving, forked.
    result<void> renew();
    /// Gives up ownership; the key keeps its value. Returns the epoch under which the key is free: one above
    /// the claim's; or one below it if the claim is tentative and nothing was written, so that it does not
    /// end a claim that another node made at the same time. Errors: claim_lost, leaving, forked.
    result<owner_epoch> release();

    /// True once the handle no longer owns the key, for good: a higher claim is read, a node dropped or
    /// released the key, the lease has ended, or the node has left. The event claim_lost reports it. Like
    /// commit, renew and release this call checks the time: a lease that ended while the process was
    /// suspended has ended.
    [[nodiscard]] bool lost() const;
    /// True while another node may own the same key and neither knows: a member is suspect or crashed; no
    /// majority of options::mesh_size is in view; or a member in view has not yet shown that it knows this
    /// claim, or this node has not applied everything that the member held then. The last lasts one round
    /// trip after each claim, and longer during a backlog. After the heal the higher (epoch, clock, id) owns
    /// the key on every node; the other node gets claim_lost, and its value becomes a sibling. O(members).
    [[nodiscard]] bool tentative() const;

  private:
    friend class node;
    friend class async;
    struct BATON_LOCAL body;
    explicit claim_handle(std::unique_ptr<body> of);
    std::unique_ptr<body> body_;
};

} // namespace baton
