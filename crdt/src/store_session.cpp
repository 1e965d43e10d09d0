// The two ends of a session: walking the logs for a receiver, and committing and folding what a server sent.
#include "crdt/assert.hpp"
#include "crdt/chain.hpp"
#include "crdt/store.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

namespace baton {

// ---------------------------------------------------------------- serving

log_walk store::walk_from(const cut& receiver) const {
    log_walk walk;
    walk.at.reserve(origins_.size());
    for (const auto& each : origins_) walk.at.push_back(std::min(receiver.of(each.id), each.counter));
    return walk;
}

std::optional<dot> store::next(log_walk& walk, std::size_t& steps) const {
    // Origins that appeared since the walk began are walked from their first event.
    walk.at.resize(origins_.size(), 0);
    if (walk.origin >= origins_.size()) walk.origin = 0;
    for (std::size_t round = 0; round <= origins_.size(); ++round) {
        const auto& each = origins_[walk.origin];
        auto& at = walk.at[walk.origin];
        if (at < each.counter) {
            if (const auto counter = each.log.next(at, each.counter, steps)) return dot{each.id, counter};
            if (steps == 0) return std::nullopt;
        }
        walk.origin = (walk.origin + 1) % origins_.size();
    }
    return std::nullopt;
}

std::optional<dot> store::next(dot_range& range, std::size_t& steps) const {
    const auto known = find_origin(range.origin);
    if (known && range.after < range.last) {
        const auto last = std::min(range.last, origins_[*known].counter);
        if (const auto counter = origins_[*known].log.next(range.after, last, steps))
            return dot{range.origin, counter};
        if (steps == 0) return std::nullopt;
    }
    range.after = range.last;
    return std::nullopt;
}

staged_view store::entry_of(const block& b) const {
    return {b.what(), dot_of(b), timestamp{b.stamp}, b.epoch_value(), b.value(), ttl_of(b)};
}

slot_name store::chain_at(const dot& id, std::vector<staged_view>& into) {
    into.clear();
    const auto from = find_origin(id.replica);
    const auto h = from ? origins_[*from].log.at(id.counter) : 0;
    if (h == 0) return {};
    const auto& b = at(h);
    if (b.shared != 0) {
        chain_of(b.slot(), into);
    } else {
        into.push_back(entry_of(b)); // alone: no need to look for others
    }
    return b.slot();
}

void store::chain_of(const slot_name& slot, std::vector<staged_view>& into) {
    into.clear();
    each(head_of(slot), [&](handle h) { into.push_back(entry_of(at(h))); });
}

// ---------------------------------------------------------------- comparing

std::optional<held_dot> store::held(const dot& id, bool staged) const {
    const auto known = find_origin(id.replica);
    if (!known) return std::nullopt;
    auto h = origins_[*known].log.at(id.counter);
    if (h == 0 && staged && staged_.kept && *known < staged_.logs.size())
        h = staged_.logs[*known].at(id.counter);
    if (h == 0 || !at(h).is(block::kind::record)) return std::nullopt;
    return held_dot{id.counter, hash_of(at(h)).low, at(h).type() == value_type::counter};
}

// A gap between two live blocks of a log is short, whatever their counters: each call finds one.
std::optional<held_dot> store::next_held(dot_range& range, std::size_t& steps, bool staged) const {
    const auto known = find_origin(range.origin);
    const auto next_in = [&](const event_log* log) {
        if (log == nullptr) return std::uint64_t{0};
        auto after = range.after;
        auto enough = std::size_t(-1);
        return log->next(after, range.last, enough);
    };
    while (known && range.after < range.last && steps != 0) {
        --steps;
        const bool both = staged && staged_.kept && *known < staged_.logs.size();
        const auto main = next_in(&origins_[*known].log);
        const auto other = next_in(both ? &staged_.logs[*known] : nullptr);
        const auto counter = main == 0 ? other : other == 0 ? main : std::min(main, other);
        if (counter == 0) {
            range.after = range.last;
            return std::nullopt;
        }
        range.after = counter;
        if (const auto found = held({range.origin, counter}, staged)) return found;
    }
    if (steps != 0) range.after = range.last;
    return std::nullopt;
}

// ---------------------------------------------------------------- committing

void store::commit(const cut& server, bool by_union) {
    BATON_ASSERT(!fold_);
    for (const auto& id : server.entries()) {
        // Closed and without records here: known by its entry in the archive alone.
        const bool closed = staged_archive_.of(id.replica) == id.counter && counter_of(id.replica) == 0;
        if (!closed || find_origin(id.replica)) (void)intern(id.replica);
    }
    folding_state both;
    both.batch = batch_;
    both.by_union = by_union;
    // Whatever this node has beside registers must keep its place in the index.
    const bool plain = roots_ == 0 && removals_ == 0 && residues_ == 0;
    both.disjoint =
        staged_.kept && staged_.plain && plain && index_.size() < staging_.size() && is_disjoint(server);
    for (auto& each : origins_) {
        both.mine.push_back(each.counter);
        both.server.push_back(server.of(each.id));
    }
    if (both.disjoint) swap_in();
    for (std::uint32_t i = 0; i < origins_.size(); ++i) { // I3: last
        if (both.server[i] > both.mine[i]) note_event(i, both.server[i]);
    }
    if (broken_ == mutation::i9_ignore_archive) staged_archive_ = {};
    for (const auto& id : staged_archive_.entries()) {
        if (find_origin(id.replica) || archive_.of(id.replica) != 0) {
            set_archived(id.replica, id.counter);
        } else {
            enter_archive(id);
        }
    }
    ++generation_;
    fold_ = std::move(both);
    reset_staged();
    staged_archive_ = {};
    staged_bytes_ = 0;
    batch_ = 0;
    if (staged_slots() == 0) (void)fold(0);
}

// The staged registers become the main ones as they are; this node's own are left in staging.
void store::swap_in() {
    drop_order();
    notes_.note_all();
    index_.swap(staging_);
    for (std::uint32_t i = 0; i < staged_.logs.size(); ++i) {
        if (origins_[i].counter == 0) origins_[i].log = std::move(staged_.logs[i]);
    }
    for (const auto& own : timers_) staged_.timers.insert(own);
    timers_.swap(staged_.timers);
    digest_ += staged_.sum;
    live_keys_ += staged_.keys;
    live_records_ += staged_.records;
    user_bytes_ += staged_.user_bytes;
    removals_ += staged_.removals;
    epochs_ += staged_.epochs;
    for (const auto& [number, counter] : staged_.claim_dots) {
        if (origins_[number].log.at(counter) != 0) origins_[number].claims.insert(counter);
    }
    contests_missed_ = contests_missed_ || staged_.forks;
    for (const auto& [number, counter] : staged_.removal_dots) origins_[number].removals.push_back(counter);
    for (auto& from : origins_) std::make_heap(from.removals.begin(), from.removals.end(), std::greater<>{});
}

bool store::fold(std::size_t slots) {
    if (!fold_) return false;
    for (auto* const index : {&staging_typed_, &staging_}) {
        while (slots != 0 && index->size() != 0) {
            --slots;
            const auto head = index->any();
            fold_slot(first_block(memory_, head).slot(), head);
        }
    }
    if (staged_slots() != 0) return true;
    fold_.reset();
    staging_.clear();
    staging_typed_.clear();
    return false;
}

// A removal of a key's scope comes first: it may take what is staged for its members.
void store::fold_if_staged(const slot_name& slot) {
    if (!fold_) return;
    if (in_scope(slot.type)) fold_if_staged({value_type::scope, slot.key, {}});
    auto& index = staging_for(slot.type);
    if (index.size() == 0) return;
    if (const auto* const head = index.find(slot)) fold_slot(slot, *head);
}

// Own records of a register beside those that came with a disjoint session: both stay, all are accounted for
// already.
void store::append_chain(const slot_name& slot, handle own) {
    const auto hash = index_.hash(slot);
    auto* const head = index_.find(hash, slot);
    if (head == nullptr) return index_.insert(hash, own);
    if (any_visible(own) && any_visible(*head)) {
        --live_keys_;
        const auto& mine = first_block(memory_, own);
        note_contest(mine.origin, mine.counter, false);
    }
    kept_.clear();
    each(own, [&](handle h) { kept_.push_back(h); });
    each(*head, [&](handle h) { kept_.push_back(h); });
    release_fork(own);
    release_fork(*head);
    *head = join_chain(kept_);
}

bool store::under_scope_removal(const block& b) {
    const auto* const head = index_.find({value_type::scope, b.key(), {}});
    bool under = false;
    each(head == nullptr ? 0 : *head, [&](handle h) { under = under || is_under(at(h).value(), dot_of(b)); });
    return under;
}

// The merge of one slot, as of the moment of the commit: keep a local record if the server has it too or has
// not seen its dot; take a server's block if its dot was unseen here. A removal record of ours stays until it
// is stable or superseded (I7).
void store::fold_slot(const slot_name& staged_slot, handle staged_head) {
    const std::string key(staged_slot.key),
        element(staged_slot.element); // they may lie in what goes away here
    const slot_name slot{staged_slot.type, key, element};
    staging_for(slot.type).erase(slot);
    if (fold_->disjoint && slot.type == value_type::reg) return append_chain(slot, staged_head);
    if (in_scope(slot.type)) fold_if_staged({value_type::scope, slot.key, {}});

    std::vector<handle> shipped;
    each(staged_head, [&](handle h) { shipped.push_back(h); });
    release_fork(staged_head);
    const auto by_server = [&](const block& b) {
        return b.origin < fold_->server.size() && b.counter <= fold_->server[b.origin];
    };
    const auto seen_here = [&](const block& b) {
        return b.origin < fold_->mine.size() && b.counter <= fold_->mine[b.origin];
    };
    const auto any_shipped = [&](auto holds) {
        return std::any_of(shipped.begin(), shipped.end(), [&](handle h) { return holds(at(h)); });
    };
    // A counter's chain may be very long: then what was shipped is looked for by (origin, counter).
    using place = std::pair<std::uint64_t, std::uint64_t>;
    const auto place_of = [](const block& b) { return place{b.origin, b.counter}; };
    std::vector<place> told;
    if (shipped.size() > 8) {
        for (const auto h : shipped) told.push_back(place_of(at(h)));
        std::sort(told.begin(), told.end());
    }
    const auto is_told = [&](const block& mine) {
        if (!told.empty()) return std::binary_search(told.begin(), told.end(), place_of(mine));
        return any_shipped([&](const block& b) { return place_of(b) == place_of(mine); });
    };
    const auto is_superseded = [&](const block& mine) { // by a later event of its own origin
        if (told.empty())
            return any_shipped(
                [&](const block& b) { return b.origin == mine.origin && b.counter > mine.counter; });
        const auto next = std::upper_bound(told.begin(), told.end(), place_of(mine));
        return next != told.end() && next->first == mine.origin;
    };
    // What another server sent, and this one has confirmed, is not all that this one holds of the slot.
    const bool whole =
        any_shipped([&](const block& b) { return !b.is(block::kind::dead) && b.batch == fold_->batch; });
    if (slot.type == value_type::counter) merge_counters(slot, shipped);
    if (slot.type == value_type::scope) {
        for (auto& h : shipped) {
            if (at(h).is(block::kind::removal)) h = widen_staged(h);
        }
    }
    if (broken_ != mutation::merge_skips_kills) {
        splice(slot, 0, [&](const block& mine) {
            if (!whole)
                return any_shipped(
                    [&](const block& b) { return b.is(block::kind::dead) && place_of(b) == place_of(mine); });
            if (fold_->by_union) return union_prefers(mine, shipped);
            if (mine.is(block::kind::removal)) return is_superseded(mine);
            return by_server(mine) && !is_told(mine);
        });
    }
    std::vector<handle> shares; // a counter's go in together
    for (const auto h : shipped) {
        auto& b = at(h);
        // A peer may name a dot twice: the first stays. What the removal of a scope took is a removal there.
        auto logged = origins_[b.origin].log.at(b.counter);
        if (whole && b.is(block::kind::removal) && in_scope(slot.type) && logged != 0 && logged != h &&
            at(logged).is(block::kind::record) && at(logged).slot() == slot) {
            bury(logged, static_cast<std::uint32_t>(b.origin));
            logged = origins_[b.origin].log.at(b.counter);
        }
        const bool wanted = b.is(block::kind::record) || b.is(block::kind::removal);
        if (!wanted || !by_server(b) || (seen_here(b) && !fold_->by_union) || (logged != 0 && logged != h)) {
            if (logged == h) origins_[b.origin].log.erase(b.counter);
            memory_.release(h, b.bytes());
            continue;
        }
        const bool removal = b.is(block::kind::removal), for_good = b.epoch_value() != 0;
        if (!removal && slot.type == value_type::counter && !fold_->by_union) {
            origins_[b.origin].log.set(b.counter, h);
            shares.push_back(h);
            continue;
        }
        const std::string value(removal ? b.value() : std::string_view{});
        splice(slot, h, [](const block&) { return false; });
        if (!removal && in_scope(slot.type) && under_scope_removal(b))
            bury(h, static_cast<std::uint32_t>(b.origin));
        if (!removal) continue;
        if (slot.type == value_type::scope) kill_scope(slot.key, value);
        if (slot.type == value_type::archive)
            set_archived(*replica_id::from_bytes(slot.key), get_word(value.data()), for_good);
    }
    add_shares(slot, shares);
    if (broken_ == mutation::i5_drop_losers) {
        if (const auto winner = read(slot)) {
            const auto keep = winner->id;
            splice(slot, 0, [&](const block& b) { return !b.is(block::kind::removal) && dot_of(b) != keep; });
        }
    }
}

// After a fault: of two records of one origin the later one stays, of two with one dot the larger hash.
bool store::union_prefers(const block& mine, std::span<const handle> shipped) const {
    const auto rank = [this](const block& b) {
        const auto sum = hash_of(b);
        return std::make_tuple(std::uint64_t{b.counter}, sum.high, sum.low);
    };
    return std::any_of(shipped.begin(), shipped.end(), [&](handle h) {
        const auto& theirs = at(h);
        return theirs.origin == mine.origin && rank(theirs) > rank(mine);
    });
}

} // namespace baton
