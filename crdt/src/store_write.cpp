// Applies events of this node and of other nodes. Both change a slot in the same way.
#include "crdt/assert.hpp"
#include "crdt/splice.hpp"
#include "crdt/store.hpp"

#include <algorithm>

namespace baton::crdt {

bool is_well_formed(const slot_name& slot, bool removal, std::string_view value) {
    if (slot.key.empty() || slot.key.size() > key_bytes_max || slot.element.size() > element_bytes_max)
        return false;
    if (!has_element(slot.type) && !slot.element.empty()) return false;
    switch (slot.type) {
    case value_type::reg:
    case value_type::map:
        return !removal || value.empty();
    case value_type::set:
    case value_type::flag:
        return value.empty();
    case value_type::counter:
        return removal ? value.size() % removed_sum::bytes == 0 : value.size() == counter_value::bytes;
    case value_type::scope:
        if (!removal || value.size() % context_entry::bytes != 0) return false;
        for (std::size_t at = context_entry::bytes; at < value.size(); at += context_entry::bytes) {
            if (value.substr(at - context_entry::bytes, 16) >= value.substr(at, 16)) return false;
        }
        return true;
    case value_type::archive:
        return removal && slot.key.size() == 16 && value.size() == 8;
    }
    return false;
}

bool is_under(std::string_view context, const dot& id) {
    std::size_t low = 0, high = context.size() / context_entry::bytes;
    while (low < high) {
        const auto middle = (low + high) / 2;
        const auto entry = context_entry::load(context.substr(middle * context_entry::bytes));
        if (entry.replica == id.replica) return id.counter <= entry.counter;
        (entry.replica < id.replica ? low : high) = entry.replica < id.replica ? middle + 1 : middle;
    }
    return false;
}

// ---------------------------------------------------------------- dots

// I6: the only place that issues a dot; the counter is never set back.
dot store::next_dot() const { return {origins_[0].id, origins_[0].counter + 1}; }

dot store::issue() {
    const auto id = next_dot();
    note_event(0, id.counter);
    return id;
}

// ---------------------------------------------------------------- writing here

written store::write(const slot_name& slot, std::string_view value, const writing& how,
                     write_buffers& buffers) {
    const bool removal = how.removal, counts = slot.type == value_type::counter;
    buffers.kills.clear();
    const auto hash = index_.hash(slot);
    index_.prefetch(hash);
    fold_if_staged(slot);
    const auto kind = removal ? block::kind::removal : block::kind::record;
    // The removal of a counter changes the bases of the shares, so its own block need not keep the totals.
    const auto kept = removal && counts ? std::string_view{} : value;
    const auto made = make(0, slot, {kind, next_dot(), how.stamp, how.epoch, kept, how.ttl});
    if (counts && !removal && replace_share(slot, hash, made)) {
        const auto id = issue();
        return {id, {removal, slot, how.stamp, how.epoch, value, buffers.kills, false, how.ttl}};
    }
    writing_ = true;
    splice(slot, hash, made, [&](const block& b) {
        if (b.origin == 0) return true;
        // Shares of a counter stay side by side, and so do the removal records that an addition has seen.
        if (counts && !(removal && b.is(block::kind::removal))) return false;
        if (b.epoch != 0 && !removal && !how.only && is_spared(b)) return false;
        const auto id = dot_of(b);
        // An earlier removal record is superseded in any case: the new block takes its place (I7).
        if (how.only && b.is(block::kind::record) &&
            std::find(how.only->begin(), how.only->end(), id) == how.only->end())
            return false;
        buffers.kills.push_back(id);
        return true;
    });
    writing_ = false;
    if (slot.type == value_type::scope) kill_scope(slot.key, value);
    if (counts && removal) subtract(slot, value);
    const auto id = issue();
    return {id, {removal, slot, how.stamp, how.epoch, value, buffers.kills, false, how.ttl}};
}

written store::put(const slot_name& slot, std::string_view value, timestamp stamp, write_buffers& buffers,
                   std::optional<std::chrono::milliseconds> ttl) {
    const bool claims = slot.type == value_type::reg && (epochs_ != 0 || fold_);
    const auto epoch = claims ? epoch_of_put(slot) : 0;
    return write(slot, value, {false, stamp, epoch, {}, ttl}, buffers);
}

written store::put_over(const slot_name& slot, std::string_view value, std::uint64_t epoch,
                        std::span<const dot> only, timestamp stamp, write_buffers& buffers,
                        std::optional<std::chrono::milliseconds> ttl) {
    BATON_ASSERT(has_siblings(slot.type));
    return write(slot, value, {false, stamp, epoch, only, ttl}, buffers);
}

written store::remove_only(const slot_name& slot, std::span<const dot> only, timestamp stamp,
                           write_buffers& buffers) {
    BATON_ASSERT(has_siblings(slot.type));
    return write(slot, {}, {true, stamp, 0, only, {}}, buffers);
}

// A claim of another replica stays. Only its owner, a higher claim, a removal, or a write that names the
// record (`only`) ends it.
bool store::is_spared(const block& b) const {
    return b.type() == value_type::reg && b.is(block::kind::record) && is_claim(b.epoch_value()) &&
           broken_ != mutation::claim_stash_kills;
}

// The epoch of a put. An owner writes under its own claim. Otherwise the value is unclaimed; its epoch is the
// highest unclaimed one among the records it replaces, so that it is read in their place and stays below
// every claim that remains. An own claim that has lost counts as the epoch below it.
std::uint64_t store::epoch_of_put(const slot_name& slot) {
    handle best = 0;
    std::uint64_t free = 0;
    each(head_of(slot), [&](handle h) {
        const auto& b = at(h);
        if (!b.is(block::kind::record)) return;
        if (best == 0 || beats(b, at(best))) best = h;
        const auto epoch = b.epoch_value();
        if (!is_claim(epoch) || b.origin == 0) free = std::max(free, unclaimed_epoch(epoch));
    });
    if (best != 0 && at(best).origin == 0 && is_claim(at(best).epoch_value())) return at(best).epoch_value();
    return free;
}

std::optional<written> store::recover(const slot_name& slot, const staged_view& lost,
                                      write_buffers& buffers) {
    bool known = false;
    each(head_of(slot), [&](handle h) {
        const auto& b = at(h);
        known = known || b.origin == 0 ||
                (b.is(block::kind::record) && b.stamp == lost.stamp.raw && b.value() == lost.value);
    });
    if (known) return std::nullopt;
    buffers.kills.clear();
    const auto epoch = unclaimed_epoch(lost.epoch); // no claim handle exists for this epoch any more
    const auto made =
        make(0, slot, {block::kind::record, next_dot(), lost.stamp, epoch, lost.value, lost.ttl});
    splice(slot, made, [](const block&) { return false; });
    const auto id = issue();
    return written{id, {false, slot, lost.stamp, epoch, lost.value, buffers.kills, false, lost.ttl}};
}

// The removal also supersedes an older removal record of the slot: it has seen that one (I7).
std::optional<written> store::remove(const slot_name& slot, timestamp stamp, write_buffers& buffers) {
    if (!read(slot)) return std::nullopt;
    buffers.value.clear();
    if (slot.type == value_type::counter) {
        each(head_of(slot), [&](handle h) {
            const auto& b = at(h);
            if (is_visible(b)) removed_sum::append(buffers.value, {dot_of(b), load_counter(b.value()).total});
        });
    }
    return write(slot, buffers.value, {true, stamp, 0, {}}, buffers);
}

std::optional<written> store::remove_scope(std::string_view key, timestamp stamp, write_buffers& buffers) {
    BATON_ASSERT(!fold_);
    const auto root = root_of(key);
    std::vector<dot> members;
    bool any = false;
    for (handle h = root == 0 ? 0 : at(root).link().next; h != 0; h = at(h).link().next) {
        if (!in_scope(at(h).type())) continue;
        members.push_back(dot_of(at(h)));
        any = any || is_visible(at(h));
    }
    if (!any) return std::nullopt;
    buffers.value.clear();
    const auto context = cut::of_dots(std::move(members));
    for (const auto& id : context.entries()) context_entry::append(buffers.value, id);
    const slot_name slot{value_type::scope, key, {}};
    fold_if_staged(slot);
    buffers.value = widened(slot, buffers.value, [](const block&) { return true; });
    return write(slot, buffers.value, {true, stamp, 0, {}}, buffers);
}

written store::archive(const replica_id& closed, bool for_good, timestamp stamp, write_buffers& buffers) {
    const auto counter = counter_of(closed);
    buffers.value.resize(8);
    put_word(buffers.value.data(), counter);
    auto what = write({value_type::archive, closed.view(), {}}, buffers.value,
                      {true, stamp, for_good ? 1U : 0U, {}}, buffers);
    set_archived(closed, counter, for_good);
    return what;
}

// ---------------------------------------------------------------- effects beyond the slot

// A scope removal supersedes earlier ones. Its writer may have forgotten them and another node may not have
// seen them, so it must also remove what they removed (I7).
template <class Superseded>
std::string store::widened(const slot_name& slot, std::string_view context, Superseded superseded) {
    cut all;
    const auto join = [&](std::string_view from) {
        std::vector<dot> entries;
        for (std::size_t i = 0; i < from.size(); i += context_entry::bytes)
            entries.push_back(context_entry::load(from.substr(i)));
        all.join(cut::of_dots(std::move(entries)));
    };
    join(context);
    const auto* const head = index_.find(slot);
    each(head == nullptr ? 0 : *head, [&](handle h) {
        if (superseded(at(h))) join(at(h).value());
    });
    // The writer of the event has seen every dot that it names, and so has every node that applies it. Other
    // entries are invalid and are left out.
    // the limit of the value field of a block
    constexpr std::size_t bytes_max = (std::size_t{1} << 24) - context_entry::bytes;
    std::string bytes;
    for (const auto& id : all.entries()) {
        if (has_seen(id) && bytes.size() < bytes_max) context_entry::append(bytes, id);
    }
    return bytes;
}

// Widens a staged scope removal at a merge: `h` replaces the earlier blocks of its origin.
handle store::widen_staged(handle h) {
    auto& b = at(h);
    const auto slot = b.slot();
    const auto context = widened(slot, b.value(), [&](const block& mine) {
        return mine.origin == b.origin && mine.counter < b.counter;
    });
    const auto wider = make(static_cast<std::uint32_t>(b.origin), slot,
                            {block::kind::removal, dot_of(b), timestamp{b.stamp}, 0, context});
    at(wider).batch = b.batch;
    auto& log = origins_[b.origin].log;
    if (log.at(b.counter) == h) log.set(b.counter, wider);
    memory_.release(h, at(h).bytes());
    return wider;
}

// Turns every record of the key that the removal had seen into a removal record under its own dot. The record
// may itself have replaced a record that another node still has; its slot is the only evidence of that (I7).
void store::kill_scope(std::string_view key, std::string_view context) {
    const auto root = root_of(key);
    std::vector<dot> doomed;
    for (handle h = root == 0 ? 0 : at(root).link().next; h != 0; h = at(h).link().next) {
        const auto& b = at(h);
        if (in_scope(b.type()) && b.is(block::kind::record) && is_under(context, dot_of(b)))
            doomed.push_back(dot_of(b));
    }
    for (const auto& id : doomed) {
        const auto from = *find_origin(id.replica);
        const auto h = origins_[from].log.at(id.counter);
        bury(h, from);
    }
}

void store::bury(handle h, std::uint32_t from) {
    const auto id = dot_of(at(h));
    const auto made = make(from, at(h).slot(), {block::kind::removal, id, timestamp{at(h).stamp}, 0, {}});
    const auto slot = at(made).slot();
    splice(slot, 0, [&](const block& b) { return b.origin == from && b.counter == id.counter; });
    splice(slot, made, [](const block&) { return false; });
}

// Raises the removed part of a share if `seen` is later than its present base.
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
    std::vector<removed_sum> removed;
    for (std::size_t i = 0; i < sums.size(); i += removed_sum::bytes)
        removed.push_back(removed_sum::load(sums.substr(i)));
    std::sort(removed.begin(), removed.end(), [](const auto& a, const auto& b) { return a.seen < b.seen; });
    const auto* const head = index_.find(slot);
    each(head == nullptr ? 0 : *head, [&](handle h) {
        if (!at(h).is(block::kind::record)) return;
        const dot first{origins_[at(h).origin].id, 0};
        auto from = std::lower_bound(removed.begin(), removed.end(), first,
                                     [](const auto& each, const dot& id) { return each.seen < id; });
        for (; from != removed.end() && from->seen.replica == first.replica; ++from)
            raise_base(h, from->seen.counter, from->total);
    });
}

// ---------------------------------------------------------------- events of others

store::applied store::apply(const dot& id, const event_view& event) {
    const auto known = counter_of(id.replica);
    if (id.counter <= known) return applied::duplicate;
    const auto from =
        id.counter == known + 1 && id.counter <= counter_max ? intern(id.replica) : std::nullopt;
    if (!from) return applied::early; // I2: a gap, or no number for the origin is free
    fold_if_staged(event.slot);
    const bool counts = event.slot.type == value_type::counter;
    auto value = event.removal && counts ? std::string_view{} : event.value;
    char own[counter_value::bytes];
    if (counts && !event.removal) { // the part of this share that was removed stays removed
        auto share = load_counter(value);
        const auto* const head = index_.find(event.slot);
        const auto h = share_of(head == nullptr ? 0 : *head, *from);
        if (const auto former = h == 0 ? counter_value{} : load_counter(at(h).value());
            former.base > share.base)
            share.base = former.base, share.base_total = former.base_total;
        store_counter(own, share);
        value = {own, sizeof own};
    }
    constexpr std::size_t few = 16;
    std::vector<dot> sorted; // most events kill one record or none
    if (event.kills.size() > few) {
        sorted.assign(event.kills.begin(), event.kills.end());
        std::sort(sorted.begin(), sorted.end());
    }
    const auto superseded = [&](const block& b) {
        if (b.origin == *from) return true;
        if (!sorted.empty()) return std::binary_search(sorted.begin(), sorted.end(), dot_of(b));
        return std::find(event.kills.begin(), event.kills.end(), dot_of(b)) != event.kills.end();
    };
    std::string context;
    if (event.slot.type == value_type::scope) value = context = widened(event.slot, value, superseded);
    const auto kind = event.removal ? block::kind::removal : block::kind::record;
    const auto made = make(*from, event.slot, {kind, id, event.stamp, event.epoch, value, event.ttl});
    const bool replaced = counts && !event.removal && event.kills.empty() &&
                          replace_share(event.slot, index_.hash(event.slot), made);
    if (!replaced) splice(event.slot, made, superseded);
    if (event.slot.type == value_type::scope) kill_scope(event.slot.key, context);
    if (counts && event.removal) subtract(event.slot, event.value);
    note_event(*from, id.counter);
    if (event.slot.type == value_type::archive)
        set_archived(*replica_id::from_bytes(event.slot.key), get_word(event.value.data()), event.epoch != 0);
    return applied::yes;
}

} // namespace baton::crdt
