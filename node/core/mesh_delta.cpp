// Own events packed into DELTA frames, and the DELTA frames of others applied in order.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t kill_bytes = 16 + 4 + 10; // in a DELTA: the id, its index, the counter
} // namespace

result<void> mesh::check_ttl(const slot_name& slot, std::optional<std::chrono::milliseconds> ttl) {
    if (!ttl) return {};
    if (slot.type != value_type::reg) return error{errc::bad_argument, "only a register has a time to live"};
    if (ttl->count() <= 0 || *ttl > ttl_max)
        return error{errc::bad_argument, "ttl has to be 1 ms to 100 years"};
    return {};
}

// ---------------------------------------------------------------- writes of this process

result<void> mesh::check_key(std::string_view key) {
    if (key.empty()) return error{errc::key_empty, "a key has at least one byte"};
    if (key.size() > key_bytes_max) {
        return error{errc::key_too_long, "the key has " + std::to_string(key.size()) + " bytes; at most " +
                                             std::to_string(key_bytes_max) + " are possible"};
    }
    return {};
}

// Without `value_bytes` no more is written than others have already: this node's own limits do not count.
result<void> mesh::check_write(const slot_name& slot, std::optional<std::size_t> value_bytes) {
    if (const auto good = check_key(slot.key); !good) return good.error();
    if (value_bytes && slot.key.size() > settings_.limits.key_bytes_max) {
        return error{errc::key_too_long, "the key has " + std::to_string(slot.key.size()) +
                                             " bytes; limits.key_bytes_max is " +
                                             std::to_string(settings_.limits.key_bytes_max)};
    }
    if (slot.element.size() > element_bytes_max)
        return error{errc::key_too_long, "an element or field has at most 512 bytes"};
    if (value_bytes && *value_bytes > settings_.limits.value_bytes_max) {
        return error{errc::value_too_long, "the value has " + std::to_string(*value_bytes) +
                                               " bytes; limits.value_bytes_max is " +
                                               std::to_string(settings_.limits.value_bytes_max)};
    }
    if (leaving_) return error{errc::leaving, "the node is leaving: nothing more is written"};
    if (room_.is_full() || room_.has_reached(store_.state_bytes()) || store_.is_short_of_memory())
        return error{errc::full, "limits.bytes_max is reached: drop something first"};
    return check_type(slot);
}

// A key is what it was first written as. Where two sides made it different things at once, both stay and both
// can be written, until it is dropped.
result<void> mesh::check_type(const slot_name& slot) {
    if (slot.type == value_type::reg && !store_.has_typed_keys()) return {};
    const auto types = store_.types_of(slot.key);
    if (types == 0 || (types >> static_cast<unsigned>(slot.type) & 1) != 0) return {};
    return error{errc::wrong_type, "the key holds a value of another type: drop it first"};
}

version mesh::publish(const written& what) {
    sent_.add(what.event.slot.key.size() + what.event.slot.element.size() + what.event.value.size());
    queue_event(what.id, what.event);
    return version{what.id};
}

result<version> mesh::stash(const moment& at, std::string_view key, std::string_view value,
                            const std::optional<version>& expected,
                            std::optional<std::chrono::milliseconds> ttl) {
    if (expected) {
        store_.set_now(at.now);
        if (const auto good = check_key(key); !good) return good.error();
        const auto present = store_.read(key);
        if ((present ? present->id : dot{}) != expected->id)
            return error{errc::conflict, present ? "the key is at version " + present->id.to_string()
                                                 : "the key is not here"};
    }
    return put(at, {value_type::reg, key, {}}, value, ttl);
}

result<version> mesh::put(const moment& at, const slot_name& slot, std::string_view value,
                          std::optional<std::chrono::milliseconds> ttl) {
    store_.set_now(at.now);
    if (const auto good = check_ttl(slot, ttl); !good) return good.error();
    if (const auto good = check_write(slot, value.size()); !good) return good.error();
    ++counters_.stashes;
    return publish(store_.put(slot, value, clock_.tick(at.wall_ms), buffers_, ttl));
}

result<version> mesh::add(const moment& at, std::string_view key, std::int64_t amount) {
    if (const auto good = check_write({value_type::counter, key, {}}, 0); !good) return good.error();
    ++counters_.stashes;
    return publish(store_.add(key, amount, clock_.tick(at.wall_ms), buffers_));
}

result<version> mesh::stash_all(const moment& at,
                                std::span<const std::pair<std::string_view, std::string_view>> all,
                                std::optional<std::chrono::milliseconds> ttl) {
    store_.set_now(at.now);
    if (const auto good = check_ttl({value_type::reg, {}, {}}, ttl); !good) return good.error();
    if (all.empty()) return error{errc::bad_argument, "no key is given"};
    if (all.size() > wire::group_events_max)
        return error{errc::bad_argument, std::to_string(all.size()) + " keys at once; at most " +
                                             std::to_string(wire::group_events_max) + " are allowed"};
    std::size_t bytes = 0;
    for (const auto& [key, value] : all) {
        if (const auto good = check_write({value_type::reg, key, {}}, value.size()); !good)
            return good.error();
        const slot_name slot{value_type::reg, key, {}};
        (void)store_.sibling_count(slot); // folded in, if a commit is being so
        store_.chain_of(slot, chain_);    // at most that is replaced
        bytes += key.size() + value.size() + kill_bytes * chain_.size();
    }
    // In one frame or in none: then a session brings them, whose commit is of one moment.
    unsent_.group_left = all.size();
    unsent_.group_fits = bytes <= settings_.limits.delta_bytes_max;
    unsent_.group_bytes = bytes;
    dot last;
    for (const auto& [key, value] : all) {
        ++counters_.stashes;
        last =
            publish(store_.put({value_type::reg, key, {}}, value, clock_.tick(at.wall_ms), buffers_, ttl)).id;
    }
    return version{last};
}

result<bool> mesh::remove(const moment& at, const slot_name& slot) {
    if (const auto good = check_key(slot.key); !good) return good.error();
    if (leaving_) return error{errc::leaving, "the node is leaving: nothing more is written"};
    store_.set_now(at.now);
    const auto removed = store_.remove(slot, clock_.tick(at.wall_ms), buffers_);
    if (!removed) return false;
    ++counters_.drops;
    publish(*removed);
    if (!claims_.held.empty() && slot.type == value_type::reg) (void)look_at_claim(slot.key);
    return true;
}

// Everything the key holds, of whatever type; as a rule there is one.
result<bool> mesh::drop(const moment& at, std::string_view key) {
    auto dropped = remove(at, {value_type::reg, key, {}});
    if (!dropped || !store_.has_typed_keys()) return dropped;
    const auto counter = remove(at, {value_type::counter, key, {}});
    while (store_.fold(settings_.bounds.slice)) { // members that are still to be folded in belong to it
    }
    const auto scope = store_.remove_scope(key, clock_.tick(at.wall_ms), buffers_);
    if (scope) {
        ++counters_.drops;
        publish(*scope);
    }
    return *dropped || *counter || scope.has_value();
}

void mesh::queue_event(const dot& id, event_view event) {
    const bool grouped = unsent_.group_left != 0, opens = grouped && unsent_.group_bytes != 0;
    auto bytes = event.slot.key.size() + event.slot.element.size() + event.value.size() +
                 kill_bytes * event.kills.size();
    if (opens) bytes = std::exchange(unsent_.group_bytes, 0); // the room for all of them
    if (unsent_.group_left != 0) event.joined = --unsent_.group_left != 0;
    if (subscribers_.empty()) return; // whoever comes later begins with a PULL
    const bool fits = grouped ? unsent_.group_fits : bytes <= settings_.limits.delta_bytes_max;
    if (!fits) {
        publish_now_ = true; // announced by its counter in HELLO, fetched by PULL
        return;
    }
    const bool consecutive = !unsent_.batches.empty() &&
                             unsent_.batches.back().first + unsent_.batches.back().rows.count() == id.counter;
    const bool follows =
        consecutive && (unsent_.batches.back().open ||
                        unsent_.batches.back().rows.bytes() + bytes <= settings_.limits.delta_bytes_max);
    if (!follows)
        unsent_.batches.push_back({id.counter, wire::event_writer(event.stamp, std::move(unsent_.room))});
    unsent_.batches.back().open = event.joined;
    auto& rows = unsent_.batches.back().rows;
    const auto before = rows.bytes();
    rows.add(event);
    unsent_.bytes += rows.bytes() - before;
}

void mesh::flush(const moment& at, outbox& out) {
    set_moment(at);
    // A word of the last event follows in time, also after a pause.
    const auto soon = at.now + settings_.liveness.heartbeat_every;
    if (has_unsent() && heartbeat_at_ > soon) {
        heartbeat_at_ = soon;
        wake_by(soon);
    }
    if (publish_now_) {
        note_sent();
        publish_hello(out);
    } else {
        send_batches(out);
    }
}

// Everything waiting becomes frames. What others must have seen first is this node's cut now, as far as it
// has changed: that may be more than an event really depends on, which only delays it, and never in a circle.
void mesh::send_batches(outbox& out) {
    if (unsent_.batches.empty()) return;
    cut depends;
    if (depends_generation_ != remote_generation_ || !extra_depends_.empty()) {
        auto seen = store_.seen();
        for (const auto& id : seen.entries()) {
            if (id.replica != settings_.self && id.counter != depends_sent_.of(id.replica))
                depends.push_back(id);
        }
        depends.join(extra_depends_);
        extra_depends_ = {};
        depends_sent_ = std::move(seen); // origins that are archived by now are not kept
        depends_generation_ = remote_generation_;
    }
    for (auto& each : unsent_.batches) {
        auto bytes = encode_for_all(wire::delta{
            settings_.self, each.first, each.rows.count(), each.rows.base(), depends, each.rows.replicas(),
            each.rows.rows(), proofs_.ask_acks && &each == &unsent_.batches.back()});
        if (proofs_.ask_acks) proofs_.asked_through = each.first + each.rows.count() - 1;
        ++counters_.deltas_sent;
        counters_.delta_bytes_sent += bytes.size();
        out.actions.push_back(send_broadcast{std::move(bytes)});
        depends = {};
        unsent_.room = std::move(each.rows).release();
    }
    unsent_.batches.clear();
    unsent_.bytes = 0;
    note_sent();
}

// ---------------------------------------------------------------- deltas of others

void mesh::observe(const replica_id& origin, timestamp stamp, outbox& out) {
    if (clock_.observe(stamp, at_.wall_ms)) return;
    ++counters_.clock_skew;
    if (auto* const p = peers_.find(origin); p != nullptr && !p->skew_told) {
        p->skew_told = true;
        peers_.raise(out, event_kind::clock_skew, origin,
                     std::to_string(stamp.milliseconds() - at_.wall_ms) + " ms ahead of ours");
    }
}

verdict mesh::on_delta(std::string_view bytes, const wire::delta& f, outbox& out) {
    if (f.origin == settings_.self) return refuse("delta in our own name");
    auto* const p = peers_.find(f.origin);
    if (p == nullptr) return refuse("broadcast by nobody known");
    // Rejected whole or taken whole: look at every row before the first is applied.
    wire::event_reader rows(f.base, f.replicas, f.rows, wire::row_limits{});
    std::uint64_t count = 0;
    while (rows.next(kills_)) ++count;
    if (!rows.ok() || count != f.count) return refuse("malformed delta");

    p->health.life.heard(at_.now, false);
    ++counters_.deltas_received;
    if (leaving_ || room_.is_full()) return {}; // the cut is frozen
    if (f.wants_ack && settings_.broken == mutation::ack_before_applying) {
        p->proof.owes = f.first + f.count - 1;
        proofs_.acks_owed = true;
        answer_wanted(out);
    }
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
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, wire::row_limits{});
        job.next = job.head.first;
        job.opened = true;
        const auto& head = job.head;
        const auto known = store_.counter_of(head.origin);
        const bool caused = settings_.broken == mutation::i2_skip_causal_check || store_.covers(head.depends);
        if (head.first > known + 1 || !caused || must_wait(head)) {
            ++counters_.deltas_early;
            auto* const p = peers_.find(head.origin);
            if (head.first > known + 1) ++counters_.gaps;
            if (p != nullptr) {
                p->holds.seen.raise({head.origin, head.first + head.count - 1});
                if (head.wants_ack) owe(*p, head.first + head.count - 1);
                // A gap on an ordered stream is a loss; a missing dependency may be on its way from its own
                // origin.
                note_lack(*p, head.first > known + 1 ? mesh_clock::duration{0} : 20ms);
                out.note("early", head.origin, head.first, known);
            }
            early_.keep(head.origin, head.first, std::move(job.bytes));
            deltas_.pop_front();
            consider_pull(out);
            return !deltas_.empty();
        }
    }
    timestamp newest{};
    std::size_t applied = 0;
    bool joined = false; // what belongs together is not cut in two
    for (std::size_t i = 0; i < settings_.bounds.slice || joined; ++i) {
        auto& ring = job.ring;
        while (ring.count < delta_job::ahead) {
            const auto place = (ring.first + ring.count) % delta_job::ahead;
            const auto event = job.rows->next(ring.kills[place]);
            if (!event) break;
            store_.prefetch(event->slot);
            ring.events[place] = *event;
            ++ring.count;
        }
        if (ring.count == 0) break;
        joined = ring.events[ring.first].joined;
        const auto outcome = store_.apply({job.head.origin, job.next++}, ring.events[ring.first]);
        ring.first = (ring.first + 1) % delta_job::ahead;
        --ring.count;
        if (outcome == store::applied::yes) {
            ++applied;
            newest =
                std::max(newest, ring.events[(ring.first + delta_job::ahead - 1) % delta_job::ahead].stamp);
        } else {
            ++counters_.events_duplicate;
        }
    }
    const auto origin = job.head.origin;
    const bool finished = job.next >= job.head.first + job.head.count;
    if (finished) {
        if (auto* const p = peers_.find(origin)) {
            p->holds.seen.raise({origin, job.next - 1});
            if (job.head.wants_ack) owe(*p, job.next - 1);
        }
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

// What a server has seen and forgotten must not come back while this node compares itself to it, or takes
// everything from it: such events come with the COMMIT, or are found dead by it.
bool mesh::must_wait(const wire::delta& head) const {
    if (!pulling_) return false;
    if (pulling_->newcomer && store_.counter_of(head.origin) == 0) return true;
    const auto& ranges = pulling_->ranges;
    return ranges && ranges->opened && head.first <= ranges->at.of(head.origin);
}

void mesh::retry_early() {
    early_.each_first([this](const replica_id& origin, early_frames::frame& first) {
        const auto known = store_.counter_of(origin);
        if (first.first > known + 1) return early_frames::fate::waits;
        const auto frame = wire::decode(first.bytes);
        const auto& head = std::get<wire::delta>(*frame);
        if (head.first + head.count - 1 <= known) return early_frames::fate::stale;
        if (!store_.covers(head.depends)) return early_frames::fate::waits;
        deltas_.emplace_back(std::move(first.bytes));
        return early_frames::fate::ready;
    });
}

// The cut has grown by others' events: whatever waited for that can go on.
void mesh::cut_grew(outbox& out) {
    if (!early_.empty()) retry_early();
    check_synced(out);
    answer_leavings(out);
}

} // namespace baton::core
