// A whole node with one peer and a session under way gets any inputs on any channel. It may refuse or accept
// them, but it must live, keep its own writes, and keep its invariants.
#include "core/mesh.hpp"

#include "../support/replica.hpp"
#include "crdt/assert.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::core;

namespace {

using support::replica;

class fixture {
  public:
    fixture()
        : node_(settings(1), now_) {
        wire::hello h;
        h.cluster = "default";
        h.id = replica(2);
        h.port = h.publish_port = 9;
        h.flags = wire::hello::sees_you | wire::hello::wants_answer;
        h.at.seen.raise({replica(3), 4}); // something to pull
        give(subscriber_changed{replica(2), true});
        give(request_arrived{replica(2), "127.0.0.1", wire::encode(h)});
        give(link_changed{link_id{1}, true});
        give(reply_arrived{link_id{1}, "127.0.0.1", wire::encode(h)});
        BATON_ASSERT(node_.stash(now_, "mine", "kept"));
    }
    void give(const input& in) {
        now_.now += std::chrono::milliseconds{1};
        now_.wall_ms += 1;
        out_.clear();
        (void)node_.step(now_, in, out_);
        for (const auto& each : out_.actions) {
            // The fuzzer's frames get the session's number below.
            if (const auto* sent = std::get_if<send_request>(&each)) remember(sent->bytes);
        }
        while (node_.work(now_, out_)) {
        }
    }
    void remember(const std::string& bytes) {
        const auto frame = wire::decode(bytes);
        if (!frame) return;
        if (const auto* f = std::get_if<wire::pull>(&*frame)) pulled_ = f->session;
    }
    /// The same frame with the number of the session that is under way, so that it gets past that check.
    [[nodiscard]] std::string in_session(const std::string& bytes) {
        auto frame = wire::decode(bytes);
        if (!frame) return bytes;
        if (const auto* asked = std::get_if<wire::pull>(&*frame)) {
            served_ = std::max(served_, asked->session);
            return bytes;
        }
        if (auto* chunk = std::get_if<wire::state>(&*frame)) {
            chunk->session = pulled_;
        } else if (auto* listed = std::get_if<wire::fingerprint>(&*frame)) {
            const bool question = (listed->flags & wire::fingerprint::question) != 0;
            listed->session = question ? served_ : pulled_;
        } else if (auto* told = std::get_if<wire::credit>(&*frame)) {
            told->session = served_;
        } else {
            return bytes;
        }
        return wire::encode(*frame);
    }
    mesh& node() { return node_; }

  private:
    static mesh_options settings(std::uint8_t number) {
        mesh_options m;
        m.self = replica(number);
        m.beacon = false;
        m.limits.value_bytes_max = 4096;
        return m;
    }
    moment now_{instant{} + std::chrono::hours{1}, 1700000000000};
    mesh node_;
    outbox out_;
    std::uint64_t pulled_ = 0; ///< the last session this node has asked for
    std::uint64_t served_ = 0; ///< the last one the peer has asked for
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fixture world;
    // The input is a list of: channel byte, two length bytes, frame bytes.
    while (size >= 3) {
        const auto channel = data[0] % 6;
        const std::size_t length = std::min<std::size_t>(data[1] | data[2] << 8, size - 3);
        std::string bytes(reinterpret_cast<const char*>(data + 3), length);
        data += 3 + length;
        size -= 3 + length;
        bytes = world.in_session(bytes);
        switch (channel) {
        case 0:
            world.give(beacon_arrived{"127.0.0.1", bytes});
            break;
        case 1:
            world.give(broadcast_arrived{bytes});
            break;
        case 2:
            world.give(request_arrived{replica(2), "127.0.0.1", bytes});
            break;
        case 3:
            world.give(reply_arrived{link_id{1}, "127.0.0.1", bytes});
            break;
        case 4:
            world.give(link_changed{link_id{1}, length % 2 == 0});
            break;
        default:
            world.give(time_passed{});
            break;
        }
    }
    std::vector<record_view> mine;
    world.node().state().siblings("mine", mine);
    BATON_ASSERT(world.node().state().seen().has({replica(1), 1}));
    return 0;
}
