// Wire versions side by side: neighbours work together, strangers refuse each other by name.
#include "core/scene.hpp"
#include "wire/codec.hpp"

#include <set>

using namespace baton;
using namespace baton::sim;

namespace {

core::mesh_options speaking(std::uint64_t min, std::uint64_t max) {
    core::mesh_options own;
    own.versions = {min, max};
    return own;
}

/// The reason that `who` gave for refusing `whom`.
std::string complaint(scene& s, process_number who, process_number whom) {
    for (const auto& e : s.at(who).events) {
        if (e.kind == event_kind::refused && e.id == s.at(whom).id) return e.reason;
    }
    return {};
}

} // namespace

TEST_CASE("versions: neighbours work together, whoever is the newer one", "[core][scenario]") {
    for (const bool by_beacon : {true, false}) {
        for (const bool old_first : {true, false}) {
            CAPTURE(by_beacon, old_first);
            scene s;
            auto older = speaking(4, 4), newer = speaking(4, 5);
            older.beacon = newer.beacon = by_beacon;
            if (!by_beacon) older.seeds = newer.seeds = {endpoint_of(0)};
            const auto one = s.start(0, old_first ? older : newer);
            s.fill(one, 8);
            const auto two = s.start(1, old_first ? newer : older);
            s.settle();
            s.fill(two, 12); // by PUB, with repairs, and with acknowledgements for overwritten keys
            s.settle();
            CHECK(s.heard(one, event_kind::joined, two) == 1);
            CHECK(s.mesh(one).stats().refused_frames == 0);
            CHECK(s.mesh(two).stats().refused_frames == 0);
            s.leave(one, 1);
            s.settle();
            CHECK(s.heard(two, event_kind::left, one) == 1);
        }
    }
}

TEST_CASE("versions: ranges that only overlap find the version that both speak", "[core][scenario]") {
    // Each reads only the head of the first HELLO of the other: the node that speaks 5 and later does not
    // read 4.
    for (const bool newest_first : {true, false}) {
        CAPTURE(newest_first);
        scene s;
        auto left = speaking(4, 5), right = speaking(5, 5);
        left.beacon = right.beacon = false;
        left.seeds = right.seeds = {endpoint_of(0)};
        const auto one = s.start(0, newest_first ? right : left);
        const auto two = s.start(1, newest_first ? left : right);
        s.settle();
        s.fill(one, 8), s.fill(two, 12);
        s.settle();
        CHECK(s.heard(one, event_kind::joined, two) == 1);
        CHECK(s.heard(one, event_kind::refused, two) == 0);
    }
}

TEST_CASE("versions: a mesh speaks as its oldest member does, and the newest when that has left",
          "[core][scenario]") {
    scene s;
    std::set<std::uint64_t> heard;
    s.set_filter([&heard](process_number, process_number, channel over, std::string_view bytes) {
        if (over == channel::broadcast) heard.insert(wire::frame_reader(bytes).number());
        return true;
    });
    const auto version_on_pub = [&] {
        heard.clear();
        s.run_for(3s);
        return heard;
    };
    s.gather(2);
    CHECK(version_on_pub() == std::set<std::uint64_t>{5});
    const auto old = s.start(2, speaking(4, 4));
    s.settle();
    CHECK(version_on_pub() == std::set<std::uint64_t>{4});
    s.leave(old, 2);
    s.settle();
    s.run_for(2s);
    CHECK(version_on_pub() == std::set<std::uint64_t>{5});
}

TEST_CASE("versions: without a common one both refuse, once, and name both ranges", "[core][scenario]") {
    for (const bool by_beacon : {true, false}) {
        CAPTURE(by_beacon);
        scene s;
        auto left = speaking(4, 4), right = speaking(5, 5);
        left.beacon = right.beacon = by_beacon;
        if (!by_beacon) right.seeds = {endpoint_of(0)};
        const auto one = s.start(0, left), two = s.start(1, right);
        s.run_for(30s);
        CHECK(s.mesh(one).members().empty());
        CHECK(s.mesh(two).members().empty());
        CHECK(s.heard(one, event_kind::refused, two) == 1);
        CHECK(s.heard(two, event_kind::refused, one) == 1);
        CHECK(complaint(s, one, two) == "no common wire version: 5 to 5 there, 4 to 4 here");
        CHECK(complaint(s, two, one) == "no common wire version: 4 to 4 there, 5 to 5 here");
        CHECK(s.refused(one, by_beacon ? "beacon of another wire version" : "no common wire version") > 0);
    }
}

TEST_CASE("versions: whoever answers at the address of a newer one that crashed is greeted in the oldest",
          "[core][scenario]") {
    // The seed is replaced by a build that reads only version 4. It knows no node, and is dialled.
    scene s;
    auto older = speaking(4, 4), newer = speaking(4, 5);
    older.beacon = newer.beacon = false;
    newer.seeds = {endpoint_of(0)};
    s.start(0, newer);
    const auto two = s.start(1, newer);
    s.settle();
    s.crash(0);
    REQUIRE(s.run_until([&] { return s.sees(two, 0, member_state::crashed); }, 5s));
    const auto back = s.start(0, older);
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != back || wire::frame_reader(bytes).number() == 4;
    });
    s.settle();
    CHECK(s.heard(two, event_kind::joined, back) == 1);
}
