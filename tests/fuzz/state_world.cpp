#include "state_world.hpp"

namespace baton::fuzz {

// ---------------------------------------------------------------- own writes

void state_world::put(const place& at, std::string_view value) {
    places_.insert(at);
    mine_[at] = store_.put(at.name(), value, timestamp{++clock_}, buffers_).id;
}

void state_world::add(const std::string& key, std::int64_t amount) {
    const place at{value_type::counter, key, {}};
    places_.insert(at);
    mine_[at] = store_.add(key, amount, timestamp{++clock_}, buffers_).id;
}

void state_world::remove(const place& at) {
    if (store_.remove(at.name(), timestamp{++clock_}, buffers_)) mine_.erase(at);
}

void state_world::remove_scope(const std::string& key) {
    if (store_.folding()) return;
    if (!store_.remove_scope(key, timestamp{++clock_}, buffers_)) return;
    places_.insert({value_type::scope, key, {}});
    excuse_scope(key);
}

void state_world::excuse_scope(std::string_view key) {
    std::erase_if(mine_,
                  [&](const auto& each) { return each.first.key == key && in_scope(each.first.type); });
}

// ---------------------------------------------------------------- a session

void state_world::chunk(timestamp base, std::string_view replicas, std::string_view rows) {
    if (store_.folding()) return;
    wire::state_reader whole(base, replicas, rows, {512, 4096});
    wire::state_row row;
    while (whole.next(row)) {
    }
    if (!whole.ok()) return; // refused before any of it has an effect
    wire::state_reader reader(base, replicas, rows, {512, 4096});
    std::vector<staged_view> chain;
    while (reader.next(row)) {
        if (row.part) continue;
        chain.clear();
        for (const auto& each : row.entries) {
            if (each.total) return abort(); // no parts here
            chain.push_back(each.what);
            staged_.raise(each.what.id);
        }
        const auto at = place::of(row.slot);
        places_.insert(at);
        if (!store_.stage(row.slot, chain)) return abort();
        for (auto& each : chain) each.value = {};
        shipped_[at] = chain;
    }
}

void state_world::listing(std::string_view replicas, std::string_view rows) {
    if (store_.folding()) return;
    wire::listing_reader reader(replicas, rows);
    wire::listed_range listed;
    while (reader.next(listed)) {
        if (!listed.whole) continue;
        auto range = listed.range;
        for (std::size_t steps = 64; const auto found = store_.next_held(range, steps, true);) {
            const auto same = [&](const held_dot& each) { return each.counter == found->counter; };
            if (std::any_of(listed.records.begin(), listed.records.end(), same)) continue;
            dead_.insert({range.origin, found->counter});
            absent_.raise({range.origin, found->counter});
            store_.stage_dead({range.origin, found->counter});
        }
    }
}

void state_world::commit(cut server, bool by_union, bool raise) {
    if (store_.folding()) return;
    server.join(staged_archive_);
    server.join(staged_);
    server.join(absent_); // absence is judged by an earlier cut of the same server
    if (server.of(replica(1)) > store_.counter_of(replica(1))) return abort();
    if (cached_ && store_.staged_slots() != 0 && !store_.stage_is_cache()) return abort();
    if (by_union && server != joined(store_.seen(), store_.archived())) by_union = false;
    // Own records that this may remove: the reported chain leaves them out, or marks them as dead.
    std::erase_if(mine_, [&](const auto& each) {
        const auto& [at, id] = each;
        if (!server.has(id)) return false;
        const auto told = shipped_.find(at);
        if (told == shipped_.end() || told->second.empty()) return dead_.contains(id);
        const auto of_it = [&id = id](const staged_view& entry) {
            return entry.id == id && entry.what != block::kind::removal;
        };
        return by_union || dead_.contains(id) ||
               std::none_of(told->second.begin(), told->second.end(), of_it) ||
               std::any_of(told->second.begin(), told->second.end(), [&id = id](const staged_view& entry) {
                   return entry.id == id && entry.what == block::kind::removal;
               });
    });
    for (const auto& [at, chain] : shipped_) {
        if (at.type == value_type::scope) excuse_scope(at.key);
    }
    store_.stage_archive(staged_archive_);
    if (cached_) store_.stage_trim(server);
    store_.commit(server, by_union);
    if (raise) store_.raise_floor(server);
    shipped_.clear();
    dead_.clear();
    staged_ = staged_archive_ = absent_ = {};
    cached_ = false;
}

void state_world::abort() {
    if (store_.folding()) return;
    store_.stage_abort();
    shipped_.clear();
    dead_.clear();
    staged_ = staged_archive_ = absent_ = {};
    cached_ = false;
}

void state_world::keep() {
    if (store_.folding()) return;
    if (!store_.stage_keep()) return abort();
    staged_ = staged_archive_ = absent_ = {}; // rows above the cut of the next COMMIT are trimmed
    cached_ = true;
}

void state_world::fold(std::size_t slots) { (void)store_.fold(slots); }

void state_world::event(const dot& id, const event_view& event) {
    if (id.replica == replica(1)) return; // refused: an event in the receiver's own name
    if (!is_well_formed(event.slot, event.removal, event.value)) return;
    if (store_.apply(id, event) != store::applied::yes) return;
    places_.insert(place::of(event.slot));
    if (event.slot.type == value_type::scope) excuse_scope(event.slot.key);
    const auto mine = mine_.find(place::of(event.slot));
    if (mine == mine_.end()) return;
    if (std::find(event.kills.begin(), event.kills.end(), mine->second) != event.kills.end())
        mine_.erase(mine);
}

// ---------------------------------------------------------------- what must hold

void state_world::check() {
    if (store_.folding()) return;
    const auto under = joined(store_.seen(), store_.archived());
    digest sum{};
    std::size_t records = 0, bytes = 0;
    std::set<std::string> registers, typed;
    std::vector<place> visible;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard)
        store_.each_slot_of(shard, [&](const slot_name& slot) { visible.push_back(place::of(slot)); });
    std::vector<record_view> siblings;
    for (const auto& at : visible) {
        BATON_ASSERT(places_.contains(at));
        store_.siblings(at.name(), siblings);
        BATON_ASSERT(!siblings.empty() && store_.read(at.name())->id == siblings[0].id);
        for (const auto& each : siblings) {
            BATON_ASSERT(under.has(each.id));
            sum += hash_record({each.id.replica, each.id.counter, each.stamp.raw, each.epoch,
                                static_cast<std::uint8_t>(at.type)},
                               at.key, at.element, each.value);
            ++records;
            bytes += at.key.size() + at.element.size() + each.value.size();
            const auto logged = store_.held(each.id, false);
            BATON_ASSERT(logged && logged->counts == (at.type == value_type::counter));
        }
        (at.type == value_type::reg ? registers : typed).insert(at.key);
    }
    BATON_ASSERT(sum == *store_.state_digest());
    BATON_ASSERT(records == store_.records() && bytes == store_.key_value_bytes());
    BATON_ASSERT(registers.size() + typed.size() == store_.keys());

    // Each block is in exactly one chain and in the log of its origin.
    std::vector<staged_view> chain;
    std::size_t removals = 0, residues = 0;
    for (const auto& at : places_) {
        store_.chain_of(at.name(), chain);
        for (const auto& each : chain) {
            BATON_ASSERT(under.has(each.id));
            removals += each.what == block::kind::removal ? 1 : 0;
            residues += each.what == block::kind::record ? 1 : 0;
            std::vector<staged_view> again;
            BATON_ASSERT(place::of(store_.chain_at(each.id, again)) == at);
            BATON_ASSERT(again.size() == chain.size());
        }
        const auto own = mine_.find(at);
        if (own == mine_.end()) continue;
        BATON_ASSERT(std::any_of(chain.begin(), chain.end(), [&](const staged_view& each) {
            return each.id == own->second && each.what == block::kind::record;
        }));
    }
    BATON_ASSERT(removals == store_.removals() && residues - records == store_.residues());
}

} // namespace baton::fuzz
