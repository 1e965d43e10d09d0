// Own events packed into DELTA frames, and the DELTA frames of others applied in order.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

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
    if (handover_.is_leaving()) return error{errc::leaving, "the node is leaving: nothing more is written"};
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
    ++tally_.counters.stashes;
    return version{writer_.put(slot, value, clock_.tick(at.wall_ms), ttl)};
}

result<version> mesh::add(const moment& at, std::string_view key, std::int64_t amount) {
    if (const auto good = check_write({value_type::counter, key, {}}, 0); !good) return good.error();
    ++tally_.counters.stashes;
    return version{writer_.add(key, amount, clock_.tick(at.wall_ms))};
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
    std::vector<staged_view> chain;
    for (const auto& [key, value] : all) {
        if (const auto good = check_write({value_type::reg, key, {}}, value.size()); !good)
            return good.error();
        const slot_name slot{value_type::reg, key, {}};
        (void)store_.sibling_count(slot); // folded in, if a commit is being so
        store_.chain_of(slot, chain);     // at most that is replaced
        bytes += key.size() + value.size() + publisher::kill_bytes * chain.size();
    }
    // In one frame or in none: then a session brings them, whose commit is of one moment.
    publisher_.begin_group(all.size(), bytes);
    dot last;
    for (const auto& [key, value] : all) {
        ++tally_.counters.stashes;
        last = writer_.put({value_type::reg, key, {}}, value, clock_.tick(at.wall_ms), ttl);
    }
    return version{last};
}

result<bool> mesh::remove(const moment& at, const slot_name& slot) {
    if (const auto good = check_key(slot.key); !good) return good.error();
    if (handover_.is_leaving()) return error{errc::leaving, "the node is leaving: nothing more is written"};
    store_.set_now(at.now);
    if (!writer_.remove(slot, clock_.tick(at.wall_ms))) return false;
    ++tally_.counters.drops;
    if (slot.type == value_type::reg) (void)claims_.look_at(slot.key);
    return true;
}

result<version> mesh::resolve(const moment& at, std::string_view key, std::string_view value,
                              std::span<const version> shown) {
    store_.set_now(at.now);
    // What merging does not make longer may be longer than this node's own limits.
    const bool grows = conflicts_.would_grow(key, value.size());
    if (const auto good =
            check_write({value_type::reg, key, {}}, grows ? std::optional(value.size()) : std::nullopt);
        !good)
        return good.error();
    auto done = conflicts_.resolve(key, value, shown, at.wall_ms);
    if (done) ++tally_.counters.stashes;
    return done;
}

result<claim_grant> mesh::claim(const moment& at, std::string_view key,
                                std::optional<mesh_clock::duration> lease, bool if_free) {
    store_.set_now(at.now);
    if (const auto good = check_write({value_type::reg, key, {}}, 0); !good) return good.error();
    auto grant = claims_.claim(at, key, lease, if_free);
    wake_by(claims_.deadline());
    return grant;
}

result<version> mesh::commit(const moment& at, std::string_view key, std::uint64_t number,
                             std::string_view value, std::optional<std::chrono::milliseconds> ttl) {
    store_.set_now(at.now);
    const slot_name slot{value_type::reg, key, {}};
    if (const auto good = check_write(slot, value.size()); !good) return good.error();
    if (const auto good = check_ttl(slot, ttl); !good) return good.error();
    auto done = claims_.commit(at, key, number, value, ttl);
    if (done) ++tally_.counters.stashes;
    wake_by(claims_.deadline());
    return done;
}

result<void> mesh::renew(const moment& at, std::string_view key, std::uint64_t number) {
    auto done = claims_.renew(at, key, number);
    wake_by(claims_.deadline());
    return done;
}

// Everything the key holds, of whatever type; as a rule there is one.
result<bool> mesh::drop(const moment& at, std::string_view key) {
    auto dropped = remove(at, {value_type::reg, key, {}});
    if (!dropped || !store_.has_typed_keys()) return dropped;
    const auto counter = remove(at, {value_type::counter, key, {}});
    while (store_.fold(settings_.bounds.slice)) { // members that are still to be folded in belong to it
    }
    const bool scope = writer_.remove_scope(key, clock_.tick(at.wall_ms)).has_value();
    if (scope) ++tally_.counters.drops;
    return *dropped || *counter || scope;
}

void mesh::flush(const moment& at, outbox& out) {
    set_moment(at);
    // A word of the last event follows in time, also after a pause.
    if (has_unsent()) herald_.hurry(settings_.liveness.heartbeat_every);
    if (publisher_.must_announce()) {
        note_sent();
        publish_hello(out);
    } else {
        send_batches(out);
    }
}

void mesh::send_batches(outbox& out) {
    if (publisher_.empty()) return;
    publisher_.flush(proofs_.asks_broadcasts(), [&](const wire::delta& f) {
        auto bytes = courier_.encode_for_all(f);
        if (f.wants_ack) proofs_.broadcast_asked(f.first + f.count - 1);
        ++tally_.counters.deltas_sent;
        tally_.counters.delta_bytes_sent += bytes.size();
        out.actions.push_back(send_broadcast{std::move(bytes)});
    });
    note_sent();
}

// ---------------------------------------------------------------- deltas of others

void mesh::observe(const replica_id& origin, timestamp stamp, outbox& out) {
    if (clock_.observe(stamp, time_.at().wall_ms)) return;
    ++tally_.counters.clock_skew;
    if (auto* const p = peers_.find(origin); p != nullptr && !p->skew_told) {
        p->skew_told = true;
        peers_.raise(out, event_kind::clock_skew, origin,
                     std::to_string(stamp.milliseconds() - time_.at().wall_ms) + " ms ahead of ours");
    }
}

verdict mesh::on_delta(std::string_view bytes, const wire::delta& f, outbox& out) {
    if (f.origin == settings_.self) return refuse("delta in our own name");
    auto* const p = peers_.find(f.origin);
    if (p == nullptr) return refuse("broadcast by nobody known");
    if (!inbox_.is_whole(f)) return refuse("malformed delta");

    p->health.life.heard(time_.now(), false);
    ++tally_.counters.deltas_received;
    if (handover_.is_leaving() || room_.is_full()) return {}; // the cut is frozen
    if (f.wants_ack && settings_.broken == mutation::ack_before_applying) {
        proofs_.owe(*p, f.first + f.count - 1);
        proofs_.answer_wanted(own_part(), out);
    }
    inbox_.offer(bytes, f);
    return {};
}

// Applies up to a slice of the oldest waiting delta, and passes on what has come of it. True while there is
// more.
bool mesh::work_on_delta(outbox& out) {
    const auto done = inbox_.work({receiver_.is_of_newcomer(), receiver_.compared()});
    if (!done) return false;
    auto* const p = peers_.find(done->origin);
    if (p != nullptr && (done->early || done->finished)) {
        p->holds.seen.raise({done->origin, done->last});
        if (done->wants_ack) proofs_.owe(*p, done->last);
    }
    if (done->early) {
        if (p != nullptr) {
            // A gap on an ordered stream is a loss; a missing dependency may be on its way from its own
            // origin.
            reports_.note_lack(*p, done->lost ? mesh_clock::duration{0} : 20ms);
            out.note("early", done->origin, done->first, done->known);
        }
        consider_pull(out);
        return !inbox_.empty();
    }
    if (done->applied != 0) {
        out.events_applied += done->applied;
        observe(done->origin, done->newest, out);
        publisher_.cut_grew();
        if (done->finished) cut_grew(out);
    }
    if (inbox_.empty()) consider_pull(out); // it has waited for what was here already
    return !inbox_.empty();
}

// The cut has grown by others' events: whatever waited for that can go on.
void mesh::cut_grew(outbox& out) {
    inbox_.look_again();
    check_synced(out);
    handover_.answer(takes_writes(), out);
}

} // namespace baton::core
