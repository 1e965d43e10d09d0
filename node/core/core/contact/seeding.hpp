// seeding: the seeds of this node. It follows the names of seeds to their addresses, dials each address until
// a member answers, and knocks at one that does not answer: only a refusal proves that no member runs there.
// It also follows the names that this node advertises, and logs what keeps it from others, since a firewall
// does not report that.
//
// Pure; owned by a mesh, same thread contract. Bounded by the seeds in the options, name_book::addresses_max
// for each, and unmet_max nodes. When to call again: tend() with the timers.
#pragma once

#include "core/contact/link_table.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"
#include "discovery/address.hpp"
#include "discovery/names.hpp"
#include "discovery/seeds.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace baton::core {

class seeding {
  public:
    static constexpr std::size_t unmet_max = 64; ///< at a time; further ones are not reported

    seeding(const mesh_options& settings, const membership& members, link_table& links,
            std::mt19937_64& random, schedule& time);

    // --- names ---
    /// The present addresses of the names that this node advertises; nullopt: as before, or it advertises
    /// none.
    [[nodiscard]] std::optional<std::string> hosts() const;
    /// The mesh or the machine has changed: names may have other addresses now.
    void hurry();
    /// An answer about a name. True: some addresses have changed, and hosts() may have.
    [[nodiscard]] bool resolved(const core::resolved& in, outbox& out);

    // --- seeds ---
    void tend(outbox& out);
    /// The answer to a knock at a seed.
    void knocked(const core::knocked& in, outbox& out);
    /// `id` has answered at this address, which may be a seed's.
    void note_answered(const std::string& endpoint, const replica_id& id);

    // --- is this node alone? ---
    /// This node has met no member for options::alone_after, hears of no other node, and each address of each
    /// seed refuses or is its own. Silence is no evidence: neither that of a seed, nor any while there is no
    /// network.
    [[nodiscard]] bool is_alone() const;
    /// Seeds at which a member may be running.
    [[nodiscard]] std::vector<std::string> standing() const { return seeds_.standing(names_); }
    /// Appends the nodes that this one hears of and whose handshake is not complete.
    void name_unmet(std::vector<replica_id>& into) const;
    [[nodiscard]] std::uint64_t knocks() const { return knocks_; }

  private:
    /// A node that this one hears of and whose handshake is not complete.
    struct unmet_node {
        instant first{}, last{};
        std::optional<instant> told_at{};
    };
    void look_at(discovery::seed_table::place& at, outbox& out);
    [[nodiscard]] bool is_own(std::string_view host) const;
    void look_for_unmet(outbox& out);
    [[nodiscard]] std::string missing(const replica_id& id, const peer& p) const;

    const mesh_options& settings_;
    const membership& members_;
    link_table& links_;
    std::mt19937_64& random_;
    schedule& time_;
    instant started_;
    discovery::name_book names_; ///< of seeds, and those that this node advertises
    discovery::seed_table seeds_;
    std::vector<discovery::address> advertised_; ///< where a host may be a name
    std::map<std::string, replica_id> answered_; ///< the node that last answered at a seed's address
    std::map<replica_id, unmet_node> unmet_;
    instant unmet_at_{}; ///< when they are looked at again
    std::uint64_t knocks_ = 0;
};

} // namespace baton::core
