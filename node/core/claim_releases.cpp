// Releases claims of owners that are gone. A release decides which value stays. So this node first asks all
// members what they hold of the owner, and applies everything that they name.
#include "core/claims.hpp"

#include <algorithm>
#include <limits>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
// How long the next member in the order waits, counted from the last progress.
constexpr mesh_clock::duration turn = 1s;
constexpr auto all_of_them = std::numeric_limits<std::size_t>::max();

bool names(const peer& p, const replica_id& id) {
    return can_answer(p) &&
           std::binary_search(p.proof.answer.strangers.begin(), p.proof.answer.strangers.end(), id);
}
} // namespace

bool claims::is_gone_for_good(const replica_id& owner) {
    auto& unknown = book_.unknown_since;
    if (const auto* const p = members_.find(owner)) {
        unknown.erase(owner);
        return is_gone(*p);
    }
    if (store_.archived().of(owner) != 0) return true;
    const auto since = unknown.try_emplace(owner, at_.now).first->second;
    return at_.now - since >= settings_.liveness.archive_after;
}

void claims::look_for_gone(bool may_write, outbox& out) {
    if (!may_write || store_.folding()) return;
    auto& desk = book_.releases;
    std::map<replica_id, gone_owner> now;
    for (const auto& [owner, count] : store_.claimants()) {
        if (owner == settings_.self || !is_gone_for_good(owner)) continue;
        const auto former = desk.gone.find(owner);
        const bool known = former != desk.gone.end();
        auto& g = now[owner] = known ? former->second : gone_owner{};
        const bool fresh = !known || count > g.claims; // a member held claims of it that were not here
        if (fresh) g.asked = false;
        const auto turns = (at_.now - g.since) / turn;
        if (fresh || count < g.claims) g.since = at_.now;
        g.claims = count;
        if (!g.looking) g.looking = true, g.after = 0;
        g.left = fresh || turns != std::exchange(g.turns, turns)
                     ? all_of_them
                     : std::max(g.left, settings_.bounds.claims_a_beat);
    }
    desk.gone.swap(now);
    ask_for_gone();
    inquire_about_named(out);
    withdraw_beaten();
}

// True if every member that can answer has answered, everything that they hold is applied here, and the nodes
// that the answers name have had the time to answer too.
bool claims::has_heard_all() {
    auto& desk = book_.releases;
    const bool heard =
        desk.question != 0 && std::all_of(members_.begin(), members_.end(), [&](const auto& each) {
            const auto& p = each.second;
            return !can_answer(p) || p.proof.answer.is_heard(desk.question, store_);
        });
    if (!heard) {
        desk.heard_all.reset();
        return false;
    }
    if (!desk.heard_all) desk.heard_all = at_.now;
    if (at_.now - *desk.heard_all >= settings_.liveness.crashed_after) return true;
    std::vector<replica_id> unheard;
    for (const auto& [id, p] : members_) {
        if (can_answer(p)) proofs_.name_unheard(id, p, unheard);
    }
    return std::all_of(unheard.begin(), unheard.end(),
                       [&](const replica_id& id) { return desk.gone.contains(id); });
}

// One question serves all owners that were gone when this node asked it. The node asks again after a death,
// or if a member came into view that has not been asked.
void claims::ask_for_gone() {
    auto& desk = book_.releases;
    const bool answered = has_heard_all();
    if (answered && !desk.answered) {
        for (auto& [owner, g] : desk.gone) {
            if (g.asked) g.since = at_.now, g.left = all_of_them;
        }
    }
    desk.answered = answered;
    if (desk.open && (answered || desk.gone.empty())) {
        proofs_.end_question(desk.question);
        desk.open = false;
    }
    const bool unasked =
        std::any_of(desk.gone.begin(), desk.gone.end(), [](const auto& each) { return !each.second.asked; });
    if (desk.open || desk.gone.empty() || (answered && !unasked)) return;
    desk.question = proofs_.begin_question(at_.now);
    desk.open = true;
    desk.heard_all.reset();
    desk.answered = has_heard_all(); // true at once if no member is in view
    for (auto& [owner, g] : desk.gone) g.asked = true;
}

// An answer names a node if its sender sees that node, or misses events of it. An INQUIRY finds out which:
// the sender answers with a WORD as long as it hears the node.
void claims::inquire_about_named(outbox& out) {
    for (const auto& [owner, g] : book_.releases.gone) {
        for (auto& [id, p] : members_) {
            if (names(p, owner)) mail_.send_to(id, p, wire::inquiry{settings_.self, owner}, out);
        }
    }
}

bool claims::is_seen_by_others(const replica_id& owner, gone_owner& how) {
    if (std::none_of(members_.begin(), members_.end(),
                     [&](const auto& each) { return names(each.second, owner); })) {
        how.named_at.reset();
        return false;
    }
    if (!how.named_at) how.named_at = at_.now;
    const auto* const p = members_.find(owner);
    const auto patience = settings_.liveness.suspect_after;
    const bool vouched = p != nullptr ? p->health.life.is_vouched(at_.now, patience_)
                                      : how.heard_at && at_.now - *how.heard_at < patience;
    return vouched || at_.now - *how.named_at < patience;
}

bool claims::is_known_whole(const replica_id& owner, gone_owner& how) {
    if (settings_.broken == mutation::release_unasked) return true;
    if (!how.asked || !book_.releases.answered || is_seen_by_others(owner, how)) return false;
    // A member that went out of view at about the same time may have the last events of the owner and be back
    // in a moment: that is what a partition looks like.
    const auto just_gone = [&](const peer& p) {
        return p.state == member_state::crashed && !p.replaced &&
               at_.now - p.ended_at < settings_.liveness.crashed_after;
    };
    if (std::any_of(members_.begin(), members_.end(),
                    [&](const auto& each) { return each.first != owner && just_gone(each.second); }))
        return false;
    const auto* const p = members_.find(owner);
    // If events of an owner that left are missing, a member out of view may have them.
    return p == nullptr || p->state != member_state::left || store_.counter_of(owner) >= p->final ||
           at_.now - p->ended_at >= settings_.liveness.archive_after;
}

// True if the key of this owner may be claimed as if it were free, even though no member may release it: each
// has a value of its own there that would go with the release.
bool claims::has_nobody(const replica_id& owner) {
    const auto at = book_.releases.gone.find(owner);
    return at != book_.releases.gone.end() && is_gone_for_good(owner) && is_known_whole(owner, at->second);
}

bool claims::work_on_gone(std::size_t steps, bool may_write) {
    auto& desk = book_.releases;
    if (desk.gone.empty() || !may_write || store_.folding()) return false;
    ask_for_gone();
    for (auto& [owner, g] : desk.gone) {
        // The owner may have come back since the last heartbeat.
        if (!g.looking || g.left == 0 || !is_gone_for_good(owner) || !is_known_whole(owner, g)) continue;
        while (steps != 0 && g.left != 0) {
            const auto next = store_.next_claim(owner, g.after);
            if (next == 0) {
                g.looking = false;
                g.left = 0;
                break;
            }
            g.after = next;
            --steps;
            --g.left;
            release_if_ours_to({owner, next}, g);
        }
        if (steps == 0) return true;
    }
    return false;
}

// One member writes the release: the smallest id among those that are up, not full, and have no value of
// their own in the slot, since their own value would go with the release. If nothing happens, the next in the
// order writes it. If two write it, two equal siblings are left.
void claims::release_if_ours_to(const dot& claimed, const gone_owner& owner) {
    const std::string key(store_.slot_at(claimed).key);
    auto& found = found_;
    store_.siblings(key, found);
    // Another value is read: nobody owns the key by this claim.
    if (found.empty() || found.front().id != claimed) return;
    const auto of = [&](const replica_id& id) {
        return std::find_if(found.begin(), found.end(), [&](const auto& r) { return r.id.replica == id; });
    };
    const auto own = of(settings_.self);
    const bool has_own = own != found.end();
    if (has_own && !may_give_up_own(key, *own)) return;
    const auto before =
        members_.takers_before(has_own, [&](const replica_id& id) { return of(id) != found.end(); });
    if (at_.now - owner.since < static_cast<std::int64_t>(before) * turn) return;
    write_free(at_, key, release_epoch(found.front().epoch));
}

// True if this node may give up its own value in the slot: the release carries the same value on; or a record
// of a replica with a larger id has the same value, so that no two replicas rely on each other; or the own
// value is a claim that lost before anything was written under it. In the last case the value is the one that
// both claims were made over, provided that every member in view, the other owner included, had seen it and
// the slot had no other value.
bool claims::may_give_up_own(std::string_view key, const record_view& own) {
    const auto& found = found_;
    const auto& read = found.front();
    if (std::any_of(found.begin(), found.end(), [&](const auto& r) {
            return r.value == own.value && (r.id == read.id || own.id.replica < r.id.replica);
        }))
        return true;
    const auto at = book_.beaten.find(key);
    if (at == book_.beaten.end()) return false;
    const auto& mine = at->second;
    const auto* const other = members_.find(read.id.replica);
    return mine.copies && mine.since == own.id.counter && other != nullptr && other->up_at != instant{} &&
           other->up_at <= mine.at && mine.at < other->ended_at;
}

// A claim that has lost would be read again if the claim that beat it were dropped. No handle to it exists,
// so this node withdraws it.
void claims::withdraw_beaten() {
    auto& c = book_;
    auto at = c.beaten.upper_bound(c.beaten_after);
    std::size_t most = std::min(settings_.bounds.claims_a_beat, c.beaten.size());
    for (; most != 0 && !c.beaten.empty(); --most) {
        if (at == c.beaten.end()) at = c.beaten.begin();
        c.beaten_after = at->first;
        auto& found = found_;
        store_.siblings(at->first, found);
        const auto own = std::find_if(found.begin(), found.end(), [&](const auto& r) {
            return r.id.replica == settings_.self && is_claim(r.epoch);
        });
        const bool held = c.held.contains(at->first), read = own == found.begin();
        if (own == found.end() || held || read) {
            if (own != found.end() && !held) write_free(at_, at->first, unclaimed_epoch(own->epoch));
            at = c.beaten.erase(at);
        } else {
            ++at;
        }
    }
}

} // namespace baton::core
