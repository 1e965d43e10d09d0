// node: one member of the mesh. A program embeds one (or several) of these.
//
//     // Takes the state over from a predecessor, works on it, and hands it over; false if it may be lost.
//     bool serve(std::function<std::string(std::string)> work) {
//         auto node = baton::node::start(baton::options::lan());
//         if (!node) return false; // node.error().what says why
//         const auto state = node->pickup("state", {.within = std::chrono::seconds{10}});
//         if (!state || !state->found()) return false; // state->outcome says why it is absent
//         if (!node->stash("state", work(state->value))) return false;
//         const auto report = node->leave();
//         return report && report->outcome == baton::leave_outcome::safe;
//     }
//
// Thread contract: any thread may call every member function, except from inside the log and on_applied
// callbacks. Reads and stash take one short lock and never wait for the network or for a sync. The node owns
// one I/O thread that makes, polls and closes every socket. Movable; not copyable; a moved-from node may only
// be destroyed or assigned to. fork(): the node continues in the parent; in the child every call that returns
// a result answers `errc::forked`, and end_leave_now has no effect.
#pragma once

#include <baton/ack.hpp>
#include <baton/api.hpp>
#include <baton/change.hpp>
#include <baton/claim.hpp>
#include <baton/dot.hpp>
#include <baton/event.hpp>
#include <baton/leave.hpp>
#include <baton/options.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/stats.hpp>
#include <baton/version.hpp>
#include <baton/write.hpp>

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

class watch_handle; // watch.hpp
class async;        // async.hpp
/// Makes one value of all `siblings`. It must be commutative, associative and idempotent: the result must not
/// depend on which node merges which values first, and equal values must give that value. A program built
/// without NDEBUG checks this on the given values and on permutations of them.
using merge_function = std::function<std::string(const std::vector<std::string_view>& siblings)>;

/// One member of the mesh, as the head of this header describes it.
class BATON_API node {
  public:
    /// Binds the sockets, starts the I/O thread and returns; discovery continues in the background. Errors:
    /// bad_option, bad_seed, bad_key, unknown_interface, address_in_use, network; the sentence names the
    /// option or address. If only the beacon cannot bind, the node starts and logs a warning.
    static result<node> start(options settings);

    node(node&&) noexcept;            ///< takes the node over
    node& operator=(node&&) noexcept; ///< ends this node as the destructor does, and takes the other over

    /// Leaves within options::destructor_leave_within if leave() was not called. Never hangs.
    ~node();

    /// Writes `key` on this node at once, then broadcasts. The write replaces every value of `key` that this
    /// node has seen; a concurrent write of another node becomes a sibling, and reads return the last
    /// writer's value. Then the call waits until `how.ack` is met: members acknowledge after they have
    /// applied the write. If that takes longer than `how.within`, the write stays and spreads on, and the
    /// result tells how many hold it. Before it writes, the call waits while more than
    /// limits.unsent_bytes_max of own writes are unsent, or while a member that had kept up lags by more than
    /// limits.lag_max or lag_bytes_max; `busy` if that outlasts `within`. Errors: key_empty, key_too_long,
    /// value_too_long, wrong_type, full, conflict (if_version), bad_argument (majority without
    /// options::mesh_size, copies(0)), busy, leaving, forked; then nothing is stored. O(key + value).
    result<write_result> stash(std::string_view key, std::string_view value, stash_options how = {});
    /// Writes several keys as one: on every node, repairing and joining nodes included, they appear together
    /// or not at all. At most 1,000 keys, and no `if_version` (bad_argument). The version is that of the last
    /// key; a member that holds it holds all. Errors: those of stash with one key.
    result<write_result> stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                               stash_options how = {});
    /// As stash(), but returns at once: the future is ready when the level is met or `within` has passed.
    [[nodiscard]] std::future<result<write_result>> stash_async(std::string_view key, std::string_view value,
                                                                stash_options how = {});
    /// Waits until `level` is met for a write of this node or of another one. Errors: unknown_version,
    /// bad_argument, forked.
    result<write_result> confirm(version written, ack_level level, std::chrono::milliseconds within) const;

    /// Reads the value of `key` from local memory; removes nothing. If the key is absent and there is a
    /// `within`, the node asks every member what it holds, and the call waits until the value arrives. If
    /// absent, the outcome tells why: no node has the key, a leaving member is sending it, or some members
    /// have not answered; pickup_outcome says what each of these means.
    /// A key that holds a counter, set, map or flag reads as absent (see types()). Errors: key_empty,
    /// key_too_long, forked. O(key + value) without waiting.
    [[nodiscard]] result<pickup_result> pickup(std::string_view key, pickup_options how = {}) const;

    /// Every concurrent value of `key`: first the one that pickup reads, then by falling (epoch, clock, id).
    /// Empty if the key is absent. Errors: those of pickup. O(siblings).
    [[nodiscard]] result<std::vector<stored_value>> siblings(std::string_view key) const;

    /// Replaces exactly the versions `replaced`, which siblings() or pickup() returned; later values stay.
    /// Waits as stash does. Errors: those of stash; conflict if one of the versions is gone, if this node has
    /// written the key since, or if another node has claimed it: read again. O(siblings + key + value).
    result<write_result> resolve(std::string_view key, std::string_view value,
                                 const std::vector<version>& replaced, write_options how = {});

    /// Takes ownership of the register `key` with its value, whether another node owns it or not. If a
    /// partition lets two nodes claim, both see `tentative`; after the heal the higher epoch wins everywhere.
    /// A stash of another node becomes a sibling of the owned value and is not read before the key is free;
    /// no value is lost silently.
    ///
    /// The claim ends by the handle, its lease, a higher claim, a drop, leave(), or by a release that another
    /// member writes after the owner left or crashed. A second claim of this node ends the first. Errors:
    /// absent if the key does not appear `within` the time; conflict (if_free, if_epoch); those of stash;
    /// bad_option if the lease is not positive. O(siblings + key + value).
    result<claim_handle> claim(std::string_view key, claim_options how = {});

    /// Sets the function that merges the siblings of registers under `prefix` from now on. Of the members
    /// that are up, the one with the smallest id merges, if it has a function for the key; so set it on every
    /// node. Members that disagree on who is up may each merge; their results are merged again until all are
    /// equal. The longest prefix that fits decides. Claimed keys are not merged.
    ///
    /// The node calls the function on a thread of its own, without a lock, one key at a time; the destructor
    /// waits for a running call. The function must not call the node. If it throws, the node logs that and
    /// leaves the key until it has one more sibling. Errors: key_too_long, network (no thread), forked.
    result<void> merge_with(std::string_view prefix, merge_function merge);

    /// Removes everything that this node has seen of `key`, of any type; a concurrent write survives. Waits
    /// as stash does: the members that hold the removal no longer show the key. `changed` is false if the key
    /// held nothing. Errors: those of removals, below. O(key); for a set or map O(members). If sets or maps
    /// are in use, first folds in the rest of a committed sync.
    result<write_result> drop(std::string_view key, write_options how = {});

    /// @name Typed values
    ///
    /// A key holds one type, which its first write decides: a register (stash), a counter, a set, a map or a
    /// flag. Each operation replicates as one small delta, however much the key holds. A removal takes
    /// exactly what this node has seen: concurrent additions, insertions, fields and enablings survive it.
    ///
    /// A write of another type returns wrong_type as long as the key holds something: drop it first. A key
    /// can get two types at once, from nodes that had not seen each other's write, or from a node that was
    /// still in a sync. Then both values stay: each call reads and writes the value of its own type, keys()
    /// lists the key once, and drop() removes all. Reads and removals of a type that the key does not hold
    /// find nothing; that is no error.
    ///
    /// Elements and fields are 0 to 512 bytes. Writes and removals wait as stash does, first for members that
    /// lag, then for `how.ack`; reads never wait. A removal that finds nothing sends nothing and waits for no
    /// member: `changed` is false. Errors of writes: those of stash. Errors of removals: key_empty,
    /// key_too_long, bad_argument, busy, leaving, forked. Errors of reads: key_empty, key_too_long, forked.
    /// key_too_long also means an element or field over 512 bytes. O(key + element + value), unless stated
    /// otherwise. <baton/typed.hpp> has handles that keep the key, and the source of these types.
    /// @{

    /// The types that `key` holds: normally one; empty if the key is absent. O(key).
    [[nodiscard]] result<std::vector<value_kind>> types(std::string_view key) const;

    /// Adds `amount`, which may be negative, to the counter `key`. Concurrent additions of all nodes add up.
    result<write_result> add(std::string_view key, std::int64_t amount = 1, write_options how = {});
    /// The sum, modulo 2^64; nullopt if no node has added since the key was dropped (a sum of 0 is a value).
    /// A drop subtracts exactly what the dropping node had seen. O(nodes that have added).
    [[nodiscard]] result<std::optional<std::int64_t>> count(std::string_view key) const;

    /// Puts `element` into the set `key`. It survives a concurrent erase (add wins).
    result<write_result> insert(std::string_view key, std::string_view element, write_options how = {});
    /// Takes `element` out of the set. `changed` is false if it was not there.
    result<write_result> erase(std::string_view key, std::string_view element, write_options how = {});
    /// True if `element` is in the set.
    [[nodiscard]] result<bool> contains(std::string_view key, std::string_view element) const;
    /// The elements of the set, sorted by bytes; empty if there is no set. First folds in the rest of a
    /// committed sync. O(members × log members).
    [[nodiscard]] result<std::vector<std::string>> elements(std::string_view key) const;

    /// Sets one field of the map `key`. The write replaces what this node has seen of the field; a concurrent
    /// write becomes a sibling, and a concurrent erase_field does not remove it.
    result<write_result> set_field(std::string_view key, std::string_view field, std::string_view value,
                                   write_options how = {});
    /// The value of the field, of concurrent ones the last writer's; nullopt if this node holds none. It asks
    /// no member: another node may have the field.
    [[nodiscard]] result<std::optional<stored_value>> field(std::string_view key,
                                                            std::string_view field) const;
    /// Every concurrent value of the field, in the order of siblings(). O(siblings).
    [[nodiscard]] result<std::vector<stored_value>> field_siblings(std::string_view key,
                                                                   std::string_view field) const;
    /// Removes the field. `changed` is false if it was not there.
    result<write_result> erase_field(std::string_view key, std::string_view field, write_options how = {});
    /// The names of the map's fields, sorted by bytes; as elements().
    [[nodiscard]] result<std::vector<std::string>> fields(std::string_view key) const;

    /// Turns the flag `key` on. It stays on after a concurrent disable (enable wins).
    result<write_result> enable(std::string_view key, write_options how = {});
    /// Turns the flag off. `changed` is false if it was not on.
    result<write_result> disable(std::string_view key, write_options how = {});
    /// True if the flag is on.
    [[nodiscard]] result<bool> enabled(std::string_view key) const;

    /// @}

    /// @name The whole state, and the mesh
    /// @{

    /// Keys of every type that begin with `prefix`, sorted by bytes, each once. The list is taken in slices:
    /// it has every key that exists throughout the call. O(log keys + listed) by an ordered index. The first
    /// call builds the index, O(keys), and it is freed a minute after the last one. An empty prefix needs no
    /// index: O(keys). Errors: forked.
    [[nodiscard]] result<std::vector<std::string>> keys(std::string_view prefix = {}) const;

    /// Reports to `handler` every key under `prefix`, then `initial_done`, then each change, until the handle
    /// is destroyed. Keys of every type count; an empty prefix means all keys. <baton/watch.hpp> defines the
    /// reports, their order and their thread. Returns at once. Errors: key_too_long, bad_option (no handler),
    /// too_many_watches, network (no thread is available), forked.
    [[nodiscard]] result<watch_handle> watch(std::string_view prefix, change_handler handler);

    /// All other nodes that this node knows, sorted by (name, id). Errors: forked. O(members).
    [[nodiscard]] result<std::vector<member>> members() const;

    /// The oldest unread event. If the node has left or failed and every event is read, none can come: a
    /// running call returns at once, and a later one after at most 100 ms. Errors: timeout (no event came
    /// `within` the time, or none can come), forked.
    [[nodiscard]] result<event> next_event(std::chrono::milliseconds within = std::chrono::milliseconds{0});

    /// A descriptor for poll() and epoll, readable while an event is unread. The node owns and closes it.
    /// Errors: network (no descriptor is available), forked.
    [[nodiscard]] result<int> event_fd();

    /// Waits until this node has met at least one member and every node that the members know, holds
    /// everything that every member in view held when it joined, and no spill is left to be read, here or at
    /// a member. Errors: timeout (`within` passes first), forked.
    [[nodiscard]] result<void> wait_synced(std::chrono::milliseconds within) const;

    /// Hands everything over: announces the leave, freezes the state, waits until `copies` staying members
    /// have acknowledged everything and no member is being sent the state, or until the deadline passes, and
    /// disconnects. Afterwards reads still work, and writes return `leaving`. A second call returns the first
    /// report; while the first call runs it waits for it. Errors: forked.
    result<leave_report> leave(leave_options how = {});
    /// Ends a running leave now with what it has reached; a spill that is being written gets half a second
    /// more. If no leave runs, the next one ends as soon as it has begun. Returns at once.
    void end_leave_now();

    /// Counters and sizes at this moment; see <baton/stats.hpp>. Errors: forked. O(members).
    [[nodiscard]] result<node_stats> stats() const;

    /// @}

    /// @name Keys, in a mesh with a key (options::security)
    ///
    /// Keys rotate without a restart: on every node install the new key, then use it, then remove the old
    /// one. Connected nodes stay connected. These calls last as long as the node: change the file of keys,
    /// too.
    /// @{

    /// Accepts `key` from now on, in addition to the others. No effect if it is installed already. Errors:
    /// bad_key (8 keys are installed), bad_option (the mesh is open), forked.
    result<void> install_key(const mesh_key& key);
    /// Seals beacons and introductions with the installed key `id`. Errors: absent, bad_option, forked.
    result<void> use_key(const key_id& id);
    /// Stops accepting the key `id`. Open links stay. Errors: absent, conflict (the key is in use),
    /// bad_option, forked.
    result<void> remove_key(const key_id& id);
    /// The keys that this node accepts, and the one that it seals with. Errors: forked.
    [[nodiscard]] result<installed_keys> keys_installed() const;

    /// @}

    /// @name This node
    /// @{

    /// options::name, or the name that the node chose.
    [[nodiscard]] const std::string& name() const;
    /// The id of this run.
    [[nodiscard]] replica_id id() const;
    /// "tcp://HOST:PORT", which other nodes may use as a seed. HOST is the first that exists of: the first
    /// advertised address, options::host, the address of the default route, of an interface that is no
    /// bridge, of a bridge, a link-local address; as the interfaces are now.
    [[nodiscard]] std::string endpoint() const;

    /// 32 hexadecimal digits over the visible state; equal on nodes with equal state. First folds in the rest
    /// of a committed sync, otherwise O(1). Errors: forked.
    [[nodiscard]] result<std::string> digest() const;
    /// The causal cut: each replica's highest counter applied here, by replica. Errors: forked. O(replicas).
    [[nodiscard]] result<std::vector<dot>> cut() const;
    /// @}

  private:
    friend class async;
    friend class monitor;
    struct BATON_LOCAL impl;
    explicit node(std::unique_ptr<impl> body);
    static result<node> open(options settings);
    std::unique_ptr<impl> impl_;
};

} // namespace baton
