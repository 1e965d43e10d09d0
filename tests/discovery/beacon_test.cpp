// Beacons: decode∘encode is the identity; anything else is refused. Liveness: what silence and a closed
// connection mean.
#include "discovery/beacon.hpp"
#include "discovery/liveness.hpp"
#include "support/catch.hpp"

using namespace baton;
using namespace baton::discovery;
using namespace std::chrono_literals;

namespace {
beacon sample() {
    replica_id id;
    id.bytes.fill(7);
    return {"default", 1, 1, id, 42, 4000, 4001, "10.0.0.1 10.0.0.2", "fd00::1"};
}
} // namespace

TEST_CASE("beacon: comes back as it was sent, and other versions of it are read", "[discovery]") {
    const auto back = decode_beacon(encode(sample()));
    REQUIRE(back);
    REQUIRE(back->cluster == "default");
    REQUIRE(back->id == sample().id);
    REQUIRE(back->sequence == 42);
    REQUIRE(back->port == 4000);
    REQUIRE(back->publish_port == 4001);
    REQUIRE(back->hosts == "10.0.0.1 10.0.0.2");
    REQUIRE(back->reach == "fd00::1");

    // Earlier versions do not send the last fields, and later ones may send more.
    auto one = sample();
    one.reach.clear();
    auto bytes = encode(one);
    REQUIRE(bytes.front() == static_cast<char>(0x9e)); // an array of 14
    bytes.front() = static_cast<char>(0x9f);
    REQUIRE(decode_beacon(bytes + '\xc0'));
    bytes.resize(bytes.size() - 1 - 3 * 2); // a time of 0, and three empty bins
    bytes.front() = static_cast<char>(0x9a);
    REQUIRE(decode_beacon(bytes));
    bytes.pop_back(); // an empty text is one byte
    bytes.front() = static_cast<char>(0x99);
    REQUIRE(decode_beacon(bytes));
}

TEST_CASE("beacon: every truncation, and what is not one, is refused", "[discovery]") {
    const auto bytes = encode(sample());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        REQUIRE_FALSE(decode_beacon(std::string_view(bytes).substr(0, size)));
    }
    REQUIRE_FALSE(decode_beacon(bytes + "x"));
    REQUIRE_FALSE(decode_beacon(std::string(5000, 'x')));
    auto no_port = sample();
    no_port.port = 0;
    REQUIRE_FALSE(decode_beacon(encode(no_port)));
}

TEST_CASE("liveness: silence makes suspect, then crashed; traffic makes alive again", "[discovery]") {
    const patience limits{1500ms, 4000ms, 400ms};
    liveness peer;
    const instant start{};
    peer.heard(start, true);
    REQUIRE(peer.judge(start + 1499ms, limits) == liveness::verdict::alive);
    REQUIRE(peer.due(start, limits) == start + 1500ms);
    REQUIRE(peer.judge(start + 1500ms, limits) == liveness::verdict::suspect);
    REQUIRE(peer.judge(start + 4000ms, limits) == liveness::verdict::crashed);
    peer.heard(start + 3900ms, true);
    REQUIRE(peer.judge(start + 4000ms, limits) == liveness::verdict::alive);
    peer.excuse(1000ms); // we did not run for a second: nobody is to blame
    REQUIRE(peer.judge(start + 6300ms, limits) == liveness::verdict::alive);
}

TEST_CASE("liveness: a closed connection is forgiven only by a message on an open one", "[discovery]") {
    const patience limits{1500ms, 4000ms, 400ms};
    liveness peer;
    const instant start{};
    peer.heard(start, true);
    peer.closed(start);
    peer.heard(start + 100ms, false); // may have been under way
    REQUIRE(peer.judge(start + 100ms, limits) == liveness::verdict::suspect);
    REQUIRE(peer.judge(start + 400ms, limits) == liveness::verdict::crashed);
    peer.heard(start + 300ms, true);
    REQUIRE(peer.judge(start + 400ms, limits) == liveness::verdict::alive);
}
