// claim_handle: a register that this node owns, until the handle is released, destroyed, or loses it.
//
// Thread contract: const calls, commit and renew from any thread; release, moving and destruction by one,
// with no other call under way. Movable; not copyable. Independent of the node object: it may be moved and
// even destroyed first; then every call answers `errc::leaving`, and lost() is true. Source: fencing tokens
// (Burrows 2006, "The Chubby lock service"): the epoch grows with every claim, so that a former owner is told
// apart wherever its writes arrive.
#pragma once

#include <baton/node.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// Owns a register; node::claim returns it.
class claim_handle {
  public:
    claim_handle(claim_handle&&) noexcept;            ///< takes the claim over
    claim_handle& operator=(claim_handle&&) noexcept; ///< releases the present claim and takes the other over

    /// Releases, if it still owns the key. Does not wait.
    ~claim_handle();

    /// The key that it owns or owned.
    [[nodiscard]] const std::string& key() const;
    /// Odd, and larger than every epoch and time of a write that the node had seen of the key: a claim that
    /// knows of another one has the larger epoch. The node's own clock is no part of it.
    [[nodiscard]] std::uint64_t epoch() const;
    /// The value that was taken over.
    [[nodiscard]] const picked& taken() const;
    /// All that was shown: the value taken over, then its siblings, which go with the first commit.
    [[nodiscard]] const std::vector<picked>& shown() const;

    /// Writes the key as its owner and keeps it. Replaces what was shown and this node's own earlier writes,
    /// nothing else: what somebody else has written since stays beside it. Begins the lease anew. Errors:
    /// those of node::stash, whose waiting it has too; claim_lost. O(siblings + key + value).
    /// `ttl`: as with node::stash; without it the key has no end any more.
    result<version> commit(std::string_view value, std::chrono::milliseconds ttl = {});
    /// Begins the lease anew. Errors: claim_lost, leaving, forked.
    result<void> renew();
    /// Gives the key up with the value it has. The epoch under which it is free now: one above the claim's,
    /// or one below if nothing was written and the claim is tentative, so that it does not end a claim that
    /// another node made at the same time. Errors: claim_lost, leaving, forked.
    result<std::uint64_t> release();

    /// True once it owns the key no more: another claim was read over it, somebody dropped or released it,
    /// its lease is over, the node has left. For good, whatever comes later. Event: claim_lost. Like commit,
    /// renew and release it looks at the time: a lease that ended while the process was suspended is over.
    [[nodiscard]] bool lost() const;
    /// Another node may own the same key without either knowing: a member is suspect, or crashed and has not
    /// left; no majority of options::mesh_size is in view; or a member in view has not yet shown that it
    /// knows this claim, or what it held when it did is not all here. The last is so for a round trip after
    /// each claim, and longer while there is a backlog. When both meet, the higher (epoch, clock, id) owns
    /// the key on every node alike; the other is told, and its value stays beside as a sibling. O(members).
    [[nodiscard]] bool tentative() const;

  private:
    friend class node;
    struct body;
    explicit claim_handle(std::unique_ptr<body> of);
    std::unique_ptr<body> body_;
};

} // namespace baton
