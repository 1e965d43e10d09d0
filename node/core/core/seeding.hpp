// How a mesh dials its seeds, follows their names and its own, and says what keeps it from others. Private to
// mesh's own files.
//
// A view of a mesh: it owns nothing, and lives no longer than a call.
#pragma once

#include "core/mesh.hpp"

namespace baton::core {

struct mesh::seeding {
    mesh& m;

    void begin();
    void tend(outbox& out);
    /// The mesh has changed: names may stand for others now.
    void hurry();
    verdict knocked(const core::knocked& in, outbox& out);
    verdict resolved(const core::resolved& in, outbox& out);
    /// What others dial this node by has changed.
    void tell_addresses(outbox& out);

  private:
    void look_at(discovery::seed_table::place& at, outbox& out);
    [[nodiscard]] bool is_own(std::string_view host) const;
    void advertise(outbox& out);
    void look_for_unmet(outbox& out);
    [[nodiscard]] std::string missing(const replica_id& id, const peer& p) const;
};

} // namespace baton::core
