// Releases for owners that are gone. Whoever writes one decides which value goes on: so members are asked
// first what they hold of the owner, and all that they name is applied here.
#include "core/claiming.hpp"

#include <algorithm>
#include <limits>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr mesh_clock::duration turn = 1s; // without progress, until the next in order does it
constexpr auto all_of_them = std::numeric_limits<std::size_t>::max();

bool names(const peer& p, const replica_id& id) {
    return can_answer(p) &&
           std::binary_search(p.proof.answer.strangers.begin(), p.proof.answer.strangers.end(), id);
}
} // namespace

bool mesh::claiming::is_gone_for_good(const replica_id& owner) {
    auto& unknown = m.claims_.unknown_since;
    if (const auto* const p = m.peers_.find(owner)) {
        unknown.erase(owner);
        return is_gone(*p);
    }
    if (m.store_.archived().of(owner) != 0) return true;
    const auto since = unknown.try_emplace(owner, m.at_.now).first->second;
    return m.at_.now - since >= m.settings_.liveness.archive_after;
}

// With every heartbeat: whose claims are to be looked through.
void mesh::look_for_gone(outbox& out) {
    if (leaving_ || room_.is_full() || store_.folding()) return;
    claiming ours{*this};
    auto& desk = claims_.releases;
    std::map<replica_id, gone_owner> now;
    for (const auto& [owner, count] : store_.claimants()) {
        if (owner == settings_.self || !ours.is_gone_for_good(owner)) continue;
        const auto former = desk.gone.find(owner);
        const bool known = former != desk.gone.end();
        auto& g = now[owner] = known ? former->second : gone_owner{};
        const bool fresh = !known || count > g.claims; // somebody held what was not here
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
    ours.ask_for_gone();
    ours.inquire_about_named(out);
    ours.withdraw_beaten();
}

// Everybody who can has answered, what they hold is here, and whom else they name has had the time to answer,
// too.
bool mesh::claiming::has_heard_all() {
    auto& desk = m.claims_.releases;
    const bool heard =
        desk.question != 0 && std::all_of(m.peers_.begin(), m.peers_.end(), [&](const auto& each) {
            const auto& p = each.second;
            return !can_answer(p) || p.proof.answer.is_heard(desk.question, m.store_);
        });
    if (!heard) {
        desk.heard_all.reset();
        return false;
    }
    if (!desk.heard_all) desk.heard_all = m.at_.now;
    if (m.at_.now - *desk.heard_all >= m.settings_.liveness.crashed_after) return true;
    std::vector<replica_id> unheard;
    for (const auto& [id, p] : m.peers_) {
        if (can_answer(p)) m.proofs_.name_unheard(id, p, unheard);
    }
    return std::all_of(unheard.begin(), unheard.end(),
                       [&](const replica_id& id) { return desk.gone.contains(id); });
}

// One question serves all owners that were gone when it was put. It is put again where somebody came into
// view who has not been asked, and after a death.
void mesh::claiming::ask_for_gone() {
    auto& desk = m.claims_.releases;
    const bool answered = has_heard_all();
    if (answered && !desk.answered) {
        for (auto& [owner, g] : desk.gone) {
            if (g.asked) g.since = m.at_.now, g.left = all_of_them;
        }
    }
    desk.answered = answered;
    if (desk.open && (answered || desk.gone.empty())) {
        m.proofs_.end_question(desk.question);
        desk.open = false;
    }
    const bool unasked = std::any_of(desk.gone.begin(), desk.gone.end(),
                                     [](const auto& each) { return !each.second.asked; });
    if (desk.open || desk.gone.empty() || (answered && !unasked)) return;
    desk.question = m.begin_question(m.at_);
    desk.open = true;
    desk.heard_all.reset();
    desk.answered = has_heard_all(); // nobody is in view
    for (auto& [owner, g] : desk.gone) g.asked = true;
}

// Whom an answer names its sender sees, or misses what it wrote last. Whether it hears the owner an INQUIRY
// tells: a WORD comes as long as it does.
void mesh::claiming::inquire_about_named(outbox& out) {
    for (const auto& [owner, g] : m.claims_.releases.gone) {
        for (auto& [id, p] : m.peers_) {
            if (names(p, owner)) m.courier_.send_to(id, p, wire::inquiry{m.settings_.self, owner}, out);
        }
    }
}

bool mesh::claiming::is_seen_by_others(const replica_id& owner, gone_owner& how) {
    if (std::none_of(m.peers_.begin(), m.peers_.end(),
                     [&](const auto& each) { return names(each.second, owner); })) {
        how.named_at.reset();
        return false;
    }
    if (!how.named_at) how.named_at = m.at_.now;
    const auto* const p = m.peers_.find(owner);
    const auto patience = m.settings_.liveness.suspect_after;
    const bool vouched = p != nullptr ? p->health.life.is_vouched(m.at_.now, m.patience_)
                                      : how.heard_at && m.at_.now - *how.heard_at < patience;
    return vouched || m.at_.now - *how.named_at < patience;
}

bool mesh::claiming::is_known_whole(const replica_id& owner, gone_owner& how) {
    if (m.settings_.broken == mutation::release_unasked) return true;
    if (!how.asked || !m.claims_.releases.answered || is_seen_by_others(owner, how)) return false;
    // Who went out of view at about the same time may hold its last words, and be back in a moment: half a
    // mesh that is cut off looks like that.
    const auto just_gone = [&](const peer& p) {
        return p.state == member_state::crashed && !p.replaced &&
               m.at_.now - p.ended_at < m.settings_.liveness.crashed_after;
    };
    if (std::any_of(m.peers_.begin(), m.peers_.end(),
                    [&](const auto& each) { return each.first != owner && just_gone(each.second); }))
        return false;
    const auto* const p = m.peers_.find(owner);
    // What it wrote last is with somebody who is not in view, if anywhere.
    return p == nullptr || p->state != member_state::left || m.store_.counter_of(owner) >= p->leave.final ||
           m.at_.now - p->ended_at >= m.settings_.liveness.archive_after;
}

// As good as free, though every member has a value of its own there that would go with a release.
bool mesh::claiming::has_nobody(const replica_id& owner) {
    const auto at = m.claims_.releases.gone.find(owner);
    return at != m.claims_.releases.gone.end() && is_gone_for_good(owner) &&
           is_known_whole(owner, at->second);
}

bool mesh::claiming::work(std::size_t steps) {
    auto& desk = m.claims_.releases;
    if (desk.gone.empty() || m.leaving_ || m.room_.is_full() || m.store_.folding()) return false;
    ask_for_gone();
    for (auto& [owner, g] : desk.gone) {
        // It may have come back since the last heartbeat.
        if (!g.looking || g.left == 0 || !is_gone_for_good(owner) || !is_known_whole(owner, g)) continue;
        while (steps != 0 && g.left != 0) {
            const auto next = m.store_.next_claim(owner, g.after);
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

// One member writes it: the smallest id among those up and not full that have no value of their own there, as
// theirs would go with it. When nothing happens the next in order does; two that both do leave two equal
// siblings.
void mesh::claiming::release_if_ours_to(const dot& claimed, const gone_owner& owner) {
    const std::string key(m.store_.slot_at(claimed).key);
    auto& found = m.found_;
    m.store_.siblings(key, found);
    if (found.empty() || found.front().id != claimed) return; // it is not read: nobody owns by it
    const auto of = [&](const replica_id& id) {
        return std::find_if(found.begin(), found.end(), [&](const auto& r) { return r.id.replica == id; });
    };
    const auto own = of(m.settings_.self);
    const bool has_own = own != found.end();
    if (has_own && !may_give_up_own(key, *own)) return;
    const auto before =
        m.peers_.takers_before(has_own, [&](const replica_id& id) { return of(id) != found.end(); });
    if (m.at_.now - owner.since < static_cast<std::int64_t>(before) * turn) return;
    write_free(m.at_, key, release_epoch(found.front().epoch));
}

// A value of this node's own that is not lost with its record: it goes on with the release; or another
// replica's record says the same, of a larger id, so that no two rely on each other; or it is a claim that
// was lost before anything was written by it. That is the value which both claims were made over, as long as
// everybody in view, the other owner too, had seen it and nothing else was there.
bool mesh::claiming::may_give_up_own(std::string_view key, const record_view& own) {
    const auto& found = m.found_;
    const auto& read = found.front();
    if (std::any_of(found.begin(), found.end(), [&](const auto& r) {
            return r.value == own.value && (r.id == read.id || own.id.replica < r.id.replica);
        }))
        return true;
    const auto at = m.claims_.beaten.find(key);
    if (at == m.claims_.beaten.end()) return false;
    const auto& mine = at->second;
    const auto* const other = m.peers_.find(read.id.replica);
    return mine.copies && mine.since == own.id.counter && other != nullptr && other->up_at != instant{} &&
           other->up_at <= mine.at && mine.at < other->ended_at;
}

// A claim that was lost may come to be read again, when the one that beat it is dropped. Nobody has a handle
// to it.
void mesh::claiming::withdraw_beaten() {
    auto& c = m.claims_;
    auto at = c.beaten.upper_bound(c.beaten_after);
    std::size_t most = std::min(m.settings_.bounds.claims_a_beat, c.beaten.size());
    for (; most != 0 && !c.beaten.empty(); --most) {
        if (at == c.beaten.end()) at = c.beaten.begin();
        c.beaten_after = at->first;
        auto& found = m.found_;
        m.store_.siblings(at->first, found);
        const auto own = std::find_if(found.begin(), found.end(), [&](const auto& r) {
            return r.id.replica == m.settings_.self && is_claim(r.epoch);
        });
        const bool held = c.held.contains(at->first), read = own == found.begin();
        if (own == found.end() || held || read) {
            if (own != found.end() && !held) write_free(m.at_, at->first, unclaimed_epoch(own->epoch));
            at = c.beaten.erase(at);
        } else {
            ++at;
        }
    }
}

} // namespace baton::core
