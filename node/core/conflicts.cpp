#include "core/conflicts.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto conflict_window = 1s;
} // namespace

bool conflicts::work(bool takes_writes, const moment& at, outbox& out) {
    takes_writes_ = takes_writes;
    at_ = at;
    auto& s = watch_;
    if (store_.has_contests()) {
        if (store_.take_contests(s.contests)) scan(true);
        for (const auto& each : s.contests) {
            const auto slot = store_.slot_at(each.id);
            if (slot.key.empty() || !has_siblings(slot.type)) continue;
            consider(owned_slot(slot), each.id.replica, !each.quiet, out);
        }
    }
    if (s.scanning) {
        std::vector<owned_slot> found; // reading may fold: collect the slots first
        store_.each_contested_of(*s.scanning, [&](const slot_name& slot) { found.emplace_back(slot); });
        for (const auto& slot : found) consider(slot, {}, s.raises, out);
        if (++*s.scanning == key_index::shards) s.scanning.reset();
    }
    if (s.due) {
        s.due = false;
        const bool acts = members_.acts_for_all(takes_writes_);
        s.crowded.look_through([&](const owned_slot& slot) {
            if (store_.sibling_count(slot.name()) <= limits_.siblings) return false;
            if (acts) keep_winner(slot, out);
            return !acts;
        });
        out.merges_ready = !s.mergeable.empty() && acts;
    }
    return s.scanning.has_value() || s.due;
}

void conflicts::scan(bool raises) {
    auto& s = watch_;
    s.raises = raises || (s.scanning && s.raises);
    s.scanning = 0;
    s.scan_again = false;
}

void conflicts::tend(bool takes_writes, const moment& at, outbox& out) {
    takes_writes_ = takes_writes;
    at_ = at;
    look_again(out);
}

void conflicts::look_again(outbox& out) {
    auto& s = watch_;
    s.due = !s.crowded.empty() || !s.mergeable.empty();
    if (s.scan_again && s.crowded.empty() && members_.acts_for_all(takes_writes_)) scan(false);
    if (s.untold != 0 && at_.now - s.told_since >= conflict_window) {
        out.events.push_back(
            {event_kind::conflict, {}, {}, std::to_string(s.untold) + " more conflicts", s.untold, {}});
        s.untold = 0;
    }
}

void conflicts::consider(const owned_slot& slot, const replica_id& by, bool raises, outbox& out) {
    if (slot.type == value_type::reg) (void)claims_.look_at(slot.key);
    const auto count = store_.sibling_count(slot.name());
    if (count < 2) return;
    if (raises) report(slot, by, count, out);
    const auto wait_in = [&](waiting_slots& list) {
        if (list.add(slot.name(), limits_.watched)) {
            watch_.due = true;
        } else { // the list is full: scan again at a later heartbeat
            watch_.scan_again = true;
        }
    };
    if (count > limits_.siblings) {
        wait_in(watch_.crowded);
    } else if (slot.type == value_type::reg && merges(slot.key) && is_to_merge(slot)) {
        wait_in(watch_.mergeable);
    }
}

void conflicts::report(const owned_slot& slot, const replica_id& by, std::size_t count, outbox& out) {
    ++counts_.found;
    auto& s = watch_;
    if (at_.now - s.told_since >= conflict_window) {
        look_again(out);
        s.told.clear();
        s.told_since = at_.now;
    }
    if (s.told.contains(slot)) return;
    if (s.told.size() >= limits_.named) {
        ++s.untold;
        return;
    }
    s.told.insert(slot);
    members_.raise(out, event_kind::conflict, by,
                   std::to_string(count) + " siblings" +
                       (slot.type == value_type::map ? " of field \"" + slot.element + '"' : std::string{}));
    out.events.back().key = slot.key;
    out.events.back().count = count;
}

// ---------------------------------------------------------------- merging

bool conflicts::merges(std::string_view key) const {
    return std::any_of(watch_.prefixes.begin(), watch_.prefixes.end(),
                       [&](const std::string& prefix) { return key.starts_with(prefix); });
}

void conflicts::merge_under(std::string_view prefix) {
    auto& all = watch_.prefixes;
    if (std::find(all.begin(), all.end(), prefix) == all.end()) all.emplace_back(prefix);
    scan(false);
}

// Equal values need no merge. So two members that have merged independently do not answer each other without
// end. A claimed key is for its owner to write. Neither kind waits here: the store notes a contest when that
// changes. Leaves the siblings in found_.
bool conflicts::is_to_merge(const owned_slot& slot) {
    store_.siblings(slot.name(), found_);
    const auto differs = [&](const record_view& r) { return r.value != found_.front().value; };
    return found_.size() > 1 && !is_claim(found_.front().epoch) &&
           std::any_of(found_.begin(), found_.end(), differs);
}

std::optional<merge_task> conflicts::next_merge(bool takes_writes) {
    if (!members_.acts_for_all(takes_writes)) return std::nullopt;
    std::optional<merge_task> task;
    watch_.mergeable.look_through([&](const owned_slot& slot) {
        if (task) return true;
        if (!is_to_merge(slot)) return false;
        task.emplace();
        task->key = slot.key;
        for (const auto& each : found_) {
            task->shown.push_back(version{each.id});
            task->values.emplace_back(each.value);
        }
        return true;
    });
    return task;
}

void conflicts::give_up_merge(std::string_view key) {
    watch_.mergeable.look_through([&](const owned_slot& slot) { return slot.key != key; });
}

bool conflicts::would_grow(std::string_view key, std::size_t value_bytes) {
    store_.siblings({value_type::reg, key, {}}, found_);
    return std::all_of(found_.begin(), found_.end(),
                       [&](const record_view& r) { return r.value.size() < value_bytes; });
}

result<version> conflicts::resolve(std::string_view key, std::string_view value,
                                   std::span<const version> shown, std::uint64_t wall_ms) {
    const slot_name slot{value_type::reg, key, {}};
    store_.siblings(slot, found_);
    const auto is_shown = [&](const dot& id) {
        return std::any_of(shown.begin(), shown.end(), [&](const version& v) { return v.id == id; });
    };
    std::vector<dot> only;
    std::uint64_t epoch = 0;
    for (const auto& each : found_) {
        const bool mine = each.id.replica == store_.self(), best = each.id == found_.front().id;
        if (!is_shown(each.id)) {
            if (mine)
                return error{errc::conflict, "this node has written the key again: read the siblings again"};
            continue;
        }
        if (best && !mine && is_claim(each.epoch))
            return error{errc::conflict, "another node owns the key: its value cannot be replaced"};
        only.push_back(each.id);
        if (best && mine) epoch = each.epoch; // a claim of this node stays a claim
        epoch = std::max(epoch, unclaimed_epoch(each.epoch));
    }
    if (only.size() != shown.size())
        return error{errc::conflict, "a version to replace no longer exists: read the siblings again"};
    return version{writer_.put_over(slot, value, epoch, only, writer_.tick(wall_ms), store_.time_left(key))};
}

// The value that is read stays as it is, under its own dot, so a claim on it stays and a removal that has
// seen it still applies. If the value is this node's own it is written again, since a replica has one block
// in a slot.
void conflicts::keep_winner(const owned_slot& slot, outbox& out) {
    store_.siblings(slot.name(), found_);
    const auto winner = found_.front();
    std::vector<dot> others;
    for (const auto& each : found_) {
        if (each.id != winner.id) others.push_back(each.id);
    }
    const auto stamp = writer_.tick(at_.wall_ms);
    if (winner.id.replica == store_.self()) {
        const std::string value(winner.value);
        const auto left = slot.type == value_type::reg ? store_.time_left(slot.key) : std::nullopt;
        writer_.put_over(slot.name(), value, winner.epoch, others, stamp, left);
    } else {
        writer_.remove_only(slot.name(), others, stamp);
    }
    counts_.resolved += others.size();
    out.note("keeps the winner", winner.id.replica, others.size(), store_.counter_of(store_.self()));
}

} // namespace baton::core
