#include "arena.hpp"

#include <algorithm>
#include <stdexcept>

namespace arena {

// Constants of Steele et al. 2014, SplitMix64.
std::uint64_t after_move(std::uint64_t trail, std::size_t session, std::uint64_t number) {
    auto mixed = trail + 0x9e3779b97f4a7c15ULL + (session << 32) + number;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
}

void session::merge(const session& other) {
    handovers = std::max(handovers, other.handovers);
    players.resize(std::max(players.size(), other.players.size()));
    for (std::size_t i = 0; i < other.players.size(); ++i) {
        if (other.players[i].moves > players[i].moves) players[i] = other.players[i];
    }
}

session new_session(std::size_t number) {
    return {"arena " + std::to_string(number), std::vector<player>(players_a_session), 0};
}

std::string key_of(std::size_t number) {
    const auto digits = std::to_string(number);
    return std::string(prefix) + std::string(6 - std::min<std::size_t>(6, digits.size()), '0') + digits;
}

std::size_t number_of(std::string_view key) {
    if (!key.starts_with(prefix)) throw std::runtime_error("not the key of a session");
    return std::stoul(std::string(key.substr(prefix.size())));
}

} // namespace arena
