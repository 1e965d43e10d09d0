// The two ends of a session: walking the logs for a receiver, and committing and folding what a server sent.
#include "crdt/assert.hpp"
#include "crdt/splice.hpp"
#include "crdt/store.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

namespace baton::crdt {

// ---------------------------------------------------------------- serving

slot_name store::chain_at(const dot& id, std::vector<staged_view>& into) {
    into.clear();
    const auto from = find_origin(id.replica);
    const auto h = from ? origins_[*from].log.at(id.counter) : 0;
    if (h == 0) return {};
    const auto& b = at(h);
    if (b.shared != 0) {
        chain_of(b.slot(), into);
    } else {
        into.push_back(entry_of(b)); // the only block of its slot: no look-up needed
    }
    return b.slot();
}

void store::chain_of(const slot_name& slot, std::vector<staged_view>& into) {
    into.clear();
    each(head_of(slot), [&](handle h) { into.push_back(entry_of(at(h))); });
}

void store::pin_chain(const slot_name& slot, std::vector<handle>& into) {
    into.clear();
    each(head_of(slot), [&](handle h) {
        memory_.pin(h);
        into.push_back(h);
    });
}

// ---------------------------------------------------------------- comparing

std::optional<held_dot> store::held(const dot& id, bool staged) const {
    const auto known = find_origin(id.replica);
    if (!known) return std::nullopt;
    auto h = origins_[*known].log.at(id.counter);
    const auto* const aside = h == 0 && staged ? staging_.log_of(*known) : nullptr;
    if (aside != nullptr) h = aside->at(id.counter);
    if (h == 0 || !at(h).is(block::kind::record)) return std::nullopt;
    return held_dot{id.counter, hash_of(at(h)).low, at(h).type() == value_type::counter};
}

// The distance between two live blocks does not count: each step finds one block, however far away it is.
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
        const auto main = next_in(&origins_[*known].log);
        const auto other = next_in(staged ? staging_.log_of(*known) : nullptr);
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
    auto their_archive = staging_.take_archive();
    for (const auto& id : server.entries()) {
        // An archived origin without records needs no origin entry: the archive has its counter.
        const bool closed = their_archive.of(id.replica) == id.counter && counter_of(id.replica) == 0;
        if (!closed || find_origin(id.replica)) (void)intern(id.replica);
    }
    folding_state both;
    both.batch = staging_.batch();
    both.by_union = by_union;
    // Swapping the index is possible only if this node has nothing but visible registers: other blocks must
    // keep their place in the index.
    const bool plain = roots_ == 0 && removals_ == 0 && residues_ == 0;
    const auto& staged = staging_.whole();
    both.disjoint =
        staged.kept && staged.plain && plain && index_.size() < staging_.registers() && is_disjoint(server);
    for (auto& each : origins_) {
        both.mine.push_back(each.counter);
        both.server.push_back(server.of(each.id));
    }
    if (both.disjoint) swap_in();
    std::vector<dot> reopened;
    for (std::uint32_t i = 0; i < origins_.size(); ++i) { // I3: the cut rises last
        if (both.server[i] <= both.mine[i]) continue;
        origins_[i].counter = both.server[i];
        if (origins_[i].archived) reopened.push_back({origins_[i].id, both.mine[i]});
    }
    if (!reopened.empty()) reopen(cut::of_dots(std::move(reopened)));
    if (broken_ == mutation::i9_ignore_archive) their_archive = {};
    cut closed; // collected first, so that the archive is joined once
    for (const auto& id : their_archive.entries()) {
        const bool known = find_origin(id.replica).has_value() || archive_.of(id.replica) != 0;
        if (!known || (id.counter == counter_of(id.replica) && archive_.of(id.replica) != id.counter))
            closed.push_back(id);
    }
    enter_archive(closed);
    fold_ = std::move(both);
    staging_.commit();
    if (staging_.slots() == 0) (void)fold(0);
}

// The staged registers become the main ones as they are. This node's own registers move into staging, and
// fold() adds them to the main ones.
void store::swap_in() {
    auto& staged = staging_.whole();
    drop_order();
    notes_.note_all();
    staging_.swap(index_);
    for (std::uint32_t i = 0; i < staged.logs.size(); ++i) {
        if (origins_[i].counter == 0) origins_[i].log = std::move(staged.logs[i]);
    }
    expiry_.adopt(staged.timers);
    digest_ += staged.sum;
    live_keys_ += staged.keys;
    live_records_ += staged.records;
    user_bytes_ += staged.user_bytes;
    removals_ += staged.removals;
    epochs_ += staged.epochs;
    for (const auto& [number, counter] : staged.claim_dots) {
        if (origins_[number].log.at(counter) != 0) origins_[number].claims.insert(counter);
    }
    if (staged.forks) contests_.miss();
    for (const auto& [number, counter] : staged.removal_dots) origins_[number].removals.push_back(counter);
    for (auto& from : origins_) std::make_heap(from.removals.begin(), from.removals.end(), std::greater<>{});
}

bool store::fold(std::size_t slots) {
    if (!fold_) return false;
    for (; slots != 0 && staging_.slots() != 0; --slots) {
        const auto head = staging_.any();
        fold_slot(first_block(memory_, head).slot(), head);
    }
    if (staging_.slots() != 0) return true;
    fold_.reset();
    staging_.clear();
    return false;
}

// The scope removal of a key is folded first: it may remove staged members of the key.
void store::fold_if_staged(const slot_name& slot) {
    if (!fold_) return;
    if (in_scope(slot.type)) fold_if_staged({value_type::scope, slot.key, {}});
    if (const auto* const head = staging_.find(slot)) fold_slot(slot, *head);
}

// Adds this node's own chain of a register to the chain that a disjoint session brought. Both stay: neither
// side has seen the other's records, and both are counted already.
void store::append_chain(const slot_name& slot, handle own) {
    const auto hash = index_.hash(slot);
    auto* const head = index_.find(hash, slot);
    if (head == nullptr) return index_.insert(hash, own);
    if (any_visible(memory_, own) && any_visible(memory_, *head)) {
        --live_keys_;
        note_contest(first_block(memory_, own), false);
    }
    kept_.clear();
    each(own, [&](handle h) { kept_.push_back(h); });
    each(*head, [&](handle h) { kept_.push_back(h); });
    release_fork(memory_, own);
    release_fork(memory_, *head);
    *head = join_chain(memory_, kept_);
}

bool store::under_scope_removal(const block& b) {
    const auto* const head = index_.find({value_type::scope, b.key(), {}});
    bool under = false;
    each(head == nullptr ? 0 : *head, [&](handle h) { under = under || is_under(at(h).value(), dot_of(b)); });
    return under;
}

// Adds blocks of one slot that are all new there, with one look-up and one new chain.
void store::add_all(const slot_name& slot, std::span<const handle> added) {
    if (added.empty()) return;
    if (added.size() == 1) return splice(slot, added[0], [](const block&) { return false; });
    const auto hash = index_.hash(slot);
    auto* const head = index_.find(hash, slot);
    std::size_t was_live = 0, is_live = 0;
    kept_.clear();
    each(head == nullptr ? 0 : *head, [&](handle h) {
        was_live += is_visible(at(h)) ? 1 : 0;
        kept_.push_back(h);
    });
    is_live = was_live;
    handle last = 0; // the last visible one
    for (const auto h : added) {
        if (is_visible(at(h))) ++is_live, last = h;
        kept_.push_back(h);
    }
    const bool typed = slot.type != value_type::reg, comes = !typed && was_live == 0 && is_live != 0;
    if (comes) ++live_keys_;
    if (is_live > 1 && is_live > was_live && has_siblings(slot.type))
        note_contest(at(last), at(last).origin == 0);
    if (head != nullptr) release_fork(memory_, *head);
    const auto chain = join_chain(memory_, kept_);
    if (head != nullptr) {
        *head = chain;
    } else {
        index_.insert(hash, chain);
    }
    if (order_.exists() && comes) order_.came(slot.key);
    if (is_live != was_live && notes_.wanted()) notes_.note(slot.key);
    for (const auto h : added) {
        origins_[at(h).origin].log.set(at(h).counter, h);
        account(h, true);
    }
}

// Merges one slot, as of the moment of the commit. A local record stays if the server has it too or has not
// seen its dot. A block of the server is added if its dot was unseen here. A local removal record stays until
// it is stable or superseded (I7).
void store::fold_slot(const slot_name& staged_slot, handle staged_head) {
    const std::string key(staged_slot.key),
        element(staged_slot.element); // copies: the slot name may lie in a block that is freed below
    const slot_name slot{staged_slot.type, key, element};
    staging_.take(slot);
    if (fold_->disjoint && slot.type == value_type::reg) return append_chain(slot, staged_head);
    if (in_scope(slot.type)) fold_if_staged({value_type::scope, slot.key, {}});

    std::vector<handle> shipped;
    each(staged_head, [&](handle h) { shipped.push_back(h); });
    release_fork(memory_, staged_head);
    const auto by_server = [&](const block& b) {
        return b.origin < fold_->server.size() && b.counter <= fold_->server[b.origin];
    };
    const auto seen_here = [&](const block& b) {
        return b.origin < fold_->mine.size() && b.counter <= fold_->mine[b.origin];
    };
    if (slot.type == value_type::counter) merge_counters(slot, shipped);
    if (slot.type == value_type::scope) {
        for (auto& h : shipped) {
            if (at(h).is(block::kind::removal)) h = widen_staged(h);
        }
    }
    // A chain that an earlier server sent and this one has only confirmed is not all that this server has in
    // the slot.
    const bool whole = std::any_of(shipped.begin(), shipped.end(), [&](handle h) {
        return !at(h).is(block::kind::dead) && at(h).batch == fold_->batch;
    });
    // A slot may have a block of every replica that ever existed, so blocks are found by binary search.
    const auto before = [](const block& a, const block& b) {
        return a.origin != b.origin ? a.origin < b.origin : a.counter < b.counter;
    };
    auto by_dot = shipped;
    std::stable_sort(by_dot.begin(), by_dot.end(), [&](handle a, handle b) { return before(at(a), at(b)); });
    const auto after = [&](const block& mine) { // the first shipped block with this dot, or the next one
        return std::lower_bound(by_dot.begin(), by_dot.end(), mine,
                                [&](handle h, const block& b) { return before(at(h), b); });
    };
    const auto is_shipped = [&](const block& mine, auto holds) {
        for (auto to = after(mine); to != by_dot.end() && !before(mine, at(*to)); ++to) {
            if (holds(at(*to))) return true;
        }
        return false;
    };
    const auto any = [](const block&) { return true; };
    const auto dead = [](const block& b) { return b.is(block::kind::dead); };
    if (broken_ != mutation::merge_skips_kills) {
        splice(slot, 0, [&](const block& mine) {
            if (!whole) return is_shipped(mine, dead);
            if (fold_->by_union) return union_prefers(mine, shipped);
            if (mine.is(block::kind::removal)) { // a later event of its origin supersedes it
                auto to = after(mine);
                while (to != by_dot.end() && !before(mine, at(*to))) ++to;
                return to != by_dot.end() && at(*to).origin == mine.origin;
            }
            return by_server(mine) && !is_shipped(mine, any);
        });
    }
    std::vector<handle> added, gone; // if a peer names a dot twice, the first one stays
    for (const auto h : shipped) {
        auto& b = at(h);
        const bool named = h != *after(b);
        // A record that a scope removal took at the server becomes a removal record here, too.
        auto logged = origins_[b.origin].log.at(b.counter);
        if (whole && b.is(block::kind::removal) && in_scope(slot.type) && logged != 0 && logged != h &&
            at(logged).is(block::kind::record) && at(logged).slot() == slot) {
            bury(logged, static_cast<std::uint32_t>(b.origin));
            logged = origins_[b.origin].log.at(b.counter);
        }
        const bool wanted = b.is(block::kind::record) || b.is(block::kind::removal);
        if (named || !wanted || !by_server(b) || (seen_here(b) && !fold_->by_union) ||
            (logged != 0 && logged != h)) {
            if (logged == h) origins_[b.origin].log.erase(b.counter);
            gone.push_back(h);
        } else {
            added.push_back(h);
        }
    }
    for (const auto h : gone) memory_.release(h, at(h).bytes());
    add_all(slot, added);
    for (const auto h : added) {
        const auto& b = at(h);
        const bool removal = b.is(block::kind::removal), for_good = b.epoch_value() != 0;
        const std::string value(removal ? b.value() : std::string_view{});
        if (!removal && in_scope(slot.type) && under_scope_removal(b))
            bury(h, static_cast<std::uint32_t>(b.origin));
        if (!removal) continue;
        if (slot.type == value_type::scope) kill_scope(slot.key, value);
        if (slot.type == value_type::archive)
            set_archived(*replica_id::from_bytes(slot.key), get_word(value.data()), for_good);
    }
    if (broken_ == mutation::i5_drop_losers) {
        if (const auto winner = read(slot)) {
            const auto keep = winner->id;
            splice(slot, 0, [&](const block& b) { return !b.is(block::kind::removal) && dot_of(b) != keep; });
        }
    }
}

// Recovery from divergence: of two records of one origin the later one stays, of two records with one dot the
// one with the larger hash.
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

// Raises the base of each share to the higher of both sides: an amount that either side knows to be removed
// is removed in the merged share.
void store::merge_counters(const slot_name& slot, std::span<const handle> shipped) {
    const auto by_origin = [&](handle a, handle b) { return at(a).origin < at(b).origin; };
    std::vector<handle> theirs_by_origin(shipped.begin(), shipped.end());
    std::stable_sort(theirs_by_origin.begin(), theirs_by_origin.end(), by_origin);
    const auto* const head = index_.find(slot);
    each(head == nullptr ? 0 : *head, [&](handle mine) {
        const auto [first, last] =
            std::equal_range(theirs_by_origin.begin(), theirs_by_origin.end(), mine, by_origin);
        for (auto theirs = first; theirs != last; ++theirs) {
            auto& a = at(mine);
            auto& b = at(*theirs);
            if (!a.is(block::kind::record) || !b.is(block::kind::record)) continue;
            const auto x = load_counter(a.value()), y = load_counter(b.value());
            if (y.base > x.base) raise_base(mine, y.base, y.base_total);
            if (x.base > y.base && x.base <= b.counter) {
                store_counter(b.payload() + b.key_bytes, {y.total, x.base, x.base_total});
            }
        }
    });
}

} // namespace baton::crdt
