// A file is a server that does not change: it holds the whole visible state under its cut, and no later
// events. So no comparison by ranges (I8) is needed: a record that is here, under the file's cut and not in
// the file has been removed. Only dots that are unseen here come in from the file. So no removed value comes
// back, whatever either side has forgotten, and however often the file is merged (I4, I5).
#include "core/spills.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t files_max = 1024;
constexpr std::size_t copies_wanted = 2; // as in leave_options::copies
constexpr std::uint64_t no_jitter = 512; // no other node asks for the file, so no jitter is needed
} // namespace

// ---------------------------------------------------------------- writing

bool spills::write(const moment& at, std::string& into) {
    into.clear();
    if (store_.folding()) {
        store_.fold(settings_.bounds.slice);
        return true;
    }
    if (!writing_) writing_ = server_.begin_file(at.now);
    const bool more = server_.write_file(*writing_, at, into);
    if (!more) writing_.reset();
    return more;
}

void spills::kept(outbox& out) {
    std::erase_if(files_, [&](const file& each) {
        if (!each.merged) return false;
        out.actions.push_back(drop_spill{each.id});
        return true;
    });
}

// ---------------------------------------------------------------- found files

verdict spills::on_found(const spill_found& in, const moment& at) {
    if (files_.size() >= files_max || find(in.file) != nullptr) return {"too many spills"};
    file found;
    found.id = in.file;
    found.writer = in.writer;
    found.clock = in.clock;
    found.written_ms = in.written_ms;
    const auto decoded = wire::decode(in.commit);
    const auto* const f = decoded ? std::get_if<wire::state>(&*decoded) : nullptr;
    const bool commits = f != nullptr && (f->flags & wire::state::commit) != 0;
    found.whole = commits && (in.whole || settings_.broken == mutation::spill_claims_partial);
    if (found.whole) found.claims = f->at.seen;
    files_.push_back(std::move(found));
    wake_by(at.now);
    return {};
}

void spills::on_listed(const spills_listed& in, const moment& at) {
    listed_ = in.all;
    if (!files_.empty()) wake_by(at.now); // damaged files wait until all files are listed
}

spills::file* spills::find(spill_id id) {
    const auto at =
        std::find_if(files_.begin(), files_.end(), [&](const file& each) { return each.id == id; });
    return at == files_.end() ? nullptr : &*at;
}

std::size_t spills::waiting() const {
    return static_cast<std::size_t>(
        std::count_if(files_.begin(), files_.end(), [](const file& each) { return !each.merged; }));
}

// Begins with a file once all that the members held is here; without members, once alone_after has passed.
// Whole files come first, including those still being written: what they hold need not be salvaged from a
// damaged one.
void spills::tend(bool may_begin, const moment& at, outbox& out) {
    if (files_.empty()) return;
    release(out);
    if (!may_begin || receiver_.is_open() || store_.folding() || open_) return;
    if (!members_.met_any() && !settings_.founding && at.now < started_ + settings_.alone_after)
        return wake_by(started_ + settings_.alone_after);
    if (members_.met_any() && !members_.all_synced()) return;
    file* next = nullptr;
    const auto rank = [](const file& each) { return each.tried ? 2 : each.whole ? 0 : 1; };
    for (auto& each : files_) {
        if (each.merged || (!each.whole && !listed_) || waits_for_report(each)) continue;
        if (!each.pace.is_due(at.now)) {
            wake_by(each.pace.due());
        } else if (next == nullptr || rank(each) < rank(*next)) {
            next = &each;
        }
    }
    if (next != nullptr) open(*next, at, out);
}

// True if the COMMIT of the file claims more of a member that is up than the member has reported. A session
// would fail in the same way until the member has reported as much or is no longer up; a later round of
// timers shows both.
bool spills::waits_for_report(const file& which) const {
    if (which.failed != session_end::beyond_word) return false;
    return std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
        const auto& [id, p] = each;
        const auto claimed = which.claims.of(id);
        return p.state == member_state::up && claimed > p.holds.seen.of(id) &&
               claimed > store_.counter_of(id);
    });
}

void spills::open(file& next, const moment& at, outbox& out) {
    writer_.observe(next.clock, at.wall_ms);
    next.tried = true;
    // Origins archived there need no check: every member had seen their events.
    if (next.whole && store_.covers(next.claims)) return merged(next.id, at, out);
    if (next.whole) {
        receiver_.begin_file(next.id, next.claims, next.written_ms, at, out);
    } else {
        open_.emplace(next);
        // The file is put aside before any value is written again, so that it is salvaged at most once.
        out.actions.push_back(keep_spill_aside{next.id});
        out.note("salvage", {});
    }
    out.actions.push_back(read_spill{next.id, true});
}

// A file that contradicts itself is treated as damaged. After any other failure it is read again, less and
// less often: the obstacle may pass.
bool spills::on_end(session_end how, spill_id id, const moment& at, outbox& out) {
    auto* const ended = find(id);
    if (ended == nullptr) return false;
    if (how == session_end::committed) {
        merged(id, at, out);
        return false;
    }
    ended->failed = how;
    ended->pace.failed(at.now, is_hopeless(how), no_jitter);
    if (how == session_end::malformed || how == session_end::below_records ||
        how == session_end::before_comparison)
        ended->whole = ended->tried = false;
    wake_by(ended->pace.due());
    return is_refusal(how) && !std::exchange(ended->refused, true);
}

void spills::merged(spill_id id, const moment& at, outbox& out) {
    if (auto* const done = find(id)) {
        done->merged = true;
        out.note("spill merged", {});
        wake_by(at.now);
    }
}

// A file is kept until members hold what is in it: as many as a leave would ask for, or all there are.
void spills::release(outbox& out) {
    if (settings_.keep_spills) return;
    std::erase_if(files_, [&](const file& each) {
        if (!each.merged) return false;
        std::size_t up = 0, holders = 0;
        for (const auto& [id, p] : members_) {
            if (p.state != member_state::up) continue;
            ++up;
            const auto& all = each.claims.entries();
            holders += std::all_of(all.begin(), all.end(), [&, &told = p.holds.seen](const dot& d) {
                // An event is archived once every member has it.
                return told.has(d) || store_.archived().has(d);
            });
        }
        if (holders == 0 || holders < std::min(copies_wanted, up)) return false;
        out.actions.push_back(drop_spill{each.id});
        return true;
    });
}

} // namespace baton::core
