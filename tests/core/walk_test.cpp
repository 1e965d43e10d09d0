// Walks: a server that has forgotten a receiver knows no session number any more, and may begin one that it
// has served before. Nothing of two such walks becomes one session, whatever versions the two speak, and who
// has been forgotten is met again.
#include "awaiting.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

core::mesh_options speaking(std::uint64_t max) {
    core::mesh_options own;
    own.versions.max = max;
    return own;
}

/// The second is compared with by the first, and suspended as soon as it has asked its first question, for
/// longer than the first remembers it.
void suspend_in_the_middle(std::uint64_t seed, std::uint64_t server, std::uint64_t receiver,
                           mutation broken) {
    auto how = with_keys(20);
    how.seed = seed;
    how.node.broken = broken;
    how.faults.detect_min = how.faults.detect_max = 300ms;
    scene s(how);
    for (const auto version : {server, receiver}) {
        auto own = speaking(version);
        own.broken = broken;
        s.start(s.processes(), own);
    }
    s.settle();
    s.fill(0, 10);
    s.settle();
    s.sever(0, 1, true);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 60s));
    s.drop(0, 3);
    s.stash(0, 4, "new");
    s.run_for(2s); // the removal is forgotten: the second is below the floor
    bool asked = false;
    s.on_trace = [&](process_number who, const core::trace& t) {
        if (who != 1 || t.what != "ask" || asked) return;
        asked = true;
        s.after(0ns, [&] { s.sever(0, 1, true), s.freeze(1, true); });
    };
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return asked; }, 120s));
    s.run_for(1s);
    s.stash(0, 11, "while it was away");
    s.stash(0, 6, "this too");
    s.run_for(std::chrono::hours(7));
    REQUIRE_FALSE(s.sees(0, 1).has_value());
    s.sever(0, 1, false);
    s.freeze(1, false);
    s.run_for(30s); // the oracle looks at every step
    s.settle(30s);
}

} // namespace

TEST_CASE("walk: a receiver that was suspended in a comparison does not go on with another",
          "[core][scenario]") {
    const std::uint64_t server = GENERATE(4, 5), receiver = GENERATE(4, 5);
    CAPTURE(server, receiver);
    for (std::uint64_t seed = 1; seed < 9; ++seed) {
        CAPTURE(seed);
        suspend_in_the_middle(seed, server, receiver, mutation::none);
    }
}

TEST_CASE("walk: a change of it ends the session", "[core][scenario]") {
    const bool broken = GENERATE(false, true);
    CAPTURE(broken);
    world::settings how;
    if (broken) how.node.broken = mutation::walk_ignored;
    awaiting s(how);
    s.provoke();
    wire::state f;
    f.session = s.session;
    f.walk = 1;
    f.flags = wire::state::archive;
    CHECK(s.answer(f).empty());
    CHECK(s.mesh(1).stats().sessions_failed == 0);
    f.chunk = 1;
    f.walk = 2;
    CHECK(s.answer(f).empty());
    CHECK(s.mesh(1).stats().sessions_failed == (broken ? 0 : 1));
    if (broken) return;
    f.walk = 1; // the session is over
    f.flags = wire::state::commit;
    f.at.seen = s.mesh(0).state().seen();
    CHECK(s.answer(f).empty());
    s.unchanged();
    s.recover();
}

TEST_CASE("walk: a word that asks for more after chunks have come is of no session", "[core][scenario]") {
    // Otherwise the rows that these sessions have staged would be part of the next one.
    awaiting s;
    s.provoke();
    wire::state f;
    f.session = s.session;
    f.flags = wire::state::archive;
    CHECK(s.answer(f).empty());
    const auto asked = s.mesh(1).stats().sessions_pulled;
    f.flags = wire::state::wants_archive;
    CHECK(s.answer(f).empty());
    CHECK(s.mesh(1).stats().sessions_pulled == asked);
    s.unchanged();
    s.recover();
}

TEST_CASE("walk: a server says busy to what is said of another walk", "[core][scenario]") {
    awaiting s;
    s.run_for(1s);
    s.request(pull_by(s.at(1).id, 1000, s.mesh(1).state().seen()));
    std::uint64_t walk = 0, busy = 0;
    s.set_filter([&](process_number from, process_number to, channel kind, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        const auto* const f = frame && kind == channel::reply ? std::get_if<wire::state>(&*frame) : nullptr;
        if (f == nullptr || from != 0 || to != 1 || f->session != 1000) return true;
        if ((f->flags & wire::state::busy) != 0) {
            ++busy;
        } else {
            CHECK((walk == 0 || walk == f->walk));
            walk = f->walk;
        }
        return false;
    });
    s.run_for(20ms);
    s.request(pull_by(s.at(1).id, 1000, s.mesh(1).state().seen())); // a repeated PULL: the same walk
    s.run_for(200ms);
    s.request(pull_by(s.at(1).id, 1000, s.mesh(1).state().seen()));
    s.run_for(20ms);
    REQUIRE(walk != 0);
    CHECK(busy == 0);
    CHECK(s.request(wire::credit{1000, 1, true, walk + 1}).empty());
    CHECK(s.request(wire::credit{1000, 1, false, walk + 1}).empty());
    s.run_for(20ms);
    CHECK(busy == 1); // the first was a goodbye
    CHECK(s.mesh(0).stats().sessions_open == 1);
    CHECK(s.request(wire::credit{1000, 1, true, walk}).empty());
    CHECK(s.mesh(0).stats().sessions_open == 0);
}

TEST_CASE("walk: who is not known, and may have been forgotten, is asked to greet", "[core][scenario]") {
    // A node that has been up all the time hears this node, and would not greet again by itself.
    const bool broken = GENERATE(false, true);
    CAPTURE(broken);
    scene s;
    core::mesh_options own;
    if (broken) own.broken = mutation::strangers_ignored;
    s.start(0, own);
    const auto asks = [&](std::uint8_t number) {
        replica_id id;
        id.bytes.fill(number);
        const auto bytes = wire::encode(wire::ask{id, 1, {}});
        core::outbox out;
        CHECK(s.mesh(0).step(s.moment_at(0), core::request_arrived{id, host_of(7), bytes}, out).refused ==
              std::string_view("request by nobody known"));
        return std::count_if(out.actions.begin(), out.actions.end(), [&](const core::action& each) {
            const auto* const reply = std::get_if<core::send_reply>(&each);
            if (reply == nullptr) return false;
            const auto frame = wire::decode(reply->bytes);
            return reply->to == id && (std::get<wire::hello>(*frame).flags & wire::hello::wants_answer) != 0;
        });
    };
    s.run_for(1s);
    CHECK(asks(7) == (broken ? 0 : 1));
    CHECK(asks(8) == 0); // one answer per interval, however many requests arrive
    s.run_for(30ms);
    CHECK(asks(8) == (broken ? 0 : 1));
}
