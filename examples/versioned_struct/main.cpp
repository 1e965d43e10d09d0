// Changes a struct so that old programs cannot read it any more, without losing what they have written. A
// field that is only appended needs none of this: see ../typed_values.
//
// Here `energy` in percent became `health` in points. The new struct has another payload_version, so neither
// program misreads the other's values: each gets errc::not_readable. The new program keeps the old struct to
// read what is there, and writes the new form.
//
// Run it: versioned_struct. It plays both programs in one process, on loopback, and prints
//     the old program wrote 40 % energy
//     the new program reads 400 points
//     the old program now: not_readable: …

#include <baton/typed.hpp>

#include <iostream>
#include <random>
#include <thread>

using namespace std::chrono_literals;

namespace old_release {
struct player {
    std::string name;
    int energy = 100; // percent
    MSGPACK_DEFINE(name, energy)
};
} // namespace old_release

struct player {
    std::string name;
    int health = 1000; // points
    MSGPACK_DEFINE(name, health)
};
template <>
inline constexpr std::uint32_t baton::payload_version<player> = 2;

/// The player in the new form, whichever form the value has; nullopt: there is none, or it is not readable.
std::optional<player> read_player(const baton::node& node, const std::string& key) {
    const auto now = baton::pickup<player>(node, key);
    if (now) return *now;
    if (now.error().code != baton::errc::not_readable) return std::nullopt;
    const auto old = baton::pickup<old_release::player>(node, key);
    if (!old || !*old) return std::nullopt;
    return player{(*old)->name, (*old)->energy * 10};
}

int main() {
    auto settings = baton::options::loopback();
    settings.cluster = "versions-" + std::to_string(std::random_device{}()); // meets nobody else's example
    auto old_node = baton::node::start(settings);
    auto new_node = baton::node::start(settings);
    if (!old_node || !new_node) {
        std::cerr << (old_node ? new_node : old_node).error().what << '\n';
        return 1;
    }

    // The old release writes.
    if (!baton::stash(*old_node, "player/7", old_release::player{"Ada", 40})) return 1;
    std::cout << "the old program wrote 40 % energy\n";

    // The new release starts beside it, reads that, and writes its own form.
    if (!new_node->pickup("player/7", {.within = 10s})->found()) return 1;
    const auto ada = read_player(*new_node, "player/7");
    if (!ada || ada->health != 400 || ada->name != "Ada") return 1;
    std::cout << "the new program reads " << ada->health << " points\n";
    if (!baton::stash(*new_node, "player/7", player{ada->name, ada->health - 150},
                      {.ack = baton::ack_level::copies(2), .within = 10s}))
        return 1;

    // The old release is told that it cannot read this, and by which version: it must not guess.
    const auto unreadable = baton::pickup<old_release::player>(*old_node, "player/7");
    if (unreadable || unreadable.error().code != baton::errc::not_readable) return 1;
    std::cout << "the old program now: " << to_string(unreadable.error().code) << ": "
              << unreadable.error().what << '\n';
    return read_player(*new_node, "player/7")->health == 250 ? 0 : 1;
}
