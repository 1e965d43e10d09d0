// seeds: the present numeric addresses of a node's seeds, and the last answer of each. An address that
// refuses, or that is the node's own, proves that no other member runs there; silence is no evidence.
//
// Pure; a value inside the caller. When to knock again: place::knock_at.
#pragma once

#include "crdt/time.hpp"
#include "discovery/names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::discovery {

/// The latest answer of an address.
enum class sign : std::uint8_t {
    none,        ///< nothing yet
    answered,    ///< a member runs there
    own,         ///< it is this node's
    refused,     ///< its machine refused the connection: no process listens there
    unreachable, ///< the network reports that it cannot be reached
    silent,      ///< no answer at all
    strange,     ///< it accepts connections, but does not answer as a member
};

class seed_table {
  public:
    static constexpr auto knock_first =
        std::chrono::seconds{1}; ///< after it was dialled: a far member has answered
    static constexpr auto knock_again = std::chrono::seconds{1}; ///< doubled each time, up to
    static constexpr auto knock_last = std::chrono::seconds{30};
    static constexpr auto trouble_after = std::chrono::seconds{3}; ///< without an answer: then it is reported
    static constexpr auto told_every = std::chrono::hours{1};      ///< and again

    struct place {
        std::string endpoint; ///< "tcp://HOST:PORT", numeric
        sign last = sign::none;
        instant knock_at{};
        mesh_clock::duration knock_every{knock_again};
        instant retry_at{}; ///< of one that led to this node by an address that is not its own
    };
    struct seed {
        seed_name as;
        std::optional<std::uint32_t> name; ///< its number; none: it is numeric
        instant well_at{};                 ///< when it was last answered, or its own
        std::optional<instant> told_at;    ///< of its trouble
    };

    /// `texts`: in the form of parse_seed(); invalid ones are left out.
    void begin(const std::vector<std::string>& texts, name_book& names, instant now);
    /// Call it when the addresses of a name have changed. Returns the endpoints that are seeds no more.
    std::vector<std::string> follow(const name_book& names, instant now);

    [[nodiscard]] bool contains(std::string_view endpoint) const;
    [[nodiscard]] std::vector<place>& places() { return places_; }
    [[nodiscard]] const std::vector<seed>& all() const { return seeds_; }
    [[nodiscard]] place* find(std::string_view endpoint);
    [[nodiscard]] const place* find(std::string_view endpoint) const;

    /// A member answers there, or it is the node's own address: no more knocks are needed.
    static void is_well(place& of, sign how, instant now);
    /// Whether to knock now; if so, sets the next time. Precondition: no member answers there now.
    static bool knocks_now(place& of, instant now);
    static void knocked(place& of, sign how);

    /// Seeds, as written in the options, at which a member may be running.
    [[nodiscard]] std::vector<std::string> standing(const name_book& names) const;
    /// A log line for each seed that has not answered for long enough and was not reported lately: `event=…
    /// seed=… reason="…"`.
    [[nodiscard]] std::vector<std::string> troubles(const name_book& names, instant now, bool by_udp);
    /// When troubles() may next return a line.
    [[nodiscard]] instant due() const;

  private:
    [[nodiscard]] std::vector<const place*> places_of(const seed& of, const name_book& names) const;
    std::vector<seed> seeds_;
    std::vector<place> places_; ///< each endpoint once, in the order of the seeds
};

} // namespace baton::discovery
