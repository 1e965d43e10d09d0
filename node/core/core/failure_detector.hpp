// failure_detector: who lives. Silence and a closed connection make a member suspect; before it is called
// crashed others are asked, for it may be only the way between it and this node that is broken. And of two
// members of one name the older one is asked whether it still lives.
//
// Pure; owned by a mesh, same thread contract. It judges and asks; what a verdict means to others is for the
// mesh to pass on. When to call again: each function that is to be called again says when.
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
    /// Of the connections that two nodes need, each to the other's ROUTER and PUB, what is missing; nullptr:
    /// none. Notes since when. `via`: this node's link to it, if any; `hears_us`: it has subscribed here.
    const char* look_both_ways(peer& p, const link* via, bool hears_us, instant now) const;
    /// Once, until it is well again: whoever runs it has a firewall to open, as a rule.
    void report_one_way(const replica_id& id, peer& p, const char* missing, outbox& out) const;

    // --- signs of life ---
    /// Its connection has stood still for so long that a new one is there sooner: TCP goes on with what it
    /// has lost after pauses that double.
    [[nodiscard]] bool is_stuck(const peer& p, instant now) const;
    /// A few heartbeats late, and it is asked by UDP too: over a bad network TCP stands still for seconds.
    [[nodiscard]] instant probe(peer& p, instant now, outbox& out);
    /// A member that was called crashed, without a link.
    void probe_dead(peer& p, outbox& out);
    struct probed {
        verdict why;
        std::optional<replica_id> alive{}; ///< a sign of it, which may have been called crashed
        /// `about`: somebody else asks for a sign of it; pass it on to note_inquirer().
        std::optional<replica_id> about{};
        replica_id asker{};
        health_record::inquirer how{};
    };
    probed on_probe(const datagram_arrived& in, instant now, outbox& out);

    // --- what others have heard ---
    /// Asks others in turn, a few at a time, about one that is silent.
    [[nodiscard]] instant inquire(const replica_id& id, peer& p, instant now, outbox& out);
    /// `from` wants to know when `about` is heard. True: that has not been so lately, and it is to be asked
    /// by a HELLO, and then by probe().
    bool note_inquirer(const replica_id& about, const replica_id& from, const health_record::inquirer& how,
                       instant now);
    /// With how long ago that was: at once, and again when it is heard anew.
    void answer_inquirers(const replica_id& id, peer& p, instant now, outbox& out);
    void report_heard(const replica_id& id, const replica_id& to, const health_record::inquirer& how,
                      instant now, outbox& out);

    // --- names ---
    /// Somebody new has the name of a member: either that one is gone and has been started again, perhaps on
    /// another machine, or there are two of them. That member, which is to be asked by a HELLO; who lives
    /// answers.
    std::optional<replica_id> meet_namesakes(const replica_id& id, peer& p, instant now, outbox& out);
    static constexpr mesh_clock::duration namesake_patience = std::chrono::milliseconds(1000);
    struct namesake_verdict {
        std::optional<replica_id> replaced{}; ///< that member is no more
        std::optional<instant> again_at{};
    };
    namesake_verdict judge_namesake(const replica_id& id, peer& p, instant now, outbox& out);

  private:
    void send_probe(peer& p, outbox& out);
    /// `by`: the key of what it answers; null: the one in use.
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
