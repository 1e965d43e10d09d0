// Proves that a key is called absent on evidence only: every node that could hold it has answered, and
// everything that the answers named is here. Otherwise the result names the nodes that have not answered, or
// are known to hold more.
#include "asking.hpp"
#include "discovery/probe.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

bool is_repair(channel, std::string_view bytes) { return is<wire::delta>(bytes) || is<wire::state>(bytes); }

/// The last event of a third node is at no other node, though its heartbeat has reported it; then the node
/// crashes.
struct last_word : asking {
    explicit last_word(settings how = {})
        : asking(std::move(how)) {
        gather(2);
        core::mesh_options own;
        own.hosts = host_of(2);
        own.liveness.redial_for = redial_for;
        start(2, own);
        settle();
        set_filter([](process_number, process_number, channel on, std::string_view bytes) {
            return !is_repair(on, bytes);
        });
        put(2, "lost with it", "value");
        run_for(600ms);
        crash(2);
        REQUIRE(run_until([this] { return sees(0, 2, member_state::crashed); }, 10s));
        set_filter({});
        run_for(5s);
    }
    static constexpr auto redial_for = std::chrono::seconds(6 * 3600);
};

/// Two members; the first has had a HELLO of a third, whose PUB cannot be reached: it stays in contact, and
/// is no member.
struct in_contact : asking {
    explicit in_contact(const cut& seen = {}) {
        gather(2);
        run_for(300ms);
        wire::hello f;
        f.cluster = "default";
        f.id = third;
        f.name = "third";
        f.port = router_port, f.publish_port = publish_port;
        f.flags = wire::hello::sees_you;
        f.at.seen = seen;
        f.latest = seen.of(third);
        REQUIRE_FALSE(give(0, core::request_arrived{third, host_of(7), wire::encode(f)}).refused);
    }
    static constexpr replica_id third{{7}};
};

} // namespace

TEST_CASE("absence: one that has greeted and told of more stands against it, though it never comes up",
          "[core][scenario]") {
    const auto third = in_contact::third;
    cut five;
    five.push_back({third, 5});
    in_contact s(five);
    const auto asked = s.question(0);
    s.run_for(500ms);
    CHECK_FALSE(s.absent(0, asked));
    CHECK(s.mesh(0).judge_absence(asked).who == std::vector<replica_id>{third});
    // The answer of a node in contact counts as much as a member's.
    const auto answer = [&](const cut& held) {
        const wire::ack ack{third, true, true, 0, held, asked};
        REQUIRE_FALSE(s.give(0, core::request_arrived{third, host_of(7), wire::encode(ack)}).refused);
    };
    SECTION("it names five events that are not here") {
        answer(five);
        CHECK_FALSE(s.absent(0, asked));
        REQUIRE(s.run_until([&] { return s.absent(0, asked); }, 10s)); // silent, it is forgotten
    }
    SECTION("it names nothing that is not here") {
        answer({});
        CHECK(s.absent(0, asked));
    }
}

TEST_CASE("absence: what a crashed member alone knew of is not called absent while its death is not proven",
          "[core][scenario]") {
    last_word s;
    SECTION("its address is silent, or refuses: it may live behind a firewall") {
        s.run_for(30min);
        CHECK(s.against(0) == std::vector<replica_id>{s.at(2).id});
    }
    SECTION("another node has its address: the event is gone with the process") {
        core::mesh_options own;
        own.hosts = host_of(2);
        s.start(2, own);
        s.settle();
        CHECK(s.against(0).empty());
        CHECK(s.against(1).empty());
    }
    SECTION("another node is found at an address that it does not call its own: that may be one for many") {
        core::mesh_options own;
        own.hosts = host_of(9);
        s.start(2, own);
        s.run_for(10s);
        CHECK(s.against(0) == std::vector<replica_id>{s.at(2).id});
    }
}

TEST_CASE("absence: whom a member names counts, though this node has never met them", "[core][scenario]") {
    // Three hosts; a newcomer meets the third alone, just after the way to the other two was cut.
    asking s;
    s.gather(3);
    for (const slot_number here : {2, 3}) {
        for (const slot_number there : {0, 1}) s.sever(here, there, true);
    }
    s.put(0, "session", "value"); // two of three hold it
    const auto newcomer = s.start(3);
    REQUIRE(s.run_until([&] { return s.sees(newcomer, 2, member_state::up); }, 500ms));
    CHECK(s.against(newcomer, 200ms) == s.ids_of({0, 1}));
    CHECK_FALSE(s.caught_up(newcomer, 200ms));
    // The third node calls both crashed. It knows of no event of theirs that is missing here, and says so
    // when it is asked again.
    CHECK(s.against(newcomer, 10s).empty());
    CHECK(s.caught_up(newcomer));
    for (const slot_number here : {2, 3}) {
        for (const slot_number there : {0, 1}) s.sever(here, there, false);
    }
    s.settle();
    CHECK(s.get(newcomer, "session") == "value");
}

TEST_CASE("absence: a member that is gone and had told of more is named to whoever never met it",
          "[core][scenario]") {
    last_word s; // both other nodes know of it, and no node has it
    const auto newcomer = s.join(5);
    CHECK(s.against(newcomer) == s.ids_of({2}));
    CHECK_FALSE(s.caught_up(newcomer));
}

TEST_CASE("absence: along a chain of neighbours the far end is not spoken for", "[core][scenario]") {
    asking s;
    for (slot_number a = 0; a < 4; ++a) {
        for (slot_number b = a + 2; b < 4; ++b) s.sever(a, b, true);
    }
    for (slot_number each = 0; each < 4; ++each) s.start(each);
    s.run_for(5s);
    REQUIRE(s.sees(3, 2, member_state::up));
    REQUIRE_FALSE(s.sees(3, 1, member_state::up));
    s.put(0, "session", "value");
    CHECK(s.against(3, 20ms) == s.ids_of({1}));
    CHECK_FALSE(s.caught_up(3, 20ms));
    s.run_for(5s);
    CHECK(s.get(3, "session") == "value"); // it got the value from its neighbours
    CHECK(s.against(3) == s.ids_of({1}));  // no node here can tell what the far end writes next
}

TEST_CASE("absence: a name that nobody repeats is forgotten", "[core][scenario]") {
    // A member errs, or lies, and names one that never was; or it names one and is gone itself.
    asking s;
    s.gather(2);
    s.run_for(300ms);
    const replica_id ghost{{9}};
    const auto name_it = [&](std::uint64_t asked) {
        wire::ack f{s.at(1).id, true, true, 0, s.mesh(1).state().seen(), asked};
        f.has_view = true;
        f.view = ghost.view();
        REQUIRE_FALSE(s.give(0, core::request_arrived{f.id, host_of(1), wire::encode(f)}).refused);
    };
    bool mute = true; // the first node answers later
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        return !mute || from != 1 || !is<wire::ack>(bytes);
    });
    const auto asked = s.question(0);
    name_it(asked);
    s.run_for(2s);
    CHECK(s.mesh(0).judge_absence(asked).who == std::vector<replica_id>{ghost});
    SECTION("its next answer does not name it") {
        mute = false;
        CHECK(s.run_until([&] { return s.absent(0, asked); }, 1s)); // asked again by itself
    }
    SECTION("it crashes") {
        s.crash(1);
        CHECK(s.run_until([&] { return s.absent(0, asked); }, 5s));
    }
}

TEST_CASE("absence: one that was in contact and is forgotten counts by the word of whoever sees it",
          "[core][scenario]") {
    // The node has greeted and never came up here; the answer that names it arrives while it is in contact.
    in_contact s;
    const auto third = in_contact::third;
    bool mute = true;
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        return !mute || from != 1 || !is<wire::ack>(bytes);
    });
    const auto asked = s.question(0);
    const auto name_it = [&] {
        wire::ack ack{s.at(1).id, true, true, 0, s.mesh(1).state().seen(), asked};
        ack.has_view = true;
        ack.view = third.view();
        REQUIRE_FALSE(s.give(0, core::request_arrived{ack.id, host_of(1), wire::encode(ack)}).refused);
    };
    name_it();
    s.run_for(10s);
    CHECK_FALSE(s.absent(0, asked)); // the answer is void, and so far there is no other
    name_it();
    CHECK(s.mesh(0).judge_absence(asked).who == std::vector<replica_id>{third});
    mute = false;
    CHECK(s.run_until([&] { return s.absent(0, asked); }, 1s));
}

TEST_CASE("absence: what an answer leaves out is asked for once more", "[core][scenario]") {
    asking s;
    s.gather(2);
    s.run_for(300ms);
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        return from != 1 || !is<wire::ack>(bytes);
    });
    const auto asked = s.question(0);
    wire::ack f{s.at(1).id, true, true, 0, s.mesh(1).state().seen(), asked};
    f.has_view = true;
    SECTION("it knows of more than one answer holds") { f.view_cut_short = true; }
    SECTION("a spill has not been read") { f.unread_spill = true; }
    REQUIRE_FALSE(s.give(0, core::request_arrived{f.id, host_of(1), wire::encode(f)}).refused);
    CHECK(s.mesh(0).judge_absence(asked).who == s.ids_of({1}));
    s.set_filter({});
    CHECK(s.run_until([&] { return s.absent(0, asked); }, 1s));
}

TEST_CASE("absence: an answer from before a death does not speak for the one that died", "[core][scenario]") {
    // The first hears all answers; then it loses the third, which the second still has.
    asking s(slow_to_close());
    s.gather(3);
    const auto asked = s.question(0);
    REQUIRE(s.run_until([&] { return s.absent(0, asked); }, 100ms));
    s.sever(0, 2, true);
    s.set_filter([](process_number from, process_number, channel, std::string_view bytes) {
        // No WORD reports that it lives.
        return !is<wire::word>(bytes) && !(from == 1 && discovery::is_probe(bytes));
    });
    REQUIRE(s.run_until([&] { return s.sees(0, 2, member_state::crashed); }, 10s));
    REQUIRE(s.sees(1, 2, member_state::up));
    s.run_for(1s);
    CHECK(s.mesh(0).judge_absence(asked).who == s.ids_of({2}));
}

TEST_CASE("absence: of a member of version 4 the addresses it tells count, while they are tried",
          "[core][scenario]") {
    // Version 4: its answers do not name the nodes that it knows.
    asking s;
    core::mesh_options older;
    older.versions.max = 4;
    s.start(0), s.start(1, older);
    s.settle();
    s.sever(0, 2, true);
    const auto newcomer = s.start(2);
    REQUIRE(s.run_until([&] { return s.sees(newcomer, 1, member_state::up); }, 500ms));
    REQUIRE(s.run_until([&] { return s.mesh(newcomer).stats().peers_heard != 0; }, 100ms));
    CHECK(s.against(newcomer) == s.ids_of({0}));
    CHECK(s.against(newcomer, 60s).empty()); // as before version 5: it has no other way to tell
}

TEST_CASE("absence: a spill that has been found and not been read may hold it, here or at a member",
          "[core][scenario]") {
    world::settings how;
    how.node.spills = true;
    how.node.alone_after = 500ms;
    asking s(how);
    s.gather(1);
    s.stash(0, 0, "in the file");
    s.leave(0, 2, 200ms);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    core::mesh_options own;
    const auto asks = s.start(1, own), writes = s.start(2, own);
    s.settle();
    s.put(writes, "x", "y");
    s.settle();
    // It cannot be synced, so its file waits.
    process_number back = 3;
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != back || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    REQUIRE(s.start(0) == back);
    REQUIRE(s.run_until([&] { return s.sees(asks, back, member_state::up); }, 2s));
    REQUIRE(s.mesh(back).spills_waiting() == 1);
    CHECK(s.against(asks, 500ms) == s.ids_of({back}));
    CHECK_FALSE(s.caught_up(asks, 500ms));
    CHECK_FALSE(s.against(back, 500ms).empty());
    CHECK_FALSE(s.caught_up(back, 500ms));
    s.set_filter({});
    REQUIRE(s.run_until([&] { return s.pickup(asks, 0) == "in the file"; }, 5s));
    CHECK(s.against(asks).empty());
    CHECK(s.caught_up(asks));
    CHECK(s.caught_up(back));
}
