// Small scope, exhaustively: three stores, a handful of slots, at most six events, and every order of
// writing, delivering, whole sessions (by walk or by ranges, as the floor demands) and forgetting, up to a
// number of steps. Breadth first; a state that was met before is not gone through again. A store's part of a
// state is interned: its content and the events it has seen; each such part is compared with the oracle once.
//
// A store cannot be copied, so the test records what happened to it and replays that on a fresh one.
#include "history.hpp"
#include "support/catch.hpp"

#include <array>
#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>

using namespace baton;
using namespace baton::crdt;
using namespace baton::test;

namespace {

constexpr std::size_t stores = 3;
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t fewer_steps = 2; // thirty times slower: what the sanitizer looks for is seen in fewer
#else
constexpr std::size_t fewer_steps = 0;
#endif

struct scope {
    const char* name;
    std::vector<slot_key> slots;     ///< written and removed one by one
    std::vector<std::string> wholes; ///< keys that are removed as a whole
    std::size_t events_max, steps_max;
};

class explorer {
  public:
    explicit explorer(scope limits)
        : limits_(std::move(limits)) {}

    void run() {
        std::vector<state> level{{{begin(0), begin(1), begin(2)}}};
        met_.insert(packed(level[0]));
        for (std::size_t step = 0; step + fewer_steps < limits_.steps_max && wrong_.empty(); ++step) {
            std::vector<state> next;
            for (const auto& each : level) {
                expand(each, next);
                if (!wrong_.empty()) return;
            }
            level = std::move(next);
        }
    }
    [[nodiscard]] std::size_t states() const { return met_.size(); }
    [[nodiscard]] std::size_t parts() const { return parts_.size(); }
    [[nodiscard]] std::size_t moves() const { return moves_; }
    [[nodiscard]] const std::string& wrong() const { return wrong_; }

  private:
    using tale = std::function<void(store&)>;
    struct story { ///< shared by all that went on from here
        std::shared_ptr<const story> before;
        tale last;
    };
    struct part {
        std::size_t self = 0;
        std::shared_ptr<const story> told;
        std::vector<std::size_t> seen; ///< events, sorted
        cut at;
        std::uint64_t residues = 0; ///< bit of each replica that left some of a removed counter here
    };
    using state = std::array<std::size_t, stores>;

    static std::uint64_t packed(const state& s) { return s[0] << 42 | s[1] << 21 | s[2]; }

    [[nodiscard]] std::unique_ptr<store> build(const part& p) const {
        auto made = std::make_unique<store>(replica(p.self), 7 + p.self);
        std::vector<const story*> all;
        for (const auto* s = p.told.get(); s != nullptr; s = s->before.get()) all.push_back(s);
        for (auto at = all.rbegin(); at != all.rend(); ++at) (*at)->last(*made);
        return made;
    }
    std::size_t begin(std::size_t self) {
        part p;
        p.self = self;
        return intern(std::move(p));
    }

    /// The number of this part; compared with the oracle when it is new.
    std::size_t intern(part p) {
        const auto made = build(p);
        auto& s = *made;
        history past;
        for (const auto each : p.seen) past.note(events_[each]);
        p.at = joined(s.seen(), s.archived());
        std::string content = std::to_string(p.self);
        for (const auto each : p.seen) content += ' ' + std::to_string(each);
        std::vector<staged_view> chain;
        for (const auto& slot : past.slots(true)) {
            s.chain_of(slot.name(), chain);
            std::set<std::string> blocks;
            for (const auto& b : chain)
                blocks.insert(b.id.to_string() + std::to_string(static_cast<int>(b.what)) +
                              std::string(b.value));
            content += '|';
            for (const auto& b : blocks) content += b + ',';
        }
        const auto floor = s.floor();
        for (const auto& id : floor.entries()) content += id.to_string();
        for (std::size_t r = 0; r < stores; ++r) p.residues |= s.residues_of(replica(r)) != 0 ? 1U << r : 0U;
        content += std::to_string(p.residues);
        const auto [at, fresh] = numbers_.emplace(std::move(content), parts_.size());
        if (fresh) {
            compare(s, past, p);
            parts_.push_back(std::move(p));
        }
        return at->second;
    }
    void compare(store& s, const history& past, const part& p) {
        std::vector<record_view> found;
        const auto expected = readings(past.live(p.at));
        digest sum;
        for (const auto& slot : past.slots()) {
            slot_reading got;
            s.siblings(slot.name(), found);
            for (const auto& each : found) {
                got.siblings.emplace(each.id,
                                     slot.type == value_type::counter ? std::string_view{} : each.value);
                sum += hash_record({each.id.replica, each.id.counter, each.stamp.raw, each.epoch,
                                    static_cast<std::uint8_t>(each.type)},
                                   slot.key, slot.element, each.value);
            }
            if (slot.type == value_type::counter) got.count = s.count(slot.key);
            const auto at = expected.find(slot);
            if (got != (at == expected.end() ? slot_reading{} : at->second))
                wrong_ = "slot " + slot.key + slot.element + " of " + tell(p);
        }
        if (sum != *s.state_digest()) wrong_ = "digest of " + tell(p);
        const auto [known, fresh] = digests_.emplace(p.seen, sum);
        if (known->second != sum) wrong_ = "digest for an equal cut of " + tell(p);
    }
    [[nodiscard]] std::string tell(const part& p) const {
        std::string text = "store " + std::to_string(p.self) + " that has seen";
        for (const auto each : p.seen) {
            const auto& e = events_[each];
            text += ' ' + e.id.to_string() + (e.removal ? "-" : "+") + e.slot.key + e.slot.element;
        }
        return text;
    }

    /// The outcome of one step on a part; equal outcomes are remembered as one.
    std::size_t after(std::size_t from, std::string_view what, const std::function<std::size_t()>& make) {
        auto name = std::to_string(from) + ':';
        name += what;
        if (const auto known = moved_.find(name); known != moved_.end()) return known->second;
        const auto to = make();
        return moved_.emplace(std::move(name), to).first->second;
    }
    std::size_t go_on(std::size_t from, std::vector<std::size_t> seen, tale last) {
        part next;
        next.self = parts_[from].self;
        next.seen = std::move(seen);
        next.told = std::make_shared<const story>(story{parts_[from].told, std::move(last)});
        return intern(std::move(next));
    }

    std::size_t write(std::size_t from,
                      const std::function<std::optional<written>(store&, write_buffers&)>& how) {
        const auto s = build(parts_[from]);
        write_buffers buffers;
        const auto what = how(*s, buffers);
        if (!what) return from;
        const auto& e = what->event;
        known_event known{what->id,
                          e.slot,
                          e.removal,
                          std::string(e.value),
                          {e.kills.begin(), e.kills.end()},
                          e.stamp,
                          !e.removal && e.slot.type == value_type::counter ? 1 : 0,
                          parts_[from].at};
        auto at = std::find(events_.begin(), events_.end(), known);
        if (at == events_.end()) at = events_.insert(at, std::move(known));
        auto seen = parts_[from].seen;
        seen.push_back(static_cast<std::size_t>(at - events_.begin()));
        std::sort(seen.begin(), seen.end());
        return go_on(from, std::move(seen), [how](store& again) {
            write_buffers once;
            (void)how(again, once);
        });
    }
    std::size_t deliver(std::size_t to, std::size_t event) {
        auto seen = parts_[to].seen;
        seen.insert(std::upper_bound(seen.begin(), seen.end(), event), event);
        return go_on(to, std::move(seen), [e = events_[event]](store& s) { (void)s.apply(e.id, e.view()); });
    }

    /// What a session brings, recorded for replay.
    struct parcel {
        std::vector<std::pair<slot_key, std::vector<std::pair<staged_view, std::string>>>> chains;
        std::vector<dot> dead;
        cut claimed, floor, there;
        bool newcomer = false, ranges = false;
    };
    std::size_t session(std::size_t to, std::size_t from) {
        const auto server = build(parts_[from]), receiver = build(parts_[to]);
        parcel p;
        p.newcomer = server->is_disjoint(parts_[to].at);
        p.ranges = !server->may_walk(parts_[to].at);
        p.claimed = parts_[from].at;
        p.floor = server->floor();
        std::vector<dot> wanted;
        auto walk = server->walk_from(p.ranges ? p.claimed : parts_[to].at);
        auto enough = std::size_t(-1);
        if (p.ranges) p.there = p.claimed;
        for (const auto& id : p.there.entries()) {
            std::map<std::uint64_t, held_dot> mine;
            for (dot_range range{id.replica, 0, id.counter}; range.after < range.last;) {
                if (const auto found = receiver->next_held(range, enough, true))
                    mine.emplace(found->counter, *found);
            }
            for (dot_range range{id.replica, 0, id.counter}; range.after < range.last;) {
                const auto theirs = server->next_held(range, enough, false);
                if (!theirs) break;
                const dot one{id.replica, theirs->counter};
                const auto at = mine.find(one.counter);
                if (at == mine.end() ? theirs->counts || !receiver->has_seen(one)
                                     : at->second.hash != theirs->hash)
                    wanted.push_back(one);
                if (at != mine.end()) mine.erase(at);
            }
            for (const auto& [counter, unlisted] : mine) p.dead.push_back({id.replica, counter});
        }
        while (const auto id = server->next(walk, enough)) wanted.push_back(*id);
        std::vector<staged_view> chain;
        for (const auto& id : wanted) {
            const slot_key slot = server->chain_at(id, chain);
            p.chains.push_back({slot, {}});
            for (auto& b : chain) {
                const bool refers = !p.ranges && slot.type != value_type::counter && parts_[to].at.has(b.id);
                if (refers) b.what = block::kind::reference;
                p.chains.back().second.emplace_back(b, refers ? std::string{} : std::string(b.value));
            }
        }
        std::vector<std::size_t> seen;
        std::set_union(parts_[from].seen.begin(), parts_[from].seen.end(), parts_[to].seen.begin(),
                       parts_[to].seen.end(), std::back_inserter(seen));
        return go_on(to, std::move(seen), [p = std::move(p)](store& s) {
            for (const auto& id : p.dead) s.stage_dead(id);
            std::vector<staged_view> blocks;
            for (const auto& [slot, entries] : p.chains) {
                blocks.clear();
                for (const auto& [what, value] : entries) {
                    blocks.push_back(what);
                    blocks.back().value = value;
                }
                (void)s.stage(slot.name(), blocks);
            }
            s.commit(p.claimed);
            while (s.fold(100)) {
            }
            if (p.ranges || p.newcomer) s.raise_floor(p.floor);
            if (p.ranges) s.raise_floor(p.there);
        });
    }

    void expand(const state& from, std::vector<state>& next) {
        const auto step = [&](std::size_t which, std::size_t to) {
            ++moves_;
            if (to == from[which]) return;
            auto made = from;
            made[which] = to;
            if (met_.insert(packed(made)).second) next.push_back(made);
        };
        const auto part_of = [&](std::size_t i) -> const part& { return parts_[from[i]]; };
        std::size_t written_so_far = 0;
        for (std::size_t i = 0; i < stores; ++i) written_so_far += part_of(i).at.of(replica(i));
        for (std::size_t i = 0; i < stores; ++i) {
            // The first event is the first store's: the others are the same by renaming.
            if (written_so_far < limits_.events_max && (written_so_far != 0 || i == 0))
                write_any(from, i, step);
            for (std::size_t j = 0; j < stores; ++j) {
                if (i == j) continue;
                for (const auto each : part_of(j).seen) {
                    const auto& e = events_[each];
                    if (e.id.counter != part_of(i).at.of(e.id.replica) + 1 ||
                        !part_of(i).at.covers(e.context))
                        continue;
                    step(i,
                         after(from[i], "e" + std::to_string(each), [&] { return deliver(from[i], each); }));
                }
                if (!part_of(i).at.covers(part_of(j).at))
                    step(i, after(from[i], "s" + std::to_string(from[j]),
                                  [&] { return session(from[i], from[j]); }));
            }
            forget(from, i, step);
        }
    }
    void write_any(const state& from, std::size_t i,
                   const std::function<void(std::size_t, std::size_t)>& step) {
        const auto one = [&](const std::string& name,
                             const std::function<std::optional<written>(store&, write_buffers&)>& how) {
            step(i, after(from[i], name, [&] { return write(from[i], how); }));
        };
        for (const auto& slot : limits_.slots) {
            const auto name = std::to_string(static_cast<int>(slot.type)) + slot.key + slot.element;
            one("+" + name, [slot](store& s, write_buffers& b) -> std::optional<written> {
                if (slot.type == value_type::counter) return s.add(slot.key, 1, timestamp{1}, b);
                const bool valued = slot.type == value_type::reg || slot.type == value_type::map;
                return s.put(slot.name(), valued ? "v" : "", timestamp{1}, b);
            });
            one("-" + name,
                [slot](store& s, write_buffers& b) { return s.remove(slot.name(), timestamp{1}, b); });
        }
        for (const auto& key : limits_.wholes)
            one("w" + key,
                [key](store& s, write_buffers& b) { return s.remove_scope(key, timestamp{1}, b); });
    }
    /// Removal records that the others have seen, or all but one that is not waited for; residues whose
    /// writer has seen all that is seen here, and of whose events all are.
    void forget(const state& from, std::size_t i, const std::function<void(std::size_t, std::size_t)>& step) {
        const auto& own = parts_[from[i]].at;
        for (std::size_t left_behind = 0; left_behind <= stores; ++left_behind) {
            if (left_behind == i) continue; // the number of stores means: none
            cut stable;
            std::string name = "c";
            for (const auto& id : own.entries()) {
                auto least = id.counter;
                for (std::size_t j = 0; j < stores; ++j) {
                    if (j != i && j != left_behind)
                        least = std::min(least, parts_[from[j]].at.of(id.replica));
                }
                if (least != 0) stable.push_back({id.replica, least});
                name += std::to_string(least) + ',';
            }
            step(i, after(from[i], name, [&] {
                     return go_on(from[i], parts_[from[i]].seen,
                                  [stable](store& s) { (void)s.collect(stable, 100); });
                 }));
        }
        for (std::size_t j = 0; j < stores; ++j) {
            const auto& theirs = parts_[from[j]].at;
            const bool settled = theirs.covers(own) && own.of(replica(j)) >= theirs.of(replica(j));
            if ((parts_[from[i]].residues >> j & 1) == 0 || !settled) continue;
            step(i, after(from[i], "r" + std::to_string(j), [&] {
                     return go_on(from[i], parts_[from[i]].seen, [j](store& s) {
                         s.forget_residues(replica(j), s.residues_of(replica(j)));
                     });
                 }));
        }
    }

    scope limits_;
    std::deque<known_event> events_; // a deque: its elements do not move
    std::deque<part> parts_;
    std::unordered_map<std::string, std::size_t> numbers_, moved_;
    std::unordered_set<std::uint64_t> met_;
    std::map<std::vector<std::size_t>, digest> digests_;
    std::size_t moves_ = 0;
    std::string wrong_;
};

void explore(const scope& limits) {
    explorer e(limits);
    e.run();
    std::printf("%s: %zu states, %zu of single stores, %zu moves\n", limits.name, e.states(), e.parts(),
                e.moves());
    REQUIRE(e.wrong() == "");
    REQUIRE(e.states() > 1000);
}

slot_key reg(const char* key) { return {value_type::reg, key}; }

} // namespace

TEST_CASE("small scope: two registers of three stores, in every order", "[.small_scope][crdt][law]") {
    explore({"two registers", {reg("a"), reg("b")}, {}, 6, 7});
}

TEST_CASE("small scope: one register of three stores, longer", "[.small_scope][crdt][law]") {
    explore({"one register", {reg("a")}, {}, 6, 8});
}

TEST_CASE("small scope: a counter of three stores, in every order", "[.small_scope][crdt][law]") {
    explore({"one counter", {{value_type::counter, "c"}}, {}, 6, 8});
}

TEST_CASE("small scope: a set of three stores and its removal as a whole", "[.small_scope][crdt][law]") {
    explore({"one set", {{value_type::set, "s", "x"}, {value_type::set, "s", "y"}}, {"s"}, 6, 6});
}
