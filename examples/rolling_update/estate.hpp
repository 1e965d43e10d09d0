// estate: the sessions that this server owns, and those it is about to.
//
// How sessions move, which is what this example is about:
//  - A session is a key, owned through a claim_handle. Nobody takes what somebody owns: only what is free is
//    claimed (claim_options::if_free), and free it becomes when its owner leaves, or when baton releases it
//    for an owner that has crashed. A watch tells each server what is free, without asking.
//  - Which server takes it, all of them compute alike (placement.hpp).
//  - Having claimed, a server waits until *every member that is up* has applied the claim before it answers
//  for
//    the session. From then on nobody can claim it as free, and if two had claimed at once, because one of
//    them had not seen yet who else is there, each has been told of the other before it begins: the higher
//    epoch serves, the other's handle is lost. One confirmation does for all that were claimed in a turn: a
//    node's writes are applied in their order, so whoever holds the last holds them all.
//
// One thread, but for what the watch tells. The node has to outlive it.
#pragma once

#include "arena.hpp"
#include "ownership.hpp"

#include <baton/claim.hpp>
#include <baton/watch.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

struct held_session {
    baton::claim_handle handle;
    arena::session state;
    tenure since;
};

class estate {
  public:
    /// `woken` is called on another thread when there is something to settle.
    estate(baton::node& of, std::function<void()> woken);

    /// Claims free sessions that are ours to take, and begins those whose claims everybody has acknowledged.
    /// Waits for that for a moment. At most `claims_a_turn` at a time, so that those that are owned are
    /// served in between.
    void settle();
    /// True while there is something to settle.
    [[nodiscard]] bool is_unsettled() const;

    /// The session, if it is owned and has begun; null otherwise.
    [[nodiscard]] held_session* find(std::size_t session);
    /// Ends the tenure of a session whose claim is lost.
    void give_up(std::size_t session);
    /// Ends every tenure and gives up every claim; takes none any more.
    void close();

    [[nodiscard]] std::size_t owned() const { return owned_.size(); }
    /// Every tenure so far; those that go on until now.
    [[nodiscard]] std::vector<tenure> all_tenures() const;

  private:
    static constexpr std::size_t claims_a_turn = 128;
    static constexpr std::chrono::milliseconds patience{200};

    void claim_ours();
    void begin_claimed();

    baton::node& node_;
    std::map<std::size_t, held_session> owned_, claimed_; ///< begun, and not yet
    baton::version last_claim_{};
    std::vector<tenure> over_;

    mutable std::mutex mutex_;
    std::set<std::string> free_; ///< guarded
    std::function<void()> woken_;
    baton::watch_handle watching_; ///< last: nothing is told any more before the rest goes
};
