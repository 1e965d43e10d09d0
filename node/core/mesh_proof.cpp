// What others hold, as they have said themselves: acknowledgements of writes that somebody waits for, and the
// questions by which a node learns that nobody has a key (mesh_absence.cpp judges the answers).
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr mesh_clock::duration ask_min = 2ms, ask_max = 500ms;
constexpr mesh_clock::duration ask_idle_max = 4s; // where nobody waits at the moment

// By its cut, or by an archive that is the same as here: what is archived is in no cut.
bool has_told(const peer& p, const store& here, const dot& id) {
    return p.holds.seen.has(id) || (p.holds.archive == here.archive_digest() && here.archived().has(id));
}
} // namespace

// ---------------------------------------------------------------- waiting for acknowledgements

// Only what a member has said after applying counts, and only while it is up and stays.
bool mesh::is_holder(const peer& p, const dot& id) const {
    if (settings_.broken == mutation::ack_counts_leaving && p.state == member_state::leaving)
        return p.holds.seen.has(id);
    if (settings_.broken == mutation::ack_counts_delivery && p.state == member_state::up) return true;
    return p.state == member_state::up && !p.holds.full && has_told(p, store_, id);
}

std::vector<replica_id> mesh::members_up() const {
    std::vector<replica_id> all;
    for (const auto& [id, p] : peers_) {
        if (p.state == member_state::up) all.push_back(id);
    }
    return all;
}

holding mesh::measure(const proof& wanted) const {
    holding now;
    now.copies = !leaving_ && store_.has_seen(wanted.id) ? 1 : 0;
    for (const auto& [id, p] : peers_) now.copies += is_holder(p, wanted.id) ? 1 : 0;
    switch (wanted.level.what) {
    case ack_level::kind::local:
        now.met = true;
        break;
    case ack_level::kind::copies:
        now.met = now.copies >= wanted.level.count;
        break;
    case ack_level::kind::majority:
        now.met = now.copies > settings_.mesh_size / 2;
        break;
    case ack_level::kind::all_up:
        now.met = now.copies >= 2 && std::all_of(wanted.all.begin(), wanted.all.end(), [&](const auto& id) {
                      const auto* const p = peers_.find(id);
                      return p == nullptr || p->state != member_state::up || is_holder(*p, wanted.id);
                  });
        break;
    }
    return now;
}

// What a broadcast asks, or is about to ask, is asked again when it seems to be lost. What has gone out
// before anybody waited for it is asked at once: else it would be this waiting that is measured as the round
// trip, which each such question would make longer for the next one.
std::uint64_t mesh::await_holders(const moment& at, const dot& id) {
    proofs_.ask_acks = true;
    proofs_.awaited.emplace(++proofs_.last_ticket, id);
    const bool broadcast_asks = id.replica == settings_.self &&
                                (id.counter <= proofs_.asked_through || publisher_.has_from(id.counter));
    for (auto& [who, p] : peers_) {
        if (p.state != member_state::up || has_told(p, store_, id)) continue;
        if (p.proof.awaited_since == instant{}) p.proof.awaited_since = at.now;
        ask_by(p, broadcast_asks ? at.now + 2 * p.proof.round_trip : at.now);
    }
    return proofs_.last_ticket;
}

void mesh::stop_awaiting(std::uint64_t ticket) {
    proofs_.awaited.erase(ticket);
    if (proofs_.awaited.empty()) proofs_.ask_acks = false;
    rest_asking();
}

// With nothing to ask, nothing is left of when it was asked.
void mesh::rest_asking() {
    if (!proofs_.awaited.empty() || !proofs_.questions.empty() || proofs_.wants_views) return;
    for (auto& [who, p] : peers_) {
        p.proof.ask_at = p.proof.awaited_since = {};
        p.proof.ask_every = {};
    }
}

bool mesh::asks_now(const moment& at) const {
    return std::any_of(peers_.begin(), peers_.end(), [&](const auto& each) {
        return each.second.proof.ask_at != instant{} && each.second.proof.ask_at <= at.now;
    });
}

std::uint64_t mesh::begin_question(const moment& at) {
    proofs_.questions.insert(++proofs_.last_question);
    for (auto& [who, p] : peers_) {
        if (can_answer(p)) ask_by(p, at.now);
    }
    return proofs_.last_question;
}

mesh_clock::duration mesh::round_trip() const {
    mesh_clock::duration longest{};
    for (const auto& [id, p] : peers_) {
        if (p.state == member_state::up) longest = std::max(longest, p.proof.round_trip);
    }
    return longest;
}

void mesh::end_question(std::uint64_t number) {
    proofs_.questions.erase(number);
    rest_asking();
}

void mesh::ask_by(peer& p, instant when) {
    if (p.proof.ask_at == instant{} || p.proof.ask_at > when) p.proof.ask_at = when;
    wake_by(p.proof.ask_at);
}

// Says again over the link what a lost broadcast may have said, after twice the usual round trip; and puts
// the questions that are open.
void mesh::ask_members(outbox& out) {
    if (proofs_.awaited.empty() && proofs_.questions.empty() && !proofs_.wants_views) return;
    if (proofs_.wants_views && proofs_.last_question == 0) proofs_.last_question = 1; // 0 is no question
    for (auto& [who, p] : peers_) {
        if (!can_answer(p)) continue;
        wire::ask f{settings_.self, proofs_.last_question, {}};
        for (const auto& [ticket, id] : proofs_.awaited) {
            if (f.want.size() >= settings_.bounds.wants) break;
            if (p.state == member_state::up && !has_told(p, store_, id)) f.want.raise(id);
        }
        const bool asks = !proofs_.questions.empty();
        const bool unanswered = asks && p.proof.answer.number < *proofs_.questions.rbegin();
        const bool unseen = !p.proof.answer.given && p.state == member_state::up;
        const bool again = (asks || proofs_.wants_views) && is_open(p.proof.answer);
        if (f.want.empty() && !unanswered && !again && !(proofs_.wants_views && unseen)) {
            p.proof.ask_at = {};
            continue;
        }
        if (p.proof.ask_at == instant{}) p.proof.ask_at = at_.now; // it came up meanwhile
        if (at_.now >= p.proof.ask_at) {
            if (p.proof.asked != f.number) {
                p.proof.asked = f.number;
                p.proof.asked_question_at = at_.now;
                p.proof.ask_every = 2 * p.proof.round_trip;
            }
            send_to(who, p, f, out);
            ++counters_.asks_sent;
            const auto most = f.want.empty() && !asks ? ask_idle_max : ask_max;
            p.proof.ask_every =
                std::clamp(2 * std::max(p.proof.ask_every, p.proof.round_trip), ask_min, most);
            p.proof.ask_at = at_.now + p.proof.ask_every;
        }
        wake_by(p.proof.ask_at);
    }
}

// Source: RFC 6298, the smoothed round trip.
void mesh::note_round_trip(peer& p, instant since) const {
    const auto took = std::clamp<mesh_clock::duration>(at_.now - since, 50us, 1s);
    p.proof.round_trip = (7 * p.proof.round_trip + took) / 8;
    p.proof.timed = true;
}

verdict mesh::on_ack(const replica_id& from, const wire::ack& f, outbox& out) {
    auto* const p = peers_.find(from);
    if (p == nullptr) return refuse("ack by nobody known");
    if (f.asked > proofs_.last_question) return refuse("ack to nothing asked");
    cut room;
    const auto& seen = learn(*p, f.seen, room);
    ++counters_.acks_received;
    if (f.asked != 0) p->agreed.report(f.seen, store_); // others name a part of its cut
    out.acknowledged = true;
    if (p->proof.awaited_since != instant{} &&
        std::all_of(proofs_.awaited.begin(), proofs_.awaited.end(),
                    [&](const auto& each) { return has_told(*p, store_, each.second); })) {
        note_round_trip(*p, p->proof.awaited_since);
        p->proof.awaited_since = {};
    }
    if (f.asked != 0 && f.asked >= p->proof.answer.number &&
        &seen != &room) { // else it is not understood whole
        if (f.asked == p->proof.asked && f.asked > p->proof.answer.number)
            note_round_trip(*p, p->proof.asked_question_at);
        note_answer(*p, f);
        note_lack(*p, 0ms); // what it holds has to be here before anything is called absent
    }
    if (!leaving_ || f.answers != leaving_->number) return {};
    return on_leave_ack(*p, f);
}

// ---------------------------------------------------------------- as the one that is asked

verdict mesh::on_ask(const replica_id& from, const wire::ask& f, outbox& out) {
    auto* const p = peers_.find(from);
    if (p == nullptr) return refuse("ask by nobody known");
    if (f.want.size() > inner_bounds::wants_max) return refuse("ask for too much");
    cut room;
    (void)learn(*p, f.want, room); // it holds what it asks about
    out.acknowledged = true;
    p->proof.wanted.join(f.want);
    if (p->proof.wanted.size() > 4 * inner_bounds::wants_max) p->proof.wanted = f.want;
    note_lack(*p, 0ms);
    acknowledge(from, *p, f.number, out);
    return {};
}

void mesh::acknowledge(const replica_id& id, peer& p, std::uint64_t asked, outbox& out) {
    const bool staying = !leaving_ && !room_.is_full();
    wire::ack f{settings_.self, staying, store_.covers(p.holds.seen), 0, store_.seen(), asked};
    std::string view;
    if (asked != 0) show_view(id, f, view);
    send_to(id, p, f, out);
    ++counters_.acks_sent;
}

void mesh::owe(peer& p, std::uint64_t counter) {
    p.proof.owes = std::max(p.proof.owes, counter);
    proofs_.acks_owed = true;
}

// Says what has been applied to those who wait for it: once a slice, however much it was. G2: after applying,
// never before.
void mesh::answer_wanted(outbox& out) {
    if (!proofs_.acks_owed) return;
    proofs_.acks_owed = false;
    for (auto& [id, p] : peers_) {
        const bool early = settings_.broken == mutation::ack_before_applying;
        if (p.proof.owes != 0 && (early || store_.counter_of(id) >= p.proof.owes)) {
            cut part;
            part.push_back({id, early ? p.proof.owes : store_.counter_of(id)});
            const bool staying = !leaving_ && !room_.is_full();
            send_to(id, p, wire::ack{settings_.self, staying, false, 0, std::move(part), 0}, out);
            ++counters_.acks_sent;
            p.proof.owes = 0;
        }
        if (!p.proof.wanted.empty() && store_.covers(p.proof.wanted)) {
            p.proof.wanted = {};
            acknowledge(id, p, 0, out);
        }
        proofs_.acks_owed = proofs_.acks_owed || p.proof.owes != 0 || !p.proof.wanted.empty();
    }
}

} // namespace baton::core
