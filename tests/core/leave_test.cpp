#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {
/// Two nodes hold 2,000 keys. What they send of them to the third node, which joins later, is lost.
struct starved : scene {
    starved()
        : scene(with_keys(2000)) {
        gather(2);
        fill(0, 2000);
        settle();
        set_filter([](process_number, process_number to, channel, std::string_view bytes) {
            return to != 2 || !is<wire::state>(bytes);
        });
    }
};
} // namespace

TEST_CASE("leave: 100 stashes and an immediate leave: all 100 are at the survivor", "[core][scenario]") {
    scene s(with_keys(100));
    s.gather(2);
    s.fill(0, 100);
    s.leave(0);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.at(0).met != 0);
    CHECK(s.mesh(1).state().keys() == 100);
    CHECK(s.heard(1, event_kind::leaving, 0) == 1);
    CHECK(s.heard(1, event_kind::left, 0) == 1);
    CHECK(s.heard(1, event_kind::crashed, 0) == 0);
}

TEST_CASE("leave: the last deltas lost, a leave still hands everything over", "[core][scenario]") {
    // Every DELTA vanishes: only PULL can bring what LEAVING names.
    scene s;
    s.gather(3);
    s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
        return !is<wire::delta>(bytes);
    });
    s.fill(0, 10);
    s.leave(0, 2);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.at(0).met != 0);
    CHECK(s.at(0).heirs.size() == 2);
    s.settle();
    CHECK(s.mesh(2).state().keys() == 10);
}

TEST_CASE("leave: a member that is being sent the state is not cut off", "[core][scenario]") {
    // One copy is enough and exists at once, but the leaving node has just begun to send the state to a
    // newcomer.
    starved s;
    s.sever(1, 2, true); // so that the newcomer asks the leaving node
    s.start(2);
    REQUIRE(s.run_until([&] { return s.mesh(0).stats().sessions_open != 0; }, 2s));
    s.leave(0, 1, 20s);
    REQUIRE(s.run_until([&] { return s.mesh(0).leaving_progress().met; }, 2s));
    s.run_for(1s);
    CHECK_FALSE(s.at(0).left);
    s.set_filter({});
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.mesh(2).state().keys() == 2000);
    CHECK(s.mesh(2).stats().sessions_failed == 0);
}

TEST_CASE("leave: one that is sent the state and falls silent holds up nobody for long", "[core][scenario]") {
    starved s;
    s.start(2);
    REQUIRE(s.run_until(
        [&] { return s.mesh(0).stats().sessions_open + s.mesh(1).stats().sessions_open != 0; }, 2s));
    s.crash(2);
    s.leave(0, 1, 20s);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 10s));
    CHECK(s.at(0).met != 0);
}

TEST_CASE("leave: two at once hand over to the third, and not to each other", "[core][scenario]") {
    scene s;
    s.gather(3);
    s.fill(0, 4);
    s.stash(1, 9, "of the second");
    s.leave(0), s.leave(1);
    REQUIRE(s.run_until([&] { return s.at(0).left && s.at(1).left; }, 10s));
    CHECK(s.at(0).met != 0);
    CHECK(s.at(1).met != 0);
    CHECK(s.mesh(2).state().keys() == 5);
}

TEST_CASE("leave: two at once with nobody else do not count on each other", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.fill(0, 4);
    s.run_for(50ms);
    s.leave(0, 1, 1s), s.leave(1, 1, 1s);
    REQUIRE(s.run_until([&] { return s.at(0).left && s.at(1).left; }, 10s));
    CHECK(s.at(0).met == 0);
    CHECK(s.at(1).met == 0);
}

TEST_CASE("leave: an acknowledgement by one that leaves itself does not count", "[core][scenario]") {
    // The LEAVING of the second node is lost, so only its acknowledgement can inform the first.
    scene s;
    s.gather(2);
    s.fill(0, 4);
    s.settle();
    s.set_filter([](process_number from, process_number, channel, std::string_view bytes) {
        return from != 1 || !is<wire::leaving>(bytes);
    });
    s.leave(1, 1, 3s);
    s.run_for(1ms);
    s.leave(0, 1, 1s);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 3s));
    CHECK(s.at(0).met == 0);
}

TEST_CASE("leave: alone, it is not met and names every key", "[core][scenario]") {
    scene s;
    s.gather(1);
    s.fill(0, 3);
    s.leave(0, 1, 1s);
    s.run_for(500ms);
    CHECK_FALSE(s.mesh(0).leaving_progress().met);
    std::vector<std::string> unsafe;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) s.mesh(0).unsafe_keys(shard, unsafe);
    CHECK(unsafe.size() == 3);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 2s));
    CHECK(s.at(0).met == 0);
}

TEST_CASE("leave: holding nothing, it is met without anybody", "[core][scenario]") {
    scene s;
    s.gather(1);
    s.leave(0, 2, 3s);
    const auto begun = s.now();
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.now() - begun < 100ms);
}

TEST_CASE("leave: cut off from the others, it is not met by what they acknowledged before",
          "[core][scenario]") {
    // The members hold most of the state, but none has answered this leave.
    scene s;
    s.gather(3);
    s.fill(0, 3);
    s.settle();
    s.sever(0, 1, true), s.sever(0, 2, true);
    s.leave(0, 1, 2s);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.at(0).met == 0);
}

TEST_CASE("leave: a leaving node takes no more writes and no more events", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.fill(0, 3);
    s.sever(0, 1, true); // so that the leave does not end at once
    s.leave(0, 1, 500ms);
    const auto before = s.at(0).cut;
    const auto refused = s.mesh(0).stash({s.now(), 0}, "key", "value");
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == errc::leaving);
    s.stash(1, 5, "too late for it");
    s.sever(0, 1, false);
    s.run_for(1s);
    CHECK(s.at(0).cut == before);
}

TEST_CASE("leave: what PUB says in a member's name is a rumour while that one is up", "[core][scenario]") {
    scene s;
    s.gather(3);
    wire::leaving going;
    going.id = s.at(2).id;
    going.number = 7;
    wire::left gone;
    gone.id = gone.about = s.at(2).id;
    gone.final_counter = 99;
    for (int times = 0; times < 20; ++times) {
        s.give(0, core::broadcast_arrived{wire::encode(going)});
        s.give(0, core::broadcast_arrived{wire::encode(gone)});
        s.run_for(20ms); // asked before, it reports that it stays
    }
    CHECK(s.sees(0, 2, member_state::up));
    CHECK(s.heard(0, event_kind::leaving, 2) == 0);
    CHECK(s.heard(0, event_kind::left, 2) == 0);
    s.leave(2);
    REQUIRE(s.run_until([&] { return s.at(2).left; }, 5s));
    CHECK(s.heard(0, event_kind::leaving, 2) == 1);
    CHECK(s.heard(0, event_kind::left, 2) == 1);
}

TEST_CASE("leave: a rumour on PUB is looked into, and is enough when it is true", "[core][scenario]") {
    // Every LEAVING and LEFT on links is lost, so only PUB carries them.
    scene s;
    s.gather(3);
    s.fill(0, 10);
    s.set_filter([](process_number, process_number, channel on, std::string_view bytes) {
        return on == channel::broadcast || !(is<wire::leaving>(bytes) || is<wire::left>(bytes));
    });
    s.leave(0, 2);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.at(0).met != 0);
    CHECK(s.at(0).heirs.size() == 2);
    for (const process_number who : {1, 2}) CHECK(s.heard(who, event_kind::left, 0) == 1);
}

TEST_CASE("leave: who knows the leaver is told, though the leaver half knows it", "[core][scenario]") {
    // The flag by which the second node reports that it sees the first is lost: the first is up for the
    // second, but not the reverse.
    scene s;
    s.start(0), s.start(1);
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        const auto f = wire::decode(bytes);
        const auto* const hello = f ? std::get_if<wire::hello>(&*f) : nullptr;
        return from != 1 || hello == nullptr || (hello->flags & wire::hello::sees_you) == 0;
    });
    REQUIRE(s.run_until([&] { return s.sees(1, 0, member_state::up); }, 5s));
    REQUIRE(s.sees(0, 1, member_state::contacting));
    s.leave(0, 1, 100ms);
    REQUIRE(s.run_until([&] { return s.at(0).left || !s.at(0).alive(); }, 5s));
    s.run_for(5s);
    CHECK(s.heard(1, event_kind::left, 0) == 1);
    CHECK(s.heard(1, event_kind::crashed, 0) == 0);
}

TEST_CASE("leave: a goodbye on PUB is believed when the connection closes after it", "[core][scenario]") {
    // The third node is frozen so long that the first does not say goodbye to it by link. It then hears
    // everything on PUB at once, while the first is still up for it.
    scene s(slow_to_close());
    s.gather(3);
    s.fill(0, 3);
    s.settle();
    s.freeze(2, true);
    REQUIRE(s.run_until([&] { return s.sees(0, 2, member_state::crashed); }, 10s));
    s.on_leave_step = [&](process_number, world::leave_step step) {
        if (step == world::leave_step::said) s.after(2ms, [&] { s.freeze(2, false); });
    };
    s.leave(0, 1);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    s.run_for(5s);
    CHECK(s.heard(2, event_kind::left, 0) == 1);
    CHECK(s.heard(2, event_kind::crashed, 0) == 0);
    s.settle();
}

TEST_CASE("leave: the goodbye of a node that was never greeted is no refused frame", "[core][scenario]") {
    // Frames that are sent before a link is open are dropped, and so may be the HELLO of a node that leaves
    // at once.
    scene s;
    s.gather(1);
    replica_id stranger;
    stranger.bytes.fill(0x5a);
    const auto say = [&](const replica_id& about) {
        const auto bytes = wire::encode(wire::left{stranger, 7, true, false, about});
        return s.give(0, core::request_arrived{stranger, host_of(1), bytes}).refused;
    };
    CHECK_FALSE(say(stranger));
    CHECK_FALSE(say(s.at(0).id)); // a node cannot say goodbye for another
    CHECK(s.mesh(0).stats().refused_frames == 0);
    CHECK(s.mesh(0).members().empty());
    s.check_everything();
}
