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

std::string_view store::key_of(const dot& id) const {
    const auto from = find_origin(id.replica);
    if (!from) return {};
    const auto h = origins_[*from].log.at(id.counter);
    return h == 0 ? std::string_view{} : at(h).key();
}

void store::chain_of(std::string_view key, std::vector<staged_view>& into) {
    into.clear();
    for (handle h = head_of(key); h != 0; h = at(h).next) {
        const auto& b = at(h);
        const auto kind = b.is(block::removal) ? staged_view::kind::removal : staged_view::kind::record;
        into.push_back({kind, dot_of(b), b.type, timestamp{b.stamp}, b.epoch_value(), b.value()});
    }
}

// ---------------------------------------------------------------- receiving

void store::stage(std::string_view key, std::span<const staged_view> chain) {
    BATON_ASSERT(!fold_);
    handle head = 0;
    for (const auto& each : chain) {
        const auto h = make(key, each);
        at(h).next = head;
        head = h;
    }
    if (auto* const old = staging_.find(key)) {
        const auto former = *old;
        if (head == 0) {
            staging_.erase(key);
        } else {
            *old = head;
        }
        release_chain(former);
    } else if (head != 0) {
        staging_.insert(at(head).key(), head);
    }
}

void store::stage_abort() {
    BATON_ASSERT(!fold_);
    while (const auto head = staging_.any()) {
        staging_.erase(at(head).key());
        release_chain(head);
    }
}

void store::commit(const cut& server) {
    BATON_ASSERT(!fold_);
    for (const auto& id : server.entries()) intern(id.replica);
    folding_state both;
    for (auto& each : origins_) {
        const auto theirs = server.of(each.id);
        both.mine.push_back(each.counter);
        both.server.push_back(theirs);
        each.counter = std::max(each.counter, theirs);
    }
    ++generation_;
    fold_ = std::move(both);
    if (staging_.size() == 0) fold_.reset();
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

// The merge of one key, as of the moment of the commit: keep a local block if the server has it too or has
// not seen its dot; take a server's block if its dot was unseen here.
void store::fold_key(std::string_view shipped, handle staged_head) {
    const std::string key(shipped); // the view may lie in a block that goes away here
    staging_.erase(key);
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
        if (at(h).is(block::reference) || seen_here(at(h))) {
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
