// What a session has brought, set aside until its COMMIT (I4).
#include "crdt/assert.hpp"
#include "crdt/chain.hpp"
#include "crdt/store.hpp"

#include <algorithm>
#include <utility>

namespace baton {

bool store::is_newcomer() const {
    for (std::size_t i = 1; i < origins_.size(); ++i) {
        if (origins_[i].counter != 0) return false;
    }
    return archive_.empty();
}

bool store::stage(const slot_name& slot, std::span<const staged_view> chain) {
    BATON_ASSERT(!fold_);
    if (staged_slots() == 0) {
        reset_staged();
        staged_.kept = staged_.plain = is_newcomer();
    }
    auto& blocks = blocks_;
    blocks.clear();
    for (const auto& entry : chain) {
        const auto from = entry.id.counter <= counter_max ? intern(entry.id.replica) : std::nullopt;
        if (!from) {
            for (const auto h : blocks) memory_.release(h, at(h).bytes());
            return false;
        }
        blocks.push_back(make(*from, slot, entry));
        at(blocks.back()).batch = batch_ & 15;
    }
    const auto head = join_chain(blocks);
    staged_.forks = staged_.forks || blocks.size() > 1;
    auto& index = staging_for(slot.type);
    const auto hash = index.hash(slot);
    if (auto* const place = index.find(hash, slot)) {
        const auto former = *place;
        account_staged(former, false);
        if (head == 0) {
            index.erase(hash, place);
        } else {
            *place = head;
        }
        release_staged(former);
    } else if (head != 0) {
        index.insert(hash, head);
    }
    account_staged(head, true);
    return true;
}

void store::release_staged(handle head) {
    std::vector<handle> blocks;
    each(head, [&](handle h) { blocks.push_back(h); });
    release_fork(head);
    for (const auto h : blocks) memory_.release(h, at(h).bytes());
}

void store::account_staged(handle head, bool added) {
    const auto count = [added](std::size_t& what, std::size_t by) { added ? what += by : what -= by; };
    each(head, [&](handle h) { count(staged_bytes_, at(h).bytes()); });
    if (!staged_.kept || head == 0) return;
    const bool typed = first_block(memory_, head).type() != value_type::reg;
    if (!typed) count(staged_.keys, any_visible(head) ? 1 : 0);
    each(head, [&](handle h) {
        const auto& b = at(h);
        if (!b.is(block::kind::record) && !b.is(block::kind::removal)) {
            staged_.plain = false;
            return;
        }
        if (staged_.logs.size() <= b.origin) staged_.logs.resize(origins_.size());
        auto& log = staged_.logs[b.origin];
        if (added && log.at(b.counter) != 0) staged_.kept = false; // named twice: merge slot by slot
        if (!staged_.kept) return;
        if (added) {
            log.set(b.counter, h);
        } else if (log.at(b.counter) == h) {
            log.erase(b.counter);
        }
        if (typed) return;
        if (b.is(block::kind::removal)) {
            count(staged_.removals, 1);
            if (added) staged_.removal_dots.emplace_back(b.origin, b.counter);
            return;
        }
        if (b.ttl != 0)
            added ? void(staged_.timers.emplace(b.deadline(), h))
                  : void(staged_.timers.erase({b.deadline(), h}));
        count(staged_.records, 1);
        count(staged_.epochs, b.epoch);
        if (added && is_claim(b.epoch_value())) staged_.claim_dots.emplace_back(b.origin, b.counter);
        count(staged_.user_bytes, std::size_t{b.key_bytes} + b.value_bytes);
        added ? staged_.sum += hash_of(b) : staged_.sum -= hash_of(b);
    });
}

void store::stage_dead(const dot& id) {
    const auto from = find_origin(id.replica);
    if (!from) return;
    if (staged_.kept && *from < staged_.logs.size()) {
        if (const auto h = staged_.logs[*from].at(id.counter)) restage(at(h).slot(), id, false);
    }
    const auto h = origins_[*from].log.at(id.counter);
    if (h == 0 || !at(h).is(block::kind::record)) return;
    restage(at(h).slot(), id, true);
}

void store::stage_absent(const cut& server) {
    for (const auto& from : origins_) {
        std::uint64_t after = 0;
        auto enough = std::size_t(-1);
        const auto last = server.of(from.id);
        while (const auto counter = from.log.next(after, last, enough)) {
            const auto h = from.log.at(counter);
            const auto slot = at(h).slot();
            if (at(h).is(block::kind::record) && staging_for(slot.type).find(slot) == nullptr)
                restage(slot, {from.id, counter}, true);
        }
    }
}

bool store::stage_absent(log_walk& walk, const cut& server, std::size_t steps) {
    while (const auto id = next(walk, steps)) {
        if (!server.has(*id)) continue;
        const auto& b = at(origins_[walk.origin].log.at(id->counter));
        if (!b.is(block::kind::record)) continue;
        const auto* const head = staging_for(b.type()).find(b.slot());
        bool told = false;
        each(head == nullptr ? 0 : *head, [&](handle h) { told = told || !at(h).is(block::kind::dead); });
        if (!told) restage(b.slot(), *id, true);
    }
    return steps == 0;
}

// What is staged of the slot once more, without the dot; or with a mark that it is dead.
void store::restage(const slot_name& slot, const dot& id, bool mark) {
    std::vector<staged_view> chain;
    std::vector<std::string> values; // stage() releases what it replaces
    const std::string key(slot.key), element(slot.element);
    const auto current = batch_;
    auto& index = staging_for(slot.type);
    if (const auto* const head = index.find(slot)) {
        each(*head, [&](handle h) {
            if (dot_of(at(h)) == id) return;
            batch_ = at(h).batch; // and it stays the word of the server that sent it
            values.emplace_back(at(h).value());
            chain.push_back(entry_of(at(h)));
        });
        const bool told = std::any_of(chain.begin(), chain.end(), [](const staged_view& entry) {
            return entry.what != block::kind::dead;
        });
        if (mark && told && batch_ == current) return; // the chain says it already, or will say it once more
    }
    for (std::size_t i = 0; i < chain.size(); ++i) chain[i].value = values[i];
    if (mark) chain.push_back({block::kind::dead, id, {}, 0, {}});
    stage({slot.type, key, element}, chain);
    batch_ = current;
}

bool store::stage_keep() {
    // Marks are the word of the server that is gone: with any, nothing is worth keeping.
    if (!stage_is_cache() || !staged_.plain || batch_ >= bounds_.batches ||
        staging_typed_.size() > bounds_.typed)
        return false;
    while (const auto head = staging_typed_.any()) {
        account_staged(head, false);
        staging_typed_.erase(first_block(memory_, head).slot());
        release_staged(head);
    }
    ++batch_;
    return stage_is_cache();
}

void store::stage_trim(const cut& server) {
    for (std::uint32_t i = 0; staged_.kept && i < staged_.logs.size(); ++i) {
        auto after = server.of(origins_[i].id);
        auto enough = std::size_t(-1);
        while (const auto counter = staged_.logs[i].next(after, counter_max, enough))
            restage(at(staged_.logs[i].at(counter)).slot(), {origins_[i].id, counter}, false);
    }
}

// What was staged is let go of slice by slice (sweep), as there may be very much of it.
void store::stage_abort() {
    BATON_ASSERT(!fold_);
    while (sweep(std::size_t(-1))) {
    }
    std::swap(trash_[0], staging_);
    std::swap(trash_[1], staging_typed_);
    staging_.clear();
    staging_typed_.clear();
    reset_staged();
    staged_archive_ = {};
    trash_bytes_ = std::exchange(staged_bytes_, 0);
    batch_ = 0;
}

bool store::sweep(std::size_t slots) {
    for (auto& index : trash_) {
        for (; index.size() != 0 && slots != 0; --slots) {
            const auto head = index.any();
            index.erase(first_block(memory_, head).slot());
            each(head, [&](handle h) { trash_bytes_ -= at(h).bytes(); });
            release_staged(head);
        }
    }
    for (; slots != 0 && !old_timers_.empty(); --slots) old_timers_.erase(old_timers_.begin());
    return !old_timers_.empty() || old_order_.shed() || trash_[0].size() + trash_[1].size() != 0;
}

} // namespace baton
