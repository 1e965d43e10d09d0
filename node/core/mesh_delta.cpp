// Own events packed into DELTA frames, and the DELTA frames of others applied in order.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t slice_events = 256;
}

// ---------------------------------------------------------------- writes of this process

result<void> mesh::check_key(std::string_view key) const {
    if (key.empty()) return error{errc::key_empty, "a key has at least one byte"};
    if (key.size() > settings_.limits.key_bytes_max) {
        return error{errc::key_too_long, "the key has " + std::to_string(key.size()) +
                                             " bytes; limits.key_bytes_max is " +
                                             std::to_string(settings_.limits.key_bytes_max)};
    }
    return {};
}

result<version> mesh::stash(const moment& at, std::string_view key, std::string_view value) {
    if (const auto good = check_key(key); !good) return good.error();
    if (value.size() > settings_.limits.value_bytes_max) {
        return error{errc::value_too_long, "the value has " + std::to_string(value.size()) +
                                               " bytes; limits.value_bytes_max is " +
                                               std::to_string(settings_.limits.value_bytes_max)};
    }
    if (leaving_) return error{errc::leaving, "the node is leaving: nothing more is written"};
    const auto stamp = clock_.tick(at.wall_ms);
    const auto id = store_.put(key, value, stamp, kills_);
    ++counters_.stashes;
    queue_event(id, {false, value_type::reg, stamp, 0, key, value, kills_});
    return version{id};
}

result<bool> mesh::drop(const moment& at, std::string_view key) {
    if (const auto good = check_key(key); !good) return good.error();
    if (leaving_) return error{errc::leaving, "the node is leaving: nothing more is written"};
    const auto stamp = clock_.tick(at.wall_ms);
    const auto id = store_.remove(key, stamp, kills_);
    if (!id) return false;
    ++counters_.drops;
    queue_event(*id, {true, value_type::reg, stamp, 0, key, {}, kills_});
    return true;
}

void mesh::queue_event(const dot& id, const event_view& event) {
    if (subscribers_.empty()) return; // whoever comes later begins with a PULL
    if (event.key.size() + event.value.size() > settings_.limits.delta_bytes_max) {
        publish_now_ = true; // announced by its counter in HELLO, fetched by PULL
        return;
    }
    const bool follows = !batches_.empty() &&
                         batches_.back().first + batches_.back().rows.count() == id.counter &&
                         batches_.back().rows.bytes() + event.key.size() + event.value.size() <=
                             settings_.limits.delta_bytes_max;
    if (!follows) batches_.push_back({id.counter, wire::event_writer(event.stamp)});
    auto& rows = batches_.back().rows;
    const auto before = rows.bytes();
    rows.add(event);
    unsent_bytes_ += rows.bytes() - before;
}

void mesh::flush(const moment& at, outbox& out) {
    at_ = at;
    if (publish_now_) {
        publish_hello(out);
    } else {
        send_batches(out);
    }
}

// Everything waiting becomes frames. What others must have seen first is this node's cut now, as far as it
// has changed: that may be more than an event really depends on, which only delays it, and never in a circle.
void mesh::send_batches(outbox& out) {
    if (batches_.empty()) return;
    cut depends;
    if (depends_generation_ != remote_generation_) {
        const auto seen = store_.seen();
        for (const auto& id : seen.entries()) {
            if (id.replica != settings_.self && id.counter != depends_sent_.of(id.replica))
                depends.push_back(id);
        }
        depends_sent_.join(depends);
        depends_generation_ = remote_generation_;
    }
    for (const auto& each : batches_) {
        auto bytes = wire::encode(wire::delta{settings_.self, each.first, each.rows.count(), each.rows.base(),
                                              depends, each.rows.replicas(), each.rows.rows()});
        ++counters_.deltas_sent;
        counters_.delta_bytes_sent += bytes.size();
        out.actions.push_back(send_broadcast{std::move(bytes)});
        depends = {};
    }
    batches_.clear();
    unsent_bytes_ = 0;
}

// ---------------------------------------------------------------- deltas of others

void mesh::observe(const replica_id& origin, timestamp stamp, outbox& out) {
    if (clock_.observe(stamp, at_.wall_ms)) return;
    ++counters_.clock_skew;
    if (auto* const p = find(origin); p != nullptr && !p->skew_told) {
        p->skew_told = true;
        raise(out, event_kind::clock_skew, origin,
              std::to_string(stamp.milliseconds() - at_.wall_ms) + " ms ahead of ours");
    }
}

verdict mesh::on_delta(std::string_view bytes, const wire::delta& f, outbox& out) {
    (void)out;
    if (f.origin == settings_.self) return refuse("delta in our own name");
    auto* const p = find(f.origin);
    if (p == nullptr) return refuse("broadcast by nobody known");
    // Rejected whole or taken whole: look at every row before the first is applied.
    wire::event_reader rows(f.base, f.replicas, f.rows, row_limits_);
    std::uint64_t count = 0;
    while (rows.next(kills_)) ++count;
    if (!rows.ok() || count != f.count) return refuse("malformed delta");

    p->life.heard(at_.now, false);
    ++counters_.deltas_received;
    if (leaving_) return {}; // the cut is frozen
    deltas_.emplace_back(std::string(bytes));
    return {};
}

// Applies up to a slice of the oldest waiting delta. True while there is more.
bool mesh::work_on_delta(outbox& out) {
    if (deltas_.empty()) return false;
    auto& job = deltas_.front();
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::delta>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, row_limits_);
        job.next = job.head.first;
        job.opened = true;
        const auto& head = job.head;
        const auto known = store_.counter_of(head.origin);
        const bool caused = settings_.broken == mutation::i2_skip_causal_check || store_.covers(head.depends);
        if (head.first > known + 1 || !caused) {
            ++counters_.deltas_early;
            auto* const p = find(head.origin);
            if (head.first > known + 1) ++counters_.gaps;
            if (p != nullptr) {
                p->seen.raise({head.origin, head.first + head.count - 1});
                // A gap on an ordered stream is a loss; a missing dependency may be on its way from its own
                // origin.
                note_lack(*p, head.first > known + 1 ? mesh_clock::duration{0} : 20ms);
                note(out, "early", head.origin, head.first, known);
            }
            keep_early(head.origin, head.first, std::move(job.bytes));
            deltas_.pop_front();
            consider_pull(out);
            return !deltas_.empty();
        }
    }
    timestamp newest{};
    std::size_t applied = 0;
    for (std::size_t i = 0; i < slice_events; ++i) {
        const auto event = job.rows->next(kills_);
        if (!event) break;
        const auto outcome = store_.apply({job.head.origin, job.next++}, *event);
        if (outcome == store::applied::yes) {
            ++applied;
            newest = std::max(newest, event->stamp);
        } else {
            ++counters_.events_duplicate;
        }
    }
    const auto origin = job.head.origin;
    const bool finished = job.next >= job.head.first + job.head.count;
    if (finished) {
        if (auto* const p = find(origin)) p->seen.raise({origin, job.next - 1});
        deltas_.pop_front();
    }
    if (applied != 0) {
        counters_.events_applied += applied;
        out.events_applied += applied;
        observe(origin, newest, out);
        ++remote_generation_;
        if (finished) cut_grew(out);
    }
    if (deltas_.empty()) consider_pull(out); // it has waited for what was here already
    return !deltas_.empty();
}

// Kept because something before it is missing. When there is no more room the oldest go: a repair brings
// those first.
void mesh::keep_early(const replica_id& origin, std::uint64_t first, std::string bytes) {
    auto& frames = early_[origin];
    const auto at =
        std::find_if(frames.begin(), frames.end(), [&](const auto& f) { return f.first >= first; });
    if (at != frames.end() && at->first == first) return;
    early_bytes_ += bytes.size();
    frames.insert(at, {first, std::move(bytes)});
    while (early_bytes_ > settings_.limits.early_bytes_max && !frames.empty()) {
        early_bytes_ -= frames.front().bytes.size();
        frames.pop_front();
    }
    if (frames.empty()) early_.erase(origin);
}

void mesh::retry_early() {
    for (auto at = early_.begin(); at != early_.end();) {
        auto& [origin, frames] = *at;
        const auto known = store_.counter_of(origin);
        while (!frames.empty() && frames.front().first <= known + 1) {
            auto bytes = std::move(frames.front().bytes);
            early_bytes_ -= bytes.size();
            frames.pop_front();
            // Still waiting for a dependency? Then it comes back here by itself.
            const auto frame = wire::decode(bytes);
            const auto& head = std::get<wire::delta>(*frame);
            if (head.first + head.count - 1 <= known) continue;
            if (!store_.covers(head.depends)) {
                early_bytes_ += bytes.size();
                frames.push_front({head.first, std::move(bytes)});
                break;
            }
            deltas_.emplace_back(std::move(bytes));
            break;
        }
        at = frames.empty() ? early_.erase(at) : std::next(at);
    }
}

// The cut has grown by others' events: whatever waited for that can go on.
void mesh::cut_grew(outbox& out) {
    if (!early_.empty()) retry_early();
    check_synced(out);
    answer_leavings(out);
}

bool mesh::work(const moment& at, outbox& out) {
    at_ = at;
    bool more = false;
    if (store_.folding()) {
        more = store_.fold(slice_events);
        if (!more) consider_pull(out);
        more = true;
    } else if (work_on_delta(out)) {
        more = true;
    } else if (work_on_state(out)) {
        more = true;
    } else {
        more = work_on_serving(out);
    }
    flush(at, out);
    out.wake_at = wake_at_;
    return more || store_.folding();
}

} // namespace baton::core
