// The two ends of a session: walking the logs for a receiver, and staging, committing and folding what a
// server sent.
#include "crdt/assert.hpp"
#include "crdt/chain.hpp"
#include "crdt/store.hpp"

#include <algorithm>

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

staged_view store::entry_of(const block& b) const {
    const auto kind = b.is(block::removal) ? staged_view::kind::removal : staged_view::kind::record;
    return {kind, dot_of(b), b.type, timestamp{b.stamp}, b.epoch_value(), b.value()};
}

std::string_view store::chain_at(const dot& id, std::vector<staged_view>& into) {
    into.clear();
    const auto from = find_origin(id.replica);
    const auto h = from ? origins_[*from].log.at(id.counter) : 0;
    if (h == 0) return {};
    const auto& b = at(h);
    if (b.is(block::shared)) {
        chain_of(b.key(), into);
    } else {
        into.push_back(entry_of(b)); // alone: no need to look for others
    }
    return b.key();
}

void store::chain_of(std::string_view key, std::vector<staged_view>& into) {
    into.clear();
    for (handle h = head_of(key); h != 0; h = at(h).next) into.push_back(entry_of(at(h)));
}

// ---------------------------------------------------------------- receiving

bool store::is_newcomer() const {
    for (std::size_t i = 1; i < origins_.size(); ++i) {
        if (origins_[i].counter != 0) return false;
    }
    return true;
}

void store::stage(std::string_view key, std::span<const staged_view> chain) {
    BATON_ASSERT(!fold_);
    if (staging_.size() == 0) {
        staged_ = {};
        staged_.kept = is_newcomer();
    }
    handle head = 0;
    for (const auto& each : chain) {
        if (each.what == staged_view::kind::reference) staged_.kept = false;
        const auto h = make(key, each);
        at(h).next = head;
        head = h;
    }
    mark_shared(head);
    const auto hash = staging_.hash(key);
    if (auto* const place = staging_.find(hash, key)) {
        const auto former = *place;
        if (head == 0) {
            staging_.erase(hash, place);
        } else {
            *place = head;
        }
        account_staged(former, false);
        release_chain(former);
    } else if (head != 0) {
        staging_.insert(hash, head);
    }
    account_staged(head, true);
}

void store::account_staged(handle head, bool added) {
    if (!staged_.kept) return;
    const auto count = [added](std::size_t& what, std::size_t by) { added ? what += by : what -= by; };
    count(staged_.keys, any_live(memory_, head) ? 1 : 0);
    for (handle h = head; h != 0; h = at(h).next) {
        const auto& b = at(h);
        if (staged_.logs.size() <= b.origin) staged_.logs.resize(origins_.size());
        auto& log = staged_.logs[b.origin];
        if (added && log.at(b.counter) != 0) { // named twice: merge key by key
            staged_.kept = false;
            return;
        }
        if (added) {
            log.set(b.counter, h);
        } else if (log.at(b.counter) == h) {
            log.erase(b.counter);
        }
        if (b.is(block::removal)) {
            count(staged_.removals, 1);
            continue;
        }
        count(staged_.records, 1);
        count(staged_.user_bytes, std::size_t{b.key_bytes} + b.value_bytes);
        added ? staged_.sum += hash_of(b) : staged_.sum -= hash_of(b);
    }
}

void store::stage_abort() {
    BATON_ASSERT(!fold_);
    while (const auto head = staging_.any()) {
        staging_.erase(at(head).key());
        release_chain(head);
    }
    staging_.clear();
    staged_ = {};
    // Nothing refers to origins that only the staged records named.
    while (origins_.size() > 1 && origins_.back().counter == 0) {
        origin_index_.erase(origins_.back().id);
        origins_.pop_back();
    }
    last_origin_ = 0;
}

// Neither side has seen an event of an origin that the other has seen.
bool store::is_disjoint(const cut& server) const {
    return std::none_of(origins_.begin(), origins_.end(),
                        [&](const origin& each) { return each.counter != 0 && server.of(each.id) != 0; });
}

void store::commit(const cut& server) {
    BATON_ASSERT(!fold_);
    for (const auto& id : server.entries()) intern(id.replica);
    folding_state both;
    both.disjoint = staged_.kept && index_.size() < staging_.size() && is_disjoint(server);
    for (auto& each : origins_) {
        const auto theirs = server.of(each.id);
        both.mine.push_back(each.counter);
        both.server.push_back(theirs);
    }
    if (both.disjoint) swap_in();
    for (std::size_t i = 0; i < origins_.size(); ++i) {
        origins_[i].counter = std::max(both.mine[i], both.server[i]); // I3: last
    }
    ++generation_;
    fold_ = std::move(both);
    staged_ = {};
    if (staging_.size() == 0) {
        fold_.reset();
        staging_.clear();
    }
}

// The staged records become the main ones as they are; this node's own are left in staging.
void store::swap_in() {
    index_.swap(staging_);
    for (std::size_t i = 0; i < staged_.logs.size(); ++i) {
        if (origins_[i].counter == 0) origins_[i].log = std::move(staged_.logs[i]);
    }
    digest_ += staged_.sum;
    live_keys_ += staged_.keys;
    live_records_ += staged_.records;
    removals_ += staged_.removals;
    user_bytes_ += staged_.user_bytes;
}

bool store::fold(std::size_t keys) {
    if (!fold_) return false;
    while (keys-- != 0) {
        const auto head = staging_.any();
        if (head == 0) break;
        fold_key(at(head).key(), head);
    }
    if (staging_.size() != 0) return true;
    fold_.reset();
    staging_.clear();
    return false;
}

void store::fold_if_staged(std::string_view key) {
    if (!fold_) return;
    if (const auto* const head = staging_.find(key)) fold_key(key, *head);
}

// Own records of a key beside those that came with a disjoint session: both stay, all are accounted for
// already.
void store::append_chain(std::string_view key, handle own) {
    const auto hash = index_.hash(key);
    auto* const head = index_.find(hash, key);
    if (head == nullptr) return index_.insert(hash, own);
    if (any_live(memory_, own) && any_live(memory_, *head)) --live_keys_;
    handle last = own;
    while (at(last).next != 0) last = at(last).next;
    at(last).next = *head;
    *head = own;
    mark_shared(own);
}

// The merge of one key, as of the moment of the commit: keep a local block if the server has it too or has
// not seen its dot; take a server's block if its dot was unseen here.
void store::fold_key(std::string_view shipped, handle staged_head) {
    const std::string key(shipped); // the view may lie in a block that goes away here
    staging_.erase(key);
    if (fold_->disjoint) return append_chain(key, staged_head);
    const auto by_server = [&](const block& b) {
        return b.origin < fold_->server.size() && b.counter <= fold_->server[b.origin];
    };
    const auto seen_here = [&](const block& b) {
        return b.origin < fold_->mine.size() && b.counter <= fold_->mine[b.origin];
    };
    const auto shipped_too = [&](const block& mine) {
        for (handle h = staged_head; h != 0; h = at(h).next) {
            if (at(h).origin == mine.origin && at(h).counter == mine.counter) return true;
        }
        return false;
    };
    if (broken_ != mutation::merge_skips_kills) {
        splice(key, 0, [&](const block& b) { return by_server(b) && !shipped_too(b); });
    }
    while (staged_head != 0) {
        const auto h = staged_head;
        staged_head = at(h).next;
        // A peer may name a dot twice: the first stays.
        const bool twice = origins_[at(h).origin].log.at(at(h).counter) != 0;
        if (at(h).is(block::reference) || seen_here(at(h)) || twice) {
            memory_.release(h, at(h).bytes());
        } else {
            splice(key, h, [](const block&) { return false; });
        }
    }
    if (broken_ == mutation::i5_drop_losers) {
        if (const auto winner = read(key)) {
            const auto keep = winner->id;
            splice(key, 0, [&](const block& b) { return !b.is(block::removal) && dot_of(b) != keep; });
        }
    }
}

} // namespace baton
