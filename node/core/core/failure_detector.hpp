// failure_detector: judges which members live. Silence or a closed connection makes a member suspect. Before
// this node calls it crashed, it asks other members, since only the path between the two may be broken. If
// two members have the same name, it asks the older one whether it still lives.
//
// Pure; owned by a mesh, same thread contract. It judges and asks; the mesh passes on what a verdict means to
// the other machines. When to call again: the comments of the functions state it.
// Source: SWIM's indirect probe (Das et al. 2002).
#pragma once

#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "discovery/liveness.hpp"
#include "discovery/probe.hpp"
#include "discovery/seal.hpp"

#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace baton::core {

class failure_detector {
  public:
    struct counts {
        std::uint64_t probes_sent = 0, probes_answered = 0;
    };
    failure_detector(const mesh_options& settings, membership& members, courier& mail,
                     const discovery::keyring& keys, std::mt19937_64& random)
        : settings_(settings)
        , patience_{settings.liveness.suspect_after, settings.liveness.crashed_after,
                    settings.liveness.closed_after}
        , members_(members)
        , mail_(mail)
        , keys_(keys)
        , random_(random) {}

    [[nodiscard]] const discovery::patience& patience() const { return patience_; }
    [[nodiscard]] const counts& counted() const { return counts_; }

    // --- both ways ---
    /// Two nodes need connections to each other's ROUTER and PUB: returns what is missing, or nullptr. Notes
    /// since when. `via`: this node's link to it, if any; `hears_us`: it has subscribed here.
    const char* look_both_ways(peer& p, const link* via, bool hears_us, instant now) const;
    /// Reported once, until both directions work again. The usual cause is a firewall.
    void report_one_way(const replica_id& id, peer& p, const char* missing, outbox& out) const;

    // --- signs of life ---
    /// Its connection has stood still for so long that a new one works sooner: TCP resends lost data after
    /// pauses that double.
    [[nodiscard]] bool is_stuck(const peer& p, instant now) const;
    /// If it is a few heartbeats late, it is also asked by UDP: over a bad network TCP stands still for
    /// seconds.
    [[nodiscard]] instant probe(peer& p, instant now, outbox& out);
    /// A member that was called crashed, without a link.
    void probe_dead(peer& p, outbox& out);
    struct probed {
        verdict why;
        std::optional<replica_id> alive{}; ///< a member that has shown a sign of life; it may be crashed here
        /// `about`: another member asks for a sign of life of this one; pass it to note_inquirer().
        std::optional<replica_id> about{};
        replica_id asker{};
        health_record::inquirer how{};
    };
    probed on_probe(const datagram_arrived& in, instant now, outbox& out);

    // --- what others have heard ---
    /// Asks other members in turn, a few at a time, about a silent one.
    [[nodiscard]] instant inquire(const replica_id& id, peer& p, instant now, outbox& out);
    /// `from` wants a report when `about` is heard. True: `about` has not been heard lately; send it a HELLO,
    /// then call probe().
    bool note_inquirer(const replica_id& about, const replica_id& from, const health_record::inquirer& how,
                       instant now);
    /// Reports to those who asked how long ago that was: at once, and again when it is heard again.
    void answer_inquirers(const replica_id& id, peer& p, instant now, outbox& out);
    void report_heard(const replica_id& id, const replica_id& to, const health_record::inquirer& how,
                      instant now, outbox& out);

    // --- names ---
    /// A new node has the name of a member. Either the member is gone and was started again, perhaps on
    /// another machine, or there are two nodes of that name. Returns that member; send it a HELLO: if it
    /// lives, it answers.
    std::optional<replica_id> meet_namesakes(const replica_id& id, peer& p, instant now, outbox& out);
    static constexpr mesh_clock::duration namesake_patience = std::chrono::milliseconds(1000);
    struct namesake_verdict {
        std::optional<replica_id> replaced{}; ///< that member is no more
        std::optional<instant> again_at{};
    };
    namesake_verdict judge_namesake(const replica_id& id, peer& p, instant now, outbox& out);

  private:
    void send_probe(peer& p, outbox& out);
    /// `by`: the key of the datagram that it answers; nullptr: the key in use.
    void send(const std::string& to, const discovery::probe& what, const mesh_key* by, outbox& out) const;

    const mesh_options& settings_;
    discovery::patience patience_;
    membership& members_;
    courier& mail_;
    const discovery::keyring& keys_;
    std::mt19937_64& random_;
    counts counts_;
};

} // namespace baton::core
