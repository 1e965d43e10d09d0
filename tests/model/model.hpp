// The replication rules as an abstract machine: maps and small vectors in place of wire, mesh and store. A
// world of a few nodes takes random steps from one seed. After each step an oracle, which keeps every event,
// computes what must be visible. One caller; no clock; no randomness except the seed.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace model {

inline constexpr int origins_max = 12;
inline constexpr int unbounded = 1 << 30;
using vec = std::array<int, origins_max>; // a counter for each origin; 0 is none

struct dot {
    int origin = 0;
    int counter = 0;
    auto operator<=>(const dot&) const = default;
};

inline bool covers(const vec& a, dot d) { return a[d.origin] >= d.counter; }
bool covers(const vec& a, const vec& b);
vec join(vec a, const vec& b);
vec meet(vec a, const vec& b);

// Each mutation breaks one rule.
enum class mutation {
    none,
    drop_unstable, // a removal record goes before every member has told a cut that covers it, floor unchanged
    ignore_sessions,         // … or while an open session needs it, and COMMIT does not notice
    skip_i8,                 // the log serves receivers below the floor
    skip_commit_check,       // COMMIT does not look at the floor again
    commit_cut_absence,      // an unlisted record is judged by the cut of COMMIT, not of its listing
    unconfirmed_cache,       // failover keeps staged records that the next server does not list
    archive_unstable,        // archiving does not wait for the members: no fault, see README.md
    archive_server_alone,    // the server takes what it has archived as seen by the receiver
    archive_rows_ignored,    // the receiver does not join the server's archive
    archive_rewrites,        // the archiver writes the origin's records again under its own dots
    residue_at_once,         // a counter's residue goes as soon as it is one
    residue_told_only,       // … or before all that its origin told is seen
    residue_while_compared,  // … or while somebody compares, who may have been told of it
    residue_unlisted,        // fingerprints leave residues out
    restart_without_base,    // a counter starts again from zero and does not say so
    line_returns,            // a share of a closed line that is not here any more is taken
    line_gone_meanwhile,     // a share stays that was asked for and has gone at the server
    line_unasked,            // what takes the place of a share that was compared is not asked for
    line_kept,               // a share is kept of a closed line that the server does not hold
    line_by_word,            // the same, of a line that is not closed, or that the server has not seen
    touched_line_stays,      // closing leaves what is left of a line of which something was removed
    line_half_removed,       // whoever closes an origin does not except lines of which something is left
    shares_folded,           // whoever closes origins takes over what closed ones have counted
    fence_reopened,          // that an origin was closed is forgotten when it goes on
    fence_untold,            // COMMIT does not name where origins have been closed
    counter_references,      // counter records are shipped as references
    counter_seen_unwanted,   // a listed counter record is not asked for because its dot is seen
    newcomer_floor_unjoined, // a receiver without the server's removal records keeps its own floor
    removals_with_server,    // the fold drops removal records that the server has not
    // Rules as first written, which the model refuted.
    newcomer_shipped_only,   // a newcomer's commit looks only at the slots that were shipped
    ranges_late_deltas,      // deltas below the server's start are applied in the middle of a ranges plan
    ranges_floor_of_server,  // after a ranges plan the floor is the server's
    commit_check_log_only,   // newcomers and ranges plans do not look at the floor at COMMIT
    context_without_archive, // the context of a scope removal is the cut that travels
    residue_of_archived,     // archived is enough to drop a residue
    closed_by_silence,       // an archive event says "for good" of an origin that has not said goodbye
    closed_rows_ignored,     // the receiver does not join which origins are closed for good: no safety, but
                             // residues stay
    cache_speaks_for_slot,   // a cached chain kills what it does not list
    dead_mark_forgets_base,  // a dead mark takes a counter record away before its successor has met its base
    cache_keeps_base,        // a cached counter record with another base than the listed one stays
    base_tie_to_older,       // of equal bases the older record's is taken
    archive_rows_of_start,   // the rows are the archive of the session's start
    left_is_final,           // what left is archived only where its last event was seen
    cache_above_commit,      // cached entries that the commit cut does not cover become visible
};
extern const std::vector<std::pair<std::string, mutation>> mutations; // main.cpp

enum class type { reg, counter, element, scope, archive };
struct slot {
    type what = type::reg;
    int key = 0;
    int part = 0; // the element; for an archive event key is the origin
    auto operator<=>(const slot&) const = default;
};

struct taken { // what a counter's removal has seen of one origin
    int origin, counter, total;
};

struct block {
    dot id;
    slot where;
    bool removal = false;
    int value = 0;       // unique for each put; the final counter in an archive event
    bool fences = false; // … of one that has not: see fence, and the lines that stay open
    std::set<int> open{};
    bool closed = false;                // archive event: the origin has said goodbye with that counter
    int total = 0;                      // counter: the origin's running total
    int base_counter = 0, base_sum = 0; // counter: how much of it is removed
    int birth = 0;                      // counter: the first addition of its line
    std::vector<taken> takes;           // removal of a counter
    vec context{};                      // removal of a scope
    std::optional<vec> residue_at;      // what the holder had seen when it found the residue
    bool residue() const { return where.what == type::counter && !removal && base_counter == id.counter; }
    bool share() const { return where.what == type::counter && !removal; }
    bool touched() const { return share() && base_counter >= birth; } // something of its line is removed
    std::uint64_t hash() const;
};

struct event {
    block what;
    std::vector<dot> kills; // of other origins
    vec needs{};            // the writer's cut as it travels
    vec past{};             // for the oracle: all its writer had seen
    int amount = 0;         // for the oracle: an increment
    bool rewrite = false;
    std::vector<dot> killers; // for the oracle: later removals and overwrites that have seen it
};

using chain = std::vector<block>;

struct peer { // what one node believes of another
    bool counted = false, gone = false;
    int final = -1; // left with this counter
    vec told_cut{}, told_archive{};
};

enum class plan { log, newcomer, ranges };

/// Archives an origin that crashed. It also ends those lines of the origin that had begun by then and of
/// which nothing or everything had been removed.
struct fence {
    int origin = 0, final = 0;
    std::set<int> open{}; // births of the others
    auto operator<=>(const fence&) const = default;
};

struct message {
    enum class kind { start, slot_chain, listing, commit } what = kind::start;
    slot where;
    std::vector<std::pair<block, bool>> entries; // true: a reference
    int origin = 0, low = 0, high = 0;
    std::map<dot, std::pair<std::uint64_t, bool>> listed; // hash; whether it is a counter's
    vec at{}; // start: the server's seen; listing: the same at that moment; commit: the cut
    vec floor{}, archive{}, closed{};
    std::set<fence> fences;
    bool rows = false;
    plan how = plan::log;
    vec truth{}; // commit: for the oracle, what the server has seen
};

struct staged_slot {
    std::vector<std::pair<block, bool>> entries;
    bool cached = false;
};

struct session {
    int server = 0;
    bool with_cache = false, archive_sent = false;
    vec pulled{}, pull_cut{}, pull_archive{};
    // server
    bool accepted = false, open = false;
    plan how = plan::log;
    vec start{}, theirs{}, from{}, walked{};
    std::deque<std::array<int, 3>> ranges;
    int unanswered = 0;
    std::deque<std::set<dot>> wants;
    std::deque<message> sent;
    // receiver
    bool started = false;
    vec server_start{}, rows{};
    std::map<slot, staged_slot> staged;
    std::set<dot> dead, asked; // asked: shares that differ
    bool too_late = false;     // a share that was compared has been replaced, and the server has committed
};

struct node {
    int self = 0;
    bool alive = true;
    vec counter{}, archived{}, floor{}, closed{}; // closed: for good, at that counter
    std::set<fence> fences;
    std::map<slot, chain> chains;
    std::array<peer, origins_max> peers;
    std::optional<session> inbound;
    std::map<slot, staged_slot> cache; // staged from a server that died
    vec seen() const { return join(counter, archived); }
    vec archive() const; // entries that are not dead
    vec cut() const;     // what travels
    void apply(const event& e, mutation broken);
    void kill_scope(int key, const vec& context);
    void archive_to(int origin, int final);
    bool is_closed(const block& share) const; // its line is behind a fence
    void fence_off(const block& event);
    bool has_line(const slot& where, const block& share) const;
    void end_lines(mutation broken); // closed ones of which something has been removed
    const block* find(dot id) const;
};
void settle(chain& blocks); // counter removals meet the records

std::string name(dot d);
std::string name(const slot& s);
std::string name(const vec& v);

class world {
  public:
    /// `lines`: by the rules of lines, which are not built yet (README.md).
    world(std::uint64_t seed, mutation broken, bool lines, bool trace);
    void run(); // throws std::runtime_error at the first fault
    int steps() const { return step_; }

  private:
    int below(int n);
    bool chance(int percent) { return below(100) < percent; }
    void step();
    node& any_alive();
    void heal();
    bool said_goodbye(int origin) const;
    // writing
    void write(node& x);
    void issue(node& x, block what, int amount = 0, bool rewrite = false);
    void try_archive(node& x);
    void fold_shares(node& x);
    static std::map<slot, int> readings(const node& x);
    bool has_open_residue(const node& x, int origin) const;
    // members
    void hello(node& from, node& to);
    void deliver(node& x);
    bool told(const node& x, int member, dot d) const;
    bool stable(const node& x, dot d) const;
    void collect(node& x, int percent);
    bool residue_done(const node& x, block& b) const;
    // sessions
    void pull(node& receiver, node& server);
    void accept(node& server, session& s);
    void serve(node& server, session& s);
    void ship(const node& server, session& s, const slot& where);
    void receive(node& x);
    void compare(const node& x, session& s, const message& m);
    bool commit(node& x, session& s, const message& m);
    void fold_slot(node& x, const slot& where, const staged_slot& staged, const vec& mine, const vec& theirs);
    void ask_for_line(node& x, const event& e) const;
    bool ends_unlisted(const node& x, const block& b, const vec& theirs) const;
    void abandon(node& x);
    // oracle
    void check(const node& x);
    void say(const std::string& line);
    [[noreturn]] void fail(const std::string& why);

    std::uint64_t random_;
    mutation broken_;
    bool lines_, trace_;
    int step_ = 0, values_ = 0, regs_, counters_, elements_, loss_, removes_, burst_, ranges_, only_, keep_;
    bool cascade_, gossip_;
    std::array<int, 12> weights_;
    std::vector<node> nodes_; // the index is the origin
    std::array<std::vector<event>, origins_max> events_;
    std::array<std::array<std::set<int>, origins_max>, origins_max> flying_; // [receiver][origin]
    std::array<std::array<bool, origins_max>, origins_max> cut_off_{};
    std::map<vec, std::pair<std::uint64_t, vec>> states_; // seen → digest, archive
    std::map<vec, vec> cuts_;                             // cut that travels → seen
};

} // namespace model
