// quests: the addresses at which a node is tried, one after another without waiting for the former to fail.
// A quest makes this node dial, never believe: what answers on a link says who it is.
//
// Pure; owned by a mesh, same thread contract. Bounded by quests_max, dialled_max and at_a_time. When to call
// again: tend() with the timers.
// Source: RFC 8305 (Happy Eyeballs).
#pragma once

#include "core/contact/link_table.hpp"
#include "core/contact/quest.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"
#include "discovery/address.hpp"

#include <baton/stats.hpp>

#include <string_view>
#include <vector>

namespace baton::core {

/// The other addresses of a peer, the latest first: where it was seen or said to be last is the likeliest.
[[nodiscard]] std::vector<discovery::address> latest_first(const peer& p);

class quests {
  public:
    static constexpr std::size_t quests_max = 64;  ///< further ones are counted and forgotten
    static constexpr std::size_t dialled_max = 24; ///< of all quests at a time
    static constexpr std::size_t at_a_time = 3;    ///< of one node, the link it has included
    static constexpr auto dials_apart = std::chrono::milliseconds{100}; ///< of one node

    quests(const mesh_options& settings, membership& members, link_table& links, schedule& time,
           node_stats& counters)
        : settings_(settings)
        , members_(members)
        , links_(links)
        , time_(time)
        , counters_(counters) {}

    [[nodiscard]] const quest_map& under_way() const { return all_; }
    /// A link to it is being opened, besides the one it has.
    [[nodiscard]] bool is_trying(const replica_id& id) const;
    /// Begins to try these addresses, or goes on with those that are new.
    void seek(const replica_id& id, const std::vector<discovery::address>& ways, mesh_clock::duration after);
    /// As seek(), for a node that `by` has reported.
    void seek_reported(const replica_id& id, const std::vector<discovery::address>& ways,
                       const replica_id& by);
    /// A node has said which addresses its interfaces have (`reach`), and is seen at one of them: then it is
    /// not at any other, and is sought if its link leads there.
    void note_moved(const replica_id& id, peer& p, std::string_view reach, std::string_view seen_at);
    /// Dials what is due, and ends what is over. O(peers + links).
    void tend(outbox& out);
    /// This node has said goodbye: nobody is sought any more.
    void stop() { stopped_ = true; }

  private:
    void seek_where_needed();
    [[nodiscard]] std::size_t judge_links(outbox& out);
    void try_way(const replica_id& id, quest& q, outbox& out);
    void end_round(quest& q, peer* p);

    const mesh_options& settings_;
    membership& members_;
    link_table& links_;
    schedule& time_;
    node_stats& counters_;
    quest_map all_;
    bool stopped_ = false;
};

} // namespace baton::core
