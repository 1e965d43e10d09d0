// write: how a write is made, and what it has reached. Every write of a node takes such options and gives a
// write_result.
//
//     #include <baton/node.hpp>
//
//     // Writes the state so that it survives the crash of any one node; false if that is not certain yet.
//     bool keep(baton::node& node, std::string_view state) {
//         const baton::stash_options how{.ack = baton::ack_level::copies(2),
//                                        .within = std::chrono::seconds{2}};
//         const auto done = node.stash("game/state", state, how);
//         return done && done->met;
//     }
//     // The same of a removal, for which no proof is needed if there was nothing to remove.
//     bool retire(baton::node& node, std::string_view player) {
//         const auto done = node.erase("players", player, {.ack = baton::ack_level::copies(2)});
//         return done && (done->met || !done->changed);
//     }
//
// Plain values; any thread.
#pragma once

#include <baton/ack.hpp>
#include <baton/version.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace baton {

/// How a write is made.
struct write_options {
    ack_level ack{}; ///< how many members must hold the write before the call returns

    /// Wait at most this long for that, and before it for members that lag. 0 or less: do not wait.
    std::chrono::milliseconds within{5000};
};

/// How the owner of a claim writes.
struct commit_options {
    ack_level ack{};                                ///< as write_options::ack
    std::chrono::milliseconds within{5000};         ///< as write_options::within
    std::optional<std::chrono::milliseconds> ttl{}; ///< as stash_options::ttl
};

/// How a register is written.
struct stash_options {
    ack_level ack{};                        ///< as write_options::ack
    std::chrono::milliseconds within{5000}; ///< as write_options::within

    /// Time to live; nullopt: none. Each node counts it on its monotonic clock from the moment it applies the
    /// write, so no wall clock matters; what travels is the rest of it. When the longest ttl of the
    /// concurrent values has passed, reads treat the key as absent; a value without a ttl never passes. The
    /// key is removed everywhere clock_skew_max later, and stats() counts it until then. A later write has
    /// its own ttl or none. In a spill it runs by the wall clock. More than 0, and at most 100 years
    /// (bad_argument).
    std::optional<std::chrono::milliseconds> ttl{};
    /// Write only if the key is at this version on this node; version{}: only if it is absent here.
    std::optional<version> if_version{};
};

/// What a write has reached.
struct write_result {
    version written{};      ///< names the write, for confirm() and if_version; version{} if nothing changed
    std::size_t copies = 1; ///< members known to hold it, this one included; 0 if nothing changed
    bool met = true;        ///< the level is reached; if not, the write goes on spreading: see confirm()

    /// False for a removal that found nothing to remove: no write was made, and nothing is sent. Then a level
    /// above `local` is not met, since there is no write that a member could hold.
    bool changed = true;
};

} // namespace baton
