// client_options: what a client chooses when it connects, how it writes, and what its lists return.
//
//     // For a tool on the machine of a node whose mesh has a key.
//     baton::client_options settings_for(std::string key_file) {
//         baton::client_options settings;
//         settings.name = "backup";
//         settings.seeds = {"127.0.0.1:5670"};
//         settings.key_file = std::move(key_file);
//         settings.reach_within = std::chrono::seconds{2};
//         return settings;
//     }
//
// Aggregates with defaults; plain values, any thread.
#pragma once

#include <baton/ack.hpp>
#include <baton/client_key.hpp>
#include <baton/options.hpp>
#include <baton/version.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton {

/// What a program chooses when it connects.
struct client_options {
    std::string name{};              ///< for the logs of members; at most 64 bytes
    std::string cluster = "default"; ///< of the mesh
    /// "HOST:PORT" of a member's door (member::client_endpoint), or of the member itself, which then tells
    /// its door by UDP. The client learns the other doors from the member that it talks to.
    std::vector<std::string> seeds{};
    bool search = true;      ///< without seeds: search for a door by UDP, as nodes find each other
    std::string host{};      ///< local address for the search; see options::host
    beacon_options beacon{}; ///< the port, groups and interfaces of the search
    /// In a mesh with a key: a right to use its doors. nullopt, and no key_file: the mesh is open.
    std::optional<client_key> key{};
    /// A file that only its owner can read, with a client key (client_key::to_text) or with keys of the mesh,
    /// of which the first is used.
    std::string key_file{};
    /// How long a call waits while no member can be reached.
    std::chrono::milliseconds reach_within{5000};
    /// How long a call waits for a member that lacks what this client has seen.
    std::chrono::milliseconds patience{2000};
    /// How long connect() looks for a door.
    std::chrono::milliseconds search_within{5000};
};

/// What to do with a write that may have been made by a member that is gone.
enum class client_retry : std::uint8_t {
    never,         ///< the call fails with errc::unknown
    at_least_once, ///< write again at another member; the write may be made twice, and undo one in between
};

/// How a client writes.
struct write_terms {
    /// `local` dies with the member, so a client waits for two by default. If the mesh has one member only,
    /// the call returns at once, with `met` false and one copy: nothing else can be true.
    ack_level ack = ack_level::copies(2);
    std::chrono::milliseconds within{5000};   ///< wait at most this long for `ack`
    client_retry retry = client_retry::never; ///< whether it may be repeated at another member
};

/// How a client writes a register.
struct stash_terms {
    ack_level ack = ack_level::copies(2);           ///< as write_terms::ack
    std::chrono::milliseconds within{5000};         ///< as write_terms::within
    client_retry retry = client_retry::never;       ///< as write_terms::retry
    std::optional<std::chrono::milliseconds> ttl{}; ///< as stash_options::ttl
    std::optional<version> if_version{};            ///< as stash_options::if_version
};

/// A write of this client that nobody has any more.
struct lost_write {
    std::string key;   ///< the key that was written
    version written{}; ///< the write
};

/// A page of a sorted list.
struct name_page {
    std::vector<std::string> names;    ///< sorted by bytes
    std::optional<std::string> next{}; ///< where the next page begins; nullopt: this is the last one
};

} // namespace baton
