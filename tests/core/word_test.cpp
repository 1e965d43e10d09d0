// Proves that only an origin itself can report how many events it has written while it is up. A COMMIT of
// another node that claims more waits for that report, and is given up if the report does not come.
#include "awaiting.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

struct claimed : awaiting {
    /// A record of the third node that it has not written, and a cut that claims it.
    [[nodiscard]] wire::state lie(std::uint64_t beyond) {
        const auto last = mesh(2).state().counter_of(at(2).id);
        rows.chain(
            {value_type::reg, "forged", {}},
            {{block::kind::record, {at(2).id, last + beyond}, timestamp::at(1'700'000'000'000), 0, "forged"}},
            {});
        wire::state f;
        f.session = session;
        f.flags = wire::state::commit;
        f.base = rows.base();
        f.replicas = rows.replicas();
        f.rows = rows.rows();
        f.at.seen = mesh(0).state().seen();
        f.at.seen.set(at(2).id, last + beyond);
        return f;
    }
    wire::state_writer rows{timestamp::at(1'700'000'000'000)};
};

constexpr auto reason = "commit beyond the origin's word";

} // namespace

TEST_CASE("word: a COMMIT that claims more of a living third member than it has said is not believed",
          "[core][scenario]") {
    claimed s;
    s.provoke();
    CHECK(s.answer(s.lie(1)).empty());
    s.run_for(1500ms);
    s.unchanged(); // the session waits for the report of the third
    CHECK(s.mesh(1).stats().sessions_failed == 0);
    s.run_for(1s);
    s.unchanged();
    CHECK(s.refused(1, reason) == 1);
    CHECK(s.mesh(1).stats().sessions_failed == 1);

    // The third's real events still arrive, under the counters that were claimed.
    s.stash(2, 5, "real"), s.stash(2, 6, "real too");
    s.mute = false;
    s.set_filter({});
    s.settle();
    CHECK(s.pickup(1, 5) == "real");
    CHECK(s.pickup(1, 7) == "what the second lacks");
    CHECK_FALSE(s.get(1, "forged"));
}

TEST_CASE("word: claims about the receiver itself, and records above the COMMIT's cut, are refused at once",
          "[core][scenario]") {
    claimed s;
    s.provoke();
    const bool about_itself = GENERATE(true, false);
    CAPTURE(about_itself);
    auto f = s.lie(1);
    const auto own = s.mesh(1).state().counter_of(s.at(1).id),
               third = s.mesh(2).state().counter_of(s.at(2).id);
    f.at.seen.set(s.at(2).id, about_itself ? third + 1 : third);
    if (about_itself) f.at.seen.set(s.at(1).id, own + 1);
    s.answer(f);
    s.unchanged();
    CHECK(s.refused(1, "commit below its records") == 1);
    CHECK(s.mesh(1).stats().sessions_failed == 1);
    s.recover();
}

TEST_CASE("word: an honest COMMIT ahead of the origin's word is accepted once the word has come",
          "[core][scenario]") {
    // The second hears nothing of the third's latest events, neither by its deltas nor by its heartbeats; the
    // first has them, and serves them.
    scene s;
    s.gather(3);
    for (process_number who = 0; who < 3; ++who) s.fill(who, 3);
    s.settle();
    s.run_for(1s);
    bool silent = true;
    s.set_filter([&](process_number from, process_number to, channel, std::string_view) {
        return !(from == 2 && to == 1 && silent);
    });
    s.stash(2, 5, "by way of the first");
    REQUIRE(s.run_until(
        [&] { return s.mesh(1).stats().state_bytes_received > 0 && s.mesh(0).stats().sessions_served > 0; },
        1s));
    s.run_for(300ms);
    CHECK_FALSE(s.pickup(1, 5));
    REQUIRE(s.sees(1, 2, member_state::up));
    silent = false;
    REQUIRE(s.run_until([&] { return s.pickup(1, 5).has_value(); }, 400ms));
    CHECK(s.mesh(1).stats().sessions_failed == 0);
    CHECK(s.refused(1, reason) == 0);
    s.settle();
}

TEST_CASE("word: of an origin that is not up, whoever serves its events is believed", "[core][scenario]") {
    // The third dies before the second has heard its last words; the first has them.
    scene s;
    s.gather(3);
    s.settle();
    s.run_for(1s);
    s.set_filter([&](process_number from, process_number to, channel, std::string_view) {
        return !(from == 2 && to == 1);
    });
    s.stash(2, 5, "last words");
    s.run_for(5ms);
    s.crash(2);
    REQUIRE(s.run_until([&] { return s.sees(1, 2, member_state::crashed); }, 3s));
    s.settle(5s);
    CHECK(s.pickup(1, 5) == "last words");
    CHECK(s.refused(1, reason) == 0);
}

TEST_CASE("word: one that was archived while it stood still is believed by its HELLO", "[core][scenario]") {
    // Its own cut does not name it until it writes again, but it reports its latest event. While others write
    // there are no BRIEFs. The seed decides which server the newcomer asks first; here it is not the node of
    // which it hears nothing.
    const auto seed = GENERATE(range(1, 9));
    world::settings how;
    how.seed = static_cast<std::uint64_t>(seed);
    scene s(how);
    s.gather(4);
    for (process_number who = 0; who < 4; ++who) s.fill(who, 3);
    s.settle();
    s.freeze(3, true);
    s.run_for(20s);
    s.freeze(3, false);
    s.settle(10s);
    for (const process_number who : {0, 3}) REQUIRE(s.mesh(who).state().archived().of(s.at(3).id) == 3);

    const auto fresh = s.start(4);
    std::optional<replica_id> asked;
    s.on_trace = [&](process_number who, const core::trace& each) {
        if (who == fresh && each.what == "pull" && !asked) asked = each.who;
    };
    s.set_filter([&](process_number from, process_number to, channel, std::string_view bytes) {
        if (is<wire::brief>(bytes)) return false;
        const bool serves = to == fresh && (is<wire::state>(bytes) || is<wire::fingerprint>(bytes));
        return !serves || (from != 3 && s.sees(fresh, 3, member_state::up));
    });
    for (int i = 0; i < 30 && !s.mesh(fresh).synced(); ++i) {
        s.stash(0, 9, std::to_string(i));
        s.run_for(100ms);
        if (asked == s.at(3).id) return;
    }
    CHECK(s.mesh(fresh).synced());
    CHECK(s.refused(fresh, reason) == 0);
    CHECK(s.mesh(fresh).stats().sessions_failed == 0);
    s.set_filter({});
    s.settle();
}
