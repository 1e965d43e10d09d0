// Stages the records of a session until its COMMIT (I4).
#include "crdt/assert.hpp"
#include "crdt/splice.hpp"
#include "crdt/store.hpp"

#include <algorithm>
#include <utility>

namespace baton::crdt {

bool store::is_newcomer() const {
    for (std::size_t i = 1; i < origins_.size(); ++i) {
        if (origins_[i].counter != 0) return false;
    }
    return archive_.empty();
}

bool store::stage(const slot_name& slot, std::span<const staged_view> chain) {
    BATON_ASSERT(!fold_);
    if (staging_.slots() == 0) staging_.begin(is_newcomer());
    auto& blocks = blocks_;
    blocks.clear();
    for (const auto& entry : chain) {
        const auto from = entry.id.counter <= counter_max ? intern(entry.id.replica) : std::nullopt;
        if (!from) {
            for (const auto h : blocks) memory_.release(h, at(h).bytes());
            return false;
        }
        blocks.push_back(make(*from, slot, entry));
    }
    staging_.put(slot, blocks);
    return true;
}

void store::stage_dead(const dot& id) {
    const auto from = find_origin(id.replica);
    if (!from) return;
    if (const auto* const log = staging_.log_of(*from)) {
        if (const auto staged = log->at(id.counter)) restage(at(staged).slot(), id, false);
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
            if (at(h).is(block::kind::record) && staging_.find(slot) == nullptr)
                restage(slot, {from.id, counter}, true);
        }
    }
}

bool store::stage_absent(log_walk& walk, const cut& server, std::size_t steps) {
    while (const auto id = next(walk, steps)) {
        if (!server.has(*id)) continue;
        const auto& b = at(origins_[walk.origin].log.at(id->counter));
        if (!b.is(block::kind::record)) continue;
        const auto* const head = staging_.find(b.slot());
        bool told = false;
        each(head == nullptr ? 0 : *head, [&](handle h) { told = told || !at(h).is(block::kind::dead); });
        if (!told) restage(b.slot(), *id, true);
    }
    return steps == 0;
}

// Stages the slot again without the dot, or with a mark that the dot is dead.
void store::restage(const slot_name& slot, const dot& id, bool mark) {
    std::vector<staged_view> chain;
    std::vector<std::string> values; // copies: stage() frees the blocks that it replaces
    const std::string key(slot.key), element(slot.element);
    const auto current = staging_.batch();
    if (const auto* const head = staging_.find(slot)) {
        each(*head, [&](handle h) {
            if (dot_of(at(h)) == id) return;
            staging_.set_batch(at(h).batch); // the chain keeps the batch of the server that sent it
            values.emplace_back(at(h).value());
            chain.push_back(entry_of(at(h)));
        });
        const bool told = std::any_of(chain.begin(), chain.end(), [](const staged_view& entry) {
            return entry.what != block::kind::dead;
        });
        if (mark && told && staging_.batch() == current)
            return; // the chain shows that the dot is dead, or the server will send the chain again
    }
    for (std::size_t i = 0; i < chain.size(); ++i) chain[i].value = values[i];
    if (mark) chain.push_back({block::kind::dead, id, {}, 0, {}});
    stage({slot.type, key, element}, chain);
    staging_.set_batch(current);
}

void store::stage_trim(const cut& server) {
    for (std::uint32_t i = 0; staging_.log_of(i) != nullptr; ++i) {
        auto after = server.of(origins_[i].id);
        auto enough = std::size_t(-1);
        while (const auto counter = staging_.log_of(i)->next(after, counter_max, enough)) {
            const auto staged = staging_.log_of(i)->at(counter);
            restage(at(staged).slot(), {origins_[i].id, counter}, false);
        }
    }
}

std::vector<replica_id> store::staged_origins() const {
    std::vector<replica_id> all;
    for (std::uint32_t i = 0; staging_.log_of(i) != nullptr; ++i) {
        if (!staging_.log_of(i)->empty()) all.push_back(origins_[i].id);
    }
    return all;
}

void store::stage_abort() {
    BATON_ASSERT(!fold_);
    staging_.abort();
}

} // namespace baton::crdt
