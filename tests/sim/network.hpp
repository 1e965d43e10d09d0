// network: what the shell's sockets would do, under the virtual clock: DEALER→ROUTER and PUB→SUB connections
// that open, break, are redialled and carry bytes, and beacons; with the faults of `rates`.
//
// One thread. An open connection keeps order and loses nothing, except for the faults asked for; frames under
// way when it breaks are gone. A blocked path holds frames back until it opens or the connection is given up.
// Deliveries happen from the timeline only, never within perform().
#pragma once

#include "core/io.hpp"
#include "sim/faults.hpp"
#include "sim/oracle.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace baton::sim {

/// An address: "tcp://10.0.0.<slot + 1>". Incarnations come and go at it.
using slot_number = std::size_t;
[[nodiscard]] std::string host_of(slot_number slot);
[[nodiscard]] std::string endpoint_of(slot_number slot);
/// The link key of the node with that id.
[[nodiscard]] discovery::link_key link_key_of(const replica_id& id);
inline constexpr std::uint16_t router_port = 5001, publish_port = 5002;

enum class channel : std::uint8_t { request, reply, broadcast, beacon, datagram };

class network {
  public:
    using deliver = std::function<void(process_number, const core::input&)>;
    /// For scenarios: false drops the message.
    using filter =
        std::function<bool(process_number from, process_number to, channel, std::string_view bytes)>;

    network(timeline& clock, dice luck, rates& faults, tally& counted, deliver to)
        : clock_(clock)
        , luck_(luck)
        , faults_(faults)
        , counted_(counted)
        , deliver_(std::move(to)) {}

    /// `key`: of its sockets; none: they are open.
    void arrive(process_number who, slot_number slot, const replica_id& id,
                const discovery::link_key& key = {});
    /// The process can be dialled at this address too. Its own dials and frames go by its own slot.
    void answer_at(slot_number slot, process_number who) { at_[slot] = who; }
    /// A connection that `from` has given up reaches ROUTER late, takes its name from the one that has it,
    /// and is gone. That one stays open, and is not heard any more.
    void usurp(process_number from, process_number at);
    /// Connections to a process that exited close at once; those to a machine that died, when silence has
    /// been noticed.
    void depart(process_number who, bool noticed_at_once);
    /// A frozen process hears nothing until it is thawed; then it hears everything that arrived.
    void freeze(process_number who, bool frozen);
    void perform(process_number who, core::action& what);
    /// Blocks add up: a path is open again when each block has been lifted.
    void block(slot_number from, slot_number to, bool on);
    [[nodiscard]] bool blocked(slot_number from, slot_number to) const;
    /// From now on no node at `from` can open a connection to `to` or send it a datagram, as behind a
    /// firewall. Open connections stay.
    void bar(slot_number from, slot_number to, bool on);
    /// Closes every connection between the two, and both notice.
    void reset(slot_number a, slot_number b);
    void set_filter(filter passes) { passes_ = std::move(passes); }
    /// Sets the answer of the name service for a name, or for a service with ports; without addresses: no
    /// such host. A question about an unset name fails after five seconds.
    void set_name(const std::string& name, std::vector<discovery::address> all) {
        names_[name] = std::move(all);
    }
    void forget_name(const std::string& name) { names_.erase(name); }
    /// How often it was asked.
    [[nodiscard]] std::size_t questions_of(process_number who) { return asked_[who]; }
    /// What a process has sent to find or keep others.
    struct spending {
        std::uint64_t dials = 0;     ///< connections tried, and knocks
        std::uint64_t datagrams = 0; ///< small ones, to one node
        std::uint64_t bytes = 0; ///< of these, and of each dial the packet that opens it, with their headers
    };
    [[nodiscard]] const spending& spent(process_number who) { return spent_[who]; }
    /// Connections that it holds or tries to make.
    [[nodiscard]] std::size_t connections_of(process_number who) const;

  private:
    struct process {
        slot_number slot;
        replica_id id;
        bool alive = true, frozen = false;
        std::deque<core::link_changed> missed_links;
        std::deque<core::subscriber_changed> missed_subscribers;
        discovery::link_key key{};
        std::set<replica_id> admitted{};
    };
    struct connection {
        process_number from;
        core::link_id link;
        bool is_sub;
        slot_number to;
        discovery::link_key key{};          ///< what it takes to be there
        std::optional<process_number> with; ///< while open
        bool hung_up = false;
        bool once = false;            ///< it is not tried again before it has been open
        std::uint64_t generation = 0; ///< of the transport connection; what belongs to a former one is gone
        duration backoff{};
        struct {
            instant last_due{};
            std::deque<std::string> held;
        } way[2]; ///< 0: from → with; 1: back
    };

    void knock(process_number who, const core::knock& at);
    void resolve(process_number who, const core::resolve& what);
    connection& open_link(process_number from, core::link_id link, bool is_sub, const std::string& endpoint,
                          const discovery::link_key& key, bool once = false);
    void attempt(connection& c);
    [[nodiscard]] bool let_in(const connection& c, process_number target) const;
    void established(connection& c);
    void broken(connection& c);
    void retry(connection& c);
    void look_after(connection& c, duration patience);
    void send(connection& c, int way, std::string bytes);
    void land(connection& c, int way, std::string bytes);
    void hand_over(connection& c, int way, std::string_view bytes);
    void flush(connection& c);
    [[nodiscard]] bool passable(const connection& c, int way) const;
    [[nodiscard]] std::optional<process_number> alive_at(slot_number slot) const;
    bool spoil(std::string& bytes);
    [[nodiscard]] duration passage(std::size_t bytes) const;
    [[nodiscard]] duration delay();
    template <class Input>
    void notify(process_number who, std::deque<Input> process::*missed, Input what);

    timeline& clock_;
    dice luck_;
    rates& faults_;
    tally& counted_;
    deliver deliver_;
    filter passes_;
    std::vector<process> processes_;
    std::map<slot_number, process_number> at_; ///< the latest at an address
    void note_dial(process_number who);
    std::map<process_number, spending> spent_;
    std::map<std::string, std::vector<discovery::address>> names_;
    std::map<process_number, std::size_t> asked_;
    std::deque<connection> connections_; ///< never shrinks: callbacks hold references
    std::map<std::pair<process_number, core::link_id>, connection*> dealers_, subs_;
    std::map<process_number, std::map<replica_id, connection*>> routes_;
    std::map<process_number, std::vector<connection*>> subscribers_;
    std::map<std::pair<slot_number, slot_number>, int> blocks_;
    std::set<std::pair<slot_number, slot_number>> barred_;
};

} // namespace baton::sim
