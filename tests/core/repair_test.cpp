#include "scene.hpp"

#include <utility>

using namespace baton;
using namespace baton::sim;

TEST_CASE("repair: a lost last delta is revealed by the heartbeat", "[core][scenario]") {
    // PUB drops the only frame; no later one shows the gap, so the counter in HELLO has to.
    scene s;
    s.gather(2);
    bool dropped = false;
    s.set_filter([&](process_number, process_number, channel, std::string_view bytes) {
        return dropped || !is<wire::delta>(bytes) || !(dropped = true);
    });
    s.stash(0, 0, "last words");
    s.run_for(20ms);
    REQUIRE(dropped);
    CHECK_FALSE(s.pickup(1, 0));
    s.settle(1s);
    CHECK(s.pickup(1, 0) == "last words");
    CHECK(s.mesh(1).stats().sessions_pulled == 1);
}

TEST_CASE("repair: a lost delta in the middle is fetched, and what came early is not lost",
          "[core][scenario]") {
    scene s;
    s.gather(2);
    bool dropped = false;
    s.set_filter([&](process_number, process_number, channel, std::string_view bytes) {
        return dropped || !is<wire::delta>(bytes) || !(dropped = true);
    });
    for (std::size_t key = 0; key < 5; ++key) s.stash(0, key, "x"), s.run_for(1us);
    s.settle(100ms); // the gap shows it long before a heartbeat
    CHECK(s.mesh(1).stats().gaps >= 1);
    CHECK(s.mesh(1).state().keys() == 5);
}

TEST_CASE("repair: a removal during a partition reaches the other side", "[core][scenario]") {
    scene s;
    s.gather(3);
    s.fill(0, 3);
    s.settle();
    s.sever(0, 1, true), s.sever(0, 2, true);
    s.run_for(6s); // they have called each other crashed by now
    CHECK(s.drop(0, 1));
    s.stash(1, 2, "changed over there");
    s.run_for(1s);
    CHECK(s.pickup(1, 1));
    s.sever(0, 1, false), s.sever(0, 2, false);
    s.settle(10s);
    for (const process_number who : {0, 1, 2}) {
        CHECK_FALSE(s.pickup(who, 1));
        CHECK(s.pickup(who, 2) == "changed over there");
    }
}

TEST_CASE("repair: the same key and value put on both sides and removed on one survives on both",
          "[core][scenario]") {
    // A removal removes what it has seen, by dot and not by value.
    scene s;
    s.gather(2);
    s.sever(0, 1, true);
    s.run_for(1s);
    s.stash(0, 0, "same"), s.stash(1, 0, "same");
    CHECK(s.drop(0, 0));
    s.sever(0, 1, false);
    s.settle(10s);
    for (const process_number who : {0, 1}) {
        CHECK(s.pickup(who, 0) == "same");
        CHECK(s.values(who, 0) == 1);
    }
}

TEST_CASE("repair: an empty value is not absent", "[core][scenario]") {
    // To one node by DELTA, to another by a session.
    scene s;
    s.gather(2);
    s.stash(0, 0, "");
    s.run_for(20ms);
    const auto c = s.join(2);
    for (const process_number who : {process_number{0}, process_number{1}, c}) {
        CHECK(s.pickup(who, 0) == "");
        CHECK(s.mesh(who).state().keys() == 1);
    }
}

TEST_CASE("repair: values below, at and above every threshold arrive whole", "[core][scenario]") {
    // Around the size of a packed DELTA, of a chunk, of the credit; alone and many in a row; by delta and by
    // session.
    constexpr std::size_t delta_bytes = 300, chunk_bytes = 512, credit_bytes = 1024;
    auto how = small_chunks(64, chunk_bytes, credit_bytes);
    how.node.limits.delta_bytes_max = delta_bytes;
    scene s(how);
    s.gather(2);
    std::size_t key = 0;
    for (const auto bound : {delta_bytes, chunk_bytes, credit_bytes, 3 * credit_bytes}) {
        for (const int off : {-60, -25, -7, -6, -5, -1, 0, 1, 2, 60}) {
            s.stash(0, key++, std::string(bound + static_cast<std::size_t>(off), 'v'));
            if (key % 3 == 0) s.run_for(10ms);
        }
    }
    s.settle();
    const auto c = s.join(2);
    CHECK(s.mesh(c).state().keys() == key);
    CHECK(s.mesh(c).state().key_value_bytes() == s.mesh(0).state().key_value_bytes());
}

TEST_CASE("repair: a write too large for a delta does not hold back the small ones around it",
          "[core][scenario]") {
    auto how = with_keys(20);
    how.node.limits.delta_bytes_max = 100;
    scene s(how);
    s.gather(2);
    s.stash(0, 0, "small");
    s.stash(0, 1, std::string(1000, 'x'));
    s.stash(0, 2, "small again");
    s.settle(100ms); // announced at once, not with the next heartbeat
    CHECK(s.pickup(1, 1)->size() == 1000);
}

TEST_CASE("repair: writes that arrive during a handoff are in it or after it, never between",
          "[core][scenario]") {
    // The server keeps writing, over keys that it has shipped already.
    scene s(small_chunks(100));
    s.gather(1);
    s.fill(0, 100);
    const auto b = s.start(1);
    REQUIRE(s.run_until([&] { return s.mesh(0).stats().sessions_served == 1; }, 1s));
    for (std::size_t i = 0; i < 100; ++i) {
        if (i % 4 == 0) {
            s.drop(0, i);
        } else {
            s.stash(0, 99 - i, "later");
        }
        s.run_for(100us);
    }
    s.settle();
    CHECK(s.mesh(b).state().keys() == s.mesh(0).state().keys());
}

TEST_CASE("repair: a late repetition of a PULL does not begin a second walk under its number",
          "[core][scenario]") {
    // Chunks of two walks under one number could be mixed, and leave a gap below the COMMIT (seed 8394 of the
    // simulator, once). A repeated PULL is answered from the window, an older one not at all, one that is
    // over with "busy".
    scene s(small_chunks(100, 256, 100'000));
    s.gather(2);
    s.fill(0, 100);
    s.settle();
    std::vector<wire::state> answers;
    s.set_filter([&](process_number, process_number to, channel kind, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        if (kind == channel::reply && to == 1 && std::holds_alternative<wire::state>(*frame)) {
            answers.push_back(std::get<wire::state>(*frame));
            answers.back().rows = answers.back().replicas = {};
        }
        return true;
    });
    const auto ask = [&](const wire::frame& f) {
        const auto bytes = wire::encode(f);
        s.give(0, core::request_arrived{s.at(1).id, "10.0.0.2", bytes});
        s.run_for(10ms);
        return std::exchange(answers, {});
    };
    auto older = pull_by(s.at(1).id, 1000);
    older.chunk_bytes = 256, older.credit_bytes = 100'000;
    auto newer = older;
    newer.session = 1001;
    ask(older);
    const auto first = ask(newer);
    REQUIRE(first.size() > 5);
    const auto served = s.mesh(0).stats().sessions_served;
    CHECK(ask(older).empty());
    CHECK(ask(newer).size() == first.size());
    ask(wire::credit{1001, first.size(), true});
    const auto over = ask(newer);
    REQUIRE(over.size() == 1);
    CHECK(over[0].flags == wire::state::busy);
    CHECK(s.mesh(0).stats().sessions_served == served);
}
