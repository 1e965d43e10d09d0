// finder: which doors a client may try: its seeds, those that answer its search by UDP, and those that a
// member has named.
//
// One thread: that of the client_engine.
#pragma once

#include "shell/beacon_socket.hpp"
#include "shell/descriptor.hpp"
#include "shell/unicast_socket.hpp"

#include <baton/client_options.hpp>

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::shell {

class finder {
  public:
    using clock = std::chrono::steady_clock;

    /// Errors: bad_seed; unknown_interface.
    [[nodiscard]] static result<finder> open(const client_options& settings,
                                             const std::optional<client_key>& key);
    /// The descriptors to wait for; negative ones are none.
    [[nodiscard]] std::vector<int> descriptors() const;
    /// Reads answers, and asks when it is time to: while the client has no door.
    void look(clock::time_point now);
    /// Doors that a member has named.
    void learn(std::string_view doors);
    /// The next door to try; nullopt: none is known that has not been tried in this round.
    [[nodiscard]] std::optional<std::string> next();
    /// Tries this one first, and then all others once more.
    void begin_again(const std::string& first);
    /// Whether there are doors besides this one.
    [[nodiscard]] bool knows_others(const std::string& than) const;
    void forget(const std::string& door);
    /// Whether any door has been found.
    [[nodiscard]] bool has_found() const { return found_; }

  private:
    finder() = default;
    struct seed {
        std::string endpoint;
        descriptor asked; ///< connected to the seed's UDP port, so that a refusal is noticed
        bool tried = false;
    };
    void ask(clock::time_point now);
    void offer(const std::string& endpoint);
    void read(std::string_view host, std::string_view bytes);

    client_options settings_;
    std::optional<mesh_key> seal_;
    std::string nonce_;
    std::uint16_t port_ = 0; ///< of answers_
    std::optional<unicast_socket> answers_;
    std::optional<beacon_socket> beacons_;
    std::vector<seed> seeds_;
    std::vector<std::string> doors_; ///< all that are known
    std::deque<std::string> untried_;
    clock::time_point ask_at_{}, since_{};
    unsigned asked_ = 0;
    bool found_ = false;
};

} // namespace baton::shell
