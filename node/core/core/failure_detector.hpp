// failure_detector: judges which members live. Silence or a closed connection makes a member suspect. Before
// this node calls it crashed, it asks other members, since only the path between the two may be broken.
//
// Pure; owned by a mesh, same thread contract. It judges and asks; the mesh passes on what a verdict means to
// the other machines. When to call again: the comments of the functions state it.
// Source: SWIM's indirect probe (Das et al. 2002).
#pragma once

#include "core/contact/greeter.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/namesakes.hpp"
#include "core/schedule.hpp"
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
    failure_detector(const mesh_options& settings, membership& members, courier& mail, greeter& greetings,
                     const discovery::keyring& keys, std::mt19937_64& random, schedule& time)
        : names(settings, members, greetings, time)
        , settings_(settings)
        , patience_{settings.liveness.suspect_after, settings.liveness.crashed_after,
                    settings.liveness.closed_after}
        , members_(members)
        , mail_(mail)
        , greetings_(greetings)
        , keys_(keys)
        , random_(random)
        , time_(time) {}

    namesakes names; ///< two members of one name

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
    };
    /// A datagram: a probe, an inquiry, or the answer to one.
    probed on_probe(const datagram_arrived& in, instant now, outbox& out);

    // --- what others have heard ---
    /// Asks other members in turn, a few at a time, about a silent one.
    [[nodiscard]] instant inquire(const replica_id& id, peer& p, instant now, outbox& out);
    /// `from` wants a report when `about` is heard. If that is not lately, asks `about` for a sign of life.
    void on_inquiry(const replica_id& about, const replica_id& from, const health_record::inquirer& how,
                    instant now, outbox& out);
    /// Reports to those who asked how long ago that was: at once, and again when it is heard again.
    void answer_inquirers(const replica_id& id, peer& p, instant now, outbox& out);

  private:
    void report_heard(const replica_id& id, const replica_id& to, const health_record::inquirer& how,
                      instant now, outbox& out);
    void send_probe(peer& p, outbox& out);
    /// `by`: the key of the datagram that it answers; nullptr: the key in use.
    void send(const std::string& to, const discovery::probe& what, const mesh_key* by, outbox& out) const;

    const mesh_options& settings_;
    discovery::patience patience_;
    membership& members_;
    courier& mail_;
    greeter& greetings_;
    const discovery::keyring& keys_;
    std::mt19937_64& random_;
    schedule& time_;
    counts counts_;
};

} // namespace baton::core
