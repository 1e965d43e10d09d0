// world: some meshes, a network between them, a virtual clock, and checkers. Every input goes through step();
// then work() is called as the shell would call it. After each of both, the checkers look at what the node
// shows.
//
// One thread. Tests in tests/core use it without faults; the campaign drives it with all of them.
#pragma once

#include "core/mesh.hpp"
#include "sim/costs.hpp"
#include "sim/network.hpp"
#include "sim/oracle.hpp"
#include "wire/spill.hpp"

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace baton::sim {

/// Thrown by a checker; the campaign adds the seed.
struct violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class world {
  public:
    struct settings {
        std::uint64_t seed = 1;
        std::size_t keys = 20;
        rates faults{};
        /// Some processes are of the wire version before.
        bool mixed_versions = false;
        core::mesh_options node{}; ///< for every node; self, name, address and random_seed are filled in
        bool check = true;
        /// Costs, progress and statements are checked too: not in scenes that forge frames or hold them back.
        bool watch = false;
        /// How long nothing of a reachable origin may be applied that has written.
        duration standstill_max = std::chrono::seconds(10);
        /// Registers whose names begin so are merged, by everybody who may: the largest value stays.
        std::optional<std::string> merged{};
    };
    /// A file that a leave has left behind at an address.
    struct spill {
        slot_number slot = 0;
        process_number writer = 0;
        std::string bytes;
        bool damaged = false;            ///< on purpose
        bool gone = false;               ///< dropped, or kept aside
        counts cut;                      ///< of its writer
        std::vector<std::size_t> pieces; ///< where each begins
    };
    /// How far a leave has come.
    enum class leave_step : std::uint8_t { none, announced, acknowledged, proven, said };
    struct process {
        process_number number = 0;
        process_number origin = 0; ///< whose events its own are: `number`, unless an id was used again
        slot_number slot = 0;
        replica_id id{};
        std::string name;                 ///< "n<slot>" and an apostrophe for each earlier incarnation
        std::unique_ptr<core::mesh> mesh; ///< gone with the process
        bool frozen = false, leaving = false, left = false;
        instant leave_began = instant::max();
        duration leave_within{};
        leave_step reached = leave_step::none;
        instant stands_since{};
        duration stood_still{};            ///< in all
        std::size_t met = 0;               ///< a leave that was met: the how manieth; 0: none
        std::vector<process_number> heirs; ///< who held everything then
        struct opened {
            spill* file;
            std::unique_ptr<wire::spill_reader> reader;
        };
        std::vector<opened> spills; ///< what it has found; by core::spill_id
        std::int64_t clock_offset_ms = 0, drift_per_mille = 0;
        std::uint64_t boast = 0; ///< so many events more than it has written it tells of with a heartbeat
        std::vector<event> events;
        std::vector<std::string> remarks; ///< for its log
        counts cut;                       ///< as last seen; kept after its end
        /// Its own events up to `counter` were written in a call, under `saw`. The slice of work that
        /// announces them may have applied more events of others.
        struct call {
            std::uint64_t counter = 0;
            counts saw{};
        } called{};
        /// A question to the node: who holds a write, or whether no node has a key.
        struct promise {
            core::proof wanted{};
            std::uint64_t ticket = 0;
            std::size_t key = 0;
            instant until{};
            std::vector<std::pair<process_number, counts>> in_view; ///< and what they held at the call
            /// A process that has to answer. `by` knows it, with so many events; what it held at the call, or
            /// what was in a file that it had found.
            struct known_one {
                process_number who, by;
                std::size_t events;
                counts held;
                const spill* file = nullptr;
            };
            std::vector<known_one> known{};
            /// The nodes that these knew, whether or not the asking node did.
            struct word {
                process_number by, about;
                counts held;
                std::size_t joins; ///< how often `by` had seen it come
            };
            std::vector<word> words;
        };
        std::list<promise> promises;
        std::set<std::size_t> waits_for;             ///< keys that are not there, and somebody waits for
        std::uint64_t written = 0;                   ///< own events when last looked at
        std::map<std::size_t, std::uint64_t> claims; ///< by key: the handle that was given last, lost or not
        std::map<std::size_t, std::set<dot>> shown;  ///< to that handle
        std::map<std::size_t, dot> claimed;          ///< its own event
        struct stand { ///< of an origin: what was applied of it, and since when nothing more has been
            instant since{};
            std::uint64_t applied = 0;
        };
        /// The notes of the checkers (statements.cpp).
        struct {
            instant since{};
            bool synced = false;
            std::vector<std::pair<process_number, counts>> at_start; ///< what others held when it started
            std::set<process_number> greeted, met;                   ///< whose HELLO has come; who was up
            std::map<std::pair<process_number, std::size_t>, instant> both_own;
            std::map<process_number, stand> stands; ///< by origin
        } watched;
        struct lease {
            instant until{};
            duration span{};
        };
        std::map<std::size_t, lease> leases; ///< of that handle

        [[nodiscard]] bool alive() const { return mesh != nullptr; }

      private:
        friend class world;
        std::uint64_t wake_number = 0;
        instant wake_due = instant::max();
        bool work_waiting = false, unchecked = true, merge_waiting = false;
        std::uint64_t counted = 0; ///< own events that the costs know of
        std::uint64_t generation = 0;
        std::optional<digest> sum;
    };
    /// Everything that is worth telling, for -v and for transcripts.
    using teller = std::function<void(const process&, std::string_view line)>;

    explicit world(settings how);
    ~world();

    // --- processes ---
    process_number start(slot_number slot, std::optional<replica_id> id = {});
    process_number start(slot_number slot, const core::mesh_options& own, std::optional<replica_id> id = {});
    /// `noticed_at_once`: the connections close with it, as when a process dies and its machine lives on.
    void crash(process_number who, bool noticed_at_once = true);
    void freeze(process_number who, bool on);
    void step_clock(process_number who, std::int64_t by_ms) { processes_[who]->clock_offset_ms += by_ms; }
    void set_drift(process_number who, std::int64_t per_mille) {
        processes_[who]->drift_per_mille = per_mille;
    }
    /// The node reports `more` events than it has written; no COMMIT has them.
    void boast(process_number who, std::uint64_t more) {
        processes_[who]->boast = more, boasted_ |= more != 0;
    }
    /// Announces the leave, waits until `copies` members hold everything or `within` is over, says goodbye,
    /// exits.
    void leave(process_number who, std::size_t copies = 2, duration within = std::chrono::seconds(5));

    /// Writes its whole store to a file at its address, now. Precondition: it leaves.
    spill& write_spill(process_number who);
    /// Cuts the file short, removes a piece from its middle, or flips a bit.
    void damage(spill& file, dice& luck);
    /// Files at this address; what starts there finds them.
    [[nodiscard]] std::vector<spill*> spills_at(slot_number slot);
    /// Gives `who` a file of any address.
    void find_spill(process_number who, spill& file);

    // --- the network ---
    void answer_at(slot_number slot, process_number who) { network_.answer_at(slot, who); }
    void usurp(process_number from, process_number at) { network_.usurp(from, at); }
    void block(slot_number from, slot_number to, bool on) {
        costs_.note_change(clock_.now());
        network_.block(from, to, on);
    }
    void bar(slot_number from, slot_number to, bool on) {
        costs_.note_change(clock_.now());
        network_.bar(from, to, on);
    }
    void reset(slot_number a, slot_number b) { network_.reset(a, b); }
    void sever(slot_number a, slot_number b, bool on) { block(a, b, on), block(b, a, on); }
    void set_filter(network::filter passes) { network_.set_filter(std::move(passes)); }
    /// The name service: see network.hpp.
    [[nodiscard]] network& names() { return network_; }

    // --- writes; keys are named by number ---
    static std::string key_name(std::size_t key) { return "key-" + std::to_string(key); }
    dot stash(process_number who, std::size_t key, std::string value);
    bool drop(process_number who, std::size_t key);
    /// A stash that waits for `copies`. Checks what the node then reports, and its answer to ask().
    void prove(process_number who, std::size_t key, std::string value, std::size_t copies);
    void ask(process_number who, std::size_t key);
    /// A pickup that waits. The node must report the key in the same step in which it arrives.
    void wait_for(process_number who, std::size_t key);
    void stash_all(process_number who, const std::vector<std::pair<std::size_t, std::string>>& values);
    bool resolve(process_number who, std::string_view name, std::string value,
                 const std::vector<version>& shown);
    // claims (claims.cpp); false when it was refused, as it is when the key is absent or the claim is lost
    bool claim(process_number who, std::size_t key, std::optional<duration> lease = {});
    bool commit(process_number who, std::size_t key, std::string value);
    bool release(process_number who, std::size_t key);
    /// The last handle for the key still owns it.
    [[nodiscard]] bool owns(process_number who, std::size_t key);
    [[nodiscard]] bool is_tentative(process_number who, std::size_t key);
    /// Looks at all owners at this moment. Not from within a step.
    void check_owners();
    /// Empty if a handle of the owner holds every claim that is read, every handle that owns is read, and all
    /// nodes agree; otherwise what is wrong.
    [[nodiscard]] std::string unowned();
    static std::string element_name(std::size_t element) { return "e" + std::to_string(element); }
    /// Any operation on a typed value but the removal of the whole key. False when it was refused, for the
    /// key is of another type, or when there was nothing to remove.
    bool operate(process_number who, std::size_t key, operation what);
    /// A register for a time, of a name that the oracle does not follow.
    void stash_for(process_number who, std::string_view name, std::string_view value,
                   std::chrono::milliseconds ttl);
    /// The value read first; nothing when the key is absent.
    std::optional<std::string> pickup(process_number who, std::size_t key);

    [[nodiscard]] std::size_t keys() const { return how_.keys; }
    static constexpr std::size_t elements = 3; ///< that sets and maps have at most

    // --- time ---
    void run_for(duration span);
    /// False when `bound` passes first. The condition is looked at after every change.
    bool run_until(const std::function<bool()>& condition, duration bound);
    void after(duration delay, happening what) { clock_.after(delay, std::move(what)); }
    [[nodiscard]] instant now() const { return clock_.now(); }

    // --- looking ---
    [[nodiscard]] process& at(process_number who) { return *processes_[who]; }
    core::mesh& mesh(process_number who) { return *processes_[who]->mesh; }
    [[nodiscard]] std::size_t processes() const { return processes_.size(); }
    [[nodiscard]] std::vector<process_number> alive() const;
    [[nodiscard]] std::optional<process_number> at_slot(slot_number slot) const;
    /// Empty if all living nodes are up for one another, synced and equal; otherwise what is not.
    [[nodiscard]] std::string unsettled();
    [[nodiscard]] bool settled() { return unsettled().empty(); }
    /// Empty if nothing is left of nodes that are gone and keys that were removed; otherwise what is.
    [[nodiscard]] std::string untidy();
    /// Gives one input as if it had come from the network.
    core::verdict give(process_number who, const core::input& in);
    void set_teller(teller tells) { teller_ = std::move(tells); }
    /// Called with every trace record, to act on what happens inside.
    std::function<void(process_number, const core::trace&)> on_trace;
    /// Called when a process is thawed, before the node learns the time: its program may run first.
    std::function<void(process_number)> on_thaw;
    /// Called at every step of a leave; may end the process there.
    std::function<void(process_number, leave_step)> on_leave_step;
    [[nodiscard]] std::uint64_t trace_hash() const { return hash_; }
    [[nodiscard]] rates& faults() { return how_.faults; }
    /// The options of every node, except those of its own.
    [[nodiscard]] const core::mesh_options& common() const { return how_.node; }
    [[nodiscard]] tally& counted() { return tally_; }
    [[nodiscard]] std::string name_of(const replica_id& id) const;
    void check_everything();
    [[nodiscard]] const network::spending& spent(process_number who) { return network_.spent(who); }
    [[nodiscard]] std::size_t connections_of(process_number who) const {
        return network_.connections_of(who);
    }
    /// How often a node was looked at while a commit was being folded in.
    [[nodiscard]] std::uint64_t half_folded() const { return half_folded_; }
    [[nodiscard]] std::uint64_t promises_kept() const { return promises_kept_; }
    /// Waiting pickups that got their key.
    [[nodiscard]] std::uint64_t woken() const { return woken_; }
    [[nodiscard]] std::uint64_t statements_checked() const { return statements_checked_; }
    [[nodiscard]] const spending& most_spent() const { return costs_.most(); }
    [[nodiscard]] duration longest_standstill() const { return longest_standstill_; }
    /// Two owners of one key, neither of them tentative, up for one another.
    static constexpr duration both_own_max = std::chrono::seconds(3);
    /// How many origins a cut may name in addition to living nodes: gone and not archived yet.
    static constexpr std::size_t origins_beyond = 8;

  private:
    [[nodiscard]] moment moment_of(const process& p) const;
    void toil(process& p);
    bool slice(process& p);
    void merge_later(process& p);
    void merge(process& p);
    [[nodiscard]] static bool is_limit(const process& p, const error& why, std::size_t value_bytes);
    void note_own_events(process& p);
    [[nodiscard]] std::optional<operation> own_operation(process& p, const dot& id, std::size_t key,
                                                         const slot_name& slot, const counts& saw);
    void learn(process& p, const dot& id, operation& what);
    void note_register(process& p, const dot& id, std::size_t key, std::string value, counts saw,
                       std::vector<const oracle::written*> only);
    [[nodiscard]] std::vector<const oracle::written*> registers(std::size_t key, const counts& saw) const;
    [[nodiscard]] const oracle::written* best_of(const std::vector<const oracle::written*>& live,
                                                 value_type type, std::size_t element) const;
    void absorb(process& p);
    static void exaggerate(const process& p, core::action& what);
    void wake_later(process& p, instant due);
    void await_copies(process_number who, duration left);
    void await_farewell(process_number who, duration left);
    void reach(process& p, leave_step step);
    void exit(process& p, bool noticed_at_once);
    bool perform(process& p, const core::action& what);
    void find_spills(process_number who);
    void when_awake(process_number who, const std::function<void()>& then);
    void answer(process_number who, const core::read_spill& asked);
    void note_recovered(process& p, std::uint64_t counter);
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15, hash_ ^= hash_ >> 29; }
    void mix(std::string_view bytes) { mix(hash_bytes(bytes, 0)); }
    void mix(instant when) { mix(static_cast<std::uint64_t>(when.time_since_epoch().count())); }
    void mix_action(const core::action& what);
    void tell(const process& p, std::string line) {
        if (teller_) teller_(p, line);
    }

    // promises.cpp
    void keep_promises(process& p);
    void wake_waiting(process& p);
    void check_groups(const process& p) const;
    [[nodiscard]] std::vector<process_number> in_view(const process& p) const;
    [[nodiscard]] std::size_t joins(const process& seen_by, const process& of) const;
    void note_words(const process& p, process::promise& promise) const;
    void check_words(const process& p, const process::promise& promise) const;

    // statements.cpp
    void note_start(process& p);
    void check_synced(process& p);
    void check_met(process& p);
    void check_unsafe(process& p);
    void note_question(process& p, process::promise& promise);
    void check_absent(process& p, const process::promise& promise);
    void check_owners(process& p, process& q);
    void watch();
    void check_standstill(process& p, process& q);
    void count_costs(process& p);

    // check.cpp
    void check(process& p);
    void check_keys(process& p);
    void check_key(process& p, std::size_t key);
    void check_merged(process& p, std::size_t key);
    void check_counter(process& p, std::size_t key, const std::vector<const oracle::written*>& expected);
    [[nodiscard]] static cut full_cut(const process& p);
    [[nodiscard]] counts counts_of(const cut& seen) const;
    [[noreturn]] void fail(const process& p, const std::string& what) const;

    settings how_;
    dice luck_;
    timeline clock_;
    tally tally_;
    network network_;
    oracle oracle_;
    std::vector<std::unique_ptr<process>> processes_;
    std::deque<spill> spills_; ///< of all addresses, in the order of their writing
    std::map<replica_id, process_number> by_id_;
    std::unordered_map<std::uint64_t, digest>
        digests_; ///< by hash of the cut: every state any node was ever in
    core::outbox out_;
    std::size_t leaves_met_ = 0;
    costs costs_;
    duration longest_standstill_{};
    bool boasted_ = false; ///< somebody has
    std::uint64_t hash_ = 0, half_folded_ = 0, promises_kept_ = 0, woken_ = 0, statements_checked_ = 0;
    struct group {
        process_number origin;
        std::uint64_t first, last;
    };
    std::vector<group> groups_; ///< written together
    teller teller_;
};

} // namespace baton::sim
