// clocked: a scene in which keys have a time to live, read as the shell reads them. They are put under names
// that the oracle does not follow.
#pragma once

#include "scene.hpp"

namespace baton::sim {

struct clocked : scene {
    using scene::scene;
    void put_for(process_number who, std::string_view key, std::string_view value,
                 std::chrono::milliseconds ttl) {
        const auto done = write(who, [&](core::mesh& m, const moment& at) {
            return m.put(at, {value_type::reg, key, {}}, value, ttl);
        });
        REQUIRE(done);
    }
    /// Reads as the shell does: the store gets the present time first.
    [[nodiscard]] std::optional<std::string> get_now(process_number who, std::string_view key) {
        mesh(who).state().set_now(now());
        return get(who, key);
    }
    [[nodiscard]] std::vector<std::string> keys_now(process_number who) {
        mesh(who).state().set_now(now());
        std::vector<std::string> all;
        for (std::size_t shard = 0; shard < key_index::shards; ++shard)
            mesh(who).state().keys_of(shard, {}, all);
        return all;
    }
};

} // namespace baton::sim
