// Reads of a store, and its sizes.
#include "crdt/store.hpp"

#include "crdt/assert.hpp"

#include <algorithm>
#include <cstring>

namespace baton::crdt {

store::store(replica_id self, std::uint64_t seed, mutation broken, store_bounds bounds)
    : record_table(self, seed, bounds)
    , staging_(memory_, origins_, seed)
    , broken_(broken)
    , bounds_(bounds) {}

cut joined(cut seen, const cut& archive) {
    seen.join(archive);
    return seen;
}

std::optional<digest> store::state_digest() const {
    if (fold_) return std::nullopt;
    return digest_;
}

std::size_t store::memory_bytes() const {
    std::size_t sum = memory_.bytes() + index_.bytes() + staging_.table_bytes() +
                      origins_.capacity() * sizeof(origin) + archive_.size() * sizeof(dot);
    for (const auto& each : origins_)
        sum += each.log.bytes() + (each.removals.capacity() + each.residues.capacity()) * 8 +
               each.claims.size() * (8 + 32); // a tree node has four words
    return sum + (expiry_.size() + staging_.timers()) * expiry::timer_bytes;
}

std::size_t store::bytes_in_use() const {
    constexpr std::size_t slot_bytes = 12, log_bytes = 5; // per entry of the index, and of a log
    const auto slots = index_.size() + staging_.slots() + staging_.aborted_slots();
    return memory_.used() + slots * slot_bytes + (live_records_ + removals_ + residues_) * log_bytes +
           archive_.size() * sizeof(dot) + origins_.size() * sizeof(origin) +
           (expiry_.size() + staging_.timers()) * expiry::timer_bytes;
}

// ---------------------------------------------------------------- reading

handle store::head_of(const slot_name& slot) {
    fold_if_staged(slot);
    const auto* const head = index_.find(slot);
    return head == nullptr ? 0 : *head;
}

std::optional<record_view> store::read(const slot_name& slot, std::size_t* live) {
    handle best = 0;
    std::size_t count = 0;
    bool over = true;
    each(head_of(slot), [&](handle h) {
        if (!is_visible(at(h))) return;
        ++count;
        over = over && is_over(at(h), expiry_.now());
        if (best == 0 || beats(at(h), at(best))) best = h;
    });
    if (over) best = 0, count = 0;
    if (live != nullptr) *live = count;
    if (best == 0) return std::nullopt;
    return view(at(best));
}

std::size_t store::sibling_count(const slot_name& slot) {
    std::size_t count = 0;
    const auto head = head_of(slot);
    if (all_over(memory_, head, expiry_.now())) return 0;
    each(head, [&](handle h) { count += is_visible(at(h)) ? 1 : 0; });
    return count;
}

void store::siblings(const slot_name& slot, std::vector<record_view>& into) {
    into.clear();
    std::vector<const block*> found;
    const auto head = head_of(slot);
    if (all_over(memory_, head, expiry_.now())) return;
    each(head, [&](handle h) {
        if (is_visible(at(h))) found.push_back(&at(h));
    });
    std::sort(found.begin(), found.end(), [this](const block* a, const block* b) { return beats(*a, *b); });
    for (const auto* b : found) into.push_back(view(*b));
}

std::optional<std::int64_t> store::count(std::string_view key) {
    std::uint64_t sum = 0;
    bool any = false;
    each(head_of({value_type::counter, key, {}}), [&](handle h) {
        if (!is_visible(at(h))) return;
        any = true;
        sum += static_cast<std::uint64_t>(load_counter(at(h).value()).reading());
    });
    if (!any) return std::nullopt;
    return static_cast<std::int64_t>(sum);
}

void store::elements(value_type type, std::string_view key, std::vector<std::string>& into) {
    BATON_ASSERT(!fold_);
    into.clear();
    const auto root = root_of(key);
    for (handle h = root == 0 ? 0 : at(root).link().next; h != 0; h = at(h).link().next) {
        if (at(h).type() == type && is_visible(at(h))) into.emplace_back(at(h).element());
    }
    std::sort(into.begin(), into.end());
    into.erase(std::unique(into.begin(), into.end()), into.end()); // siblings of one element give one entry
}

unsigned store::types_of(std::string_view key) {
    while (folding_typed() && broken_ != mutation::type_by_folded_only) (void)fold(256);
    unsigned types = read(key) ? 1U : 0U;
    const auto root = root_of(key);
    for (std::uint8_t type = 0; root != 0 && type < value_types; ++type) {
        std::uint32_t count = 0;
        std::memcpy(&count, at(root).value().data() + type * sizeof count, sizeof count);
        if (count != 0) types |= 1U << type;
    }
    return types;
}

} // namespace baton::crdt
