// Fills the chunks of a session. The walk sends whole chains. Large values go in parts, as they were at one
// moment, so that the session ends however often they are overwritten.
#include "core/session_server.hpp"

#include <algorithm>

namespace baton::core {

namespace {
constexpr std::size_t waiting_max = 65536; // large slots that wait until the walk is through
// Memory of overwritten values that sessions still have to send. Above this limit a session gives up its
// settled cut and walks on. If that has not brought it nearer to its end thaws_max times, writers wait, and
// it gives up its cut only at four times this limit.
constexpr std::size_t kept_bytes_max = std::size_t{64} << 20;
constexpr unsigned thaws_max = 3;
constexpr std::size_t in_parts_min = 128; // a smaller value is sent in its chain

std::string name_of(const slot_name& slot) {
    auto name = std::string(1, static_cast<char>(slot.type)).append(slot.key);
    return name.append(1, '\0').append(slot.element);
}

bool may_divide(std::uint64_t version, value_type type, const staged_view& entry) {
    constexpr std::uint64_t scopes_from = 5;
    return entry.value.size() > in_parts_min && wire::goes_in_parts(type, entry.what) &&
           (type != value_type::scope || version >= scopes_from);
}
} // namespace

outbound_session::large::large(store& of, const slot_name& slot)
    : from(&of)
    , type(slot.type)
    , key(slot.key)
    , element(slot.element) {
    of.pin_chain(slot, blocks);
}

outbound_session::large::~large() {
    for (const auto each : blocks) from->unpin(each);
}

void outbound_session::date_back(std::vector<staged_view>& chain, instant now) const {
    if (!to_file) return;
    const auto since = std::chrono::floor<std::chrono::milliseconds>(now - began_at);
    for (auto& entry : chain) {
        if (entry.ttl) entry.ttl = std::min(*entry.ttl + since, ttl_max);
    }
}

// Everything under the present cut has been sent, or waits as it is at this moment. This cut is the one that
// the COMMIT names. Archived origins are told now, since later ones are above the cut.
void session_server::settle_cut(outbound_session& s, outbox& out) {
    s.settled.emplace(outbound_session::settled_cut{standing_of(store_), store_.floor()});
    tell_archive(s, out);
}

// The overwritten values that wait take too much memory. The walk goes on, meets their successors and settles
// again at its end. Writers wait (is_crowded) if that has not helped.
void session_server::thaw(outbound_session& s) {
    const auto most = s.thaws < thaws_max ? kept_bytes_max : 4 * kept_bytes_max;
    if (!s.settled || s.to_file || store_.kept_bytes() <= most) return;
    s.settled.reset();
    if (s.waiting.size() >= s.waited_at_thaw) ++s.thaws; // otherwise the session is nearing its end
    s.waited_at_thaw = s.waiting.size();
    ++counts_.resumed;
}

bool session_server::is_overtaken() const {
    return store_.kept_bytes() > kept_bytes_max &&
           std::any_of(serving_.begin(), serving_.end(),
                       [](const auto& each) { return each.second->thaws >= thaws_max; });
}

// A large slot waits until the rest has been sent, unless too many wait already.
void session_server::defer(outbound_session& s, const slot_name& slot) {
    if (s.to_file || s.waiting.size() >= waiting_max) {
        s.parts.emplace(store_, slot);
        return;
    }
    s.waiting.try_emplace(name_of(slot), store_, slot);
}

// Adds rows until the chunk is full (then `pending` or `parts` is set), the steps are used up (`steps` is 0),
// or everything under the present cut has been walked and all waiting slots are sent.
void session_server::fill(outbound_session& s, std::size_t& steps) {
    std::vector<staged_view> chain;
    thaw(s);
    while (steps != 0) {
        if (s.parts) {
            if (!fill_large(s)) return;
            continue;
        }
        if (s.settled) {
            if (s.waiting.empty()) return;
            s.parts.emplace(std::move(s.waiting.extract(s.waiting.begin()).mapped()));
            continue;
        }
        if (!s.pending) s.pending = next_to_ship(s, steps);
        if (!s.pending) return;
        if (settings_.broken == mutation::commit_without_tail && !s.start.has(*s.pending)) {
            s.pending.reset();
            continue;
        }
        const auto slot = store_.chain_at(*s.pending, chain);
        if (slot.key.empty()) { // overwritten: the walk meets its successor later
            s.pending.reset();
            continue;
        }
        s.date_back(chain, now_);
        std::size_t bytes = slot.key.size() + slot.element.size() + 16;
        for (auto& entry : chain) {
            if (may_refer(s, slot, entry)) {
                entry.what = block::kind::reference;
                entry.value = {};
            }
            bytes += entry.value.size() + 24;
        }
        const bool room = s.chunk->bytes() + bytes <= s.chunk_bytes;
        if (!room && s.chunk->bytes() != 0) return;
        if (!s.waiting.empty() && settings_.broken != mutation::waiting_outlives_next)
            s.waiting.erase(name_of(slot)); // this chain replaces the older one that waits
        const bool large = !room && bytes > s.chunk_bytes + 1024;
        if (large && std::any_of(chain.begin(), chain.end(), [&](const staged_view& entry) {
                return may_divide(s.version, slot.type, entry);
            })) {
            defer(s, slot);
            s.pending.reset();
            continue;
        }
        s.chunk->chain(slot, chain, {});
        s.pending.reset();
    }
}

// Sends a key with values too large for a chunk: each such value in parts, then the chain. Returns false if
// the chunk is full.
bool session_server::fill_large(outbound_session& s) {
    auto& large = *s.parts;
    std::vector<staged_view> chain;
    const slot_name slot{large.type, large.key, large.element};
    for (const auto each : large.blocks) chain.push_back(store_.pinned(each));
    s.date_back(chain, now_);
    const staged_view* next = nullptr;
    for (auto& entry : chain) {
        if (may_refer(s, slot, entry)) {
            entry.what = block::kind::reference;
            entry.value = {};
        }
        const bool sent = std::find(large.sent.begin(), large.sent.end(), entry.id) != large.sent.end();
        const bool first = next == nullptr || large.current == entry.id;
        if (!sent && first && may_divide(s.version, slot.type, entry)) next = &entry;
    }
    if (next == nullptr) {
        if (!chain.empty()) s.chunk->chain(slot, chain, large.sent);
        s.parts.reset();
        return true;
    }
    if (large.current != next->id) {
        large.current = next->id;
        large.offset = 0;
    }
    const auto overhead = large.key.size() + large.element.size() + 48;
    const auto used = s.chunk->bytes() + overhead;
    if (used >= s.chunk_bytes && s.chunk->bytes() != 0) return false;
    const auto room = used < s.chunk_bytes ? s.chunk_bytes - used : 64;
    const auto piece = next->value.substr(large.offset, room);
    s.chunk->part({slot, next->id, next->value.size(), large.offset, piece});
    large.offset += piece.size();
    if (large.offset == next->value.size()) {
        large.sent.push_back(next->id);
        large.current.reset();
        large.offset = 0;
    }
    return true;
}

// The next record to send: in a comparison first what the receiver asked for; then, as in every session, what
// is above the start of the walk.
std::optional<dot> session_server::next_to_ship(outbound_session& s, std::size_t& steps) {
    while (s.ranges && !s.ranges->ship.empty()) {
        if (const auto id = store_.next(s.ranges->ship.front(), steps)) return id;
        if (steps == 0) return std::nullopt;
        s.ranges->ship.pop_front();
    }
    if (s.ranges && !s.ranges->finished) return std::nullopt;
    return store_.next(s.walk, steps);
}

// True if a reference is enough: the receiver has the record or has seen its removal. Records that the
// receiver asked for go whole. So do shares of counters, which change while their dots stay, and removal
// records.
bool session_server::may_refer(const outbound_session& s, const slot_name& slot, const staged_view& entry) {
    return !s.ranges && entry.what == block::kind::record && slot.type != value_type::counter &&
           s.receiver.has(entry.id);
}

} // namespace baton::core
