// courier: sends frames to one member or to all, in a wire version that the receivers speak: to a member in
// the newest that both speak, on PUB in the newest that all known members speak.
//
// Pure; owned by a mesh, same thread contract. When to call again: choose_version() when the version of a
// peer becomes known, or a member is gone.
#pragma once

#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "wire/frame.hpp"

#include <baton/stats.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace baton::core {

class courier {
  public:
    courier(const mesh_options& settings, const membership& members, const std::map<link_id, link>& links,
            node_stats& counters)
        : settings_(settings)
        , members_(members)
        , links_(links)
        , counters_(counters) {
        choose_version();
    }

    /// The oldest version for nullptr and for a peer that has not greeted yet: of a HELLO in a version that
    /// it does not speak, it may read only the head.
    [[nodiscard]] std::uint64_t version_for(const peer* p) const;
    [[nodiscard]] std::string encode_for(const peer* p, const wire::frame& f) const;
    [[nodiscard]] std::string encode_for_all(const wire::frame& f) const;
    void choose_version();
    /// This node's link to it is open.
    [[nodiscard]] bool has_open_link(const peer& p) const;
    /// Sends by this node's link to it, or else by its link to this node. If there is neither, it counts that
    /// and returns false.
    bool send_to(const replica_id& id, const peer& p, const wire::frame& f, outbox& out);

  private:
    const mesh_options& settings_;
    const membership& members_;
    const std::map<link_id, link>& links_;
    node_stats& counters_;
    std::uint64_t version_for_all_ = wire::version_max;
};

} // namespace baton::core
