// lent_claims: which registers the clients of this node own. For the mesh the owner is the node; this table
// says for which client.
//
// Owned by the desk's thread.
#pragma once

#include <baton/dot.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace baton::shell {

struct lent_claim {
    replica_id client{};
    std::uint64_t number = 0; ///< of the node's claim
    std::uint64_t epoch = 0;
    std::chrono::milliseconds lease{}; ///< it ends when the client has been silent for so long
};

class lent_claims {
  public:
    using table = std::map<std::string, lent_claim, std::less<>>;

    void lend(std::string key, const lent_claim& to) { all_.insert_or_assign(std::move(key), to); }
    /// The claim of that client at that epoch; nullptr: there is none (any more).
    [[nodiscard]] const lent_claim* of(const replica_id& client, std::string_view key,
                                       std::uint64_t epoch) const {
        const auto* const held = holder(key);
        return held != nullptr && held->client == client && held->epoch == epoch ? held : nullptr;
    }
    [[nodiscard]] const lent_claim* holder(std::string_view key) const {
        const auto at = all_.find(key);
        return at == all_.end() ? nullptr : &at->second;
    }
    void forget(std::string_view key) {
        if (const auto at = all_.find(key); at != all_.end()) all_.erase(at);
    }
    [[nodiscard]] const table& all() const { return all_; }

  private:
    table all_;
};

} // namespace baton::shell
