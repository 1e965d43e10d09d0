#include "core/reports.hpp"

#include "core/told.hpp"

#include <utility>

namespace baton::core {

const cut& reports::learn(peer& p, const cut& reported, cut& room) {
    const auto most = settings_.limits.unknown_ids_max;
    const auto known = [this](const replica_id& id) {
        return store_.counter_of(id) != 0 || members_.contains(id);
    };
    std::size_t left_out = 0;
    if (reported.size() > most) room = heed(reported, most, known, left_out);
    counters_.ids_ignored += left_out;
    const auto& kept = left_out != 0 ? room : reported;
    p.holds.seen.join(kept);
    trim(p.holds.seen, kept, most, known);
    // Writers wait for this member from now on: a burst may come before the next heartbeat.
    if (!p.lag.evicted && p.holds.seen.of(settings_.self) >= store_.counter_of(settings_.self))
        p.lag.kept_up = true;
    return kept;
}

void reports::learn_standing(const replica_id& id, peer& p, const wire::standing& s,
                             mesh_clock::duration grace, outbox& out) {
    cut room;
    const auto& seen = learn(p, s.seen, room);
    p.holds.overfull = &seen == &room;
    p.holds.standing_hash = wire::hash_of(s);
    // A later report that names only the difference could not be understood.
    p.holds.hash_known = !p.holds.overfull;
    p.holds.archive = s.archive;
    p.holds.told = seen;
    p.agreed.report(seen, store_);
    // If this node was archived by mistake, no cut names its events until it writes again.
    if (s.archive == store_.archive_digest())
        p.holds.seen.raise({settings_.self, store_.archived().of(settings_.self)});
    out.acknowledged = true; // it may hold what a call waits for, and is not asked again
    note_lack(p, grace);
    if (s.has_state && s.seen == store_.seen() && s.archive == store_.archive_digest()) {
        if (const auto own = store_.state_digest()) {
            compare_digests(id, p, *own == s.state, out, own->to_string() + " here, " + s.state.to_string());
        }
    }
}

void reports::learn_same(const replica_id& id, peer& p, const wire::standing& own, std::uint64_t state_low,
                         outbox& out) {
    p.pull.at.reset();
    if (own.has_state && state_low != 0)
        compare_digests(id, p, state_low == own.state.low, out, own.state.to_string() + " here");
    p.holds.seen.join(own.seen);
    out.acknowledged = true;
    p.holds.told = own.seen;
    p.agreed.report(own.seen, store_);
    p.holds.archive = own.archive;
    p.holds.seen.raise({settings_.self, store_.counter_of(settings_.self)});
    p.holds.standing_hash = wire::hash_of(own);
    p.holds.hash_known = true;
}

// I1 promises equal digests. A difference is reported once, until the digests agree again.
void reports::compare_digests(const replica_id& id, peer& p, bool equal, outbox& out,
                              const std::string& both) {
    ++counters_.digest_checks;
    if (!equal) {
        ++counters_.diverged;
        if (!p.holds.diverged)
            members_.raise(out, event_kind::diverged, id, "equal cuts, different digests: " + both);
        if (!p.pull.at) p.pull.at = time_.now(); // a session by union repairs it
        time_.wake_by(*p.pull.at);
    }
    p.holds.diverged = !equal;
}

void reports::note_lack(peer& p, mesh_clock::duration grace) {
    core::note_lack(p, store_, time_.now() + grace);
    if (p.pull.at) time_.wake_by(*p.pull.at);
}

} // namespace baton::core
