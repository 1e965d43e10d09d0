// Proves with real nodes that a stash says who holds it, in time and truly; that several keys are one write;
// and that pickup tells a key that nobody has from one that is late.
#include "nodes.hpp"

using namespace io;
using baton::ack_level;
using baton::errc;
using baton::pickup_outcome;
using baton::pickup_until;

namespace {

struct three {
    mesh net;
    baton::node a, b, c;
    explicit three(milliseconds heartbeat_every = baton::liveness_options{}.heartbeat_every)
        : a(member("a", heartbeat_every))
        , b(member("b", heartbeat_every))
        , c(member("c", heartbeat_every)) {
        for (auto* each : {&a, &b, &c}) {
            REQUIRE(next_event(*each, baton::event_kind::joined));
            REQUIRE(next_event(*each, baton::event_kind::joined));
        }
    }
    [[nodiscard]] baton::node member(const std::string& name, milliseconds heartbeat_every) const {
        auto settings = net.options(name);
        settings.liveness.heartbeat_every = heartbeat_every;
        settings.liveness.suspect_after = 6 * heartbeat_every;
        settings.liveness.crashed_after = 16 * heartbeat_every;
        return started(settings);
    }
};

constexpr milliseconds seldom = 3s; // between heartbeats, where a call is not to wait for one

} // namespace

TEST_CASE("proof: copies are counted when they are there, and the call comes back at once", "[io][node]") {
    constexpr int calls = 50;
    three nodes(seldom);
    const stopwatch start;
    for (int i = 0; i < calls; ++i) {
        const auto done = nodes.a.stash("key", "value " + std::to_string(i), {.ack = ack_level::copies(3)});
        REQUIRE(done);
        REQUIRE(done->met);
        CHECK(done->copies == 3);
        CHECK(nodes.b.pickup("key")->written == done->written);
        CHECK(nodes.c.pickup("key")->written == done->written);
    }
    CHECK(start.unhindered() < calls * seldom / 3); // few have waited for a heartbeat
    CHECK(nodes.a.stash("key", "v", {.ack = ack_level::all_up()})->met);
    const auto local = nodes.a.stash("key", "v");
    CHECK(local->met);
    CHECK(local->copies == 1);
}

TEST_CASE("proof: a level that cannot be met says so in time, and the write stays", "[io][node]") {
    three nodes;
    const stopwatch start;
    const auto done = nodes.a.stash("key", "v", {.ack = ack_level::copies(4), .within = 150ms});
    REQUIRE(done);
    CHECK_FALSE(done->met);
    CHECK(done->copies == 3);
    CHECK(start.elapsed() >= 150ms);
    CHECK(value_at(nodes.b, "key") == "v");
    CHECK(nodes.a.confirm(done->written, ack_level::copies(3), 1s)->met);
    CHECK(nodes.b.confirm(done->written, ack_level::copies(3), 5s)->met); // another's write
    CHECK_FALSE(nodes.a.confirm(done->written, ack_level::copies(9), 0ms)->met);
    const baton::version unknown{{nodes.b.id(), 99}};
    CHECK(nodes.a.confirm(unknown, ack_level::local(), 1s).error().code == errc::unknown_version);
}

TEST_CASE("proof: a majority needs to know of how many", "[io][node]") {
    const mesh net;
    auto settings = net.options("one");
    settings.mesh_size = 3;
    auto one = started(settings);
    auto other = started(net.options("other"));
    REQUIRE(meet(one, other));
    CHECK(one.stash("key", "v", {.ack = ack_level::majority()})->met);
    const auto refused = other.stash("other", "v", {.ack = ack_level::majority()});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::bad_argument);
    CHECK_FALSE(other.pickup("other")->found());
}

TEST_CASE("proof: without waiting, a future tells", "[io][node]") {
    three nodes;
    std::vector<std::future<baton::result<baton::write_result>>> pending;
    for (int i = 0; i < 200; ++i)
        pending.push_back(
            nodes.a.stash_async("key-" + std::to_string(i), "v", {.ack = ack_level::copies(3)}));
    for (auto& each : pending) {
        REQUIRE(each.wait_for(patience(5s)) == std::future_status::ready);
        CHECK(each.get()->met);
    }
    auto never = nodes.a.stash_async("key", "v", {.ack = ack_level::copies(9), .within = 100ms});
    auto cut_short = nodes.a.stash_async("key", "v", {.ack = ack_level::copies(9), .within = 1h});
    CHECK_FALSE(never.get()->met);
    CHECK_FALSE(nodes.a.stash_async("", "v").get());
    CHECK(nodes.a.leave()); // no future is left without a result
    REQUIRE(cut_short.wait_for(patience(5s)) == std::future_status::ready);
    CHECK_FALSE(cut_short.get()->met);
}

TEST_CASE("proof: several keys are one write", "[io][node]") {
    three nodes;
    const std::vector<std::pair<std::string_view, std::string_view>> all{{"x", "1"}, {"y", "2"}, {"z", "3"}};
    const auto done = nodes.a.stash(all, {.ack = ack_level::copies(3)});
    REQUIRE(done);
    CHECK(done->met);
    for (const auto& [key, value] : all) CHECK(nodes.c.pickup(key)->value == value);
    CHECK(nodes.a.stash({}).error().code == errc::bad_argument);
    CHECK(nodes.a.stash(all, {.if_version = done->written}).error().code == errc::bad_argument);
}

TEST_CASE("proof: a stash that names a version does not overwrite another", "[io][node]") {
    three nodes;
    const auto first =
        nodes.a.stash("key", "1", {.ack = ack_level::copies(3), .if_version = baton::version{}});
    REQUIRE(first);
    const auto second =
        nodes.b.stash("key", "2", {.ack = ack_level::copies(3), .if_version = first->written});
    REQUIRE(second);
    const auto late = nodes.a.stash("key", "3", {.if_version = first->written});
    REQUIRE_FALSE(late);
    CHECK(late.error().code == errc::conflict);
    CHECK(nodes.a.pickup("key")->value == "2");
}

TEST_CASE("proof: nobody has it, and everybody has said so", "[io][node]") {
    constexpr int calls = 20;
    three nodes(seldom);
    const stopwatch start;
    for (int i = 0; i < calls; ++i) {
        const auto gone = nodes.a.pickup("nothing", {.within = patience(5s), .until = pickup_until::known});
        CHECK(gone->outcome == pickup_outcome::absent_confirmed);
    }
    CHECK(start.unhindered() < calls * seldom / 3);
    CHECK(nodes.a.pickup("nothing")->outcome == pickup_outcome::absent_unsynced); // nobody was asked
    CHECK(nodes.a.pickup("nothing", {.within = 100ms})->outcome == pickup_outcome::absent_confirmed);
    (void)nodes.a.add("hits");
    CHECK(nodes.a.pickup("hits", {.within = 50ms})->outcome == pickup_outcome::absent_unsynced);
}

TEST_CASE("proof: the successor may ask before the predecessor has written", "[io][node]") {
    three nodes;
    auto got = std::async(std::launch::async, [&] { return nodes.b.pickup("session", {.within = 10s}); });
    std::this_thread::sleep_for(50ms); // whatever the order, it is found
    (void)nodes.a.stash("session", "state");
    const auto found = got.get();
    CHECK(found->value == "state");
}

TEST_CASE("proof: alone, only the founder knows that nobody has it", "[io][node]") {
    const mesh net;
    auto settings = net.options("one");
    auto one = started(settings);
    const auto unsure = one.pickup("key", {.within = 100ms, .until = pickup_until::known});
    CHECK(unsure->outcome == pickup_outcome::absent_unsynced);
    CHECK(unsure->who.empty());
    CHECK_FALSE(one.wait_synced(10ms));
    const mesh other_net;
    settings = other_net.options("founder");
    settings.founding = true;
    auto founder = started(settings);
    CHECK(founder.pickup("key")->outcome == pickup_outcome::absent_confirmed);
    CHECK(founder.wait_synced(10ms));
    const mesh third_net;
    settings = third_net.options("patient");
    settings.alone_after = 50ms;
    auto patient = started(settings);
    CHECK(eventually(5s, [&] { return patient.pickup("key")->outcome == pickup_outcome::absent_confirmed; }));
}

TEST_CASE("proof: who does not answer is named", "[io][node]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    meet(one, "one", other, "other");
    const auto id = member_named(one, "other").at("id");
    CHECK(one("stash key value copies=2").at("copies") == 2);
    CHECK(one("stash key value copies=all within=30s").at("met") == true);
    CHECK(one("pickup nothing within=30s until=known").at("result") == "absent_confirmed");
    other.signal(SIGSTOP);
    const auto unsynced = one("pickup nothing within=300ms");
    CHECK(unsynced.at("result") == "absent_unsynced");
    CHECK(unsynced.at("who") == json::array({id}));
    CHECK(one("stash key value copies=2 within=200ms").at("met") == false);
    other.signal(SIGCONT);
    CHECK(one("pickup nothing within=30s until=known").at("result") == "absent_confirmed");
}

TEST_CASE("proof: a wait for a value ends with the node", "[io][node]") {
    three nodes;
    auto got = std::async(std::launch::async, [&] { return nodes.b.pickup("never", {.within = 1h}); });
    std::this_thread::sleep_for(50ms);
    REQUIRE(nodes.b.leave());
    CHECK_FALSE(got.get()->found());
}
