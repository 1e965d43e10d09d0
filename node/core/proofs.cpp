#include "core/proofs.hpp"

#include "core/inner_bounds.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr mesh_clock::duration ask_min = 2ms, ask_max = 500ms;
constexpr mesh_clock::duration ask_idle_max = 4s; // while no call waits

// Source: RFC 6298, the smoothed round trip.
void note_round_trip(peer& p, instant since, instant now) {
    const auto took = std::clamp<mesh_clock::duration>(now - since, 50us, 1s);
    p.proof.round_trip = (7 * p.proof.round_trip + took) / 8;
    p.proof.timed = true;
}
} // namespace

// ---------------------------------------------------------------- acknowledgements of writes

// True if the cut of the member has the event, or its archive equals this node's archive and has it: archived
// events are in no cut.
bool proofs::has_told(const peer& p, const dot& id) const {
    return p.holds.seen.has(id) || (p.holds.archive == store_.archive_digest() && store_.archived().has(id));
}

// Counts only what a member has reported after applying it, and only while it is up and stays.
bool proofs::is_holder(const peer& p, const dot& id) const {
    if (limits_.broken == mutation::ack_counts_leaving && p.state == member_state::leaving)
        return p.holds.seen.has(id);
    if (limits_.broken == mutation::ack_counts_delivery && p.state == member_state::up) return true;
    return p.state == member_state::up && !p.holds.full && has_told(p, id);
}

ack_count proofs::measure(const proof& wanted, bool holds_here) const {
    ack_count now;
    now.copies = holds_here && store_.has_seen(wanted.id) ? 1 : 0;
    for (const auto& [id, p] : members_) now.copies += is_holder(p, wanted.id) ? 1 : 0;
    switch (wanted.level.what) {
    case ack_level::kind::local:
        now.met = true;
        break;
    case ack_level::kind::copies:
        now.met = now.copies >= wanted.level.count;
        break;
    case ack_level::kind::majority:
        now.met = now.copies > limits_.mesh_size / 2;
        break;
    case ack_level::kind::all_up:
        now.met = now.copies >= 2 && std::all_of(wanted.all.begin(), wanted.all.end(), [&](const auto& id) {
                      const auto* const p = std::as_const(members_).find(id);
                      return p == nullptr || p->state != member_state::up || is_holder(*p, wanted.id);
                  });
        break;
    }
    return now;
}

std::uint64_t proofs::await(const dot& id, bool broadcast_asks, instant now) {
    awaited_.emplace(++last_ticket_, id);
    for (auto& [who, p] : members_) {
        if (p.state != member_state::up || has_told(p, id)) continue;
        if (p.proof.awaited_since == instant{}) p.proof.awaited_since = now;
        ask_by(p, broadcast_asks ? now + 2 * p.proof.round_trip : now);
    }
    return last_ticket_;
}

void proofs::stop_awaiting(std::uint64_t ticket) {
    awaited_.erase(ticket);
    rest_asking();
}

// Clears the times of asking once there is nothing to ask.
void proofs::rest_asking() {
    if (asks()) return;
    for (auto& [who, p] : members_) {
        p.proof.ask_at = p.proof.awaited_since = {};
        p.proof.ask_every = {};
    }
}

// ---------------------------------------------------------------- questions

std::uint64_t proofs::begin_question(instant now) {
    questions_.insert(++last_question_);
    for (auto& [who, p] : members_) {
        if (can_answer(p)) ask_by(p, now);
    }
    return last_question_;
}

void proofs::end_question(std::uint64_t number) {
    questions_.erase(number);
    rest_asking();
}

void proofs::want_views(instant now) {
    if (std::exchange(wants_views_, true)) return;
    for (auto& [who, p] : members_) {
        if (p.state == member_state::up) ask_by(p, now);
    }
}

bool proofs::asks_now(instant now) const {
    return std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
        const auto at = each.second.proof.ask_at;
        return at != instant{} && at <= now;
    });
}

instant proofs::deadline() const {
    auto first = instant::max();
    if (!asks()) return first;
    for (const auto& [who, p] : std::as_const(members_)) {
        if (p.proof.ask_at != instant{}) first = std::min(first, p.proof.ask_at);
    }
    return first;
}

mesh_clock::duration proofs::round_trip() const {
    mesh_clock::duration longest{};
    for (const auto& [id, p] : members_) {
        if (p.state == member_state::up) longest = std::max(longest, p.proof.round_trip);
    }
    return longest;
}

void proofs::ask_by(peer& p, instant when) {
    if (p.proof.ask_at == instant{} || p.proof.ask_at > when) p.proof.ask_at = when;
}

void proofs::ask(instant now, outbox& out) {
    if (!asks()) return;
    if (wants_views_ && last_question_ == 0) last_question_ = 1; // 0 means no question
    for (auto& [who, p] : members_) {
        if (!can_answer(p)) continue;
        auto& of = p.proof;
        wire::ask f{store_.self(), last_question_, {}};
        for (const auto& [ticket, id] : awaited_) {
            if (f.want.size() >= limits_.wants) break;
            if (p.state == member_state::up && !has_told(p, id)) f.want.raise(id);
        }
        const bool asks = !questions_.empty();
        const bool unanswered = asks && of.answer.number < *questions_.rbegin();
        const bool unseen = !of.answer.given && p.state == member_state::up;
        const bool again = (asks || wants_views_) && is_open(of.answer);
        if (f.want.empty() && !unanswered && !again && !(wants_views_ && unseen)) {
            of.ask_at = {};
            continue;
        }
        if (of.ask_at == instant{}) of.ask_at = now; // the member came up after the question was asked
        if (now >= of.ask_at) {
            if (of.asked != f.number) {
                of.asked = f.number;
                of.asked_question_at = now;
                of.ask_every = 2 * of.round_trip;
            }
            mail_.send_to(who, p, f, out);
            ++counters_.asks_sent;
            const auto most = f.want.empty() && !asks ? ask_idle_max : ask_max;
            of.ask_every = std::clamp(2 * std::max(of.ask_every, of.round_trip), ask_min, most);
            of.ask_at = now + of.ask_every;
        }
    }
}

// ---------------------------------------------------------------- answers

bool proofs::on_ack(peer& p, const wire::ack& f, bool understood, instant now) {
    auto& of = p.proof;
    if (of.awaited_since != instant{} && std::all_of(awaited_.begin(), awaited_.end(), [&](const auto& each) {
            return has_told(p, each.second);
        })) {
        note_round_trip(p, of.awaited_since, now);
        of.awaited_since = {};
    }
    if (f.asked == 0 || f.asked < of.answer.number || !understood) return false;
    if (f.asked == of.asked && f.asked > of.answer.number) note_round_trip(p, of.asked_question_at, now);
    of.answer = {f.asked, true, f.seen, f.has_view, f.view_cut_short || f.unread_spill, {}, {}};
    for (std::size_t at = 0; at < f.view.size(); at += 16) {
        const auto id = replica_id::from_bytes(f.view.substr(at, 16));
        if (id && is_stranger(*id)) of.answer.strangers.push_back(*id);
        if (id) of.answer.named.push_back(*id);
    }
    return true;
}

bool proofs::is_stranger(const replica_id& id) const {
    const auto* const p = std::as_const(members_).find(id);
    if (p == nullptr) return id != store_.self();
    return !can_answer(*p) && p->state != member_state::left;
}

bool proofs::is_open(const answer_record& of) const {
    return of.incomplete || std::any_of(of.strangers.begin(), of.strangers.end(),
                                        [this](const replica_id& id) { return is_stranger(id); });
}

void proofs::name_unheard(const replica_id& id, const peer& p, std::vector<replica_id>& into) const {
    if (limits_.broken == mutation::absent_without_words) return;
    if (p.proof.answer.incomplete) into.push_back(id);
    for (const auto& each : p.proof.answer.strangers) {
        if (is_stranger(each)) into.push_back(each);
    }
    if (p.proof.answer.has_view) return;
    for (const auto& [each, q] : quests_) {
        if (q.told_by == id && !q.over_at && is_stranger(each)) into.push_back(each);
    }
}

void proofs::forget_answers() {
    for (auto& [id, p] : members_) p.proof.answer.number = 0;
}

// ---------------------------------------------------------------- as the one that is asked

void proofs::on_ask(const replica_id& from, peer& p, const wire::ask& f, const own_part& own, outbox& out) {
    p.proof.wanted.join(f.want);
    if (p.proof.wanted.size() > 4 * inner_bounds::wants_max) p.proof.wanted = f.want;
    acknowledge(from, p, f.number, own, out);
    if (store_.covers(p.proof.wanted)) {
        p.proof.wanted = {}; // this answer covers it
    } else {
        acks_owed_ = true;
    }
}

void proofs::acknowledge(const replica_id& id, const peer& p, std::uint64_t asked, const own_part& own,
                         outbox& out) {
    wire::ack f{store_.self(), own.staying, store_.covers(p.holds.seen), 0, store_.seen(), asked};
    std::string view;
    if (asked != 0) {
        show_view(id, f, view);
        f.unread_spill = own.unread_spill && limits_.broken != mutation::absent_with_unread_spill;
    }
    mail_.send_to(id, p, f, out);
    ++counters_.acks_sent;
}

// The view names the nodes whose answers this node would need itself, and the nodes that are gone and had
// reported more than is here.
void proofs::show_view(const replica_id& to, wire::ack& f, std::string& ids) const {
    for (const auto& [id, p] : members_) {
        const bool missed = is_gone(p) && !is_lost_for_good(p) && !store_.covers(p.holds.seen);
        if (id == to || (!can_answer(p) && !missed)) continue;
        f.view_cut_short = ids.size() == 16 * wire::view_ids_max;
        if (f.view_cut_short) break;
        ids += id.view();
    }
    f.has_view = true;
    f.view = ids;
}

void proofs::owe(peer& p, std::uint64_t counter) {
    p.proof.owes = std::max(p.proof.owes, counter);
    acks_owed_ = true;
}

void proofs::answer_wanted(const own_part& own, outbox& out) {
    if (!acks_owed_) return;
    acks_owed_ = false;
    for (auto& [id, p] : members_) {
        auto& of = p.proof;
        const bool early = limits_.broken == mutation::ack_before_applying;
        if (of.owes != 0 && (early || store_.counter_of(id) >= of.owes)) {
            cut part;
            part.push_back({id, early ? of.owes : store_.counter_of(id)});
            mail_.send_to(id, p, wire::ack{store_.self(), own.staying, false, 0, std::move(part), 0}, out);
            ++counters_.acks_sent;
            of.owes = 0;
        }
        if (!of.wanted.empty() && store_.covers(of.wanted)) {
            of.wanted = {};
            acknowledge(id, p, 0, own, out);
        }
        acks_owed_ = acks_owed_ || of.owes != 0 || !of.wanted.empty();
    }
}

} // namespace baton::core
