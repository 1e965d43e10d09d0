// introducer: decides which beacons this node believes. In a mesh with a key, two nodes learn each other's
// link keys here before either dials. A question is a sealed beacon with a nonce, sent to the UDP port with
// the number of the ROUTER's port; the answer is a sealed beacon that repeats the nonce.
//
// Pure; owned by a mesh, same thread contract. Bounded: questions_max questions, limits.introductions_max
// datagrams a second, a roster of four times limits.peers_max. When to call again: tidy() with every
// heartbeat. discovery/README.md gives the reasons.
#pragma once

#include "core/contact/allowance.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"
#include "core/tally.hpp"
#include "core/told_once.hpp"
#include "discovery/beacon.hpp"
#include "discovery/roster.hpp"
#include "discovery/seal.hpp"

#include <baton/stats.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::core {

class introducer {
  public:
    static constexpr std::size_t datagram_bytes = 1200; ///< of a question, so that no answer is larger
    static constexpr std::size_t questions_max = 1024;

    introducer(const mesh_options& settings, const membership& members, const schedule& time, tally& counts);

    /// The mesh has no key.
    [[nodiscard]] bool is_open() const { return ring_.empty(); }
    [[nodiscard]] discovery::keyring& keys() { return ring_; }
    [[nodiscard]] const discovery::keyring& keys() const { return ring_; }
    /// Which link key belongs to which node, by sealed beacons.
    [[nodiscard]] const discovery::roster& known() const { return known_; }

    // --- what is heard ---
    struct beacon_heard {
        verdict why;
        std::optional<discovery::beacon> said{}; ///< nullopt: its own beacon, or one without effect
    };
    beacon_heard on_beacon(const beacon_arrived& in, outbox& out);
    struct introduced {
        verdict why;
        bool own = false;       ///< this node has asked itself at `endpoint`
        std::string endpoint{}; ///< where it was asked; empty: it answers no question, or is not believed
        discovery::beacon said{};
    };
    /// A question, an answer, or both. Answers a question.
    introduced on_introduction(const datagram_arrived& in, outbox& out);
    /// The addresses of a beacon's sender, by its contents and its source.
    [[nodiscard]] std::vector<discovery::address> ways_of(const discovery::beacon& b,
                                                          std::string_view seen_at) const;

    // --- what is said ---
    [[nodiscard]] std::string beacon_bytes();
    /// Asks the node at `endpoint` to introduce itself, if the bounds permit. `of_stranger`: the address
    /// comes from a stranger's datagram or a report.
    void ask(const std::string& endpoint, bool of_stranger, outbox& out);

    // --- which nodes are refused ---
    /// Reports a refused node, once.
    void report_refused(const replica_id& id, std::string name, std::string reason, outbox& out);
    [[nodiscard]] std::string no_common_version(const wire::versions& theirs) const;
    /// Expels nodes that have been silent for long and are not peers. O(roster).
    void tidy(outbox& out);

  private:
    struct open_question {
        std::string endpoint;
        instant until{};
    };
    /// A beacon or an introduction that may be read.
    struct heard_beacon {
        discovery::beacon said;
        const mesh_key* by = nullptr; ///< what sealed it
        bool own = false;
    };
    verdict refuse_stranger(const char* reason, std::string_view host, outbox& out);
    verdict hear(std::string_view bytes, discovery::purpose what, std::string_view host, heard_beacon& into,
                 outbox& out);
    discovery::roster::finding vouch(const discovery::beacon& b, discovery::purpose what, bool echoed,
                                     outbox& out);
    bool believes(const discovery::beacon& b, std::string_view host, verdict& why, outbox& out);
    verdict answer(const datagram_arrived& in, const heard_beacon& question, discovery::roster::finding asker,
                   outbox& out);
    [[nodiscard]] discovery::beacon make_beacon();
    [[nodiscard]] std::string new_question(const std::string& endpoint, bool of_stranger);

    const mesh_options& settings_;
    const membership& members_;
    const schedule& time_;
    tally& tally_;

    discovery::keyring ring_;
    discovery::roster known_;
    std::map<std::string, open_question> asked_; ///< by nonce
    std::uint64_t last_nonce_ = 0;
    std::uint64_t sequence_ = 0;  ///< of the last beacon
    told_once foreign_told_{256}; ///< strangers that have been reported
    // Questions and answers per second. A sender without the key cannot use up the share of others.
    allowance questions_;              ///< sent, for any reason
    allowance questions_to_strangers_; ///< of these, to addresses from strangers
    allowance answers_;                ///< to known nodes
    allowance newcomers_;              ///< to new nodes
    allowance challenges_;             ///< to nodes whose clock is off, like that of a recording
    allowances_by_source by_source_;   ///< of all three
    noted_sequences old_beacons_;      ///< whose senders have been asked for an echo
    noted_sequences old_questions_;    ///< that have been answered with a question
};

} // namespace baton::core
