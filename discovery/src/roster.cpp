#include "discovery/roster.hpp"

#include <algorithm>

namespace baton::discovery {

link_key link_key::from_bytes(std::string_view raw) {
    link_key key;
    if (raw.size() == key.bytes.size()) std::copy(raw.begin(), raw.end(), key.bytes.begin());
    return key;
}

// A beacon arrives once per interface and address, so a repeated sequence may be the same beacon. An
// introduction goes to one address, and each has a sequence of its own. For a known incarnation the sequence
// exposes a replay; for an unknown one, the clock or the echo does.
roster::finding roster::hear(const replica_id& id, const link_key& key, const place& said,
                             std::uint64_t time_ms, bool echoed, const moment& at) {
    const std::size_t which = said.of == purpose::beacon ? 0 : 1;
    const auto known = entries_.find(id);
    const auto owner = owners_.find(key);
    if (key.is_none() || (owner != owners_.end() && owner->second != id)) return finding::other_key;
    if (known != entries_.end()) {
        auto& e = known->second;
        if (e.key != key) return finding::other_key;
        auto& last = e.sequences[which];
        const bool same = said.sequence == last;
        const bool old = said.sequence < last || (same && said.of != purpose::beacon);
        if (old && !echoed) return finding::replayed;
        last = std::max(last, said.sequence);
        e.heard_at = at.now;
        return same && !echoed ? finding::repeated : finding::known;
    }
    const auto apart = time_ms > at.wall_ms ? time_ms - at.wall_ms : at.wall_ms - time_ms;
    if (!echoed && apart > static_cast<std::uint64_t>(how_.window.count())) return finding::stale;
    if (is_full()) return finding::full;
    auto& made = entries_[id];
    made.key = key;
    made.sequences[which] = said.sequence;
    made.heard_at = at.now;
    owners_[key] = id;
    return finding::vouched;
}

link_key roster::key_of(const replica_id& id) const {
    const auto at = entries_.find(id);
    return at == entries_.end() ? link_key{} : at->second.key;
}

replica_id roster::owner_of(const link_key& key) const {
    const auto at = owners_.find(key);
    return at == owners_.end() ? replica_id{} : at->second;
}

void roster::tidy(const moment& at, const std::function<bool(const replica_id&)>& keeps,
                  const std::function<void(const replica_id&)>& gone) {
    std::vector<std::pair<instant, replica_id>> over;
    auto oldest = entries_.end();
    for (auto each = entries_.begin(); each != entries_.end(); ++each) {
        if (keeps(each->first)) continue;
        if (at.now - each->second.heard_at >= how_.keep)
            over.emplace_back(each->second.heard_at, each->first);
        if (oldest == entries_.end() || each->second.heard_at < oldest->second.heard_at) oldest = each;
    }
    if (over.empty() && is_full() && oldest != entries_.end())
        over.emplace_back(oldest->second.heard_at, oldest->first);
    for (const auto& [heard, id] : over) {
        owners_.erase(entries_.at(id).key);
        entries_.erase(id);
        gone(id);
    }
}

} // namespace baton::discovery
