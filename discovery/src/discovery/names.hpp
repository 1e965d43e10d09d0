// names: when a node looks a name up, and the addresses of the name. It repeats the look-up, since addresses
// come and go: after a second, then after twice as long each time while the answer stays the same, up to half
// a minute. It starts over when the mesh or the machine's own addresses change.
//
// Pure; a value inside the caller. Time and random numbers are arguments. When to call again: next() at
// due().
#pragma once

#include "crdt/time.hpp"
#include "discovery/address.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::discovery {

/// A host's name before a port: letters, digits, '-', '_' and dots, up to 253 bytes. If its last label has
/// only digits, it is a misspelt address and not a name.
[[nodiscard]] bool is_name(std::string_view text);

/// "HOST:PORT", where HOST is numeric or a name; or the name of a service, "_baton._tcp.example.org", whose
/// SRV records have the hosts and the ports.
struct seed_name {
    std::string text;       ///< as it was written, without "tcp://"
    std::string host;       ///< without brackets; of a service its name
    std::uint16_t port = 0; ///< 0: it is a service
    [[nodiscard]] bool is_service() const { return port == 0; }
};
[[nodiscard]] std::optional<seed_name> parse_seed(std::string_view text);

/// As parse_address(), for a HOST that may also be a name.
[[nodiscard]] std::optional<address> parse_named(std::string_view text, const address& other_ports = {});

enum class name_state : std::uint8_t {
    unasked, ///< no complete answer has come yet
    known,   ///< all of its addresses are
    nobody,  ///< the name service does not know the name, or no address of it
    failed,  ///< no answer, or only a part of one
};

struct name_answer {
    std::uint32_t number = 0; ///< of the question
    name_state how = name_state::failed;
    bool last = true;             ///< false: the rest is on its way
    std::vector<address> found{}; ///< of a service with its ports
    std::string why{};            ///< why it failed, for people
};

class name_book {
  public:
    static constexpr std::size_t addresses_max =
        32; ///< of one name; the rest is ignored, and it is not `known`
    static constexpr auto ask_first = std::chrono::seconds{1}, ask_last = std::chrono::seconds{30};
    static constexpr auto hurried_within = std::chrono::milliseconds{500};

    /// Its number; the same for the same name.
    std::uint32_t add(std::string name, bool service, instant now);
    struct question {
        std::uint32_t number = 0;
        std::string name;
        bool service = false;
    };
    /// A name to look up now; it is under way until answered().
    [[nodiscard]] std::optional<question> next(instant now);
    /// True if its addresses differ from those before. `chance`: a new random number for every call.
    bool answered(const name_answer& said, instant now, std::uint64_t chance);
    /// Something has changed: known addresses may be stale. Looks names up soon, but none twice within
    /// ask_first, and only after a random part of hurried_within, since other nodes may have noticed the same
    /// change.
    void hurry(instant now, std::uint64_t chance);
    [[nodiscard]] instant due() const;

    struct entry {
        std::string name;
        bool service = false;
        name_state how = name_state::unasked;
        std::vector<address> addresses{}; ///< in the order in which they were first seen
        std::string why{};
        // of the schedule
        bool asking = false;
        instant ask_at{}, asked_at{};
        mesh_clock::duration every{ask_first};
        std::vector<address> coming{}; ///< parts of the answer that is under way
    };
    /// Precondition: add() gave this number.
    [[nodiscard]] const entry& at(std::uint32_t number) const { return entries_[number]; }
    [[nodiscard]] bool has(std::uint32_t number) const { return number < entries_.size(); }

  private:
    std::vector<entry> entries_;
};

} // namespace baton::discovery
