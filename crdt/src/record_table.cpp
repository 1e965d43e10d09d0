// Blocks and chains, and the counts, logs, notes and timers that belong to them.
#include "crdt/record_table.hpp"

#include "crdt/claim_epoch.hpp"

#include <algorithm>
#include <functional>
#include <new>
#include <tuple>

namespace baton::crdt {

record_table::record_table(const replica_id& self, std::uint64_t seed, const store_bounds& bounds)
    : memory_(bounds.chunks)
    , index_(memory_, seed)
    , contests_(bounds.contests)
    , disowned_(bounds.disowned) {
    origins_.emplace_back();
    origins_[0].id = self;
    origin_index_.emplace(self, 0);
}

// ---------------------------------------------------------------- blocks and chains

handle record_table::make(std::uint32_t from, const slot_name& slot, const staged_view& what) {
    block head{};
    head.stamp = what.stamp.raw;
    head.counter = what.id.counter & counter_max;
    head.type_ = static_cast<std::uint64_t>(slot.type) & 15;
    head.kind_ = static_cast<std::uint64_t>(what.what) & 3;
    head.epoch = what.epoch != 0;
    head.ttl = what.ttl.has_value();
    head.origin = from & origins_max;
    head.value_bytes = what.value.size() & 0xffffff;
    head.key_bytes = slot.key.size() & 1023;
    head.element_bytes = slot.element.size() & 1023;

    const auto h = memory_.allocate(head.bytes());
    auto* made = new (memory_.at(h)) block(head);
    auto* beside = reinterpret_cast<char*>(made + 1);
    if (what.epoch != 0) std::memcpy(beside, &what.epoch, 8);
    if (what.ttl) {
        const instant deadline = expiry_.now() + *what.ttl;
        std::memcpy(beside + (what.epoch != 0 ? 8 : 0), &deadline, 8);
    }
    auto* to = std::copy(slot.key.begin(), slot.key.end(), made->payload());
    to = std::copy(slot.element.begin(), slot.element.end(), to);
    std::copy(what.value.begin(), what.value.end(), to);
    if (slot.type == value_type::counter && what.what == block::kind::record) {
        // A correct peer never sends a base above the dot of the share.
        if (const auto share = load_counter(what.value); share.base > what.id.counter)
            store_counter(to, {share.total, what.id.counter, share.total});
    }
    return h;
}

std::optional<std::chrono::milliseconds> record_table::ttl_of(const block& b) const {
    if (b.ttl == 0) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(b.deadline() - expiry_.now());
    return std::max(left, std::chrono::milliseconds{0});
}

staged_view record_table::entry_of(const block& b) const {
    return {b.what(), dot_of(b), timestamp{b.stamp}, b.epoch_value(), b.value(), ttl_of(b)};
}

// I5: this order decides which concurrent value a read returns. It never decides which values stay.
bool record_table::beats(const block& a, const block& b) const {
    const auto rank = [this](const block& x) {
        return std::make_tuple(x.epoch_value(), x.stamp, origins_[x.origin].id, std::uint64_t{x.counter});
    };
    return rank(a) > rank(b);
}

record_view record_table::view(const block& b) const {
    return {dot_of(b), timestamp{b.stamp}, b.epoch_value(), b.type(), b.value()};
}

void record_table::account_visible(const block& b, bool added, const digest* sum) {
    const auto bytes = std::size_t{b.key_bytes} + b.element_bytes + b.value_bytes;
    if (added) {
        ++live_records_;
        user_bytes_ += bytes;
        digest_ += sum == nullptr ? hash_of(b) : *sum;
    } else {
        --live_records_;
        user_bytes_ -= bytes;
        digest_ -= hash_of(b);
    }
    if (!is_member(b.type())) return;
    // The root counts the visible members of its key, in total and per type.
    auto& root = at(root_of(b.key()));
    char* const of_type = root.payload() + root.key_bytes + b.type_ * sizeof(std::uint32_t);
    std::uint32_t count = 0;
    std::memcpy(&count, of_type, sizeof count);
    count += added ? 1 : std::uint32_t(-1);
    std::memcpy(of_type, &count, sizeof count);
    root.counter = (root.counter + (added ? 1 : counter_max)) & counter_max;
    if (root.counter != (added ? 1 : 0)) return;
    live_keys_ += added ? 1 : std::size_t(-1);
    if (order_.exists()) added ? order_.came(b.key()) : key_went(b.key());
}

void record_table::account_epoch(const block& b, bool added) {
    if (b.type() != value_type::reg || !b.is(block::kind::record)) return;
    added ? ++epochs_ : --epochs_;
    if (!is_claim(b.epoch_value())) return;
    auto& claims = origins_[b.origin].claims;
    if (added) {
        claims.insert(b.counter);
        return;
    }
    claims.erase(b.counter);
    if (b.origin != 0 || writing_) return;
    disowned_.note(b.key());
}

// The blocks in doomed_ are about to go while the number of values in the slot stays the same. Watchers get
// no new conflict event, but the conflict now names the new block: the values to merge, or the owner, may
// differ.
void record_table::rename_contest(const block& successor) {
    const auto is_doomed = [&](const contest& each) {
        return std::any_of(doomed_.begin(), doomed_.end(),
                           [&](handle h) { return dot_of(at(h)) == each.id; });
    };
    bool renamed = false;
    contests_.each([&](contest& each) {
        if (!is_doomed(each)) return;
        each.id = dot_of(successor);
        renamed = true;
    });
    if (!renamed) note_contest(successor, true);
}

void record_table::account(handle h, bool added, const digest* sum) {
    auto& b = at(h);
    if (b.epoch != 0) account_epoch(b, added);
    if (b.ttl != 0) added ? expiry_.add(b.deadline(), h) : expiry_.remove(b.deadline(), h);
    if (added && is_member(b.type())) link(h);
    if (b.is(block::kind::removal)) {
        added ? ++removals_ : --removals_;
        if (added) {
            auto& heap = origins_[b.origin].removals;
            heap.push_back(b.counter);
            std::push_heap(heap.begin(), heap.end(), std::greater<>{});
        }
    } else if (is_visible(b)) {
        account_visible(b, added, sum);
    } else {
        added ? ++residues_ : --residues_;
        if (added) origins_[b.origin].residues.push_back(b.counter);
    }
    if (!added && is_member(b.type())) unlink(h);
}

// Takes a block that is in no chain any more out of the log, the digest and memory.
void record_table::forget(handle h) {
    const auto& b = at(h);
    origins_[b.origin].log.erase(b.counter);
    account(h, false);
    memory_.release(h, b.bytes());
}

// Removes the key from the order, unless it still has a visible value of another type.
void record_table::key_went(std::string_view key) {
    const auto root = root_of(key);
    if (root != 0 && at(root).counter != 0) return;
    const auto* const head = index_.find({value_type::reg, key, {}});
    if (head != nullptr && any_visible(memory_, *head)) return;
    order_.went(key);
}

// ---------------------------------------------------------------- members of a typed key

handle record_table::root_of(std::string_view key) {
    if (roots_ == 0) return 0;
    const auto* const found = index_.find_root(index_.root_hash(key), key);
    return found == nullptr ? 0 : *found;
}

void record_table::link(handle h) {
    auto root = root_of(at(h).key());
    if (root == 0) {
        const auto key = at(h).key();
        block head{};
        head.root = 1;
        head.key_bytes = key.size() & 1023;
        head.value_bytes = value_types * sizeof(std::uint32_t);
        root = memory_.allocate(head.bytes());
        auto* made = new (memory_.at(root)) block(head);
        made->link() = {0, 0};
        std::memset(std::copy(key.begin(), key.end(), made->payload()), 0, head.value_bytes);
        index_.insert(index_.root_hash(key), root);
        ++roots_;
    }
    auto& first = at(root).link().next;
    at(h).link() = {root, first};
    if (first != 0) at(first).link().previous = h;
    first = h;
}

void record_table::unlink(handle h) {
    const auto [previous, next] = at(h).link();
    at(previous).link().next = next;
    if (next != 0) at(next).link().previous = previous;
    if (at(previous).root == 0 || next != 0) return;
    const auto hash = index_.root_hash(at(previous).key());
    index_.erase(hash, index_.find_root(hash, at(previous).key()));
    memory_.release(previous, at(previous).bytes());
    --roots_;
}

// ---------------------------------------------------------------- looking through

slot_name record_table::slot_at(const dot& id) const {
    const auto from = find_origin(id.replica);
    const auto h = from ? origins_[*from].log.at(id.counter) : 0;
    return h == 0 ? slot_name{} : at(h).slot();
}

void record_table::keys_of(std::size_t shard, std::string_view prefix, std::vector<std::string>& into) const {
    index_.each_in_shard(shard, [&](handle head) {
        const auto& first = first_block(memory_, head);
        if (first.root == 0 && first.type() != value_type::reg) return; // the root lists the key
        if (!first.key().starts_with(prefix)) return;
        const bool shown = first.root != 0
                               ? first.counter != 0
                               : any_visible(memory_, head) && !all_over(memory_, head, expiry_.now());
        if (shown) into.emplace_back(first.key());
    });
}

} // namespace baton::crdt
