// Counters: a slot with a share for each origin that has added to it. There may be very many of them, nearly
// all of origins that are gone; what is done for one event looks only at the last few, what is done for a
// slot sorts.
#include "crdt/chain.hpp"
#include "crdt/store.hpp"

#include <algorithm>

namespace baton {

// ---------------------------------------------------------------- adding

std::int64_t store::lost_amount(std::string_view key, const staged_view& lost) {
    const auto share = load_counter(lost.value);
    auto from = share.base_total;
    each(head_of({value_type::counter, key, {}}), [&](handle h) {
        const auto& b = at(h);
        if (b.is(block::kind::record) && dot_of(b).replica == lost.id.replica && b.counter >= share.base)
            from = load_counter(b.value()).total;
    });
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(share.total) -
                                     static_cast<std::uint64_t>(from));
}

written store::add(std::string_view key, std::int64_t amount, timestamp stamp, write_buffers& buffers) {
    const slot_name slot{value_type::counter, key, {}};
    counter_value mine{0, origins_[0].counter, 0}; // nothing before this has a share in it
    if (const auto own = share_of(head_of(slot), 0); own != 0) mine = load_counter(at(own).value());
    mine.total = static_cast<std::int64_t>(static_cast<std::uint64_t>(mine.total) +
                                           static_cast<std::uint64_t>(amount));
    buffers.value.resize(counter_value::bytes);
    store_counter(buffers.value.data(), mine);
    return write(slot, buffers.value, {false, stamp, 0, {}}, buffers);
}

// An addition puts its share at the end of the chain, so those that still count are the last ones. O(origins
// that have added since this one did).
handle store::share_of(handle head, std::uint32_t from) const {
    if (head == 0) return 0;
    const auto is_it = [&](handle h) { return at(h).origin == from && at(h).is(block::kind::record); };
    const auto& b = at(head);
    if (b.fork == 0) return is_it(head) ? head : 0;
    for (auto i = b.value_bytes / sizeof(handle); i-- != 0;) {
        handle one = 0;
        std::memcpy(&one, b.payload() + i * sizeof one, sizeof one);
        if (is_it(one)) return one;
    }
    return 0;
}

/// A new share takes the place of its origin's former one, without looking at those before it, and goes to
/// the end; the first event of an origin has no former one. False, and nothing is done, where that is not all
/// there is to do: splice() does it then.
bool store::replace_share(const slot_name& slot, std::uint64_t hash, handle added) {
    auto* const head = index_.find(hash, slot);
    if (head == nullptr || at(*head).fork == 0 || !is_visible(at(added))) return false;
    const auto count = at(*head).value_bytes / sizeof(handle);
    const auto place = [&](std::size_t i) { return at(*head).payload() + i * sizeof(handle); };
    handle former = 0;
    if (origins_[at(added).origin].counter == 0) {
        block longer{};
        longer.fork = 1;
        longer.value_bytes = ((count + 1) * sizeof(handle)) & 0xffffff;
        const auto made = memory_.allocate(longer.bytes());
        auto* const fork = new (memory_.at(made)) block(longer);
        std::memcpy(fork->payload(), place(0), count * sizeof(handle));
        std::memcpy(fork->payload() + count * sizeof(handle), &added, sizeof added);
        release_fork(*head);
        *head = made;
    } else {
        auto i = count;
        for (; i != 0; --i) {
            std::memcpy(&former, place(i - 1), sizeof former);
            if (at(former).origin == at(added).origin) break;
        }
        if (i == 0 || !is_visible(at(former))) return false; // the key may come
        std::memmove(place(i - 1), place(i), (count - i) * sizeof(handle));
        std::memcpy(place(count - 1), &added, sizeof added);
    }
    at(added).shared = 1;
    if (notes_.wanted()) notes_.note(slot.key);
    origins_[at(added).origin].log.set(at(added).counter, added);
    account(added, true);
    if (former != 0) forget(former);
    return true;
}

/// New shares of a counter, none of whose origins has a block in the slot. O(shares).
void store::add_shares(const slot_name& slot, std::span<const handle> shares) {
    if (shares.empty()) return;
    const auto hash = index_.hash(slot);
    auto* const head = index_.find(hash, slot);
    kept_.clear();
    each(head == nullptr ? 0 : *head, [&](handle h) { kept_.push_back(h); });
    kept_.insert(kept_.end(), shares.begin(), shares.end());
    if (head != nullptr) release_fork(*head);
    const auto chain = join_chain(kept_);
    if (head != nullptr) {
        *head = chain;
    } else {
        index_.insert(hash, chain);
    }
    for (const auto h : shares) {
        origins_[at(h).origin].log.set(at(h).counter, h);
        account(h, true);
    }
    if (notes_.wanted()) notes_.note(slot.key);
}

// Records of a chain by their origins, sorted.
std::vector<store::owned_share> store::shares_of(std::span<const handle> blocks) const {
    std::vector<owned_share> all;
    for (const auto h : blocks) {
        if (at(h).is(block::kind::record)) all.emplace_back(static_cast<std::uint32_t>(at(h).origin), h);
    }
    std::sort(all.begin(), all.end());
    return all;
}

// ---------------------------------------------------------------- removing

// The share of a counter that has been removed is larger now, if `seen` is later than what was known.
void store::raise_base(handle h, std::uint64_t seen, std::int64_t total) {
    auto& b = at(h);
    auto value = load_counter(b.value());
    if (!b.is(block::kind::record) || value.base >= seen || seen > b.counter) return;
    const bool was_visible = is_visible(b);
    if (was_visible) {
        if (notes_.wanted()) notes_.note(b.key());
        account_visible(b, false);
    }
    value.base = seen;
    value.base_total = total;
    store_counter(b.payload() + b.key_bytes, value);
    if (is_visible(b)) {
        account_visible(b, true);
    } else if (was_visible) {
        ++residues_;
        origins_[b.origin].residues.push_back(b.counter);
    }
}

void store::subtract(const slot_name& slot, std::string_view sums) {
    const auto* const head = index_.find(slot);
    if (head == nullptr) return;
    std::vector<handle> all;
    each(*head, [&](handle h) { all.push_back(h); });
    const auto shares = shares_of(all);
    for (std::size_t i = 0; i < sums.size(); i += removed_sum::bytes) {
        const auto removed = removed_sum::load(sums.substr(i));
        const auto from = find_origin(removed.seen.replica);
        if (!from) continue;
        const auto one = std::lower_bound(shares.begin(), shares.end(), owned_share{*from, 0});
        if (one != shares.end() && one->first == *from)
            raise_base(one->second, removed.seen.counter, removed.total);
    }
}

// ---------------------------------------------------------------- merging

// What either side knows to be removed of a replica's share is removed of the merged one.
void store::merge_counters(const slot_name& slot, std::span<const handle> shipped) {
    const auto* const head = index_.find(slot);
    if (head == nullptr) return;
    const auto theirs = shares_of(shipped);
    each(*head, [&](handle mine) {
        auto& a = at(mine);
        if (!a.is(block::kind::record)) return;
        auto one = std::lower_bound(theirs.begin(), theirs.end(),
                                    owned_share{static_cast<std::uint32_t>(a.origin), 0});
        for (; one != theirs.end() && one->first == a.origin; ++one) {
            auto& b = at(one->second);
            const auto x = load_counter(a.value()), y = load_counter(b.value());
            if (y.base > x.base) raise_base(mine, y.base, y.base_total);
            if (x.base > y.base && x.base <= b.counter) {
                store_counter(b.payload() + b.key_bytes, {y.total, x.base, x.base_total});
            }
        }
    });
}

} // namespace baton
