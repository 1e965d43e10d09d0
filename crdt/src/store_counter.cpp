// Additions to a counter. The slot of a counter has one share for each origin that has added to it. There may
// be very many shares, nearly all of origins that are gone; an addition looks only at the last few.
#include "crdt/splice.hpp"
#include "crdt/store.hpp"

namespace baton::crdt {

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
    // The base: no earlier event of this node is a share of the counter.
    counter_value mine{0, origins_[0].counter, 0};
    if (const auto own = share_of(head_of(slot), 0); own != 0) mine = load_counter(at(own).value());
    mine.total = static_cast<std::int64_t>(static_cast<std::uint64_t>(mine.total) +
                                           static_cast<std::uint64_t>(amount));
    buffers.value.resize(counter_value::bytes);
    store_counter(buffers.value.data(), mine);
    return write(slot, buffers.value, {false, stamp, 0, {}}, buffers);
}

// An addition puts its share at the end of the chain, so the search starts there. O(origins that have added
// since this one did).
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

/// Replaces the former share of the same origin by `added`, at the end of the chain; if `added` is the first
/// event of its origin, appends it. Does nothing and returns false if more has to change: splice() handles
/// those cases.
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
        release_fork(memory_, *head);
        *head = made;
    } else {
        auto i = count;
        for (; i != 0; --i) {
            std::memcpy(&former, place(i - 1), sizeof former);
            if (at(former).origin == at(added).origin) break;
        }
        if (i == 0 || !is_visible(at(former))) return false; // the key may become visible: splice() counts it
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

} // namespace baton::crdt
