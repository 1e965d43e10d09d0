#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::string_view host = "10.0.0.2";

// Two settled nodes; the first gets bytes in the name of the second. Whatever they are, it must go on, count
// what it refuses, and keep its keys.
struct hostile : scene {
    hostile() {
        gather(2);
        fill(0, 3);
        run_for(2s);
        cut_before = mesh(0).state().seen();
        digest_before = mesh(0).state().state_digest();
        refused_before = refused();
    }
    [[nodiscard]] std::uint64_t refused() {
        const auto s = mesh(0).stats();
        return s.refused_frames + s.refused_beacons;
    }
    /// The bytes on each ZeroMQ channel.
    void everywhere(std::string_view bytes) {
        CHECK(give(0, core::broadcast_arrived{bytes}).refused != nullptr);
        CHECK(give(0, core::request_arrived{at(1).id, host, bytes}).refused != nullptr);
        CHECK(give(0, core::reply_arrived{core::link_id{1}, host, bytes}).refused != nullptr);
    }
    void unchanged(std::uint64_t refused_more) {
        CHECK(mesh(0).state().seen() == cut_before);
        CHECK(mesh(0).state().state_digest() == digest_before);
        CHECK(refused() - refused_before == refused_more);
        CHECK(sees(0, 1, member_state::up));
        CHECK(heard(0, event_kind::crashed, 1) == 0);
    }
    cut cut_before;
    std::optional<digest> digest_before;
    std::uint64_t refused_before = 0;
};

wire::delta delta_of(const replica_id& origin, std::uint64_t first, const wire::event_writer& rows) {
    return {origin, first, rows.count(), rows.base(), {}, rows.replicas(), rows.rows()};
}

} // namespace

TEST_CASE("garbage: bytes that are no frame are refused on every channel", "[core][scenario]") {
    hostile s;
    dice luck(42);
    std::uint64_t count = 0;
    std::vector<std::string> samples{"",     std::string(1, '\0'),        "\xc1",
                                     "\x93", std::string(100000, '\x91'), std::string(300, '\xff'),
                                     "hello"};
    for (int i = 0; i < 200; ++i) {
        std::string bytes(luck.below(80), '\0');
        for (auto& byte : bytes) byte = static_cast<char>(luck.next());
        samples.push_back(std::move(bytes));
    }
    for (const auto& bytes : samples) {
        s.everywhere(bytes);
        CHECK(s.give(0, core::beacon_arrived{host, bytes}).refused != nullptr);
        count += 4;
    }
    CHECK(s.give(0, core::beacon_arrived{host, std::string(5000, 'x')}).refused != nullptr);
    s.unchanged(count + 1);
}

TEST_CASE("garbage: a frame cut short anywhere is refused", "[core][scenario]") {
    // Every prefix of every kind of frame, as seen on the network of this very scene.
    hostile s;
    std::vector<std::string> frames;
    s.set_filter([&](process_number, process_number, channel kind, std::string_view bytes) {
        if (kind != channel::beacon && frames.size() < 20) frames.emplace_back(bytes);
        return true;
    });
    s.join(2);
    s.stash(2, 9, "a delta");
    s.run_for(500ms);
    s.cut_before = s.mesh(0).state().seen();
    s.digest_before = s.mesh(0).state().state_digest();
    s.refused_before = s.refused();
    REQUIRE(frames.size() == 20);
    std::uint64_t count = 0;
    for (const auto& frame : frames) {
        for (std::size_t length = 0; length < frame.size(); ++length, count += 3) {
            s.everywhere(std::string_view(frame).substr(0, length));
        }
    }
    s.unchanged(count);
}

TEST_CASE("garbage: a delta that is bad in its last row is refused whole", "[core][scenario]") {
    hostile s;
    wire::event_writer rows(timestamp{1});
    rows.add({false, {value_type::reg, "good", {}}, timestamp{1}, 0, "value", {}});
    rows.add({false, {value_type::reg, std::string(513, 'k'), {}}, timestamp{2}, 0, "key too long", {}});
    auto bytes = wire::encode(delta_of(s.at(1).id, 1, rows));
    CHECK(s.give(0, core::broadcast_arrived{bytes}).refused != nullptr);
    auto more = delta_of(s.at(1).id, 1, rows);
    more.count = 3; // than there are rows
    bytes = wire::encode(more);
    CHECK(s.give(0, core::broadcast_arrived{bytes}).refused != nullptr);
    s.unchanged(2);
    CHECK_FALSE(s.mesh(0).state().read("good"));
}

TEST_CASE("garbage: a delta by a stranger, or in our own name, is refused", "[core][scenario]") {
    hostile s;
    wire::event_writer rows(timestamp{1});
    rows.add({false, {value_type::reg, "key", {}}, timestamp{1}, 0, "value", {}});
    replica_id stranger;
    stranger.bytes[3] = 1;
    auto bytes = wire::encode(delta_of(stranger, 1, rows));
    CHECK(s.give(0, core::broadcast_arrived{bytes}).refused != nullptr);
    bytes = wire::encode(delta_of(s.at(0).id, 4, rows));
    CHECK(s.give(0, core::broadcast_arrived{bytes}).refused != nullptr);
    s.unchanged(2);
}

TEST_CASE("garbage: a frame under another's name is refused", "[core][scenario]") {
    // The routing id of a connection identifies the sender.
    hostile s;
    replica_id other;
    other.bytes[5] = 9;
    const auto as_peer = [&](const wire::frame& f) {
        const auto bytes = wire::encode(f);
        return std::string(s.give(0, core::request_arrived{s.at(1).id, host, bytes}).refused);
    };
    CHECK(as_peer(pull_by(other, 1)) == "stolen identity");
    CHECK(as_peer(wire::ack{other, true, true, 1, {}, 0}) == "stolen identity");
    CHECK(as_peer(wire::leaving{other, 1, 0, {}, {}}) == "stolen identity");
    CHECK(as_peer(wire::left{other, 0, false, false, other}) == "stolen identity");
    s.unchanged(4);
}

TEST_CASE("garbage: a frame on the wrong socket is refused", "[core][scenario]") {
    hostile s;
    const auto pull = wire::encode(pull_by(s.at(1).id, 1));
    CHECK(std::string(s.give(0, core::broadcast_arrived{pull}).refused) == "misplaced frame");
    CHECK(std::string(s.give(0, core::reply_arrived{core::link_id{1}, host, pull}).refused) ==
          "misplaced frame");
    const auto brief = wire::encode(wire::brief{s.at(1).id, 0, 0, 0});
    CHECK(std::string(s.give(0, core::request_arrived{s.at(1).id, host, brief}).refused) ==
          "misplaced frame");
    s.unchanged(3);
}

TEST_CASE("garbage: a delta far ahead costs a bounded buffer and nothing else", "[core][scenario]") {
    // Counters up to the largest there is; each is kept as early, within early_bytes_max, and the store stays
    // as it is.
    world::settings how;
    how.node.limits.early_bytes_max = 1000;
    scene s(how);
    s.gather(2);
    s.fill(0, 3);
    s.run_for(1s);
    const auto before = s.mesh(0).state().seen();
    wire::event_writer rows(timestamp{1});
    rows.add({false, {value_type::reg, "key", {}}, timestamp{1}, 0, std::string(100, 'x'), {}});
    dice luck(7);
    for (int i = 0; i < 300; ++i) {
        const auto bytes = wire::encode(delta_of(s.at(1).id, 2 + (luck.next() >> luck.between(1, 62)), rows));
        s.give(0, core::broadcast_arrived{bytes});
    }
    CHECK(s.mesh(0).state().seen() == before);
    CHECK(s.mesh(0).state().keys() == 3);
}

TEST_CASE("garbage: nobody's word takes a living member's address", "[core][scenario]") {
    // A beacon is a hint: a late one of a former incarnation, or a forged one, must not make a member that
    // answers there look restarted. The same for a HELLO on ROUTER that claims its address.
    scene s;
    s.gather(2);
    const auto endpoint = s.mesh(0).members().at(0).endpoint;
    const auto colon = endpoint.rfind(':');
    const auto at_host = endpoint.substr(6, colon - 6);
    const auto port = static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1)));
    replica_id stranger;
    stranger.bytes.fill(0x5a);
    const auto bytes = discovery::encode({s.mesh(0).settings().cluster, wire::version_min, wire::version_max,
                                          stranger, 1, port, port, "", ""});
    for (int i = 0; i < 5; ++i) s.give(0, core::beacon_arrived{at_host, bytes});
    wire::hello claim;
    claim.cluster = s.mesh(0).settings().cluster;
    claim.id = stranger;
    claim.port = claim.publish_port = port;
    claim.flags = wire::hello::wants_answer;
    s.give(0, core::request_arrived{stranger, at_host, wire::encode(claim)});
    s.run_for(2s);
    CHECK(s.sees(0, 1, member_state::up));
    CHECK(s.heard(0, event_kind::restarted, 1) == 0);
    s.stash(1, 1, "still heard");
    s.settle();
}
