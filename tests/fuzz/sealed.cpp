// A node with a key gets any datagrams: raw, which it refuses; and sealed with the key, as only a member
// could. It must live, and its tables must stay within their bounds. The first byte of each piece gives its
// length, the second its form.
#include "core/mesh.hpp"
#include "crdt/assert.hpp"
#include "discovery/seal.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::core;
using discovery::purpose;

namespace {

mesh_key key() { return *mesh_key::from_bytes(std::string(mesh_key::size, 'k')); }

mesh_options settings() {
    mesh_options o;
    o.self.bytes.fill(1);
    o.keys = {key()};
    o.link_key.bytes.fill(1);
    o.nonce_seed.assign(32, 's');
    o.limits.peers_max = 5;
    o.seeds = {"tcp://127.0.0.1:7"};
    return o;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    moment now{instant{std::chrono::hours{1}}, 1'700'000'000'000};
    mesh node(settings(), now);
    outbox out;
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    while (rest.size() >= 2) {
        const auto how = static_cast<std::uint8_t>(rest[1]);
        const auto length = std::min<std::size_t>(4 * static_cast<std::uint8_t>(rest[0]), rest.size() - 2);
        std::string bytes(rest.substr(2, length));
        rest.remove_prefix(2 + length);
        const bool sealed = (how & 1) != 0, as_beacon = (how & 2) != 0, swapped = (how & 4) != 0;
        if (sealed)
            discovery::seal(bytes, as_beacon == swapped ? purpose::introduction : purpose::beacon, key());
        now.now += std::chrono::milliseconds{how};
        now.wall_ms += how;
        out.clear();
        const auto verdict =
            as_beacon ? node.step(now, beacon_arrived{"127.0.0.1", bytes}, out)
                      : node.step(now, datagram_arrived{"127.0.0.1", "tcp://127.0.0.1:9", bytes}, out);
        BATON_ASSERT(sealed || !verdict);              // the key cannot be guessed
        BATON_ASSERT(!swapped || !verdict || !sealed); // nor one kind be passed off as the other
        BATON_ASSERT(node.members().size() <= 5);
        for (const auto& each : out.actions) {
            const auto* const sent = std::get_if<send_datagram>(&each);
            BATON_ASSERT(sent == nullptr || sent->bytes.size() <= introducer::datagram_bytes);
        }
    }
    return 0;
}
