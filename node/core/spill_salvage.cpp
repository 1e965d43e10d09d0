// Reads a damaged spill and finds the values that no member has; this node writes them again as its own
// writes.
#include "core/spills.hpp"
#include "crdt/counter.hpp"

#include <algorithm>

namespace baton::core {

bool spills::on_read(const spill_read& in, const moment& at, outbox& out) {
    if (!open_ || open_->id != in.file) return false;
    if (in.bytes.empty()) {
        end_salvage(at, out);
        return true;
    }
    const auto decoded = wire::decode(in.bytes);
    const auto* const f = decoded ? std::get_if<wire::state>(&*decoded) : nullptr;
    if (f != nullptr && (f->flags & wire::state::archive) == 0) {
        open_->job.emplace(std::string(in.bytes));
    } else {
        out.actions.push_back(read_spill{in.file, false});
    }
    return true;
}

bool spills::work(bool takes_writes, const moment& at, outbox& out) {
    if (!open_ || !open_->job || !takes_writes) return false;
    auto& job = *open_->job;
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::state>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, wire::row_limits{});
        job.opened = true;
    }
    auto& row = job.ring.rows[0];
    for (std::size_t i = 0; i < settings_.bounds.slice; ++i) {
        if (job.rows->next(row) && salvage_row(row, at.wall_ms, out)) continue;
        const auto id = open_->id;
        open_->job.reset();
        out.actions.push_back(read_spill{id, false});
        return true;
    }
    return true;
}

// True if this node has not seen the event, and no member in view, or that may come back, has it. The writer
// of the file cannot come back: while it lived it held a lock on the file.
bool spills::is_lost(const dot& id) const {
    const auto may_have = [&](const auto& each) {
        const auto& [who, p] = each;
        const bool for_good = p.state == member_state::left || who == open_->writer;
        return !for_good && p.holds.seen.has(id);
    };
    return !store_.has_seen(id) && std::none_of(members_.begin(), members_.end(), may_have);
}

// Recovers the value that would be read first among the lost ones. Returns false if the rest of the chunk is
// malformed.
bool spills::salvage_row(const wire::state_row& row, std::uint64_t wall_ms, outbox& out) {
    auto& s = *open_;
    if (row.part) {
        const auto& piece = *row.part;
        const auto name = std::string(piece.slot.key) + '\0' + std::string(piece.slot.element);
        if (!s.parts.empty() && s.parts.begin()->first.first != name) s.parts.clear();
        std::size_t held = piece.bytes.size();
        for (const auto& [id, bytes] : s.parts) held += bytes.size();
        auto& whole = s.parts[{name, piece.id}];
        if (piece.offset == 0) whole.clear();
        if (whole.size() != piece.offset || held > parts_bytes_max) {
            s.parts.clear(); // the previous chunk is missing, so the value is incomplete
        } else {
            whole += piece.bytes;
        }
        return true;
    }
    const auto name = std::string(row.slot.key) + '\0' + std::string(row.slot.element);
    const auto type = row.slot.type;
    std::optional<staged_view> best;
    std::uint64_t amount = 0; // for a counter, the sum of what its lost shares add
    for (const auto& entry : row.entries) {
        auto what = entry.what;
        if (what.what != block::kind::record || !is_lost(what.id)) continue;
        age(what, s.written_ms, wall_ms);
        if (entry.total) {
            const auto at = s.parts.find({name, what.id});
            if (at == s.parts.end() || at->second.size() != *entry.total) continue;
            what.value = at->second;
        }
        if (type == value_type::counter) {
            amount += static_cast<std::uint64_t>(lost_share(row.slot.key, what));
        } else if (!best ||
                   std::tie(what.epoch, what.stamp, what.id) > std::tie(best->epoch, best->stamp, best->id)) {
            best = what;
        }
    }
    std::optional<dot> made;
    if (amount != 0) {
        made = writer_.add(row.slot.key, static_cast<std::int64_t>(amount), writer_.tick(wall_ms));
    } else if (best && type != value_type::scope && type != value_type::archive) {
        made = writer_.recover(row.slot, *best);
    }
    if (made) {
        out.note("recovered", settings_.self, made->counter, amount);
        ++s.recovered;
    }
    s.parts.clear();
    return true;
}

// The amount that a lost share adds to its counter, less what another file has brought of it.
std::int64_t spills::lost_share(std::string_view key, const staged_view& lost) {
    const auto total = load_counter(lost.value).total;
    auto& [counter, added] = shares_[{std::string(key), lost.id.replica}];
    if (counter >= lost.id.counter) return 0;
    const auto before = counter == 0 ? std::uint64_t(total) - std::uint64_t(store_.lost_amount(key, lost))
                                     : std::uint64_t(added);
    counter = lost.id.counter;
    added = total;
    return static_cast<std::int64_t>(std::uint64_t(total) - before);
}

void spills::end_salvage(const moment& at, outbox& out) {
    if (!open_) return;
    const auto [id, count] = std::pair(open_->id, open_->recovered);
    open_.reset();
    std::erase_if(files_, [id = id](const file& each) { return each.id == id; });
    if (count != 0) {
        members_.raise(out, event_kind::recovered, settings_.self, "from a damaged spill, as new writes");
        out.events.back().count = count;
    }
    wake_by(at.now);
}

} // namespace baton::core
