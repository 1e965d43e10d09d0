#include "core/handover.hpp"

#include "core/inner_bounds.hpp"
#include "crdt/index.hpp"
#include "wire/codec.hpp"

#include <algorithm>
#include <chrono>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto repeat_every = 100ms;

// True if the member has answered our LEAVING, and is leaving itself.
bool says_leaving(const peer& p) { return p.leave.acked && !p.leave.acked_staying; }
bool holds_all(const peer& p) { return p.leave.acked && p.leave.acked_whole; }
} // namespace

// ---------------------------------------------------------------- as the one that leaves

void handover::begin(std::uint64_t number, std::size_t copies, instant now) {
    own_ = own_leaving{number, copies, store_.seen(), now};
}

instant handover::deadline() const { return own_ && !own_->said_left ? own_->repeat_at : instant::max(); }

// Lists the keys that no staying member has reported to hold: a member that is asked for one answers that it
// is on its way. Keys beyond the size limit are left out. That is safe: a member does not call such a key
// absent, since it still misses events of this node.
void handover::list_manifest() {
    constexpr std::size_t manifest_bytes_max = std::size_t{256} << 10,
                          piece_bytes_max = std::size_t{48} << 10;
    if (own_->listed || store_.folding()) return;
    own_->listed = true;
    cut held;
    for (const auto& [id, p] : members_) {
        if (p.state != member_state::up) continue;
        held.join(p.holds.seen);
        if (p.holds.archive == store_.archive_digest()) held.join(store_.archived());
    }
    auto walk = store_.walk_from(held);
    std::size_t steps = 65536, bytes = 0;
    while (const auto id = store_.next(walk, steps)) {
        const auto slot = store_.chain_at(*id, chain_);
        if (slot.key.empty() || slot.type == value_type::archive) continue;
        auto& pieces = own_->manifest;
        if (pieces.empty() || pieces.back().size() > piece_bytes_max) pieces.emplace_back();
        const auto before = pieces.back().size();
        wire::put_varint(pieces.back(), slot.key.size());
        pieces.back() += slot.key;
        bytes += pieces.back().size() - before;
        if (bytes > manifest_bytes_max) return;
    }
}

void handover::repeat(instant now, outbox& out) {
    if (!own_ || own_->said_left || now < own_->repeat_at) return;
    list_manifest();
    wire::leaving f{store_.self(), own_->number, store_.counter_of(store_.self()), own_->final, {}};
    // On PUB the LEAVING follows the last DELTA, so a member that reads it there has applied every DELTA that
    // was not lost.
    out.actions.push_back(send_broadcast{mail_.encode_for_all(f)});
    for (auto& [id, p] : members_) {
        if (!is_member(p) || holds_all(p)) continue;
        for (const auto& keys : own_->manifest) {
            if (p.leave.told_manifest) break;
            f.keys = keys;
            mail_.send_to(id, p, f, out);
        }
        f.keys = {};
        if (p.leave.told_manifest || own_->manifest.empty()) mail_.send_to(id, p, f, out);
        p.leave.told_manifest = own_->listed;
    }
    own_->repeat_at = now + repeat_every;
}

void handover::on_ack(peer& p, const wire::ack& f) const {
    if (!own_ || f.answers != own_->number) return;
    p.leave.acked = f.seen;
    p.leave.acked_staying = f.staying;
    // An origin that was archived since is in no cut. Every other event has to be in the cut of the answer.
    p.leave.acked_whole =
        f.whole &&
        std::all_of(own_->final.entries().begin(), own_->final.entries().end(), [&](const dot& id) {
            const auto told = f.seen.of(id.replica);
            const bool closed = told == 0 && id.replica != store_.self();
            return closed || told >= id.counter;
        });
}

// An acknowledgement no longer counts if its sender is known to be leaving, suspect or gone.
bool handover::countable(const peer& p) const {
    if (settings_.broken == mutation::leave_counts_leaving) return is_member(p) && p.leave.acked;
    return p.state == member_state::up && p.leave.acked && p.leave.acked_staying && !p.holds.full;
}

leave_progress handover::progress() const {
    leave_progress progress;
    if (!own_) return progress;
    for (const auto& [id, p] : members_) {
        // A suspect member is up again or crashed before long; until then it counts as one that may stay. A
        // full member takes nothing over.
        const bool here = p.state == member_state::up || p.state == member_state::suspect;
        if (here && !says_leaving(p) && !p.holds.full) ++progress.staying;
        if (countable(p) && p.leave.acked_whole) ++progress.copies;
    }
    const auto wanted = std::max<std::size_t>(1, std::min(own_->copies, progress.staying));
    bool nothing_held = store_.keys() == 0 && (store_.removals() == 0 || progress.staying == 0);
    if (progress.staying == 0 && store_.is_all_hidden()) nothing_held = true;
    // Records that a session brought count, even while they are being folded in.
    if (store_.folding() && settings_.broken != mutation::met_without_folded) nothing_held = false;
    // The spill of another node may still bring back what was removed here.
    if (settings_.spills && progress.staying == 0)
        nothing_held = store_.seen().size() == 0 && store_.archived().empty();
    progress.met =
        progress.copies >= wanted || nothing_held || settings_.broken == mutation::met_without_copies;
    return progress;
}

bool handover::lacks_something(const peer& p) {
    return p.state == member_state::up && !says_leaving(p) && !p.holds.full && !holds_all(p);
}

void handover::unsafe_keys(std::size_t shard, std::vector<std::string>& into) {
    std::vector<record_view> records;
    struct owned {
        value_type type;
        std::string key, element;
    };
    std::vector<owned> slots;                     // reading may fold: collect the slots first
    while (store_.fold(settings_.bounds.slice)) { // usually the caller has folded everything slice by slice
    }
    store_.each_slot_of(shard, [&](const slot_name& slot) {
        slots.push_back({slot.type, std::string(slot.key), std::string(slot.element)});
    });
    for (auto& slot : slots) {
        store_.siblings({slot.type, slot.key, slot.element}, records);
        const bool safe = std::all_of(records.begin(), records.end(), [&](const record_view& r) {
            return std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
                const auto& p = each.second;
                return countable(p) && (p.leave.acked_whole || p.leave.acked->has(r.id));
            });
        });
        if (!safe && settings_.broken != mutation::unsafe_names_none) into.push_back(std::move(slot.key));
    }
}

void handover::say_left(outbox& out) {
    own_->said_left = true;
    wire::left f{store_.self(), store_.counter_of(store_.self()), false, false, store_.self()};
    out.actions.push_back(send_broadcast{mail_.encode_for_all(f)});
    f.wants_answer = true;
    for (auto& [id, p] :
         members_) { // also to nodes that may count this one as a member before it counts them
        if (is_member(p) || p.greeted) mail_.send_to(id, p, f, out);
    }
}

bool handover::farewell_heard() const {
    return std::all_of(members_.begin(), members_.end(), [&](const auto& each) {
        const auto& p = each.second;
        return !is_member(p) || p.state == member_state::suspect || p.leave.heard_farewell;
    });
}

// ---------------------------------------------------------------- as a member

void handover::note_leaving(peer& p, const wire::leaving& f) {
    // The memory that one peer's manifest may take.
    constexpr std::size_t bytes_max = std::size_t{8} << 20, node_bytes = 64;
    p.leave.to_answer = f.number;
    wire::byte_reader in(f.keys);
    while (!in.done() && p.leave.manifest_bytes < bytes_max) {
        const auto key = in.bytes(in.varint());
        p.leave.manifest_bytes += key.size() + node_bytes;
        p.leave.manifest.emplace(key);
    }
}

std::optional<replica_id> handover::on_its_way(std::string_view key) const {
    for (const auto& [id, p] : members_) {
        if (p.state == member_state::leaving && p.leave.manifest.contains(key)) return id;
    }
    return std::nullopt;
}

// Answers a LEAVING once everything that the leaving member holds is applied here, and again each time it
// asks.
void handover::answer(bool staying, outbox& out) {
    for (auto& [id, p] : members_) {
        if (p.leave.to_answer == 0) continue;
        const bool whole = store_.covers(p.holds.seen);
        if (!whole && !own_) continue;
        mail_.send_to(id, p, wire::ack{store_.self(), staying, whole, p.leave.to_answer, store_.seen(), 0},
                      out);
        p.leave.to_answer = 0;
    }
}

} // namespace baton::core
