// client_claim: a register that a client owns, until the claim is released, destroyed, or lost.
//
//     #include <baton/client.hpp>
//
//     // Deals one hand at a table that nobody else serves at the same time.
//     bool deal(baton::client& client, const std::string& table) {
//         auto mine = client.claim(table, {.if_free = true});
//         if (!mine) return false; // errc::conflict: it has an owner
//         return mine->commit(mine->taken_over().value + " hand").has_value(); // or errc::claim_lost
//     }
//
// For the mesh the owner is the member that the client talks to; that member keeps for which of its clients,
// and refuses the writes of the others (`claimed`). A write at another member becomes a sibling, as with
// node::claim. So the claim ends with the member's leave or crash, and when the member has not heard the
// client for the lease. Then commit() fails with `claim_lost`: claim again with
// client_claim_options::if_epoch, which succeeds only if nobody has owned the key in between.
//
// Thread contract: any thread may call every member function, also at the same time; one thread moves or
// destroys the claim. Movable; not copyable. It is independent of the client object, which may be moved or
// destroyed first: then every call returns `unreachable`, and the member ends the claim after the lease. In a
// forked child every call returns `forked`. Source: as claim_handle.
#pragma once

#include <baton/ack.hpp>
#include <baton/api.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/version.hpp>
#include <baton/write.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace baton {

class client; // client.hpp

/// How a client claims.
struct client_claim_options {
    std::optional<std::chrono::milliseconds> within{}; ///< as claim_options::within
    /// The claim ends when the member has not heard this client for so long, 3 to 60 s. The client speaks
    /// once a second by itself.
    std::chrono::milliseconds lease{10'000};
    bool if_free = false;                  ///< as claim_options::if_free
    std::optional<owner_epoch> if_epoch{}; ///< as claim_options::if_epoch
};

/// How a client writes what it owns.
struct client_commit_options {
    ack_level ack = ack_level::copies(2);           ///< as write_terms::ack
    std::chrono::milliseconds within{5000};         ///< as write_terms::within
    std::optional<std::chrono::milliseconds> ttl{}; ///< as stash_options::ttl
};

/// Owns a register for a client; client::claim returns it.
class BATON_API client_claim {
  public:
    client_claim(client_claim&&) noexcept;            ///< takes the claim over
    client_claim& operator=(client_claim&&) noexcept; ///< releases the present claim and takes the other over

    /// Releases the key if it still owns it. Does not wait.
    ~client_claim();

    /// The key that it owns or owned.
    [[nodiscard]] const std::string& key() const;
    /// The epoch of the claim, as claim_handle::epoch().
    [[nodiscard]] owner_epoch epoch() const;
    /// The value that the claim took over. client::siblings() has the others, which the first commit
    /// replaces.
    [[nodiscard]] const stored_value& taken_over() const;

    /// Writes the key as its owner, as claim_handle::commit(). Errors: those of client::stash; claim_lost.
    result<write_result> commit(std::string_view value, client_commit_options how = {});
    /// Gives up ownership, as claim_handle::release(), and returns the epoch under which the key is free.
    /// Errors: claim_lost, unreachable, unknown, forked.
    result<owner_epoch> release();
    /// What the member says: whether this client still owns the key. Errors: those of client::pickup.
    [[nodiscard]] result<bool> holds() const;
    /// As claim_handle::tentative(). True if the claim is lost. Errors: those of client::pickup.
    [[nodiscard]] result<bool> tentative() const;

  private:
    friend class client;
    struct BATON_LOCAL body;
    explicit client_claim(std::unique_ptr<body> of);
    std::unique_ptr<body> body_;
};

} // namespace baton
