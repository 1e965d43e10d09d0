// The two ends of a session: PULL, plans, listings and the walk; staging, COMMIT and fold.
#include "model.hpp"

#include <algorithm>

namespace model {

// ---------------------------------------------------------------- serving

void world::pull(node& receiver, node& server) {
    session s;
    s.server = server.self;
    s.pulled = receiver.seen();
    s.pull_cut = receiver.cut();
    s.pull_archive = receiver.archive(); // its digest always travels, itself only when it is known to differ
    s.archive_sent = receiver.peers[server.self].told_archive != s.pull_archive;
    s.with_cache = !receiver.cache.empty();
    s.staged = receiver.cache;
    for (auto& [where, each] : s.staged) each.cached = true;
    receiver.inbound = std::move(s);
}

void world::accept(node& server, session& s) {
    const auto own = server.seen();
    const auto archive = server.archive();
    s.theirs = s.pull_cut;
    if (broken_ == mutation::archive_server_alone) {
        s.theirs = join(s.theirs, archive);
    } else if (s.archive_sent) {
        s.theirs = join(s.theirs, s.pull_archive);
    } else if (s.pull_archive == archive) {
        s.theirs = join(s.theirs, archive);
    } // else taken as unseen: wasteful, but a newcomer's plan is right for every receiver
    bool common = false;
    for (int o = 0; o < origins_max; ++o) common |= s.theirs[o] != 0 && own[o] != 0;
    const bool above_floor = covers(s.theirs, server.floor) || broken_ == mutation::skip_i8;
    if (s.with_cache || chance(ranges_)) {
        s.how = plan::ranges;
    } else if (!common) {
        s.how = plan::newcomer;
    } else {
        s.how = above_floor ? plan::log : plan::ranges;
    }
    s.accepted = s.open = true;
    s.from = own;
    s.start = meet(s.theirs, own);
    s.walked = s.how == plan::ranges ? own : s.how == plan::log ? s.start : vec{};
    if (s.how == plan::ranges) {
        for (int o = 0; o < origins_max; ++o) {
            int low = 0;
            for (const int width = 1 + below(4); low + width < own[o]; low += width) {
                s.ranges.push_back({o, low, low + width});
            }
            s.ranges.push_back({o, low, unbounded});
        }
        for (std::size_t i = s.ranges.size() - 1; i > 0; --i) {
            std::swap(s.ranges[i], s.ranges[static_cast<std::size_t>(below(static_cast<int>(i) + 1))]);
        }
    }
    message m;
    m.at = own;
    m.how = s.how;
    m.archive = archive;
    s.sent.push_back(m);
}

void world::ship(const node& server, session& s, const slot& where) {
    const auto found = server.chains.find(where);
    if (found == server.chains.end()) return;
    message m;
    m.what = message::kind::slot_chain;
    m.where = where;
    const bool by_name = where.what != type::counter || broken_ == mutation::counter_references;
    for (const auto& b : found->second) {
        m.entries.emplace_back(b, by_name && covers(s.theirs, b.id));
        m.entries.back().first.residue_at.reset();
    }
    s.sent.push_back(m);
}

// One step of the server: answer a request, list a range, walk on, or commit at the present cut.
void world::serve(node& server, session& s) {
    if (!s.open) return;
    if (!s.wants.empty()) {
        std::set<slot> slots;
        for (const auto& id : s.wants.front()) {
            if (const auto* b = server.find(id)) slots.insert(b->where);
        }
        s.wants.pop_front();
        --s.unanswered;
        for (const auto& where : slots) ship(server, s, where);
        return;
    }
    message m;
    if (!s.ranges.empty()) {
        m.what = message::kind::listing;
        m.origin = s.ranges.front()[0];
        m.low = s.ranges.front()[1];
        m.high = s.ranges.front()[2];
        s.ranges.pop_front();
        m.at = server.seen();
        for (const auto& [where, blocks] : server.chains) {
            for (const auto& b : blocks) {
                if (b.removal || b.id.origin != m.origin || b.id.counter <= m.low || b.id.counter > m.high)
                    continue;
                if (b.residue() && broken_ == mutation::residue_unlisted) continue;
                m.listed[b.id] = {b.hash(), where.what == type::counter};
            }
        }
        ++s.unanswered;
        s.sent.push_back(m);
        return;
    }
    if (s.unanswered != 0) return;
    const int first = below(origins_max);
    for (int i = 0; i < origins_max; ++i) {
        const block* next = nullptr;
        const int o = (first + i) % origins_max;
        for (const auto& [where, blocks] : server.chains) {
            for (const auto& b : blocks) {
                if (b.id.origin != o || b.id.counter <= s.walked[o]) continue;
                if (next == nullptr || b.id < next->id) next = &b;
            }
        }
        if (next == nullptr) continue;
        s.walked[o] = next->id.counter;
        return ship(server, s, next->where);
    }
    m.what = message::kind::commit;
    m.at = server.cut();
    m.floor = server.floor;
    m.archive = server.archive();
    m.closed = server.closed;
    if (broken_ != mutation::fence_untold) m.fences = server.fences;
    m.rows = s.how != plan::log || m.archive != s.pull_archive;
    m.truth = server.seen();
    s.open = false;
    s.sent.push_back(m);
}

// ---------------------------------------------------------------- receiving

void world::compare(const node& x, session& s, const message& m) {
    const auto inside = [&](const block& b) {
        if (b.removal || (b.residue() && broken_ == mutation::residue_unlisted)) return false;
        return b.id.origin == m.origin && b.id.counter > m.low && b.id.counter <= m.high;
    };
    const bool by_commit = broken_ == mutation::commit_cut_absence;
    std::map<dot, std::uint64_t> own;
    for (auto& item : s.staged) {
        auto& each = item.second;
        std::erase_if(each.entries, [&](const auto& entry) {
            const auto& b = entry.first;
            if (!inside(b) || entry.second || broken_ == mutation::unconfirmed_cache) return false;
            const auto found = m.listed.find(b.id);
            if (found == m.listed.end()) return covers(m.at, b.id);
            return each.cached && found->second.first != b.hash() && broken_ != mutation::cache_keeps_base;
        });
        for (const auto& [b, reference] : each.entries) {
            if (inside(b) && !reference) own[b.id] = b.hash();
        }
    }
    for (const auto& [where, blocks] : x.chains) {
        for (const auto& b : blocks) {
            if (!inside(b)) continue;
            own[b.id] = b.hash();
            if (!m.listed.contains(b.id) && (covers(m.at, b.id) || by_commit)) s.dead.insert(b.id);
        }
    }
    std::set<dot> wanted;
    const auto seen = x.seen();
    for (const auto& [id, what] : m.listed) {
        const auto mine = own.find(id);
        const bool counter = what.second && broken_ != mutation::counter_seen_unwanted;
        if (mine == own.end() ? !covers(seen, id) || counter : mine->second != what.first) {
            wanted.insert(id);
            if (what.second && mine != own.end()) s.asked.insert(id);
        }
    }
    s.wants.push_back(wanted);
}

void world::receive(node& x) {
    auto& s = *x.inbound;
    if (s.sent.empty()) return;
    const auto m = std::move(s.sent.front());
    s.sent.pop_front();
    if (m.what == message::kind::start) {
        s.started = true;
        s.server_start = m.at;
        s.how = m.how;
        s.rows = m.archive;
    } else if (m.what == message::kind::slot_chain) {
        s.staged[m.where] = {m.entries, false};
    } else if (m.what == message::kind::listing) {
        compare(x, s, m);
    } else {
        const bool done = commit(x, s, m);
        say("commit " + std::to_string(x.self) + " from " + std::to_string(s.server) +
            (done ? "" : " refused"));
        if (done) x.cache.clear();
        x.inbound.reset();
    }
}

void world::abandon(node& x) {
    auto& s = *x.inbound;
    // Removal records and references speak for the server that sent them; records can be asked about.
    if (s.started && (s.how == plan::newcomer || s.with_cache)) {
        for (auto& [where, each] : s.staged) {
            std::erase_if(each.entries,
                          [](const auto& entry) { return entry.second || entry.first.removal; });
        }
        std::erase_if(s.staged, [](const auto& each) { return each.second.entries.empty(); });
        x.cache = s.staged;
    }
    x.inbound.reset();
}

bool world::commit(node& x, session& s, const message& m) {
    const auto mine = x.seen();
    auto rows = m.rows ? m.archive : s.pull_archive;
    if (broken_ == mutation::archive_rows_of_start) rows = s.rows;
    if (broken_ == mutation::archive_rows_ignored) rows = s.pull_archive;
    auto theirs = join(m.at, rows);
    for (const auto& [where, each] : s.staged) {
        if (where.what != type::archive || each.cached || broken_ != mutation::archive_rows_of_start)
            continue;
        for (const auto& [b, reference] : each.entries)
            theirs[where.key] = std::max(theirs[where.key], b.value);
    }
    // A record whose removal record was dropped since the session began cannot have come with the walk.
    const auto known = s.how == plan::log ? s.pulled : join(s.pulled, s.server_start);
    if (s.too_late && broken_ != mutation::line_unasked) return false;
    const bool unchecked = broken_ == mutation::skip_commit_check || broken_ == mutation::ignore_sessions;
    const bool exempt = s.how != plan::log && broken_ == mutation::commit_check_log_only;
    if (!covers(known, m.floor) && !exempt && !unchecked) return false;
    if (broken_ == mutation::none && theirs != m.truth)
        fail("the receiver misjudges what its server has seen");

    for (auto& [where, each] : s.staged) {
        if (broken_ == mutation::cache_above_commit) break;
        std::erase_if(each.entries, [&](const auto& entry) { return !covers(theirs, entry.first.id); });
    }
    if (broken_ == mutation::cache_speaks_for_slot) {
        for (auto& [where, each] : s.staged) each.cached = false;
    }
    const auto drop_dead = [&] {
        for (auto& [where, blocks] : x.chains) {
            const bool absent = s.how == plan::newcomer && !s.staged.contains(where) &&
                                broken_ != mutation::newcomer_shipped_only;
            std::erase_if(blocks, [&](const block& b) {
                return !b.removal && covers(theirs, b.id) && (absent || s.dead.contains(b.id));
            });
        }
    };
    if (broken_ == mutation::dead_mark_forgets_base) drop_dead();
    x.fences.insert(m.fences.begin(), m.fences.end());
    for (const auto& [where, each] : s.staged) {
        for (const auto& [b, reference] : each.entries) {
            if (where.what == type::archive && !each.cached && !reference) x.fence_off(b);
        }
    }
    for (const auto& [where, each] : s.staged) fold_slot(x, where, each, mine, theirs);
    drop_dead();
    for (auto& [where, blocks] : x.chains) {
        if (s.how == plan::log || s.staged.contains(where)) continue;
        std::erase_if(blocks, [&](const block& b) {
            const bool gone = lines_ && s.asked.contains(b.id) && covers(theirs, b.id);
            return (gone && broken_ != mutation::line_gone_meanwhile) || ends_unlisted(x, b, theirs);
        });
    }
    for (const auto& [where, each] : s.staged) {
        if (where.what != type::scope) continue;
        for (const auto& [b, reference] : each.entries) {
            if (!reference && !covers(mine, b.id)) x.kill_scope(where.key, b.context);
        }
    }
    for (const auto& [where, each] : s.staged) {
        if (where.what != type::archive || each.cached) continue;
        for (const auto& [b, reference] : each.entries) {
            x.archive_to(where.key, b.value);
            if (b.closed) x.closed[where.key] = b.value;
        }
    }
    std::erase_if(x.chains, [](const auto& each) { return each.second.empty(); });
    for (int o = 0; o < origins_max; ++o) x.archive_to(o, rows[o]);
    if (broken_ != mutation::closed_rows_ignored) x.closed = join(x.closed, m.closed);
    x.counter = join(x.counter, m.at);
    if (s.how != plan::log && broken_ != mutation::newcomer_floor_unjoined) x.floor = join(x.floor, m.floor);
    // A comparison brings no removal records except those of its tail.
    if (s.how == plan::ranges && broken_ != mutation::ranges_floor_of_server) {
        x.floor = join(x.floor, s.server_start);
    }
    x.end_lines(broken_);
    return true;
}

// A listing may have shown that the server holds this line, by a share that now goes: the server is asked for
// it, so that its slot is staged.
void world::ask_for_line(node& x, const event& e) const {
    if (!x.inbound || x.inbound->how != plan::ranges || broken_ == mutation::line_unasked) return;
    const auto found = x.chains.find(e.what.where);
    if (!e.what.share() || found == x.chains.end()) return;
    auto& s = *x.inbound;
    for (const auto& b : found->second) {
        if (!b.share() || b.id.origin != e.what.id.origin || s.dead.contains(b.id)) continue;
        s.too_late = s.too_late || !s.open;
        s.wants.push_back({b.id});
        ++s.unanswered;
    }
}

// A share that the server has not seen, of a closed line that it has seen begin and does not hold.
bool world::ends_unlisted(const node& x, const block& b, const vec& theirs) const {
    if (!b.share() || covers(theirs, b.id) || broken_ == mutation::line_kept) return false;
    if (broken_ == mutation::line_by_word) return true;
    return x.is_closed(b) && covers(theirs, dot{b.id.origin, b.birth});
}

void world::fold_slot(node& x, const slot& where, const staged_slot& staged, const vec& mine,
                      const vec& theirs) {
    auto& blocks = x.chains[where];
    const auto lists_line = [&](const block& b) {
        return std::any_of(staged.entries.begin(), staged.entries.end(), [&](const auto& entry) {
            const auto& other = entry.first;
            return other.share() && other.id.origin == b.id.origin && other.birth == b.birth;
        });
    };
    const auto newer = [&](const block& b) { // the same origin has written the slot again
        return std::any_of(staged.entries.begin(), staged.entries.end(), [&](const auto& entry) {
            return entry.first.id.origin == b.id.origin && entry.first.id.counter > b.id.counter;
        });
    };
    const auto shipped = [&](const block& b) {
        return std::any_of(staged.entries.begin(), staged.entries.end(),
                           [&](const auto& entry) { return entry.first.id == b.id; });
    };
    chain taken_over;
    for (const auto& [b, reference] : staged.entries) {
        if (reference) continue;
        auto made = b;
        bool met = false;
        if (where.what == type::counter && !b.removal) {
            for (auto& own : blocks) {
                if (own.removal || own.id.origin != b.id.origin) continue;
                // A tie belongs to the newer record: after a restart its total counts from its own base.
                const bool ours = own.id.counter >= made.id.counter;
                auto& high = ours ? own : made;
                const auto& low = ours ? made : own;
                if (low.base_counter > high.base_counter ||
                    (low.base_counter == high.base_counter && broken_ == mutation::base_tie_to_older)) {
                    high.base_counter = low.base_counter;
                    high.base_sum = low.base_sum;
                    high.residue_at.reset();
                }
                met = met || ours;
            }
        }
        const bool ended =
            b.share() && x.is_closed(b) && covers(mine, dot{b.id.origin, b.birth}) && !x.has_line(where, b);
        if (ended && broken_ != mutation::line_returns) continue;
        if (!met && !covers(mine, b.id)) taken_over.push_back(made);
    }
    std::erase_if(blocks, [&](const block& b) {
        if (newer(b)) return true;
        if (!lists_line(b) && ends_unlisted(x, b, theirs)) return true;
        const bool judged = !b.removal || broken_ == mutation::removals_with_server;
        return judged && !staged.cached && covers(theirs, b.id) && !shipped(b);
    });
    blocks.insert(blocks.end(), taken_over.begin(), taken_over.end());
    if (where.what == type::counter) settle(blocks);
}

} // namespace model
