#include "crdt/store.hpp"

#include "crdt/assert.hpp"
#include "crdt/chain.hpp"

#include <algorithm>
#include <new>
#include <tuple>

namespace baton {

store::store(replica_id self, std::uint64_t seed, mutation broken)
    : index_(memory_, seed)
    , staging_(memory_, seed ^ 0x9e3779b97f4a7c15)
    , broken_(broken) {
    origins_.push_back({self, 0, {}});
    origin_index_.emplace(self, 0);
}

// ---------------------------------------------------------------- origins and dots

std::optional<std::uint32_t> store::find_origin(const replica_id& id) const {
    if (origins_[last_origin_].id == id) return last_origin_;
    const auto found = origin_index_.find(id);
    if (found == origin_index_.end()) return std::nullopt;
    last_origin_ = found->second;
    return last_origin_;
}

std::uint32_t store::intern(const replica_id& id) {
    if (const auto known = find_origin(id)) return *known;
    last_origin_ = static_cast<std::uint32_t>(origins_.size());
    origin_index_.emplace(id, last_origin_);
    origins_.push_back({id, 0, {}});
    return last_origin_;
}

// I6: the only place that issues a dot; the counter is never set back.
dot store::next_dot() const { return {origins_[0].id, origins_[0].counter + 1}; }

dot store::issue() {
    ++generation_;
    return {origins_[0].id, ++origins_[0].counter};
}

std::uint64_t store::counter_of(const replica_id& replica) const {
    const auto known = find_origin(replica);
    return known ? origins_[*known].counter : 0;
}

bool store::covers(const cut& other) const {
    return std::all_of(other.entries().begin(), other.entries().end(),
                       [this](const dot& id) { return has_seen(id); });
}

cut store::seen() const {
    cut all;
    for (const auto& [id, number] : origin_index_) {
        if (origins_[number].counter != 0) all.push_back({id, origins_[number].counter});
    }
    return all;
}

std::optional<digest> store::state_digest() const {
    if (fold_) return std::nullopt;
    return digest_;
}

std::size_t store::memory_bytes() const {
    std::size_t sum =
        memory_.bytes() + index_.bytes() + staging_.bytes() + origins_.capacity() * sizeof(origin);
    for (const auto& each : origins_) sum += each.log.bytes();
    for (const auto& each : staged_.logs) sum += each.bytes();
    return sum;
}

// ---------------------------------------------------------------- blocks and chains

handle store::make(std::string_view key, const staged_view& what) {
    block head{};
    head.counter = what.id.counter;
    head.stamp = what.stamp.raw;
    head.origin = intern(what.id.replica);
    head.value_bytes = static_cast<std::uint32_t>(what.value.size());
    head.key_bytes = static_cast<std::uint16_t>(key.size());
    head.type = what.type;
    if (what.what == staged_view::kind::removal) head.flags |= block::removal;
    if (what.what == staged_view::kind::reference) head.flags |= block::reference;
    if (what.epoch != 0) head.flags |= block::epoch;

    const auto h = memory_.allocate(head.bytes());
    auto* made = new (memory_.at(h)) block(head);
    if (what.epoch != 0) std::memcpy(made->payload() - 8, &what.epoch, 8);
    std::copy(key.begin(), key.end(), made->payload());
    std::copy(what.value.begin(), what.value.end(), made->payload() + key.size());
    return h;
}

digest store::hash_of(const block& b) const {
    const hashed_fields fields{origins_[b.origin].id, b.counter, b.stamp, b.epoch_value(),
                               static_cast<std::uint8_t>(b.type)};
    return hash_record(fields, b.key(), b.value());
}

void store::account(const block& b, bool added) {
    if (b.is(block::removal)) {
        added ? ++removals_ : --removals_;
        return;
    }
    const auto bytes = std::size_t{b.key_bytes} + b.value_bytes;
    if (added) {
        ++live_records_;
        user_bytes_ += bytes;
        digest_ += hash_of(b);
    } else {
        --live_records_;
        user_bytes_ -= bytes;
        digest_ -= hash_of(b);
    }
}

// Takes a block out of the log, the digest and memory. It is no longer in any chain.
void store::forget(handle h) {
    const auto& b = at(h);
    origins_[b.origin].log.erase(b.counter);
    account(b, false);
    memory_.release(h, b.bytes());
}

void store::mark_shared(handle head) {
    const bool several = head != 0 && at(head).next != 0;
    for (handle h = head; h != 0; h = at(h).next) {
        auto& b = at(h);
        b.flags = static_cast<std::uint8_t>(several ? b.flags | block::shared : b.flags & ~block::shared);
    }
}

void store::release_chain(handle head) {
    while (head != 0) {
        const auto next = at(head).next;
        memory_.release(head, at(head).bytes());
        head = next;
    }
}

// ---------------------------------------------------------------- reading

handle store::head_of(std::string_view key) {
    fold_if_staged(key);
    const auto* const head = index_.find(key);
    return head == nullptr ? 0 : *head;
}

// I5: decides which of several concurrent values is read first, never which of them live on.
bool store::beats(const block& a, const block& b) const {
    const auto rank = [this](const block& x) {
        return std::make_tuple(x.epoch_value(), x.stamp, origins_[x.origin].id, x.counter);
    };
    return rank(a) > rank(b);
}

record_view store::view(const block& b) const {
    return {dot_of(b), timestamp{b.stamp}, b.epoch_value(), b.type, b.value()};
}

std::optional<record_view> store::read(std::string_view key) {
    handle best = 0;
    for (handle h = head_of(key); h != 0; h = at(h).next) {
        if (at(h).is(block::removal)) continue;
        if (best == 0 || beats(at(h), at(best))) best = h;
    }
    if (best == 0) return std::nullopt;
    return view(at(best));
}

std::size_t store::sibling_count(std::string_view key) {
    std::size_t count = 0;
    for (handle h = head_of(key); h != 0; h = at(h).next) count += at(h).is(block::removal) ? 0 : 1;
    return count;
}

void store::siblings(std::string_view key, std::vector<record_view>& into) {
    into.clear();
    std::vector<const block*> found;
    for (handle h = head_of(key); h != 0; h = at(h).next) {
        if (!at(h).is(block::removal)) found.push_back(&at(h));
    }
    std::sort(found.begin(), found.end(), [this](const block* a, const block* b) { return beats(*a, *b); });
    for (const auto* b : found) into.push_back(view(*b));
}

void store::keys_of(std::size_t shard, std::string_view prefix, std::vector<std::string>& into) {
    index_.each_in_shard(shard, [&](handle head) {
        const auto key = at(head).key();
        if (key.starts_with(prefix) && any_live(memory_, head)) into.emplace_back(key);
    });
}

// ---------------------------------------------------------------- events

dot store::put(std::string_view key, std::string_view value, timestamp stamp, std::vector<dot>& kills) {
    return write(key, {staged_view::kind::record, next_dot(), value_type::reg, stamp, 0, value}, kills);
}

// An older removal record is superseded too: this one has seen it and kills the same key (I7).
std::optional<dot> store::remove(std::string_view key, timestamp stamp, std::vector<dot>& kills) {
    kills.clear();
    if (!read(key)) return std::nullopt;
    return write(key, {staged_view::kind::removal, next_dot(), value_type::reg, stamp, 0, {}}, kills);
}

dot store::write(std::string_view key, const staged_view& what, std::vector<dot>& kills) {
    kills.clear();
    fold_if_staged(key);
    splice(key, make(key, what), [&](const block& b) {
        if (b.origin != 0) kills.push_back(dot_of(b));
        return true;
    });
    return issue();
}

store::applied store::apply(const dot& id, const event_view& event) {
    const auto from = intern(id.replica);
    if (id.counter <= origins_[from].counter) return applied::duplicate;
    if (id.counter != origins_[from].counter + 1) return applied::early; // I2: no gaps
    fold_if_staged(event.key);
    const auto kind = event.removal ? staged_view::kind::removal : staged_view::kind::record;
    const auto made = make(event.key, {kind, id, event.type, event.stamp, event.epoch, event.value});
    splice(event.key, made, [&](const block& b) {
        return b.origin == from ||
               std::find(event.kills.begin(), event.kills.end(), dot_of(b)) != event.kills.end();
    });
    origins_[from].counter = id.counter; // I3: last
    ++generation_;
    return applied::yes;
}

} // namespace baton
