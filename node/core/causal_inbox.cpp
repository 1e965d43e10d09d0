#include "core/causal_inbox.hpp"

#include <algorithm>

namespace baton::core {

bool causal_inbox::is_whole(const wire::delta& f) {
    wire::event_reader rows(f.base, f.replicas, f.rows, wire::row_limits{});
    std::uint64_t count = 0;
    while (rows.next(kills_)) ++count;
    return rows.ok() && count == f.count;
}

// The views of `f` point into `frame`; those of the job into its own copy.
causal_inbox::job::job(std::string_view frame, const wire::delta& f)
    : bytes(frame)
    , head(f) {
    const auto here = [&](std::string_view view) {
        return view.empty() ? view
                            : std::string_view(bytes).substr(
                                  static_cast<std::size_t>(view.data() - frame.data()), view.size());
    };
    head.replicas = here(f.replicas);
    head.rows = here(f.rows);
}

causal_inbox::job::job(std::string frame)
    : bytes(std::move(frame))
    , head(std::get<wire::delta>(*wire::decode(bytes))) {}

std::optional<dot> causal_inbox::missing_for(const wire::delta& head) const {
    const auto& all = head.depends.entries();
    const auto at = std::find_if(all.begin(), all.end(), [&](const dot& id) { return !store_.has_seen(id); });
    return at == all.end() ? std::nullopt : std::optional(*at);
}

// While a session compares with a server, or takes everything from it, events that the server has seen have
// to wait: the server may have removed and forgotten them. The COMMIT brings them, or the comparison finds
// them dead.
bool causal_inbox::may_begin(const wire::delta& head, const session_view& session) const {
    const auto known = store_.counter_of(head.origin);
    const bool caused = limits_.broken == mutation::i2_skip_causal_check || store_.covers(head.depends);
    if (head.first > known + 1 || !caused) return false;
    if (session.of_newcomer && known == 0) return false;
    return session.compared == nullptr || head.first > session.compared->of(head.origin);
}

std::optional<causal_inbox::slice> causal_inbox::work(const session_view& session) {
    if (waiting_.empty()) return std::nullopt;
    auto& oldest = waiting_.front();
    const bool begins = !oldest.rows;
    const auto& head = oldest.head;
    slice done;
    done.origin = head.origin;
    done.first = head.first;
    done.last = head.first + head.count - 1;
    done.wants_ack = head.wants_ack;
    if (begins && !may_begin(head, session)) {
        done.known = store_.counter_of(head.origin);
        done.early = true;
        done.lost = head.first > done.known + 1;
        ++counters_.deltas_early;
        if (done.lost) ++counters_.gaps;
        const auto origin = head.origin;
        early_frames::frame early{done.first, done.last, missing_for(head), {}};
        early.bytes = std::move(oldest.bytes);
        early_.keep(origin, std::move(early));
        waiting_.pop_front();
        return done;
    }
    if (begins) {
        oldest.rows.emplace(head.base, head.replicas, head.rows, wire::row_limits{});
        oldest.next = head.first;
    }
    apply(oldest, done);
    done.finished = oldest.next > done.last;
    if (done.finished) waiting_.pop_front();
    return done;
}

void causal_inbox::apply(job& one, slice& done) {
    bool joined = false; // a group of events is applied in one slice
    for (std::size_t i = 0; i < limits_.slice || joined; ++i) {
        auto& ring = one.ring;
        while (ring.count < job::ahead) {
            const auto place = (ring.first + ring.count) % job::ahead;
            const auto event = one.rows->next(ring.kills[place]);
            if (!event) break;
            store_.prefetch(event->slot);
            ring.events[place] = *event;
            ++ring.count;
        }
        if (ring.count == 0) break;
        const auto& event = ring.events[ring.first];
        joined = event.joined;
        const auto outcome = store_.apply({one.head.origin, one.next++}, event);
        ring.first = (ring.first + 1) % job::ahead;
        --ring.count;
        if (outcome == store::applied::yes) {
            ++done.applied;
            done.newest = std::max(done.newest, event.stamp);
        } else {
            ++counters_.events_duplicate;
        }
    }
    counters_.events_applied += done.applied;
}

void causal_inbox::look_again() {
    if (early_.empty()) return;
    early_.each_first([this](const replica_id& origin, early_frames::frame& first) {
        const auto known = store_.counter_of(origin);
        if (first.first > known + 1) return early_frames::fate::waits;
        if (first.last <= known) return early_frames::fate::stale;
        if (first.missing && !store_.has_seen(*first.missing)) return early_frames::fate::waits;
        const auto frame = wire::decode(first.bytes);
        ++early_decoded_;
        first.missing = missing_for(std::get<wire::delta>(*frame));
        if (first.missing) return early_frames::fate::waits;
        waiting_.emplace_back(std::move(first.bytes));
        return early_frames::fate::ready;
    });
}

void causal_inbox::clear() {
    waiting_.clear();
    early_.clear();
}

} // namespace baton::core
