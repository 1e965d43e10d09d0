// Origins, blocks and chains, and what is read from them.
#include "crdt/store.hpp"

#include "crdt/assert.hpp"
#include "crdt/chain.hpp"

#include <algorithm>
#include <new>
#include <tuple>
#include <utility>

namespace baton {

store::store(replica_id self, std::uint64_t seed, mutation broken, store_bounds bounds)
    : memory_(bounds.chunks)
    , index_(memory_, seed)
    , staging_(memory_, seed ^ 0x9e3779b97f4a7c15)
    , staging_typed_(memory_, seed ^ 0xc2b2ae3d27d4eb4f)
    , trash_{key_index(memory_, seed), key_index(memory_, seed)}
    , broken_(broken)
    , bounds_(bounds) {
    origins_.emplace_back();
    origins_[0].id = self;
    origin_index_.emplace(self, 0);
}

cut joined(cut seen, const cut& archive) {
    seen.join(archive);
    return seen;
}

// ---------------------------------------------------------------- origins and dots

std::optional<std::uint32_t> store::find_origin(const replica_id& id) const {
    if (origins_[last_origin_].id == id) return last_origin_;
    const auto found = origin_index_.find(id);
    if (found == origin_index_.end()) return std::nullopt;
    last_origin_ = found->second;
    return last_origin_;
}

// Nothing when there are more replicas than a block can tell apart.
std::optional<std::uint32_t> store::intern(const replica_id& id) {
    if (const auto known = find_origin(id)) return known;
    std::uint32_t number = 0;
    if (!free_origins_.empty()) {
        number = free_origins_.back();
        free_origins_.pop_back();
    } else {
        if (origins_.size() > origins_max) return std::nullopt;
        number = static_cast<std::uint32_t>(origins_.size());
        origins_.emplace_back();
    }
    auto& fresh = origins_[number];
    fresh.id = id;
    fresh.counter = fresh.floor = archive_.of(id);
    fresh.archived = fresh.counter != 0;
    origin_index_.emplace(id, number);
    last_origin_ = number;
    return number;
}

std::uint64_t store::counter_of(const replica_id& replica) const {
    const auto known = find_origin(replica);
    return known ? origins_[*known].counter : archive_.of(replica);
}

bool store::covers(const cut& other) const {
    return std::all_of(other.entries().begin(), other.entries().end(),
                       [this](const dot& id) { return has_seen(id); });
}

std::uint64_t store::lacks(const cut& other) const {
    std::uint64_t missing = 0;
    for (const dot& id : other.entries()) {
        const auto known = counter_of(id.replica);
        if (id.counter > known) missing += id.counter - known;
    }
    return missing;
}

cut store::seen() const {
    cut all;
    for (const auto& [id, number] : origin_index_) {
        const auto& each = origins_[number];
        if (each.counter != 0 && !each.archived) all.push_back({id, each.counter});
    }
    return all;
}

std::optional<digest> store::state_digest() const {
    if (fold_) return std::nullopt;
    return digest_;
}

std::size_t store::memory_bytes() const {
    std::size_t sum = memory_.bytes() + index_.bytes() + staging_.bytes() + staging_typed_.bytes() +
                      trash_[0].bytes() + trash_[1].bytes() + origins_.capacity() * sizeof(origin) +
                      archive_.size() * sizeof(dot);
    for (const auto& each : origins_)
        sum += each.log.bytes() + (each.removals.capacity() + each.residues.capacity()) * 8 +
               each.claims.size() * (8 + 32); // a node of a tree has four words
    for (const auto& each : staged_.logs) sum += each.bytes();
    return sum + timer_bytes();
}

std::size_t store::bytes_in_use() const {
    constexpr std::size_t slot_bytes = 12, log_bytes = 5; // an entry of the index, of a log
    const auto slots = index_.size() + staged_slots() + trash_[0].size() + trash_[1].size();
    return memory_.used() + slots * slot_bytes + (live_records_ + removals_ + residues_) * log_bytes +
           archive_.size() * sizeof(dot) + origins_.size() * sizeof(origin) + timer_bytes();
}

// ---------------------------------------------------------------- blocks and chains

handle store::make(std::uint32_t from, const slot_name& slot, const staged_view& what) {
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
        const instant deadline = now_ + *what.ttl;
        std::memcpy(beside + (what.epoch != 0 ? 8 : 0), &deadline, 8);
    }
    auto* to = std::copy(slot.key.begin(), slot.key.end(), made->payload());
    to = std::copy(slot.element.begin(), slot.element.end(), to);
    std::copy(what.value.begin(), what.value.end(), to);
    if (slot.type == value_type::counter && what.what == block::kind::record) {
        // No honest share is removed beyond its own dot.
        if (const auto share = load_counter(what.value); share.base > what.id.counter)
            store_counter(to, {share.total, what.id.counter, share.total});
    }
    return h;
}

digest store::hash_of(const block& b) const {
    const hashed_fields fields{origins_[b.origin].id, b.counter, b.stamp, b.epoch_value(),
                               static_cast<std::uint8_t>(b.type_)};
    return hash_record(fields, b.key(), b.element(), b.value());
}

bool store::is_visible(const block& b) {
    if (!b.is(block::kind::record)) return false;
    return b.type() != value_type::counter || load_counter(b.value()).base != b.counter;
}

bool store::any_visible(handle head) const {
    bool any = false;
    each(head, [&](handle h) { any = any || is_visible(at(h)); });
    return any;
}

// A single block stands for itself; several are listed in a fork.
handle store::join_chain(std::span<const handle> blocks) {
    for (const auto h : blocks) at(h).shared = blocks.size() > 1;
    if (blocks.empty()) return 0;
    if (blocks.size() == 1) return blocks[0];
    block head{};
    head.fork = 1;
    head.value_bytes = (blocks.size() * sizeof(handle)) & 0xffffff;
    const auto h = memory_.allocate(head.bytes());
    auto* made = new (memory_.at(h)) block(head);
    std::memcpy(made->payload(), blocks.data(), blocks.size() * sizeof(handle));
    return h;
}

void store::release_fork(handle head) {
    if (head != 0 && at(head).fork != 0) memory_.release(head, at(head).bytes());
}

void store::account_visible(const block& b, bool added, const digest* sum) {
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
    // The root counts its visible members, all and by type.
    auto& root = at(root_of(b.key()));
    char* const of_type = root.payload() + root.key_bytes + b.type_ * sizeof(std::uint32_t);
    std::uint32_t count = 0;
    std::memcpy(&count, of_type, sizeof count);
    count += added ? 1 : std::uint32_t(-1);
    std::memcpy(of_type, &count, sizeof count);
    root.counter = (root.counter + (added ? 1 : counter_max)) & counter_max;
    if (root.counter != (added ? 1 : 0)) return;
    live_keys_ += added ? 1 : std::size_t(-1);
    if (order_) added ? key_came(b.key()) : key_went(b.key());
}

void store::account_epoch(const block& b, bool added) {
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
    if (disowned_.size() >= bounds_.disowned) {
        disowned_missed_ = true;
    } else {
        disowned_.emplace_back(b.key());
    }
}

bool store::take_disowned(std::vector<std::string>& into) {
    into.clear();
    into.swap(disowned_);
    return std::exchange(disowned_missed_, false);
}

std::vector<std::pair<replica_id, std::size_t>> store::claimants() const {
    std::vector<std::pair<replica_id, std::size_t>> all;
    if (epochs_ == 0) return all;
    for (const auto& each : origins_) {
        if (!each.claims.empty()) all.emplace_back(each.id, each.claims.size());
    }
    return all;
}

std::uint64_t store::next_claim(const replica_id& owner, std::uint64_t after) const {
    const auto from = find_origin(owner);
    if (!from) return 0;
    const auto& claims = origins_[*from].claims;
    const auto next = claims.upper_bound(after);
    return next == claims.end() ? 0 : *next;
}

// Bounded: whoever does not ask in time looks through everything instead.
void store::note_contest(std::uint32_t from, std::uint64_t counter, bool quiet) {
    if (contests_.size() >= bounds_.contests) {
        contests_missed_ = true;
    } else {
        contests_.push_back({{origins_[from].id, counter}, quiet});
    }
}

// What is in doomed_ goes, and the slot has as many values as before: nothing to be told, but other values to
// be merged, or another owner.
void store::rename_contest(const block& successor) {
    const auto is_doomed = [&](const contest& each) {
        return std::any_of(doomed_.begin(), doomed_.end(),
                           [&](handle h) { return dot_of(at(h)) == each.id; });
    };
    bool renamed = false;
    for (auto& each : contests_) {
        if (!is_doomed(each)) continue;
        each.id = dot_of(successor);
        renamed = true;
    }
    if (!renamed) note_contest(successor.origin, successor.counter, true);
}

void store::account(handle h, bool added, const digest* sum) {
    auto& b = at(h);
    if (b.epoch != 0) account_epoch(b, added);
    if (b.ttl != 0) keep_time(h, added);
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

// Takes a block out of the log, the digest and memory. It is no longer in any chain.
void store::forget(handle h) {
    const auto& b = at(h);
    origins_[b.origin].log.erase(b.counter);
    account(h, false);
    memory_.release(h, b.bytes());
}

// ---------------------------------------------------------------- members of a typed key

handle store::root_of(std::string_view key) {
    if (roots_ == 0) return 0;
    const auto* const found = index_.find_root(index_.root_hash(key), key);
    return found == nullptr ? 0 : *found;
}

void store::link(handle h) {
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

void store::unlink(handle h) {
    const auto [previous, next] = at(h).link();
    at(previous).link().next = next;
    if (next != 0) at(next).link().previous = previous;
    if (at(previous).root == 0 || next != 0) return;
    const auto hash = index_.root_hash(at(previous).key());
    index_.erase(hash, index_.find_root(hash, at(previous).key()));
    memory_.release(previous, at(previous).bytes());
    --roots_;
}

// ---------------------------------------------------------------- reading

handle store::head_of(const slot_name& slot) {
    fold_if_staged(slot);
    const auto* const head = index_.find(slot);
    return head == nullptr ? 0 : *head;
}

// I5: decides which of several concurrent values is read first, never which of them live on.
bool store::beats(const block& a, const block& b) const {
    const auto rank = [this](const block& x) {
        return std::make_tuple(x.epoch_value(), x.stamp, origins_[x.origin].id, std::uint64_t{x.counter});
    };
    return rank(a) > rank(b);
}

record_view store::view(const block& b) const {
    return {dot_of(b), timestamp{b.stamp}, b.epoch_value(), b.type(), b.value()};
}

std::optional<record_view> store::read(const slot_name& slot, std::size_t* live) {
    handle best = 0;
    std::size_t count = 0;
    bool over = true;
    each(head_of(slot), [&](handle h) {
        if (!is_visible(at(h))) return;
        ++count;
        over = over && is_over(at(h), now_);
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
    if (all_over(head, now_)) return 0;
    each(head, [&](handle h) { count += is_visible(at(h)) ? 1 : 0; });
    return count;
}

bool store::is_contested(handle head) const {
    std::size_t live = 0;
    each(head, [&](handle h) { live += is_visible(at(h)) ? 1 : 0; });
    return live > 1 && has_siblings(first_block(memory_, head).type());
}

bool store::take_contests(std::vector<contest>& into) {
    into.clear();
    into.swap(contests_);
    return std::exchange(contests_missed_, false);
}

slot_name store::slot_at(const dot& id) const {
    const auto from = find_origin(id.replica);
    const auto h = from ? origins_[*from].log.at(id.counter) : 0;
    return h == 0 ? slot_name{} : at(h).slot();
}

void store::siblings(const slot_name& slot, std::vector<record_view>& into) {
    into.clear();
    std::vector<const block*> found;
    const auto head = head_of(slot);
    if (all_over(head, now_)) return;
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
    into.erase(std::unique(into.begin(), into.end()), into.end()); // siblings
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

void store::keys_of(std::size_t shard, std::string_view prefix, std::vector<std::string>& into) {
    index_.each_in_shard(shard, [&](handle head) {
        const auto& first = first_block(memory_, head);
        if (first.root == 0 && first.type() != value_type::reg) return; // its root names the key
        if (!first.key().starts_with(prefix)) return;
        if (first.root != 0 ? first.counter != 0 : is_shown(head)) into.emplace_back(first.key());
    });
}

} // namespace baton
