// The two ends of a session, as session_receiver and session_server have them.
#include "world.hpp"

#include <algorithm>

namespace baton::test {

void world::pull(std::size_t receiver, std::size_t server, std::uint64_t width, bool compare) {
    auto& n = node_at(receiver);
    auto& r = *n.held;
    auto& s = at(server);
    if (&r == &s || n.inbound || r.folding() || s.folding()) return;
    n.inbound = std::make_unique<session>();
    auto& in = *n.inbound;
    in.server = server % size();
    in.asked = seen(receiver);
    in.closed = r.archived();
    in.newcomer = r.is_disjoint(s.seen());
    in.cached = r.stage_is_cache();
    // The server acts from here on.
    in.whole_archive = r.archive_digest() != s.archive_digest();
    in.receiver = in.asked;
    in.start = seen(server);
    in.ranges = compare || in.cached || n.compare_next || !s.may_walk(in.receiver);
    n.compare_next = false;
    in.walk = s.walk_from(in.ranges ? in.start : in.receiver);
    for (const auto& id : in.start.entries()) {
        in.pin.set(id.replica, in.ranges ? id.counter : std::min(id.counter, in.receiver.of(id.replica)));
        for (std::uint64_t after = 0; in.ranges && after < id.counter; after += width + 1)
            in.to_list.push_back({id.replica, after, std::min(after + width + 1, id.counter)});
    }
    in.uncompared = in.to_list.size();
    if (receiver % 2 == 0) r.expect(s.records());
}

// ---------------------------------------------------------------- the server's end

void world::serve(std::size_t receiver, std::size_t portion) {
    auto& n = node_at(receiver);
    if (!n.inbound || n.inbound->complete) return;
    auto& in = *n.inbound;
    auto& s = at(in.server);
    if (s.folding()) return;
    std::size_t steps = portion + 1;
    const auto archive_rows = [&] {
        cut rows;
        for (const auto& id : s.archived().entries()) {
            if (in.whole_archive || in.closed.of(id.replica) != id.counter) rows.push_back(id);
        }
        return rows;
    };
    if (in.ranges && !in.answered) {
        message m;
        m.what = message::kind::open;
        for (const auto& id : in.start.entries()) {
            if (s.archived().of(id.replica) == 0) m.seen.push_back(id);
        }
        m.rows = archive_rows();
        in.sent.push_back(std::move(m));
        in.answered = true;
        return;
    }
    if (!in.to_list.empty()) return list(s, in, portion);
    if (!in.to_ship.empty()) {
        if (const auto id = s.next(in.to_ship.front(), steps)) {
            ship(s, in, *id);
        } else if (steps != 0) {
            in.to_ship.pop_front();
        }
        return;
    }
    if (in.ranges && in.uncompared != 0) return;
    if (const auto id = s.next(in.walk, steps)) return ship(s, in, *id);
    if (steps == 0) return;
    message m;
    m.what = message::kind::commit;
    m.seen = s.seen();
    m.rows = archive_rows();
    m.floor = s.floor();
    in.sent.push_back(std::move(m));
    in.complete = true;
}

// A record that the receiver has goes as a reference. Not in a comparison, and never the shares of a counter,
// which change while their dots stay.
void world::ship(store& from, session& s, const dot& id) {
    std::vector<staged_view> chain;
    const auto slot = from.chain_at(id, chain);
    if (slot.key.empty()) return; // overwritten since: its successor comes later in the walk
    message m;
    m.what = message::kind::chain;
    m.slot = slot;
    for (auto& entry : chain) {
        const bool refers = !s.ranges && slot.type != value_type::counter && s.receiver.has(entry.id);
        if (refers) entry.what = block::kind::reference;
        m.entries.push_back({entry, refers ? std::string{} : std::string(entry.value)});
    }
    s.sent.push_back(std::move(m));
}

void world::list(store& from, session& s, std::size_t portion) {
    message m;
    m.what = message::kind::listing;
    m.range = s.to_list.front();
    s.to_list.pop_front();
    for (auto range = m.range; range.after < range.last;) {
        std::size_t steps = portion + 1;
        if (const auto found = from.next_held(range, steps, false)) m.records.push_back(*found);
    }
    s.sent.push_back(std::move(m));
}

// ---------------------------------------------------------------- the receiver's end

void world::receive(std::size_t receiver) {
    auto& n = node_at(receiver);
    if (!n.inbound || n.inbound->sent.empty()) return;
    auto& in = *n.inbound;
    const auto m = std::move(in.sent.front());
    in.sent.pop_front();
    switch (m.what) {
    case message::kind::open: {
        in.archive_rows.join(m.rows);
        in.there = joined(m.seen, in.whole_archive ? in.archive_rows : joined(in.closed, in.archive_rows));
        in.opened = true;
        // Origins whose every record is gone there are in no listing.
        for (const auto& id : in.asked.entries()) {
            if (in.start.of(id.replica) != 0 || in.there.of(id.replica) == 0) continue;
            message none;
            none.range = {id.replica, 0, std::min(id.counter, in.there.of(id.replica))};
            compare(*n.held, in, none);
        }
        return;
    }
    case message::kind::listing:
        --in.uncompared;
        return compare(*n.held, in, m);
    case message::kind::chain: {
        std::vector<staged_view> chain;
        for (const auto& entry : m.entries) {
            chain.push_back(entry.what);
            chain.back().value = entry.value;
            in.staged.raise(entry.what.id);
        }
        (void)n.held->stage(m.slot.name(), chain);
        return;
    }
    case message::kind::commit:
        return finish(receiver, m);
    }
}

void world::compare(store& own, session& s, const message& m) {
    const auto want = [&](std::uint64_t counter) {
        s.to_ship.push_back({m.range.origin, counter - 1, counter});
    };
    std::map<std::uint64_t, held_dot> mine;
    for (auto range = m.range; range.after < range.last;) {
        std::size_t steps = 1;
        if (const auto found = own.next_held(range, steps, true)) mine.emplace(found->counter, *found);
    }
    for (const auto& theirs : m.records) {
        const auto at = mine.find(theirs.counter);
        if (at == mine.end()) {
            if (theirs.counts || !own.has_seen({m.range.origin, theirs.counter})) want(theirs.counter);
        } else {
            if (at->second.hash != theirs.hash) want(theirs.counter);
            mine.erase(at);
        }
    }
    for (const auto& [counter, unlisted] : mine) {
        const dot id{m.range.origin, counter};
        if (s.there.has(id)) own.stage_dead(id);
    }
}

void world::finish(std::size_t receiver, const message& m) {
    auto& n = node_at(receiver);
    auto& in = *n.inbound;
    auto& r = *n.held;
    in.archive_rows.join(m.rows);
    const auto claimed =
        joined(m.seen, in.whole_archive ? in.archive_rows : joined(in.closed, in.archive_rows));
    const bool newcomer =
        in.newcomer && std::none_of(in.asked.entries().begin(), in.asked.entries().end(),
                                    [&](const dot& id) { return claimed.of(id.replica) != 0; });
    const auto known = in.ranges ? joined(in.asked, in.there) : in.asked;
    const bool cache_lost = in.cached && r.staged_slots() != 0 && !r.stage_is_cache();
    const bool below = !newcomer && !known.covers(m.floor);
    if (!claimed.covers(in.staged) || claimed.of(r.self()) > r.counter_of(r.self()))
        throw std::logic_error("an honest server's commit does not cover what it has sent");
    if (cache_lost || below) {
        if (below) n.compare_next = true;
        return abandon(receiver, true);
    }
    if (newcomer && !in.ranges && !r.is_disjoint(claimed)) r.stage_absent(claimed);
    r.stage_archive(in.archive_rows);
    if (in.cached) r.stage_trim(claimed);
    r.commit(claimed);
    if (in.ranges || newcomer) r.raise_floor(m.floor);
    if (in.ranges) r.raise_floor(in.there);
    n.told[in.server].join(claimed);
    n.said[in.server].join(claimed);
    nodes_[in.server].told[receiver % size()].join(joined(in.receiver, m.seen));
    const bool forgets = in.ranges || newcomer;
    n.inbound.reset();
    ++commits_;
    // Such a commit leaves no removal records, so the receivers of this node begin again.
    for (std::size_t j = 0; forgets && j < size(); ++j) {
        if (nodes_[j].inbound && nodes_[j].inbound->server == receiver % size()) abandon(j, true);
    }
}

void world::abandon(std::size_t receiver, bool keep) {
    auto& n = node_at(receiver);
    if (!n.inbound) return;
    n.inbound.reset();
    if (!keep || !n.held->stage_keep()) n.held->stage_abort();
}

void world::sync(std::size_t receiver, std::size_t server) {
    if (pulls(receiver)) return;
    for (const auto i : {receiver, server}) {
        while (at(i).fold(1000)) {
        }
    }
    for (int tries = 0; tries < 3; ++tries) { // a walk may turn out to be below the floor
        pull(receiver, server, 1000, false);
        while (pulls(receiver)) {
            serve(receiver, 1000);
            receive(receiver);
        }
        while (at(receiver).fold(1000)) {
        }
        if (at(receiver).covers(seen(server))) return;
    }
}

} // namespace baton::test
