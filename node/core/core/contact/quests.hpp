// quests: tries the addresses of a node, one after another, without waiting for the former one to fail. A
// quest only makes this node dial: the node that answers on a link states its id.
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

/// The other addresses of a peer, the latest first: where it was last seen or reported is the most likely.
[[nodiscard]] std::vector<discovery::address> latest_first(const peer& p);

class quests {
  public:
    static constexpr std::size_t quests_max = 64;  ///< further ones are counted and forgotten
    static constexpr std::size_t dialled_max = 24; ///< of all quests at a time
    static constexpr std::size_t at_a_time = 3;    ///< of one node, its present link included
    static constexpr auto dials_apart = std::chrono::milliseconds{100}; ///< of one node

    quests(const mesh_options& settings, membership& members, link_table& links, schedule& time,
           node_stats& counters)
        : settings_(settings)
        , members_(members)
        , links_(links)
        , time_(time)
        , counters_(counters) {}

    [[nodiscard]] const quest_map& under_way() const { return all_; }
    /// A link to it is being opened, in addition to its present one.
    [[nodiscard]] bool is_trying(const replica_id& id) const;
    /// Begins to try these addresses, or continues with the new ones.
    void seek(const replica_id& id, const std::vector<discovery::address>& ways, mesh_clock::duration after);
    /// As seek(), for a node that `by` has reported.
    void seek_reported(const replica_id& id, const std::vector<discovery::address>& ways,
                       const replica_id& by);
    /// A node has stated the addresses of its interfaces (`reach`) and is seen at one of them: then it is at
    /// no other address. If its link leads to another one, it is sought.
    void note_moved(const replica_id& id, peer& p, std::string_view reach, std::string_view seen_at);
    /// Dials what is due, and ends what is over. O(peers + links).
    void tend(outbox& out);
    /// This node has said goodbye: it seeks no nodes any more.
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
