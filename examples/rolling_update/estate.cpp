#include "estate.hpp"

#include "placement.hpp"
#include "timing.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

estate::estate(baton::node& of, std::function<void()> woken)
    : node_(of)
    , woken_(std::move(woken)) {
    auto watching = node_.watch(arena::prefix, [this](const baton::change& what) {
        if (what.key.empty()) return;
        bool news = false;
        {
            const std::lock_guard lock(mutex_);
            if (what.kind == baton::change_kind::put && !what.owner())
                news = free_.insert(what.key).second;
            else
                free_.erase(what.key);
        }
        if (news) woken_();
    });
    if (!watching) throw std::runtime_error(watching.error().what);
    watching_ = std::move(*watching);
}

bool estate::is_unsettled() const {
    const std::lock_guard lock(mutex_);
    return !claimed_.empty() || !free_.empty();
}

void estate::settle() {
    claim_ours();
    begin_claimed();
}

void estate::claim_ours() {
    std::vector<std::string> free;
    {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) return;
        free.assign(free_.begin(), free_.end());
    }
    const auto servers = placement::candidates(node_);
    const auto self = node_.id().to_string();
    for (const auto& key : free) {
        if (claimed_.size() >= claims_a_turn) return;
        if (placement::chosen(servers, key) != self) continue;
        give_up(arena::number_of(key)); // what is free we do not own any more, if we did
        auto handle = node_.claim(key, {.if_free = true});
        if (!handle) continue; // somebody was first, which the watch will tell; or it is tried again
        // What two servers have written at once, if they ever have, is put together: nothing is thrown away.
        auto found = baton::values_found<arena::session>(*handle);
        if (!found) throw std::runtime_error(found.error().what);
        auto state = std::move(found->front());
        for (std::size_t i = 1; i < found->size(); ++i) state.merge((*found)[i]);
        ++state.handovers;
        const auto written = baton::commit(*handle, state);
        if (!written) continue;
        last_claim_ = written->written;
        const auto session = arena::number_of(key);
        tenure begun{.session = session, .epoch = handle->epoch().number};
        claimed_.insert_or_assign(session,
                                  held_session{*std::move(handle), std::move(state), std::move(begun)});
    }
}

void estate::begin_claimed() {
    if (claimed_.empty()) return;
    const auto seen = node_.confirm(last_claim_, baton::ack_level::all_up(), patience);
    if (!seen || !seen->met) return; // next turn
    for (auto& [session, holding] : claimed_) {
        if (holding.handle.lost()) continue; // a higher claim: that one serves
        holding.since.tentative = holding.handle.tentative();
        holding.since.from = stamp();
        owned_.insert_or_assign(session, std::move(holding));
    }
    claimed_.clear();
}

held_session* estate::find(std::size_t session) {
    const auto at = owned_.find(session);
    return at == owned_.end() ? nullptr : &at->second;
}

void estate::give_up(std::size_t session) {
    const auto at = owned_.find(session);
    if (at == owned_.end()) return;
    over_.push_back(at->second.since);
    over_.back().until = stamp();
    owned_.erase(at);
}

void estate::close() {
    const auto now = stamp();
    for (auto& [session, holding] : owned_) {
        over_.push_back(holding.since);
        over_.back().until = now;
    }
    watching_.unwatch();
    owned_.clear(); // a handle that is destroyed gives its key up
    claimed_.clear();
}

std::vector<tenure> estate::all_tenures() const {
    auto all = over_;
    const auto now = stamp();
    for (const auto& [session, holding] : owned_) {
        all.push_back(holding.since);
        all.back().until = now;
    }
    return all;
}
