// Leaving: announce, freeze, be pulled from, count who acknowledged this leaving, say goodbye.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

// ---------------------------------------------------------------- as the one that leaves

void mesh::begin_leave(const moment& at, std::size_t copies, outbox& out) {
    if (leaving_) return;
    set_moment(at);
    if (pulling_) end_session(session_end::leaving, out);
    if (spills_) end_salvage(out);
    inbox_.clear();
    while (release_claims(at, settings_.bounds.slice,
                          out)) { // as a rule the caller has done that slice by slice
    }
    flush(at, out);
    claims_.freeze();
    leaving_ = own_leaving{random_() | 1, copies, store_.seen(), at.now};
    out.note("leave", settings_.self, store_.keys());
    repeat_leaving(out);
    out.wake_at = wake_at_;
}

// The keys of which no member that stays has told that it holds them: whoever asks for one is told that it is
// on its way. As far as they fit; a key that is left out is not called absent, as its bytes are still
// missing.
void mesh::list_manifest() {
    constexpr std::size_t manifest_bytes_max = std::size_t{256} << 10,
                          piece_bytes_max = std::size_t{48} << 10;
    if (leaving_->listed || store_.folding()) return;
    leaving_->listed = true;
    cut held;
    for (const auto& [id, p] : peers_) {
        if (p.state != member_state::up) continue;
        held.join(p.holds.seen);
        if (p.holds.archive == store_.archive_digest()) held.join(store_.archived());
    }
    auto walk = store_.walk_from(held);
    std::size_t steps = 65536, bytes = 0;
    while (const auto id = store_.next(walk, steps)) {
        const auto slot = store_.chain_at(*id, chain_);
        if (slot.key.empty() || slot.type == value_type::archive) continue;
        auto& pieces = leaving_->manifest;
        if (pieces.empty() || pieces.back().size() > piece_bytes_max) pieces.emplace_back();
        const auto before = pieces.back().size();
        wire::put_varint(pieces.back(), slot.key.size());
        pieces.back() += slot.key;
        bytes += pieces.back().size() - before;
        if (bytes > manifest_bytes_max) return;
    }
}

namespace {
void note_manifest(peer& p, std::string_view keys) {
    constexpr std::size_t bytes_max = std::size_t{8} << 20, node_bytes = 64; // of memory
    wire::byte_reader in(keys);
    while (!in.done() && p.leave.manifest_bytes < bytes_max) {
        const auto key = in.bytes(in.varint());
        p.leave.manifest_bytes += key.size() + node_bytes;
        p.leave.manifest.emplace(key);
    }
}
} // namespace

void mesh::repeat_leaving(outbox& out) {
    if (!leaving_ || leaving_->said_left) return;
    if (at_.now >= leaving_->repeat_at) {
        list_manifest();
        wire::leaving f{
            settings_.self, leaving_->number, store_.counter_of(settings_.self), leaving_->final, {}};
        // On PUB it follows the last delta, so whoever reads it there has applied all that was not lost.
        out.actions.push_back(send_broadcast{courier_.encode_for_all(f)});
        for (auto& [id, p] : peers_) {
            const bool done = p.leave.acked && p.leave.acked_whole;
            if (!is_member(p) || done) continue;
            for (const auto& keys : leaving_->manifest) {
                if (p.leave.told_manifest) break;
                f.keys = keys;
                courier_.send_to(id, p, f, out);
            }
            f.keys = {};
            if (p.leave.told_manifest || leaving_->manifest.empty()) courier_.send_to(id, p, f, out);
            p.leave.told_manifest = leaving_->listed;
        }
        leaving_->repeat_at = at_.now + 100ms;
    }
    wake_by(leaving_->repeat_at);
}

verdict mesh::on_leave_ack(peer& p, const wire::ack& f) {
    p.leave.acked = f.seen;
    p.leave.acked_staying = f.staying;
    // What is closed by now is not in a cut any more; everything else has to be there.
    p.leave.acked_whole =
        f.whole &&
        std::all_of(leaving_->final.entries().begin(), leaving_->final.entries().end(), [&](const dot& id) {
            const auto told = f.seen.of(id.replica);
            const bool closed = told == 0 && id.replica != settings_.self;
            return closed || told >= id.counter;
        });
    return {};
}

// An acknowledgement is void once its sender is known to be leaving, suspect or gone.
bool mesh::countable(const peer& p) const {
    if (settings_.broken == mutation::leave_counts_leaving) return is_member(p) && p.leave.acked;
    return p.state == member_state::up && p.leave.acked && p.leave.acked_staying && !p.holds.full;
}

leave_progress mesh::leaving_progress() const {
    leave_progress progress;
    if (!leaving_) return progress;
    for (const auto& [id, p] : peers_) {
        const bool says_leaving = p.leave.acked && !p.leave.acked_staying;
        // A suspect is back, or crashed, before long: until then it is one that may stay. One that is full
        // takes nothing over.
        const bool here = p.state == member_state::up || p.state == member_state::suspect;
        if (here && !says_leaving && !p.holds.full) ++progress.staying;
        const bool holds_all = p.leave.acked && p.leave.acked_whole;
        if (countable(p) && holds_all) ++progress.copies;
        if (p.state == member_state::up && !says_leaving && !p.holds.full && !holds_all && server_.serves(id))
            progress.pulled = true;
    }
    const auto wanted = std::max<std::size_t>(1, std::min(leaving_->copies, progress.staying));
    bool nothing_held = store_.keys() == 0 && (store_.removals() == 0 || progress.staying == 0);
    if (progress.staying == 0 && store_.is_all_hidden()) nothing_held = true;
    // What a session has brought counts, though it is still being folded in.
    if (store_.folding() && settings_.broken != mutation::met_without_folded) nothing_held = false;
    // Another's file may yet bring back what has been removed here.
    if (settings_.spills && progress.staying == 0)
        nothing_held = store_.seen().size() == 0 && store_.archived().empty();
    progress.met =
        progress.copies >= wanted || nothing_held || settings_.broken == mutation::met_without_copies;
    return progress;
}

void mesh::unsafe_keys(std::size_t shard, std::vector<std::string>& into) {
    std::vector<record_view> records;
    struct owned {
        value_type type;
        std::string key, element;
    };
    std::vector<owned> slots;                     // reading may fold: take the list first
    while (store_.fold(settings_.bounds.slice)) { // as a rule the caller has done that slice by slice
    }
    store_.each_slot_of(shard, [&](const slot_name& slot) {
        slots.push_back({slot.type, std::string(slot.key), std::string(slot.element)});
    });
    for (auto& slot : slots) {
        store_.siblings({slot.type, slot.key, slot.element}, records);
        const bool safe = std::all_of(records.begin(), records.end(), [&](const record_view& r) {
            return std::any_of(peers_.begin(), peers_.end(), [&](const auto& each) {
                const auto& p = each.second;
                return countable(p) && (p.leave.acked_whole || p.leave.acked->has(r.id));
            });
        });
        if (!safe && settings_.broken != mutation::unsafe_names_none) into.push_back(std::move(slot.key));
    }
}

void mesh::say_left(const moment& at, outbox& out) {
    set_moment(at);
    if (!leaving_ || leaving_->said_left) return;
    leaving_->said_left = true;
    wire::left f{settings_.self, store_.counter_of(settings_.self), false, false, settings_.self};
    out.actions.push_back(send_broadcast{courier_.encode_for_all(f)});
    f.wants_answer = true;
    for (auto& [id, p] :
         peers_) { // also to those who may have met this node already, when it has not met them
        if (is_member(p) || p.greeted) courier_.send_to(id, p, f, out);
    }
    out.wake_at = wake_at_;
}

bool mesh::farewell_heard() const {
    return std::all_of(peers_.begin(), peers_.end(), [&](const auto& each) {
        const auto& p = each.second;
        return !is_member(p) || p.state == member_state::suspect || p.leave.heard_farewell;
    });
}

// ---------------------------------------------------------------- as a member

verdict mesh::on_leaving(const replica_id& from, const wire::leaving& f, outbox& out) {
    auto* const p = peers_.find(from);
    if (p == nullptr) return refuse("leaving by nobody known");
    if (!is_member(*p)) return {};
    cut room;
    (void)learn(*p, f.seen, room);
    begin_leaving(from, *p, out);
    note_manifest(*p, f.keys);
    p->leave.to_answer = f.number;
    // Its last deltas may be a moment behind this word; what is missing after that is asked for.
    if (!leaving_) note_lack(*p, 5ms);
    answer_leavings(out);
    return {};
}

void mesh::begin_leaving(const replica_id& id, peer& p, outbox& out) {
    if (p.state == member_state::leaving) return;
    peers_.transition(p, member_state::leaving, event_kind::leaving, at_.now);
    peers_.raise(out, event_kind::leaving, id, "hands over");
}

// What PUB says of a member may be anybody's word. Of one that is up its own is awaited, which comes on its
// link at the same time; when PUB repeats it and nothing has come, it is asked for a HELLO, which says
// whether it leaves, and from then on PUB is believed.
verdict mesh::on_leaving_rumour(const wire::leaving& f, outbox& out) {
    auto* const p = peers_.find(f.id);
    if (p == nullptr || p->state != member_state::up) return on_leaving(f.id, f, out);
    const bool again = p->leave.rumoured == f.number && at_.now - p->leave.rumoured_at >= 50ms;
    if (p->leave.rumoured != f.number || again) p->leave.rumoured_at = at_.now;
    p->leave.rumoured = f.number;
    if (again) tell(f.id, *p, true, out);
    return {};
}

// An acknowledgement is said after applying, and again when asked again.
void mesh::answer_leavings(outbox& out) {
    for (auto& [id, p] : peers_) {
        if (p.leave.to_answer == 0) continue;
        const bool whole = store_.covers(p.holds.seen);
        if (!whole && !leaving_) continue;
        courier_.send_to(id, p,
                         wire::ack{settings_.self, !leaving_ && !room_.is_full(), whole, p.leave.to_answer,
                                   store_.seen(), 0},
                         out);
        p.leave.to_answer = 0;
    }
}

// By a link one speaks of oneself; PUB carries anybody's word.
verdict mesh::on_left(const wire::left& f, const arrival& from, outbox& out) {
    const bool by_link = from.route || from.link, own_word = by_link && f.id == f.about;
    if (f.is_answer) {
        if (auto* const p = peers_.find(f.id); p != nullptr && by_link) p->leave.heard_farewell = true;
        return {};
    }
    auto* const p = peers_.find(f.about);
    if (f.wants_answer && f.id == f.about) {
        const auto bytes = courier_.encode_for(
            peers_.find(f.id),
            wire::left{settings_.self, store_.counter_of(settings_.self), false, true, settings_.self});
        if (from.route) out.actions.push_back(send_reply{f.id, bytes});
        if (from.link) out.actions.push_back(send_request{*from.link, bytes});
    }
    if (p == nullptr || f.about == settings_.self) return {};
    const bool plainly_here =
        !is_gone(*p) && p->state != member_state::leaving && p->state != member_state::suspect;
    if (plainly_here && !own_word) { // believed if its connection closes now, too
        if (f.id == f.about) p->leave.goodbye = f.final_counter;
        p->leave.goodbye_at = at_.now;
        return {};
    }
    p->leave.final = f.id == f.about ? f.final_counter : std::max(p->leave.final, f.final_counter);
    if (p->state == member_state::left) return {};
    end_peer(f.about, *p, member_state::left, event_kind::left,
             f.id == f.about ? "said goodbye" : "a member passed it on", out);
    release_link(*p, out);
    if (own_word && !leaving_) {
        out.actions.push_back(send_broadcast{
            courier_.encode_for_all(wire::left{settings_.self, f.final_counter, false, false, f.about})});
    }
    return {};
}

} // namespace baton::core
