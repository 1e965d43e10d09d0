// How claims come to an end, of this node and of owners that are gone. Private to mesh's own files.
//
// A view of a mesh: it owns nothing, and lives no longer than a call.
#pragma once

#include "core/jobs.hpp"

namespace baton::core {

struct mesh::claiming {
    mesh& m;

    // mesh_claims.cpp
    /// Null when it has been lost, which is found out here at the latest.
    own_claim* owned(const moment& at, std::string_view key, std::uint64_t number);
    void start_lease(const moment& at, std::string_view key, own_claim& held);
    /// Ends the claim if its lease is over at this moment.
    void expire(const moment& at, std::string_view key);
    /// Writes that the key is free. Precondition: this node's claim of it is read. The epoch.
    std::uint64_t give_up(const moment& at, std::string_view key);
    /// The value that is read goes on, free. It is this node's own, or one whose owner is gone.
    void write_free(const moment& at, std::string_view key, std::uint64_t epoch);
    void end(std::string_view key, std::string reason);
    void forget(std::string_view key);
    /// Asks members about new claims until they have agreed to them.
    void seek_agreement();
    /// Every member in view has seen this, and everything that it has seen is here.
    [[nodiscard]] bool is_known_to_all(const dot& id) const;

    // mesh_releases.cpp
    /// Left, crashed, or never met and silent for as long as it takes to close an origin. One that is merely
    /// suspect goes on owning.
    [[nodiscard]] bool is_gone_for_good(const replica_id& owner);
    /// Of an owner that is gone: nobody living can hold more of it than is here.
    [[nodiscard]] bool is_known_whole(const replica_id& owner, gone_owner& how);
    [[nodiscard]] bool has_nobody(const replica_id& owner);
    [[nodiscard]] bool has_heard_all();
    void ask_for_gone();
    void inquire_about_named(outbox& out);
    [[nodiscard]] bool is_seen_by_others(const replica_id& owner, gone_owner& how);
    /// True while more is left that may be looked at now.
    bool work(std::size_t steps);
    void release_if_ours_to(const dot& claimed, const gone_owner& owner);
    /// Precondition: m.found_ has the slot's records.
    [[nodiscard]] bool may_give_up_own(std::string_view key, const record_view& own);
    void withdraw_beaten();
};

} // namespace baton::core
