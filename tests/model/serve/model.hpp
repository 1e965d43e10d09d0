// The rules by which members run keys, as an abstract machine: claims in a causal store, views by heartbeats,
// confirmation, runs, placement. A world of a few members takes random steps in virtual time from one seed;
// checks compare what runs with what was promised. One caller; no clock; no randomness except the seed.
#pragma once

#include "rules.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace serving {

inline constexpr int members_max = 24, keys_max = 12;
// Milliseconds of virtual time.
inline constexpr int heartbeat = 100, suspect_after = 400, crashed_after = 1000, closed_after = 120;
inline constexpr int confirm_within = 1200, back_off = 1000, rank_wait = 1500, unknown_for = 1500;
inline constexpr int stop_within = 900, vote_wait = suspect_after + stop_within;
inline constexpr int attempts_max = 3, soon = 400, starts_max = 2, settle_after = 800, moves_max = 2;
inline constexpr int never = -1'000'000;

using mask = std::uint32_t; // a set of members
using cut = std::array<int, members_max>;
constexpr mask bit(int member) { return mask{1} << member; }
constexpr bool has(mask set, int member) { return (set >> member & 1) != 0; }

struct dot {
    int who = 0, no = 0;
    auto operator<=>(const dot&) const = default;
};
bool covers(const cut& a, const cut& b);
void join(cut& a, const cut& b);

struct record {
    dot id;
    std::int64_t epoch = 0, stamp = 0;
    int value = 0;
    int tries = 0;                                   // starts since the last checkpoint
    int to = -1;                                     // a release in favour of this member
    std::pair<std::int64_t, std::int64_t> version{}; // epoch and stamp with which the value was written
    bool operator<(const record& o) const {
        return std::tie(epoch, stamp, id) < std::tie(o.epoch, o.stamp, o.id);
    }
};
constexpr bool is_claim(std::int64_t epoch) { return epoch % 2 != 0; }

struct event {
    int key = 0;
    std::optional<record> put;
    std::vector<dot> kills;
    cut needs{};
    std::int64_t stamp = 0;
    bool failed = false; // a start that was refused
};

struct snapshot { // a session in place of the log
    std::array<std::vector<record>, keys_max> records;
    cut seen{};
    std::int64_t clock = 0;
};

struct message {
    enum class kind {
        hello,
        delta,
        pull,
        state,
        ask,
        ack,
        left,
        lease_ask,
        lease_ack,
        want
    } what = kind::hello;
    message() = default;
    explicit message(kind of)
        : what(of) {}
    cut at{}, needs{};
    std::array<int, members_max> heard{};
    mask view = 0, missing = 0, dead = 0;
    bool votes = true, answer = false, sees = false, leaving = false, accepts = false, below = false;
    int key = 0, question = 0, since = 0, owner = -1;
    std::int64_t epoch = 0;
    dot id{};
    std::shared_ptr<const snapshot> whole;
};

enum class state { none, contact, up, suspect, leaving, crashed, left };
struct peer { // what one member believes of another
    state is = state::none;
    bool greeted = false, sees = false, synced = false, proven = false, back = false, accepts = false;
    bool votes = true;
    bool joined = false;
    int heard = 0, made = 0, closed = -1, pull_at = 0, final = 0, left_at = 0;
    cut seen{}, at_join{}, answer{};
    mask view = 0, missing = 0;
    std::array<mask, keys_max> held{}; // the members that its answer does not speak for
    std::array<int, members_max> heard_of{};
    std::array<int, keys_max> answered{};
    int lease = never; // when the question about the lease was asked that it answered
};
constexpr bool in_view(state s) { return s == state::up || s == state::suspect || s == state::leaving; }

struct claim {
    dot id;
    std::int64_t epoch = 0, over = 0; // over: the epoch of the record that it took over
    int question = 0, at = 0, owner = -1;
    std::vector<record> shown;
    std::optional<record> own; // the claimant's own value, which the claim replaced
    mask asked = 0;
    int tries = 0;
};

struct run {
    enum class phase { running, stopping, losing, over } now = phase::running;
    int no = 0, question = 0, value = 0, at = 0;
    std::int64_t epoch = 0;
    dot claim;
    std::set<dot> shown, on_the_way; // values that the handler knows, or is about to hear of
    bool ready = false, slept = false;
    int tries = 0;
};

struct key_state {
    std::vector<record> records;
    std::optional<claim> claimed;
    std::shared_ptr<serving::run> running;
    int free_since = -1, back_until = 0, question = 0, question_of = -1, tries = 0;
    int backs_off = back_off;
    std::array<bool, members_max> claims{}; // the last write of this member that was seen here claims the key
};

class world;

struct final_value {
    int key = 0, value = 0, since = 0;
    dot id;
};

struct member {
    member(world& in, int self, int name);

    // store.cpp
    [[nodiscard]] bool covers(const cut& c) const { return serving::covers(seen, c); }
    [[nodiscard]] const record* read(int key) const;
    std::int64_t tick_clock();
    dot write(int key, std::optional<record> put, std::vector<dot> kills, bool failed = false);
    void effect(dot id);
    void apply(dot id);
    void drain_buffer();
    void merge(const snapshot& from);
    [[nodiscard]] std::vector<dot> dots(int key) const;

    // membership.cpp
    [[nodiscard]] mask members() const;
    [[nodiscard]] mask inview() const;
    bool gone(int who);
    [[nodiscard]] mask missing() const;
    [[nodiscard]] mask known_dead() const;
    mask heirs();
    void inherit(int who);
    bool tentative(int key);
    message hello(bool answer, int to);
    bool is_synced();
    bool accepts();
    void meet(int who);
    void get(int from, const message& m);
    void greet(int from, const message& m);
    void pull(int from);
    void judge();
    void tick();

    // claiming.cpp
    void step();
    void step(int key);
    bool lingers(int key);
    void answer();
    mask not_excluded(int asker, int key, int owner);
    [[nodiscard]] bool votes() const;
    [[nodiscard]] bool is_resolved(mask held, int key, int question) const;
    void ask(int key);
    bool owner_is_gone(int key, const record& r);
    bool has_asked(int key, const record& r);
    void make_claim(int key);
    bool confirmed(int key);
    void give_up(int key);
    void put_back(int key, const record& own);
    void drop_claim(int key);

    // running.cpp
    void start(int key);
    void work(int key, const std::shared_ptr<run>& r);
    [[nodiscard]] bool k_running(int key, const std::shared_ptr<run>& r) const;
    void told(int key, const std::shared_ptr<run>& r);
    void commit(int key);
    void refuse(int key, const std::shared_ptr<run>& r);
    void stop(int key, std::function<void()> then, int to = -1);
    void ended(int key, const std::shared_ptr<run>& r);
    void awake(const std::function<void()>& call);
    void stash(int key);
    void leave();
    [[nodiscard]] int lease_until() const;
    void check_lease();

    // placement.cpp
    [[nodiscard]] std::vector<int> order(int key);
    [[nodiscard]] int count(int who) const;
    [[nodiscard]] double fair(int who);
    [[nodiscard]] int share_above(int who);
    [[nodiscard]] int cap(int who);
    bool in_charge(int key);
    bool may_take(int who, bool from_above_cap);
    void rebalance();
    void wanted(int by, int key);
    [[nodiscard]] int route(int key);

    world& w;
    int self, name;
    bool alive = true, suspended = false, left = false, leaving = false, draining = false, drained = false;
    bool met = false, full = false, safe = false;
    std::array<peer, members_max> p{};
    cut seen{};
    std::array<key_state, keys_max> keys;
    std::set<dot> buffer;
    std::int64_t clock = 0;
    int skew = 0, born = 0, sealed_at = 0, beats = 0, question = 0, quiet_since = 0, last_want = 0;
    int weight = 1;
    std::array<int, members_max> granted{}; // when a question about a lease was answered
    mask inherited = 0, dead = 0;
    std::array<int, members_max> unknown_since{};
    std::map<std::pair<int, int>, message> asked; // (asker, key)
    std::vector<std::pair<int, message>> inbox;
    std::vector<final_value> finals;
};

struct fault {
    std::string promise, what;
    int at = 0;
};

class world {
  public:
    world(std::uint64_t seed, kind of, mutation broken, bool trace);
    void go();

    // The scheduler, world.cpp
    int below(int n);
    bool chance(int percent) { return below(100) < percent; }
    int between(int a, int b) { return a + below(b - a + 1); }
    void at(int delay, std::function<void()> f);
    void send(int from, int to, message m, bool lossy);
    int join(int name = -1);
    void crash(member& m);
    void suspend(member& m, int how_long);
    void spill(const member& m);
    void seek(int who);
    void beat(int who);
    void inject();
    void cut_links(const std::string& how);
    std::vector<member*> live();
    bool is(mutation m) const { return broken == m; }
    void say(const std::string& line) const;

    // checks.cpp
    int value(std::vector<int> parents, bool outside = false);
    bool descends(int value, int from) const;
    void bad(const std::string& promise, const std::string& what);
    void check_runs();
    void check_start(member& m, int key, const run& r);
    void check_dead_stashes(int key, const event& e, const member& by);
    void acknowledged();
    void check_routes();
    void check_end();
    void describe(member& m);
    void moved(int key);
    void begin_move();
    void end_move();
    std::vector<int> owners();

    struct promise { // what the next run has to begin with
        bool of_leave = false;
        int key = 0, value = 0, since = 0; // since: when the run that wrote it began
        dot id;
    };
    struct commitment {
        int who = 0, key = 0, value = 0, since = 0;
        dot id;
    };

    std::uint64_t random;
    kind of;
    mutation broken;
    bool trace;
    int now = 0, keys = 1, mesh_size = 0, alive_most = 5;
    bool discovers = true, pause = false, snapshots = false, by_hash = false;
    std::vector<std::unique_ptr<member>> all;
    std::array<std::vector<event>, members_max> log;
    std::set<std::pair<int, int>> cuts;
    std::array<std::array<int, 32>, keys_max> score{};
    std::vector<std::vector<int>> parents;
    std::vector<bool> outside; // a value of a stash beside the claims
    std::map<dot, std::pair<int, int>> stashes;
    std::set<dot> read_by_runs;
    std::array<std::set<int>, keys_max> shown; // values that runs began with, or were shown
    std::array<int, keys_max> tentative_at{};  // when a run of the key was tentative last
    std::array<std::vector<std::pair<dot, std::int64_t>>, keys_max> started{}; // claims and their epochs
    std::array<int, keys_max> root{}; // the value with which the key was created last
    std::vector<promise> promises;
    std::vector<commitment> commits;
    std::set<std::pair<std::string, std::pair<int, int>>> reported;
    std::vector<fault> faults;
    std::map<std::string, int> counts;
    std::map<int, cut> spilled; // by name
    int runs = 0, poison = -1, poisoned = 0, last_false_death = never, last_fault = 0;
    bool poison_kills = false;
    int last_move = 0, first_vote = 0;

  private:
    struct entry {
        int at;
        std::int64_t no;
        std::shared_ptr<std::function<void()>> f;
        bool operator>(const entry& o) const { return std::tie(at, no) > std::tie(o.at, o.no); }
    };
    std::priority_queue<entry, std::vector<entry>, std::greater<>> queue_;
    std::int64_t order_ = 0;
    std::map<std::pair<std::pair<int, int>, bool>, int> fifo_;
    int loss_, base_, spike_, spike_ms_, pace_;
    std::vector<int> before_;
    int joined_ = -1, leaver_ = -1;
    bool restarted_ = false;
};

} // namespace serving
