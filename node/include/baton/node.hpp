// node: one member of the mesh. A program embeds one (or several) of these.
//
// Thread contract: every member function may be called from any thread, but not from inside the log or
// on_applied callbacks. Reads and stash take one short lock and never wait for the network or for a sync. The
// node owns one I/O thread that makes, polls and closes every socket. Movable; not copyable; a moved-from
// node may only be destroyed or assigned to. fork(): the node works on in the parent; in the child every call
// answers `errc::forked`.
#pragma once

#include <baton/ack.hpp>
#include <baton/dot.hpp>
#include <baton/options.hpp>
#include <baton/result.hpp>
#include <baton/stats.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// What an event reports.
enum class event_kind : std::uint8_t {
    joined,    ///< a member is up
    synced,    ///< this node now holds everything that member held when it joined; says nothing of what that
               ///< member holds, which for a newcomer is nothing
    suspect,   ///< silent for liveness.suspect_after, or its connection closed
    up,        ///< a suspect has been heard again; no `joined` follows, as it was a member all the time
    leaving,   ///< a member has announced that it leaves
    left,      ///< a member said goodbye
    crashed,   ///< a member is gone without a word
    restarted, ///< a member's address now answers as a new incarnation, which joins by itself
    refused,   ///< a node was turned away; the reason names why. Of one whose beacon cannot be opened, for
               ///< want of a key, nothing but the address is known: that is the `name`, and `id` is nil
    name_conflict, ///< two nodes that both live have this name; `id` is the one that came later, or was found
                   ///< later
    clock_skew,    ///< a peer's clock is further ahead than options::clock_skew_max
    diverged,      ///< equal cuts with different digests: a fault in baton, please report; repaired by union
    full,          ///< this node has reached limits.bytes_max and takes nothing more until there is room
    conflict,   ///< a register or field has come to have siblings, by what came from others; `key` names it
    claim_lost, ///< a claim of this node has ended otherwise than by its handle; `key` names it, `id` who is
                ///< read
    recovered,  ///< `count` values of a damaged spill have returned as new writes; its file is kept aside
    dropped,    ///< events were lost because nobody read them; `count` says how many
    failed,     ///< this node's I/O thread has ended by a fault, which `reason` names: nothing is written or
                ///< received any more; what is there stays readable, and has been spilled if it could be
    one_way, ///< a node is heard that this node cannot reach, or that does not hear this one; `reason` says
             ///< which. It is no copy of anything, and `suspect` or `contacting` for as long as that is so
};
/// The name of the kind as scripts see it, for example "joined". Valid for ever.
[[nodiscard]] std::string_view to_string(event_kind kind);

/// One report about the mesh or this node; node::next_event returns them.
struct event {
    event_kind kind{};       ///< what happened
    replica_id id{};         ///< the member's incarnation
    std::string name;        ///< the member's name
    std::string reason;      ///< a short phrase
    std::uint64_t count = 0; ///< with `dropped` and `recovered`; of a `conflict` the siblings there are

    /// With `claim_lost` and `conflict`. Of conflicts a key is named at most once a second, and 256 keys are;
    /// of the rest comes one event without a key whose `count` says how many there were.
    std::string key{};
};

/// Names one write; larger than any version it has seen of the same key.
struct version {
    dot id{}; ///< the event that made the write; nil: no write
    friend constexpr auto operator<=>(const version&, const version&) = default;
};

/// How a write is to be made.
struct stash_options {
    ack_level ack{};                        ///< how much proof to wait for
    std::chrono::milliseconds within{5000}; ///< wait this long for it, and for members that lag

    /// Not 0: the key is over after that time, counted on each node's monotonic clock from when the write is
    /// applied there, so that no wall clock matters; what travels is what is left of it. A key is hidden from
    /// every read, as if it were not there, when the longest of its concurrent values is over (one without
    /// `ttl` never is), and removed everywhere clock_skew_max later; until then stats() counts it. A later
    /// write has its own `ttl` or none. In a spill it goes on by the wall clock. Up to 100 years, or
    /// bad_argument.
    std::chrono::milliseconds ttl{0};
    /// Only if the key is at this version here; version{}: only if it is not here at all.
    std::optional<version> if_version{};
};

/// What has become of a write.
struct stashed {
    version written{};      ///< names the write, for confirm() and if_version
    std::size_t copies = 1; ///< members known to hold it, this one included
    bool met = true;        ///< the level was reached; if not, it goes on spreading: see confirm()
};

/// What a read found, or why the key is absent.
enum class pickup_outcome : std::uint8_t {
    found,            ///< here it is
    pending_handoff,  ///< a leaving member has announced it: the bytes are on their way
    absent_confirmed, ///< every member has said what it holds, and that is here: nobody has it
    absent_unsynced,  ///< not here, and somebody may have it: do not start from blank state
};
/// The name of the outcome as scripts see it, for example "found". Valid for ever.
[[nodiscard]] std::string_view to_string(pickup_outcome outcome);

/// What a read found.
struct picked {
    pickup_outcome outcome{}; ///< decides which other members mean something
    std::string value;        ///< the last writer's among concurrent values; may be empty when found
    version written{};        ///< of that value
    std::size_t siblings = 0; ///< concurrent values beside this one

    /// pending_handoff: the leaving member. absent_unsynced: who has not answered, or holds, or held, more
    /// than is here, or whom a member knows and this node has not met; none when this node is alone, in a
    /// minority of options::mesh_size, or has a spill to read.
    std::vector<replica_id> who{};
    std::uint64_t epoch = 0; ///< 0: never claimed; odd: owned by whoever wrote it; even: free again

    /// absent_unsynced of a node that has met nobody: the seeds of which it is not known that nobody is
    /// there.
    std::vector<std::string> seeds{};
    /// The node that owns what was found, as far as is known here; nobody: it is free.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch % 2 == 1 ? std::optional(written.id.replica) : std::nullopt;
    }
    /// True if the key is here.
    [[nodiscard]] bool found() const { return outcome == pickup_outcome::found; }
};

/// How safe the state is after a leave.
enum class leave_outcome : std::uint8_t {
    safe,          ///< `copies` staying members acknowledged everything; or nothing was held
    safe_degraded, ///< fewer, but at least one did
    spilled,       ///< as unsafe, but the whole state is in a file of options::spill_dir
    unsafe,        ///< no staying member acknowledged everything: `unsafe_keys` may be lost
};
/// The name of the outcome as scripts see it, for example "safe". Valid for ever.
[[nodiscard]] std::string_view to_string(leave_outcome outcome);

/// What a leave achieved.
struct leave_report {
    leave_outcome outcome{}; ///< how safe the state is
    std::size_t copies = 0;  ///< staying members that acknowledged everything after the leaving was announced
    std::size_t unsafe = 0;  ///< how many keys no staying member is known to hold in full
    std::vector<std::string> unsafe_keys; ///< the first 1,000 of them, sorted
    std::string path{};                   ///< of the file that was written to options::spill_dir; empty: none
    std::string spill_error{};            ///< why there is no whole file, where there is a folder and nobody
                                          ///< else is known to hold enough; what was written may be salvaged
    std::chrono::nanoseconds took{};      ///< from the call to the end of the leave
};

/// How a node leaves.
struct leave_options {
    std::optional<std::chrono::milliseconds> within{}; ///< default: options::leave_within
    std::size_t copies = 2;                            ///< wanted holders; fewer where fewer members stay

    /// The whole mesh is being stopped: as soon as no member is left that stays, the leave ends (with a
    /// spill, where there is a folder for it), and does not wait for somebody to come. Members that stay are
    /// handed everything as usual.
    bool nobody_stays = false;
};

/// What ends the wait of a pickup before its time.
enum class pickup_until : std::uint8_t {
    found, ///< the value: a successor may ask before the predecessor has written
    known, ///< the value, or the certainty that nobody has it: one round trip to every member
};

/// How a read waits.
struct pickup_options {
    std::chrono::milliseconds within{0};      ///< wait this long; 0: what is known now, and nobody is asked
    pickup_until until = pickup_until::found; ///< what ends the wait earlier
};

class claim_handle;                   // <baton/claim.hpp>, which comes with this header
enum class value_kind : std::uint8_t; // <baton/watch.hpp>

/// How a claim is made.
struct claim_options {
    std::chrono::milliseconds within{0}; ///< wait this long for the key to appear

    /// Without renew() or commit() for so long, by this node's monotonic clock, the node gives the claim up.
    /// Nothing: it has no end. A node that is gone gives up everything.
    std::optional<std::chrono::milliseconds> lease{};
    /// Only where nobody owns the key, as far as is known here (picked::owner), this node included, or where
    /// the owner is gone and every member in view has been asked what it holds of it; else `conflict`. So
    /// what several nodes wait for is not torn out of the hands of the one who was first.
    bool if_free = false;
};

struct change;      // watch.hpp
class watch_handle; // watch.hpp
/// Receives the changes of a watch, on the node's dispatcher thread; <baton/watch.hpp> has the contract.
using change_handler = std::function<void(const change&)>;
/// Makes one value of several: all that are given, whatever their order. Commutative, associative,
/// idempotent: the same bytes must come out whoever merges what first, and of equal values that value. In
/// programs that are built without NDEBUG it is tried on the values it is given and permutations of them.
using merge_function = std::function<std::string(const std::vector<std::string_view>& siblings)>;

/// One member of the mesh, as the head of this header describes it.
class node {
  public:
    /// Binds the sockets, starts the I/O thread and returns; finding others goes on in the background.
    /// Errors: bad_option, bad_seed, unknown_interface, address_in_use, network, each naming the culprit. A
    /// beacon that cannot bind is a warning in the log, not an error.
    static result<node> start(options settings);

    node(node&&) noexcept;            ///< takes the node over
    node& operator=(node&&) noexcept; ///< ends this node as the destructor does, and takes the other over

    /// Leaves within options::destructor_leave_within if leave() was not called. Never hangs.
    ~node();

    /// Applies locally on this thread, then broadcasts from the I/O thread. Replaces every value of `key`
    /// this node has seen; a concurrent write elsewhere stays beside it (read: last writer wins). Then waits
    /// until `how.ack` is met: members acknowledge directly, after applying. When that takes longer than
    /// `how.within`, the write stays, spreads on, and the answer says how far it is. Before writing, waits
    /// while more than limits.unsent_bytes_max of own writes are unsent, or a member that had kept up is more
    /// than limits.lag_max or lag_bytes_max of them behind: `busy` when that outlasts `within`.
    /// Errors: key_empty, key_too_long, value_too_long, wrong_type, full, conflict (if_version), bad_argument
    /// (majority without options::mesh_size, copies(0)), busy, leaving, forked; then nothing is stored. O(key
    /// + value).
    result<stashed> stash(std::string_view key, std::string_view value, stash_options how = {});
    /// Several keys at once: on every node, also on one that repairs or joins, they appear together or not at
    /// all. At most 1,000 keys; `if_version` does not go with it (bad_argument). The version is the last
    /// key's; who holds it holds all.
    result<stashed> stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                          stash_options how = {});
    /// As stash(), without waiting for the level: the future is ready when it is met or `within` has passed.
    [[nodiscard]] std::future<result<stashed>> stash_async(std::string_view key, std::string_view value,
                                                           stash_options how = {});
    /// Waits until a write, of this node or another, is held as `level` says. Errors: unknown_version,
    /// bad_argument, forked.
    result<stashed> confirm(version written, ack_level level, std::chrono::milliseconds within) const;

    /// The value of `key` in local memory. If it is not here and there is a `within`, every member is asked
    /// what it holds, and the call waits for the value, woken by its arrival; the outcome says what is known
    /// in the end. `absent_confirmed` needs an answer of every member in view to a question put after the
    /// call began, and all they named applied here; the same of everybody whom these members know; a majority
    /// of options::mesh_size, if that is set; no spill that has yet to be read, here or at a member; and
    /// nobody who is silent or crashed with more than is here. The last write of a process that was killed
    /// may be known of and lost: then the key stays `absent_unsynced` for liveness.redial_for (6 h), or until
    /// another node has that process's very address. Alone it is said only with options::founding, or when
    /// options::alone_after has passed and every seed refuses: silence is no evidence. A key that holds a
    /// counter, set, map or flag is no register: it is answered as if it were not there (see types()). Does
    /// not remove anything. Errors: key_empty, key_too_long, forked. O(key + value) without waiting.
    [[nodiscard]] result<picked> pickup(std::string_view key, pickup_options how = {}) const;

    /// Every concurrent value of `key`, the one that pickup reads first, then by falling (epoch, clock, id).
    [[nodiscard]] result<std::vector<picked>> siblings(std::string_view key) const;

    /// Replaces the versions of `key` that were shown (by siblings() or pickup), and nothing that has come
    /// since. Errors: those of stash; conflict, if one of them is not there any more, this node has written
    /// the key itself since, or another node has claimed it: look again. O(siblings + key + value).
    result<version> resolve(std::string_view key, std::string_view value, const std::vector<version>& shown);

    /// Takes `key` over, value and all, from whoever had it: from now on this node owns it. What anybody else
    /// stashes stays beside the owned value and is not read before it is free; nothing is dropped silently.
    /// It ends by the handle, by a higher claim, by a drop, or by a release that a member writes for an owner
    /// that left or crashed; leave() gives it up. A second claim by this node ends the first. Only registers
    /// are claimed. Errors: absent, if the key is not here `within` the time; conflict (if_free); those of
    /// stash; bad_option, if the lease is not positive. O(siblings + key + value).
    result<claim_handle> claim(std::string_view key, claim_options how = {});

    /// From now on registers under `prefix` that have siblings are merged: by the member with the smallest id
    /// of those that are up, if it has a function for them too, so give it to every node. Members that do not
    /// agree on who is up may each merge: their results are merged in turn until all are the same. The
    /// longest prefix that fits counts; a prefix given again has its function replaced. Runs on a thread of
    /// the node's own, without a lock, a key at a time; the destructor waits for a call under way. It must
    /// not call the node. What somebody has claimed is left alone. A function that throws is logged, and the
    /// key left as it is until it has one sibling more. Errors: key_too_long, network (no thread to be had),
    /// forked.
    result<void> merge_with(std::string_view prefix, merge_function merge);

    /// Removes what this node has seen of `key`, of whatever type; a concurrent write survives. True if there
    /// was something. Errors: key_empty, key_too_long, leaving, forked. O(key), of a set or map O(members);
    /// where sets and maps are in use, folds in what is left of a sync first.
    result<bool> drop(std::string_view key);

    // --- typed values ---
    //
    // A key holds one type, which its first write decides: a register (stash), a counter, a set, a map or a
    // flag. Each write below is one event of its own, whose cost and traffic do not depend on how much the
    // key holds. A removal takes what this node has seen and nothing else: what is added, inserted, set or
    // enabled elsewhere at the same time survives it.
    //
    // A write of another type answers wrong_type as long as the key holds something: drop it first. If a key
    // became two types at once (by nodes that had not seen each other's write, or by one that was still
    // folding in a sync), both values stay: every call reads and writes the value of its own type, keys()
    // lists the key once, and drop() removes all of them. Reads and removals of a type that the key does not
    // hold find nothing; that is no error.
    //
    // Elements and fields are any bytes, none included, at most 512. Errors of writes: those of stash; of
    // removals: key_empty, key_too_long, leaving, forked; of reads: the same but leaving. A key_too_long also
    // means an element or field over 512 bytes. Waiting is as in stash; reads never wait. O(key + element +
    // value), unless said otherwise. <baton/typed.hpp> has handles that keep the key.
    //
    // Source: Shapiro et al. 2011, "A comprehensive study of Convergent and Commutative Replicated Data
    // Types": counters by replica, and the observed-remove set, here without tombstones, because the cut says
    // what has been seen; a map is such a set of fields with registers, a flag such a set of one element.

    /// What `key` holds: as a rule one type; none if it is not here. O(key).
    [[nodiscard]] result<std::vector<value_kind>> types(std::string_view key) const;

    /// Adds to the counter `key`; `amount` may be negative. Additions everywhere sum up. Never conflicts.
    result<version> add(std::string_view key, std::int64_t amount = 1);
    /// The sum, modulo 2^64; nothing when nobody has added since the key was dropped (a sum of 0 is a value).
    /// A drop takes off exactly what the dropper had seen. O(nodes that have added).
    [[nodiscard]] result<std::optional<std::int64_t>> count(std::string_view key) const;

    /// Puts `element` into the set `key`; it is there whatever is erased concurrently (add wins).
    result<version> insert(std::string_view key, std::string_view element);
    /// Takes `element` out of the set. False, and nothing is sent, if it was not there.
    result<bool> erase(std::string_view key, std::string_view element);
    /// True if `element` is in the set.
    [[nodiscard]] result<bool> contains(std::string_view key, std::string_view element) const;
    /// The elements of the set, sorted by bytes; none when there is no set. O(members), sorted; folds in what
    /// is left of a sync first.
    [[nodiscard]] result<std::vector<std::string>> elements(std::string_view key) const;

    /// Sets one field of the map `key`, as stash does a key: what this node has seen of the field is
    /// replaced, a concurrent write stays beside it. A concurrent erase_field does not remove it.
    result<version> set_field(std::string_view key, std::string_view field, std::string_view value);
    /// The value of the field, the last writer's among concurrent ones; `absent_unsynced` when not there.
    [[nodiscard]] result<picked> field(std::string_view key, std::string_view field) const;
    /// Every concurrent value of the field, in the order of siblings().
    [[nodiscard]] result<std::vector<picked>> field_siblings(std::string_view key,
                                                             std::string_view field) const;
    /// Removes the field. False, and nothing is sent, if it was not there.
    result<bool> erase_field(std::string_view key, std::string_view field);
    /// The names of the map's fields; as elements().
    [[nodiscard]] result<std::vector<std::string>> fields(std::string_view key) const;

    /// Turns the flag `key` on, whatever is disabled concurrently (enable wins).
    result<version> enable(std::string_view key);
    /// Turns it off. False, and nothing is sent, if it was not on.
    result<bool> disable(std::string_view key);
    /// True if the flag is on.
    [[nodiscard]] result<bool> enabled(std::string_view key) const;

    // --- the whole state, and the mesh ---

    /// Keys of every type that begin with `prefix`, sorted, each once. Taken in slices: a key present
    /// throughout the call is listed. O(log keys + listed) by an ordered index, which the first call builds,
    /// O(keys), and which is let go of after a minute without one; with an empty prefix O(keys), without it.
    [[nodiscard]] std::vector<std::string> keys(std::string_view prefix = {}) const;

    /// Tells `handler` everything that is under `prefix`, then `initial_done`, then each change, until the
    /// handle is destroyed: no change is left out in between, and of a key never a version after one that has
    /// seen it. Keys of every type; an empty prefix is everything. A key that changes again before it was
    /// told is told once, with what it holds then; above limits.watch_keys_max such keys, all that is there
    /// is told once more, after a `lagged`. After leave() nothing changes any more. See <baton/watch.hpp> for
    /// what is told, and on which thread. Errors: key_too_long, bad_option (no handler), too_many_watches,
    /// network (no thread to be had), forked. Returns at once; the snapshot is told O(keys under the prefix),
    /// by the index of keys(prefix); a watch keeps the names of those keys.
    [[nodiscard]] result<watch_handle> watch(std::string_view prefix, change_handler handler);

    /// Everybody this node knows of but itself, sorted by (name, id).
    [[nodiscard]] std::vector<member> members() const;

    /// The oldest unread event; nothing if none comes within `timeout`, or ever will: the node has left or
    /// failed. A call that is under way returns then; a later one after 100 ms at the latest.
    [[nodiscard]] std::optional<event>
    next_event(std::chrono::milliseconds timeout = std::chrono::milliseconds{0});

    /// A descriptor for poll() and epoll: readable while next_event() has something. The node's own; it is
    /// closed with it. Errors: network (none to be had), forked.
    [[nodiscard]] result<int> event_fd();

    /// True once this node holds everything that every member in view held when it joined, has met at least
    /// one and everybody whom the members know, and no spill is left to be read here or there. False when
    /// `within` passes first.
    [[nodiscard]] bool wait_synced(std::chrono::milliseconds within) const;

    /// Hands everything over and closes: announces the leaving, freezes the state, waits until `copies`
    /// staying members have acknowledged everything (or the deadline), says goodbye. Reads work on
    /// afterwards, writes answer `leaving`. Called again: the first report. A second thread's call waits for
    /// the first. Errors: forked.
    result<leave_report> leave(leave_options how = {});
    /// Makes a leave that is under way end now with what it has reached; a spill that is being written has
    /// half a second more. Any thread. When none is, the one that comes ends as soon as it has begun.
    void hurry();

    /// Counters and sizes at this moment; see <baton/stats.hpp>. O(members).
    [[nodiscard]] node_stats stats() const;

    // --- keys, of a mesh that has one (options::security) ---
    //
    // A key is changed without a restart: install the new one on every node, then use it on every node, then
    // remove the old one from every node. Whoever is connected stays so. What is done here is gone with the
    // node: the file of keys is changed by hand.

    /// Accepted from now on, beside the others; again: nothing. Errors: bad_key (8 are installed), bad_option
    /// (the mesh is open), forked.
    result<void> install_key(const mesh_key& key);
    /// Beacons and introductions are sealed by it from now on. Errors: absent, bad_option, forked.
    result<void> use_key(const key_id& id);
    /// Accepted no more. Links that are up stay. Errors: absent, conflict (it is the one in use), bad_option,
    /// forked.
    result<void> remove_key(const key_id& id);
    /// The one in use first; none: the mesh is open.
    [[nodiscard]] std::vector<key_id> keys_installed() const;

    /// options::name, or the name that the node chose.
    [[nodiscard]] const std::string& name() const;
    /// The id of this run.
    [[nodiscard]] replica_id id() const;
    /// "tcp://HOST:PORT" for other nodes' seeds: the first address that is advertised, or else options::host,
    /// or else that of the default route, of any interface but a bridge, of a bridge, a link-local one, in
    /// this order, as the interfaces are now.
    [[nodiscard]] std::string endpoint() const;

    /// 32 hexadecimal digits over everything visible; equal on nodes with equal state. O(1), but for a sync
    /// of which some keys are not folded in yet: those are, first. Nothing only in a forked child.
    [[nodiscard]] std::optional<std::string> digest() const;
    /// The causal cut, "replica:counter" each, sorted by replica.
    [[nodiscard]] std::vector<dot> cut() const;

  private:
    struct impl;
    explicit node(std::unique_ptr<impl> body);
    static result<node> open(options settings);
    std::unique_ptr<impl> impl_;
};

} // namespace baton

#include <baton/claim.hpp> // needs what is above, and whoever calls node::claim needs it
