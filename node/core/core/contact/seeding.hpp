// seeding: where this node was told to look for others. It follows the names of seeds to the addresses they
// stand for, dials each address until a member answers, and knocks at one that does not answer: only a
// refusal proves that nobody is there. It follows the names that this node advertises, too, and says in the
// log what keeps it from others, since a firewall does not say so.
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
    /// The addresses that this node's advertised names stand for now; nullopt: as before, or it advertises
    /// none.
    [[nodiscard]] std::optional<std::string> hosts() const;
    /// The mesh or the machine has changed: names may stand for others now.
    void hurry();
    /// An answer about a name. True: some addresses differ, and hosts() may.
    [[nodiscard]] bool resolved(const core::resolved& in, outbox& out);

    // --- seeds ---
    void tend(outbox& out);
    /// The answer to a knock at a seed.
    void knocked(const core::knocked& in, outbox& out);
    /// `id` has answered at this address, which may be a seed's.
    void note_answered(const std::string& endpoint, const replica_id& id);

    // --- is anybody there? ---
    /// Nobody has been met for options::alone_after, nobody is heard of, and each address of each seed
    /// refuses or is this node's own. Silence says nothing: neither a seed's, nor anybody's while there is no
    /// network.
    [[nodiscard]] bool is_alone() const;
    /// Seeds of which it is not known that nobody is there.
    [[nodiscard]] std::vector<std::string> standing() const { return seeds_.standing(names_); }
    /// Appends the nodes that are heard of, and with which the handshake is not over.
    void name_unmet(std::vector<replica_id>& into) const;
    [[nodiscard]] std::uint64_t knocks() const { return knocks_; }

  private:
    /// A node that is heard of, and with which the handshake is not over.
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
    std::map<std::string, replica_id> answered_; ///< who answered at a seed's address last
    std::map<replica_id, unmet_node> unmet_;
    instant unmet_at_{}; ///< when they are looked at again
    std::uint64_t knocks_ = 0;
};

} // namespace baton::core
