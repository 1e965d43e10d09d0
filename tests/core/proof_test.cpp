// Proves what a node knows of others: members that stay acknowledge a write directly and after applying it; a
// lost broadcast is asked for; and a key is called absent only when every node that could have it has
// reported what it holds.
#include "asking.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

struct proving : asking {
    using asking::asking;
    /// Writes a key that the oracle does not follow, and has its holders asked for.
    core::proof stash_for(process_number who, std::string_view key, ack_level level) {
        core::proof wanted{{}, level, mesh(who).members_up()};
        (void)write(who, [&](core::mesh& m, const moment& at) {
            const auto written = m.stash(at, key, "value");
            REQUIRE(written);
            wanted.id = written->id;
            ticket = m.await_holders(at, wanted.id);
            return written;
        });
        return wanted;
    }
    [[nodiscard]] bool met(process_number who, const core::proof& wanted) {
        return mesh(who).measure(wanted).met;
    }
    [[nodiscard]] std::size_t copies(process_number who, const core::proof& wanted) {
        return mesh(who).measure(wanted).copies;
    }
    std::uint64_t ticket = 0;
};

bool is_delta(process_number, process_number, channel, std::string_view bytes) {
    return is<wire::delta>(bytes);
}

} // namespace

TEST_CASE("proof: members acknowledge directly, long before the next heartbeat", "[core][scenario]") {
    proving s;
    s.gather(3);
    s.run_for(300ms);
    const auto wanted = s.stash_for(0, "k", ack_level::copies(3));
    CHECK(s.copies(0, wanted) == 1);
    CHECK_FALSE(s.met(0, wanted));
    const auto asked = s.mesh(0).stats().asks_sent;
    REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 50ms));
    CHECK(s.copies(0, wanted) == 3);
    CHECK(s.mesh(0).stats().asks_sent == asked); // nothing was lost
    s.mesh(0).stop_awaiting(s.ticket);
    const auto acks = s.mesh(0).stats().acks_received;
    s.put(0, "unproven", "value"); // no call waits, so no member answers
    s.run_for(100ms);
    CHECK(s.mesh(0).stats().acks_received == acks);
}

TEST_CASE("proof: a lost broadcast is asked for after twice the round trip", "[core][scenario]") {
    proving s;
    s.gather(3);
    for (int i = 0; i < 20; ++i) { // the round trip is known by now
        const auto wanted = s.stash_for(0, "k" + std::to_string(i), ack_level::all_up());
        REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 50ms));
        s.mesh(0).stop_awaiting(s.ticket);
    }
    const auto usual = s.mesh(0).round_trip();
    s.set_filter([](auto... all) { return !is_delta(all...); });
    const auto begun = s.now();
    const auto wanted = s.stash_for(0, "lost", ack_level::copies(3));
    REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 200ms));
    CHECK(s.now() - begun < 8 * usual + 20ms);
    CHECK(s.mesh(0).stats().asks_sent != 0);
    CHECK(s.get(1, "lost") == "value");
}

TEST_CASE("proof: a write that has gone out already is confirmed in a round trip, the hundredth time too",
          "[core][scenario]") {
    // No call waited for the write when it was broadcast. A later wait asks at once, so that the time before
    // the question does not count as round trip; that time would grow with each wait.
    proving s;
    s.gather(3);
    s.run_for(300ms);
    auto longest = 0ns;
    int asked = 0;
    for (int i = 0; i < 100; ++i) {
        const auto key = "k" + std::to_string(i);
        core::proof wanted{{}, ack_level::copies(3), {}};
        (void)s.write(0, [&](core::mesh& m, const moment& at) {
            const auto written = m.stash(at, key, "value");
            wanted.id = written->id;
            return written;
        });
        s.run_for(30ms);                // every node has it by then
        if (s.met(0, wanted)) continue; // a heartbeat has reported it
        ++asked;
        const auto begun = s.now();
        const auto ticket = s.mesh(0).await_holders(s.moment_at(0), wanted.id);
        REQUIRE(s.mesh(0).asks_now(s.moment_at(0)));
        s.give(0, core::time_passed{});
        REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 50ms));
        s.mesh(0).stop_awaiting(ticket);
        CHECK_FALSE(s.mesh(0).asks_now(s.moment_at(0)));
        longest = std::max<std::chrono::nanoseconds>(longest, s.now() - begun);
    }
    CHECK(asked > 30);
    CHECK(longest < 20ms);
    CHECK(s.mesh(0).round_trip() < 10ms);
}

TEST_CASE("proof: what is too large for a broadcast is acknowledged when it has been fetched",
          "[core][scenario]") {
    world::settings how;
    how.node.limits.delta_bytes_max = 64;
    proving s(how);
    s.gather(2);
    core::proof wanted{{}, ack_level::copies(2), {}};
    (void)s.write(0, [&](core::mesh& m, const moment& at) {
        auto written = m.stash(at, "large", std::string(500, 'x'));
        wanted.id = written->id;
        m.await_holders(at, wanted.id);
        return written;
    });
    CHECK_FALSE(s.met(0, wanted));
    REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 200ms));
    CHECK(s.get(1, "large")->size() == 500);
}

TEST_CASE("proof: who leaves, or is silent, is no holder", "[core][scenario]") {
    proving s(slow_to_close());
    s.gather(3);
    const auto wanted = s.stash_for(0, "k", ack_level::copies(3));
    REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 50ms));
    SECTION("leaving") {
        s.sever(1, 2, true); // so that its leave lasts
        s.leave(2, 2, 3s);
        s.run_for(20ms);
        REQUIRE(s.sees(0, 2, member_state::leaving));
    }
    SECTION("suspect") {
        s.freeze(2, true);
        REQUIRE(s.run_until([&] { return s.sees(0, 2, member_state::suspect); }, 5s));
    }
    CHECK(s.copies(0, wanted) == 2);
    CHECK_FALSE(s.met(0, wanted));
}

TEST_CASE("proof: all that are up means those of the call, as long as they are up", "[core][scenario]") {
    proving s;
    s.gather(3);
    s.freeze(2, true);
    const auto wanted = s.stash_for(0, "k", ack_level::all_up());
    s.run_for(200ms);
    CHECK(s.copies(0, wanted) == 2);
    CHECK_FALSE(s.met(0, wanted));
    s.crash(2);
    REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 5s));
    s.crash(1); // and never with a single copy
    s.run_for(5s);
    CHECK_FALSE(s.met(0, wanted));
}

TEST_CASE("proof: a majority is one of options::mesh_size", "[core][scenario]") {
    world::settings how;
    how.node.mesh_size = 5;
    proving s(how);
    s.gather(2);
    const auto wanted = s.stash_for(0, "k", ack_level::majority());
    s.run_for(500ms);
    CHECK(s.copies(0, wanted) == 2);
    CHECK_FALSE(s.met(0, wanted));
    s.join(2);
    REQUIRE(s.run_until([&] { return s.met(0, wanted); }, 2s));
}

TEST_CASE("proof: a write of another member can be confirmed", "[core][scenario]") {
    proving s;
    s.gather(3);
    s.sever(0, 2, true);
    const auto wanted = s.stash_for(0, "k", ack_level::copies(3));
    REQUIRE(s.run_until([&] { return s.get(1, "k").has_value(); }, 100ms));
    // The second asks the third, which gets it from the second.
    s.mesh(1).await_holders(s.moment_at(1), wanted.id);
    s.give(1, core::time_passed{});
    // It waits a moment for the acknowledgement of the first, which is not known to be gone yet.
    REQUIRE(s.run_until([&] { return s.copies(1, wanted) == 3; }, 5s));
    CHECK(s.get(2, "k") == "value");
}

TEST_CASE("proof: a write of one that has left can be confirmed with who came later", "[core][scenario]") {
    // Its origin is archived, so no cut names it.
    proving s;
    s.gather(2);
    const auto wanted = s.stash_for(0, "k", ack_level::copies(2));
    s.leave(0, 1);
    REQUIRE(s.run_until([&] { return s.mesh(1).state().archived().of(s.at(0).id) != 0; }, 5s));
    const auto heir = s.join(2);
    REQUIRE(s.get(heir, "k") == "value");
    const auto ticket = s.mesh(1).await_holders(s.moment_at(1), wanted.id);
    s.give(1, core::time_passed{});
    CHECK(s.run_until([&] { return s.met(1, wanted); }, 2s));
    CHECK(s.copies(1, wanted) == 2);
    const auto asked = s.mesh(1).stats().asks_sent;
    s.run_for(2s); // nothing is left to be asked
    CHECK(s.mesh(1).stats().asks_sent == asked);
    s.mesh(1).stop_awaiting(ticket);
}

TEST_CASE("proof: absent is what every member has answered for, after the question", "[core][scenario]") {
    proving s;
    s.gather(3);
    s.run_for(300ms);
    CHECK_FALSE(s.absent(0, 0)); // no member has been asked
    const auto asked = s.question(0);
    CHECK_FALSE(s.absent(0, asked));
    REQUIRE(s.run_until([&] { return s.absent(0, asked); }, 50ms));
    const auto later = s.question(0); // an answer to an earlier question does not do
    CHECK_FALSE(s.absent(0, later));
}

TEST_CASE("proof: nothing is absent while a member does not answer, or holds more", "[core][scenario]") {
    proving s(slow_to_close());
    s.gather(3);
    s.run_for(300ms);
    SECTION("one that stands still") {
        s.freeze(2, true);
        const auto asked = s.question(0);
        s.run_for(2s); // suspect by now
        CHECK_FALSE(s.absent(0, asked));
        CHECK(s.mesh(0).judge_absence(asked).who == std::vector<replica_id>{s.at(2).id});
        s.freeze(2, false);
        REQUIRE(s.run_until([&] { return s.absent(0, asked); }, 2s));
    }
    SECTION("what it names has to be applied here first") {
        bool mute = true;
        s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
            return to != 0 || !mute || (!is<wire::delta>(bytes) && !is<wire::state>(bytes));
        });
        s.put(2, "late", "value");
        const auto asked = s.question(0);
        s.run_for(100ms);
        CHECK_FALSE(s.absent(0, asked));
        mute = false;
        REQUIRE(s.run_until([&] { return s.absent(0, asked); }, 2s));
        CHECK(s.get(0, "late") == "value"); // had it been the key, it would be found
    }
    SECTION("what a crashed member is known to have held has to be here") {
        s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
            return to != 0 || (!is<wire::delta>(bytes) && !is<wire::state>(bytes));
        });
        s.sever(1, 2, true);
        s.put(2, "lost with it", "value");
        s.run_for(600ms); // its heartbeat has reported the event
        s.crash(2);
        REQUIRE(s.run_until([&] { return s.sees(0, 2, member_state::crashed); }, 10s));
        s.set_filter({});
        const auto asked = s.question(0);
        s.run_for(500ms);
        CHECK_FALSE(s.absent(0, asked));
    }
}

TEST_CASE("proof: alone, nothing is absent but for the founder, or after a time without seeds",
          "[core][scenario]") {
    world::settings how;
    how.node.founding = GENERATE(true, false);
    proving s(how);
    s.gather(1);
    CHECK(s.absent(0, s.question(0)) == how.node.founding);
    CHECK(s.mesh(0).synced() == how.node.founding);
    s.run_for(4s);
    s.give(0, core::time_passed{});
    CHECK(s.absent(0, s.question(0)) == how.node.founding);
    s.run_for(2s);
    CHECK(s.absent(0, s.question(0)));
}

TEST_CASE("proof: in a minority of options::mesh_size nothing is absent", "[core][scenario]") {
    world::settings how;
    how.node.mesh_size = 3;
    proving s(how);
    s.gather(2);
    auto asked = s.question(0);
    REQUIRE(s.run_until([&] { return s.absent(0, asked); }, 1s));
    s.leave(1);
    REQUIRE(s.run_until([&] { return s.at(1).left; }, 5s));
    asked = s.question(0);
    s.run_for(1s);
    CHECK_FALSE(s.absent(0, asked));
}

TEST_CASE("proof: what a leaving member announced is on its way", "[core][scenario]") {
    proving s;
    s.gather(2);
    bool mute = true;
    s.set_filter([&](process_number, process_number, channel, std::string_view bytes) {
        return !mute || (!is<wire::delta>(bytes) && !is<wire::state>(bytes));
    });
    s.put(0, "session", "value");
    s.leave(0, 1, 3s);
    REQUIRE(s.run_until([&] { return s.mesh(1).on_its_way("session").has_value(); }, 50ms));
    CHECK(s.mesh(1).on_its_way("session") == s.at(0).id);
    CHECK_FALSE(s.mesh(1).on_its_way("other"));
    mute = false;
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.get(1, "session") == "value");
    CHECK_FALSE(s.mesh(1).on_its_way("session"));
}

TEST_CASE("proof: several keys of one stash appear together, by broadcast, by repair and to a newcomer",
          "[core][scenario]") {
    // Looked at after every step of every node: all of them or none.
    world::settings how;
    // Small enough for one broadcast, or too large for any.
    how.node.limits.delta_bytes_max = GENERATE(128 << 10, 512);
    how.node.limits.chunk_bytes_max = 600;
    how.node.limits.credit_bytes = 1200;
    proving s(how);
    s.gather(2);
    constexpr std::size_t many = 700; // more than one slice of work
    std::vector<std::string> names;
    for (std::size_t i = 0; i < many; ++i) names.push_back("group-" + std::to_string(i));
    std::vector<std::pair<std::string_view, std::string_view>> all;
    for (const auto& name : names) all.emplace_back(name, "value");
    const auto whole_or_none = [&](process_number who) {
        if (who >= s.processes() || !s.at(who).alive()) return true;
        const bool first = s.get(who, names.front()).has_value();
        return first == s.get(who, names[many / 2]).has_value() &&
               first == s.get(who, names.back()).has_value();
    };
    const auto watch = [&](auto done) {
        return s.run_until(
            [&] {
                REQUIRE(whole_or_none(1));
                REQUIRE(whole_or_none(2));
                return done();
            },
            5s);
    };
    bool lossy = GENERATE(false, true);
    s.set_filter([&](auto... each) { return !lossy || !is_delta(each...); });
    s.put(0, "before", "value");
    (void)s.write(0, [&](core::mesh& m, const moment& at) { return m.stash_all(at, all); });
    s.put(0, "after", "value");
    REQUIRE(watch([&] { return s.get(1, "after").has_value(); }));
    CHECK(s.get(1, names.back()) == "value");
    s.start(2);
    REQUIRE(watch([&] { return s.settled(); }));
    CHECK(s.get(2, names.back()) == "value");
}

TEST_CASE("proof: a stash of several keys is bounded, and refused whole", "[core]") {
    proving s;
    s.gather(1);
    const std::string long_key(600, 'k');
    const std::vector<std::pair<std::string_view, std::string_view>> bad{{"good", "value"},
                                                                         {long_key, "value"}};
    const std::vector<std::pair<std::string_view, std::string_view>> many(1001, {"key", "value"});
    const auto at = s.moment_at(0);
    CHECK(s.mesh(0).stash_all(at, bad).error().code == errc::key_too_long);
    CHECK(s.mesh(0).stash_all(at, many).error().code == errc::bad_argument);
    CHECK(s.mesh(0).stash_all(at, {}).error().code == errc::bad_argument);
    CHECK(s.mesh(0).state().keys() == 0);
}

TEST_CASE("proof: a stash can be told which version it replaces", "[core]") {
    proving s;
    s.gather(1);
    auto& m = s.mesh(0);
    const auto at = s.moment_at(0);
    const auto first = m.stash(at, "k", "one", version{}); // only if absent
    REQUIRE(first);
    CHECK(m.stash(at, "k", "two", version{}).error().code == errc::conflict);
    const auto second = m.stash(at, "k", "two", *first);
    REQUIRE(second);
    CHECK(m.stash(at, "k", "three", *first).error().code == errc::conflict);
    CHECK(s.get(0, "k") == "two");
}
