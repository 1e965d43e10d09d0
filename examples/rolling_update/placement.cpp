#include "placement.hpp"

#include <cstdint>

namespace placement {

namespace {

constexpr std::string_view prefix = "server/";

// FNV-1a and a finalizer: the same in every process and every build, as std::hash is not.
std::uint64_t weight(std::string_view session, std::string_view server) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const auto text : {session, server})
        for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3ULL;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdULL;
    return hash ^ (hash >> 33);
}

} // namespace

std::string key_of(const baton::replica_id& server) { return std::string(prefix) + server.to_string(); }

std::optional<std::string> address_of(const baton::node& seen_by, const baton::replica_id& server) {
    auto found = seen_by.pickup(key_of(server));
    if (!found || !found->found()) return std::nullopt;
    return std::move(found->value);
}

std::vector<std::string> candidates(const baton::node& seen_by) {
    std::vector<std::string> all;
    const auto add = [&](const baton::replica_id& id) {
        if (address_of(seen_by, id)) all.push_back(id.to_string());
    };
    add(seen_by.id());
    for (const auto& each : *seen_by.members())
        if (each.state == baton::member_state::up) add(each.id);
    return all;
}

std::optional<std::string> chosen(const std::vector<std::string>& candidates, std::string_view session) {
    std::optional<std::string> best;
    std::uint64_t highest = 0;
    for (const auto& server : candidates) {
        const auto its = weight(session, server);
        if (best && its <= highest) continue;
        best = server;
        highest = its;
    }
    return best;
}

} // namespace placement
