// The server's part of a comparison by ranges (I8): it reports what it holds in ranges of dots, first as
// sums, which become finer as the receiver asks, at last dot by dot.
#include "core/session_server.hpp"

#include <algorithm>

namespace baton::core {

// The answer begins with the archive, which names the last events of archived origins. Then comes one sum per
// origin.
void session_server::open_ranges(outbound_session& s) {
    s.ranges->answered = false;
    s.ranges->number = 0;
    for (const auto& id : s.start.entries()) s.ranges->expand.push_back({{id.replica, 0, id.counter}, false});
}

verdict session_server::on_question(const replica_id& from, const wire::fingerprint& f, instant now,
                                    outbox& out) {
    now_ = now;
    const auto at = serving_.find(from);
    const bool known = at != serving_.end() && at->second->number == f.session &&
                       (f.walk == 0 || f.walk == at->second->walk_id);
    if (known && !at->second->ranges) return {"question for no session"};
    if (!known) { // forgotten here, or meant for a former incarnation: tell the receiver not to wait
        tell_busy(from, f.session, out);
        return f.session > members_.add(from).serve.begun ? verdict{"question for no session"} : verdict{};
    }
    auto& s = *at->second;
    auto& r = *s.ranges;
    if (f.number == r.number && !r.answer.empty()) { // the answer was lost
        out.actions.push_back(send_reply{from, r.answer});
        return {};
    }
    if (f.number != r.number + 1 || !r.answered) return {}; // a late question, or one that is being answered
    const auto asked = wire::read_question(f.replicas, f.rows);
    if (!asked || asked->size() > inner_bounds::asked_max) return {"malformed question"};
    s.heard_at = now_;
    r.number = f.number;
    r.answer.clear();
    for (const auto& each : *asked) {
        if (each.ship) {
            r.ship.push_back(each.range);
        } else {
            r.expand.push_back(each);
        }
    }
    if ((f.flags & wire::fingerprint::done) != 0) {
        r.finished = true;
    } else {
        r.answered = false;
    }
    return {};
}

// Looks through one slice of the ranges that were asked about, and sends the answer when all are done.
void session_server::work_on_answer(const replica_id& to, outbound_session& s, outbox& out) {
    auto& r = *s.ranges;
    s.heard_at = now_;
    if (r.number == 0) tell_archive(s, out);
    std::size_t steps = settings_.bounds.slice;
    while (steps != 0) {
        if (!r.current) {
            if (r.expand.empty()) return send_answer(to, s, out);
            r.current = r.whole = r.expand.front().range;
            r.expand.pop_front();
            const auto length = r.whole.last - r.whole.after;
            const auto count = r.number == 0 ? 1 : std::min(length, settings_.bounds.branching);
            r.parts.assign(count, {});
            for (std::uint64_t i = 0; i < count; ++i) {
                const auto step = (length + count - 1) / count;
                auto& part = r.parts[i].range;
                part = {r.whole.origin, r.whole.after + std::min(length, i * step),
                        r.whole.after + std::min(length, (i + 1) * step)};
            }
        }
        const auto found = store_.next_held(*r.current, steps, false);
        if (!found) {
            if (steps == 0 && r.current->after < r.current->last) return;
            finish_range(s);
            continue;
        }
        const auto step = r.parts[0].range.last - r.parts[0].range.after;
        auto& part = r.parts[(found->counter - 1 - r.whole.after) / step];
        ++part.sum.count;
        part.sum.hash += found->hash;
        if (part.sum.count <= settings_.bounds.listed) part.records.push_back(*found);
    }
}

// Few records are listed one by one; if the whole range has few, it is listed as one.
void session_server::finish_range(outbound_session& s) const {
    auto& r = *s.ranges;
    std::uint64_t total = 0;
    for (const auto& part : r.parts) total += part.sum.count;
    // A long opening leaves out origins without records: the receiver treats a missing origin as empty.
    const bool said = total != 0 || r.number != 0 || r.listing.bytes() < settings_.bounds.listing_bytes;
    if (!said) {
        r.current.reset();
        return;
    }
    if (total == 0 ||
        (total <= settings_.bounds.listed && r.listing.bytes() < settings_.bounds.listing_bytes)) {
        wire::listed_range all{r.whole, true, {}, {}};
        for (auto& part : r.parts)
            all.records.insert(all.records.end(), part.records.begin(), part.records.end());
        r.listing.add(all);
    } else {
        for (auto& part : r.parts) {
            if (part.range.after == part.range.last) continue;
            part.whole = part.sum.count == 0 ||
                         (total <= 4 * settings_.bounds.listed && part.sum.count <= settings_.bounds.listed &&
                          r.listing.bytes() < settings_.bounds.listing_bytes);
            r.listing.add(part);
        }
    }
    r.current.reset();
}

void session_server::send_answer(const replica_id& to, outbound_session& s, outbox& out) {
    auto& r = *s.ranges;
    wire::fingerprint f;
    f.session = s.number;
    f.walk = s.walk_id;
    f.number = r.number;
    f.chunks = s.next_chunk;
    if (s.whole_archive) f.flags |= wire::fingerprint::whole_archive;
    for (const auto& id : s.start.entries()) { // archived origins have been sent with the archive
        if (r.number == 0 && store_.archived().of(id.replica) != id.counter) f.seen.push_back(id);
    }
    f.replicas = r.listing.replicas();
    f.rows = r.listing.rows();
    r.answer = wire::encode(f, s.version);
    r.listing = {};
    r.answered = true;
    counts_.bytes += r.answer.size();
    out.actions.push_back(send_reply{to, r.answer});
    out.note("answer", to, s.number, r.number);
}

} // namespace baton::core
