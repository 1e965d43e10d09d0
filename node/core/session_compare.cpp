// Comparison by ranges (I8), as the receiver; session_ranges.cpp is the server. It is used if a log can no
// longer show what was removed, if the staged rows came from another server, or if equal cuts have unequal
// digests. The server reports what it holds in ranges of dots: first as sums, which become finer as the
// receiver asks, at last dot by dot. The receiver marks what the server does not hold as dead, and asks for
// what it lacks itself. The cut that the server had at the start decides absence; the walk at the end brings
// what is above it.
// Source: range-based set reconciliation (Meyer, 2023), over dots instead of keys.
#include "core/session_receiver.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

session_receiver::outcome session_receiver::on_answer(const replica_id& from, const wire::fingerprint& f,
                                                      const moment& at, outbox& out) {
    at_ = at;
    outcome done;
    if (f.session > last_number_) return {{"answer to nothing asked"}};
    if (!session_ || session_->number != f.session || session_->from != from) return done;
    auto& s = *session_;
    if (!s.is_of(f.walk) && settings_.broken != mutation::walk_ignored) {
        end(session_end::began_anew, done, out);
        return done;
    }
    auto opening = s.ranges ? nullptr : std::make_unique<comparison>();
    auto& r = s.ranges ? *s.ranges : *opening;
    const bool expected = r.opened ? f.number == r.number && !r.question.empty() && !r.done : f.number == 0;
    if (!expected || f.chunks > s.next_chunk) return done; // a repeated answer, or one after a lost chunk
    std::deque<wire::listed_range> listed;
    wire::listing_reader rows(f.replicas, f.rows);
    wire::listed_range one;
    while (rows.next(one)) listed.push_back(one);
    const bool whole = (f.flags & wire::fingerprint::whole_archive) != 0;
    cut had;
    if (!r.opened) had = whole ? s.archive_rows : joined(s.closed, s.archive_rows);
    had.overlay(f.seen); // including origins archived since the start
    // The opening covers each origin that the server has seen; an answer covers what was asked.
    const bool fits = std::all_of(listed.begin(), listed.end(), [&](const wire::listed_range& l) {
        if (!r.opened) return l.range.after == 0 && l.range.last == had.of(l.range.origin);
        return std::any_of(r.asked.begin(), r.asked.end(), [&](const dot_range& asked) {
            const bool finer = l.whole || l.range.last - l.range.after < asked.last - asked.after;
            return asked.origin == l.range.origin && asked.after <= l.range.after &&
                   l.range.last <= asked.last && finer;
        });
    });
    if (!rows.ok() || !fits) {
        done.why = {"malformed state"};
        end(session_end::malformed, done, out);
        return done;
    }
    if (opening) {
        s.ranges = std::move(opening);
        ++counts_.compared;
    }
    s.progress_at = at_.now;
    s.repeats = 0;
    counts_.bytes += f.rows.size();
    r.question.clear();
    if (!r.opened) {
        r.at = std::move(had);
        add_unlisted(listed);
    }
    r.opened = true;
    r.to_check = std::move(listed);
    r.own = {};
    return done;
}

// An origin without live records is not in the listing. Adds each such origin of which this node has seen or
// staged an event by now; the PULL may be much older.
void session_receiver::add_unlisted(std::deque<wire::listed_range>& listed) {
    std::vector<replica_id> told;
    told.reserve(listed.size());
    for (const auto& each : listed) told.push_back(each.range.origin);
    std::sort(told.begin(), told.end());
    auto here = store_.staged_origins();
    const auto seen = joined(store_.seen(), store_.archived());
    for (const auto& id : seen.entries()) here.push_back(id.replica);
    std::sort(here.begin(), here.end());
    here.erase(std::unique(here.begin(), here.end()), here.end());
    for (const auto& id : here) {
        const auto there = session_->ranges->at.of(id);
        if (there != 0 && !std::binary_search(told.begin(), told.end(), id))
            listed.push_back({{id, 0, there}, true, {}, {}});
    }
}

void session_receiver::want(const replica_id& origin, std::uint64_t counter) {
    auto& ask = session_->ranges->to_ask;
    if (!ask.empty() && ask.back().ship && ask.back().range.origin == origin &&
        ask.back().range.last + 1 == counter) {
        ++ask.back().range.last;
    } else {
        ask.push_back({{origin, counter - 1, counter}, true});
    }
}

// Compares a slice of own records with the listing. Returns true while there is more to do without the
// server.
bool session_receiver::work_on_ranges(outbox& out) {
    if (!session_ || !session_->ranges || !session_->ranges->opened) return false;
    auto& r = *session_->ranges;
    if (r.to_check.empty()) {
        if (r.question.empty() && !r.done) ask_on(out);
        return false;
    }
    std::size_t steps = settings_.bounds.slice;
    while (steps != 0 && !r.to_check.empty()) {
        const auto& l = r.to_check.front();
        if (r.own.last == 0) {
            r.own = l.range;
            r.own_sum = {};
            r.listed = 0;
        }
        const auto found = store_.next_held(r.own, steps, true);
        if (!found && steps == 0 && r.own.after < r.own.last) break;
        if (!found) {
            if (l.whole) {
                for (; r.listed < l.records.size(); ++r.listed) check_listed(l, l.records[r.listed]);
            } else {
                check_sum(l);
            }
            r.to_check.pop_front();
            r.own = {};
            continue;
        }
        ++r.own_sum.count;
        r.own_sum.hash += found->hash;
        if (!l.whole) continue;
        while (r.listed < l.records.size() && l.records[r.listed].counter < found->counter)
            check_listed(l, l.records[r.listed++]);
        if (r.listed < l.records.size() && l.records[r.listed].counter == found->counter) {
            const auto theirs = l.records[r.listed++].hash;
            if (static_cast<std::uint32_t>(theirs) != static_cast<std::uint32_t>(found->hash))
                want(l.range.origin, found->counter);
        } else {
            check_absent({l.range.origin, found->counter});
        }
    }
    return true;
}

void session_receiver::check_sum(const wire::listed_range& l) {
    auto& r = *session_->ranges;
    if (r.own_sum == l.sum) return;
    const bool nothing_of_it = r.own_sum.count == 0 && l.range.after >= store_.counter_of(l.range.origin);
    const bool single = l.range.last - l.range.after == 1;
    r.to_ask.push_back({l.range, nothing_of_it || single});
}

// The server has the record and this node does not: it is new here, or was removed here. The share of a
// counter may also show a removed part.
void session_receiver::check_listed(const wire::listed_range& l, const held_dot& theirs) {
    const dot id{l.range.origin, theirs.counter};
    if (session_->by_union || theirs.counts || !store_.has_seen(id)) want(id.replica, id.counter);
}

// This node has the record and the server does not: the server has not seen it yet, or has removed it.
void session_receiver::check_absent(const dot& id) {
    const auto& judge = settings_.broken == mutation::i8_absence_by_commit
                            ? members_.find(session_->from)->holds.seen
                            : session_->ranges->at;
    if (!session_->by_union && judge.has(id)) store_.stage_dead(id);
}

void session_receiver::ask_on(outbox& out) {
    auto& s = *session_;
    auto& r = *s.ranges;
    wire::fingerprint f;
    std::vector<wire::asked_range> asked;
    r.asked.clear();
    while (!r.to_ask.empty() && asked.size() < settings_.bounds.asked) {
        asked.push_back(r.to_ask.front());
        if (!asked.back().ship) r.asked.push_back(asked.back().range);
        r.to_ask.pop_front();
    }
    f.session = s.number;
    f.walk = s.walk.value_or(0);
    f.number = ++r.number;
    f.flags = wire::fingerprint::question;
    // A range that is shipped needs no answer: the last question has the flag `done`.
    const bool asks = std::any_of(asked.begin(), asked.end(), [](const auto& each) { return !each.ship; });
    r.done = !asks && r.to_ask.empty();
    if (r.done) f.flags |= wire::fingerprint::done;
    std::string replicas, rows;
    wire::write_question(asked, replicas, rows);
    f.replicas = replicas;
    f.rows = rows;
    auto* const p = members_.find(s.from);
    r.question = mail_.encode_for(p, f);
    s.progress_at = at_.now;
    s.repeats = 0;
    if (p != nullptr && p->via) out.actions.push_back(send_request{*p->via, r.question});
    out.note("ask", s.from, s.number, asked.size());
}

} // namespace baton::core
