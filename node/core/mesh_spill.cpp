// Spills: a leave that nobody took over, written as the session that a newcomer would get; and such a file
// merged at a later start as a repair from a peer with that cut. The shell has the files and hands over
// chunks; here is what is staged, believed and forgotten.
//
// A file is a server that stands still: it has no tail, and it is all that its cut leaves. So where a peer
// would be compared with by ranges (I8), what is here, under the file's cut and not in it has been removed
// there. Of what is in it only dots come in that are unseen here: nothing removed comes back, whatever has
// been forgotten on either side, and however often it is merged (I4, I5).
#include "core/jobs.hpp"
#include "core/mesh.hpp"
#include "crdt/assert.hpp"
#include "crdt/counter.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t files_max = 1024;
constexpr std::size_t copies_wanted = 2; // as leave_options::copies
constexpr auto retry_after = 1s;
} // namespace

// ---------------------------------------------------------------- writing

bool mesh::is_spilling() const { return spills_ && spills_->writing; }

bool mesh::spill(const moment& at, std::string& into) {
    BATON_ASSERT(handover_.is_leaving()); // the cut is frozen
    set_moment(at);
    into.clear();
    if (store_.folding()) {
        store_.fold(settings_.bounds.slice);
        return true;
    }
    if (!spills_) spills_ = std::make_unique<spill_desk>();
    auto& writing = spills_->writing;
    if (!writing) writing = server_.begin_file(at_.now);
    const bool more = server_.write_file(*writing, at_, into);
    if (!more) writing.reset();
    return more;
}

void mesh::end_spilling() {
    if (spills_) spills_->writing.reset();
}

void mesh::spill_kept(const moment& at, outbox& out) {
    set_moment(at);
    if (!spills_) return;
    std::erase_if(spills_->files, [&](const spill_file& file) {
        if (file.is != spill_file::state::merged) return false;
        out.actions.push_back(drop_spill{file.id});
        return true;
    });
}

// ---------------------------------------------------------------- found files

verdict mesh::take(const spill_found& in, outbox& out) {
    (void)out;
    if (!spills_) spills_ = std::make_unique<spill_desk>();
    if (spills_->files.size() >= files_max || file_of(in.file) != nullptr) return refuse("too many spills");
    spill_file found;
    found.id = in.file;
    found.writer = in.writer;
    found.clock = in.clock;
    found.written_ms = in.written_ms;
    const auto decoded = wire::decode(in.commit);
    const auto* const f = decoded ? std::get_if<wire::state>(&*decoded) : nullptr;
    const bool commits = f != nullptr && (f->flags & wire::state::commit) != 0;
    found.whole = commits && (in.whole || settings_.broken == mutation::spill_claims_partial);
    if (found.whole) found.claims = f->at.seen;
    spills_->files.push_back(std::move(found));
    wake_by(at_.now);
    return {};
}

verdict mesh::take(const spills_listed& in, outbox&) {
    spills_listed_ = in.all;
    if (spills_) wake_by(at_.now); // damaged ones may have waited for this
    return {};
}

mesh::spill_file* mesh::file_of(spill_id id) {
    for (auto& file : spills_->files) {
        if (file.id == id) return &file;
    }
    return nullptr;
}

std::size_t mesh::spills_waiting() const {
    if (!spills_) return 0;
    const auto& all = spills_->files;
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [](const spill_file& file) {
        return file.is == spill_file::state::waiting;
    }));
}

// With members when all that they held is here; alone when nobody has been found in time. Whole files first,
// those that are still being written too: what they hold need not be salvaged from a damaged one.
void mesh::tend_spills(outbox& out) {
    if (!spills_ || spills_->files.empty()) return;
    release_spills(out);
    if (receiver_.is_open() || store_.folding() || handover_.is_leaving() || room_.is_full() ||
        !inbox_.empty() || spills_->open)
        return;
    if (!peers_.met_any() && !settings_.founding && at_.now < started_ + settings_.alone_after)
        return wake_by(started_ + settings_.alone_after);
    if (peers_.met_any() && !synced()) return;
    spill_file* next = nullptr;
    const auto rank = [](const spill_file& file) { return file.tried ? 2 : file.whole ? 0 : 1; };
    for (auto& file : spills_->files) {
        if (file.is != spill_file::state::waiting || (!file.whole && !spills_listed_)) continue;
        if (at_.now < file.retry_at) {
            wake_by(file.retry_at);
        } else if (next == nullptr || rank(file) < rank(*next)) {
            next = &file;
        }
    }
    if (next != nullptr) open_spill(*next, out);
}

void mesh::open_spill(spill_file& file, outbox& out) {
    clock_.observe(file.clock, at_.wall_ms);
    file.tried = true;
    if (file.whole && store_.covers(file.claims)) { // what it closed had been seen where it was written
        spill_merged(file.id, out);
        return;
    }
    if (file.whole) {
        receiver_.begin_file(file.id, file.claims, file.written_ms, at_, out);
    } else {
        spills_->open.emplace(file);
        // Before anything of it is written anew: so that it is salvaged once at most.
        out.actions.push_back(keep_spill_aside{file.id});
        out.note("salvage", {});
    }
    out.actions.push_back(read_spill{file.id, true});
}

verdict mesh::take(const spill_read& in, outbox& out) {
    if (!spills_) return {};
    if (spills_->open && spills_->open->file == in.file) {
        if (in.bytes.empty()) {
            end_salvage(out);
        } else {
            const auto decoded = wire::decode(in.bytes);
            const auto* const f = decoded ? std::get_if<wire::state>(&*decoded) : nullptr;
            if (f != nullptr && (f->flags & wire::state::archive) == 0) {
                spills_->open->job.emplace(std::string(in.bytes));
            } else {
                out.actions.push_back(read_spill{in.file, false});
            }
        }
        return {};
    }
    return settle(receiver_.on_file(in, at_, out), out);
}

// A file that is not what it claims to be is a damaged one.
void mesh::end_spill(session_end how, spill_id id, outbox& out) {
    if (how == session_end::committed) return spill_merged(id, out);
    auto* const file = file_of(id);
    if (file == nullptr) return;
    file->retry_at = at_.now + retry_after;
    if (how == session_end::malformed || how == session_end::below_records) file->whole = file->tried = false;
    wake_by(file->retry_at);
}

bool mesh::work_on_spill(outbox& out) {
    if (!spills_) return false;
    if (!spills_->open || !spills_->open->job || room_.is_full() || handover_.is_leaving()) return false;
    auto& job = *spills_->open->job;
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::state>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, wire::row_limits{});
        job.opened = true;
    }
    auto& row = job.ring.rows[0];
    for (std::size_t i = 0; i < settings_.bounds.slice; ++i) {
        if (job.rows->next(row) && salvage_row(row, out)) continue;
        const auto file = spills_->open->file;
        spills_->open->job.reset();
        out.actions.push_back(read_spill{file, false});
        return true;
    }
    return true;
}

void mesh::spill_merged(spill_id id, outbox& out) {
    if (auto* const file = file_of(id)) {
        file->is = spill_file::state::merged;
        out.note("spill merged", {});
        wake_by(at_.now);
    }
}

// A file is kept until others hold what is in it: as many as a leave would ask for, or all there are.
void mesh::release_spills(outbox& out) {
    if (settings_.keep_spills) return;
    std::erase_if(spills_->files, [&](const spill_file& file) {
        if (file.is != spill_file::state::merged) return false;
        std::size_t up = 0, holders = 0;
        for (const auto& [id, p] : peers_) {
            if (p.state != member_state::up) continue;
            ++up;
            const auto& all = file.claims.entries();
            holders += std::all_of(all.begin(), all.end(), [&, &told = p.holds.seen](const dot& d) {
                return told.has(d) || store_.archived().has(d); // archived when everybody had it
            });
        }
        if (holders == 0 || holders < std::min(copies_wanted, up)) return false;
        out.actions.push_back(drop_spill{file.id});
        return true;
    });
}

// ---------------------------------------------------------------- damaged files

// Neither here nor with anybody who is in view, or may come back. The file's writer does not: while it lived
// it held the file locked.
bool mesh::is_lost(const dot& id) const {
    const auto may_have = [&](const auto& each) {
        const auto& [who, p] = each;
        const bool for_good = p.state == member_state::left || who == spills_->open->writer;
        return !for_good && p.holds.seen.has(id);
    };
    return !store_.has_seen(id) && std::none_of(peers_.begin(), peers_.end(), may_have);
}

// The value that reads first among those that nobody has seen. False when the rest of the chunk makes no
// sense.
bool mesh::salvage_row(const wire::state_row& row, outbox& out) {
    auto& s = *spills_->open;
    if (row.part) {
        const auto& piece = *row.part;
        const auto name = std::string(piece.slot.key) + '\0' + std::string(piece.slot.element);
        if (!s.parts.empty() && s.parts.begin()->first.first != name) s.parts.clear();
        std::size_t held = piece.bytes.size();
        for (const auto& [id, bytes] : s.parts) held += bytes.size();
        auto& whole = s.parts[{name, piece.id}];
        if (piece.offset == 0) whole.clear();
        if (whole.size() != piece.offset || held > parts_bytes_max) {
            s.parts.clear(); // the chunk before is not there: neither is this value
        } else {
            whole += piece.bytes;
        }
        return true;
    }
    const auto name = std::string(row.slot.key) + '\0' + std::string(row.slot.element);
    const auto type = row.slot.type;
    std::optional<staged_view> best;
    std::uint64_t amount = 0; // of a counter: what all lost shares add
    for (const auto& entry : row.entries) {
        auto what = entry.what;
        if (what.what != block::kind::record || !is_lost(what.id)) continue;
        age(what, s.written_ms, at_.wall_ms);
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
        made = writer_.add(row.slot.key, static_cast<std::int64_t>(amount), clock_.tick(at_.wall_ms));
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

// What a lost share adds to its counter, less what another file has brought of it.
std::int64_t mesh::lost_share(std::string_view key, const staged_view& lost) {
    const auto total = load_counter(lost.value).total;
    auto& [counter, added] = spills_->shares[{std::string(key), lost.id.replica}];
    if (counter >= lost.id.counter) return 0;
    const auto before = counter == 0 ? std::uint64_t(total) - std::uint64_t(store_.lost_amount(key, lost))
                                     : std::uint64_t(added);
    counter = lost.id.counter;
    added = total;
    return static_cast<std::int64_t>(std::uint64_t(total) - before);
}

void mesh::end_salvage(outbox& out) {
    if (!spills_->open) return;
    const auto [file, count] = std::pair(spills_->open->file, spills_->open->recovered);
    spills_->open.reset();
    std::erase_if(spills_->files, [file = file](const spill_file& each) { return each.id == file; });
    if (count != 0) {
        peers_.raise(out, event_kind::recovered, settings_.self, "from a damaged spill, as new writes");
        out.events.back().count = count;
    }
    wake_by(at_.now);
}

} // namespace baton::core
