// Proves that a full member stops no other. It holds back no forgetting, no archiving and no leave. It learns
// of the drops that make room by a whole session with a member whose state fits, never by part of one.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t small_bytes = 1 << 20;

core::mesh_options limited(std::size_t bytes_max, mutation broken = mutation::none) {
    core::mesh_options how;
    how.limits.bytes_max = bytes_max;
    how.broken = broken;
    return how;
}

/// Member 1 is small, the others have `bytes_max`; 0 writes until 1 is full.
struct one_full : scene {
    explicit one_full(std::size_t bytes_max = 0, world::settings how = {})
        : scene(how) {
        start(0, limited(bytes_max, how.node.broken));
        start(1, limited(small_bytes));
        start(2, limited(bytes_max, how.node.broken));
        settle();
    }
    void fill_up() {
        while (written < 3000 && !mesh(1).is_full())
            put(0, name(written++), std::string(1000, 'x')), run_for(2ms);
        REQUIRE(mesh(1).is_full());
    }
    static std::string name(std::size_t number) { return "fill " + std::to_string(number); }
    void drop_all(process_number who) {
        for (std::size_t i = 0; i < written; ++i) CHECK(erase(who, name(i)));
    }
    std::size_t written = 0;
};

} // namespace

TEST_CASE("room: a full member holds back no removal records", "[core][scenario]") {
    one_full s(3 << 20);
    s.fill_up();
    s.put(0, "stays", std::string(100'000, 'x')); // it misses a put, so it can apply no later drop alone
    for (int i = 0; i < 2000; ++i) {
        const auto key = "churn " + std::to_string(i);
        s.put(0, key, "0123456789");
        CHECK(s.erase(0, key));
        if (i % 200 == 0) s.run_for(50ms);
    }
    s.run_for(5s);
    CHECK(s.mesh(1).is_full());
    CHECK(s.removals(0) == 0);
    CHECK(s.removals(2) == 0);
    CHECK_FALSE(s.mesh(0).is_full());
}

TEST_CASE("room: were a full member waited for, its removal records would fill the others",
          "[core][scenario]") {
    world::settings how;
    how.node.broken = mutation::full_holds_back;
    one_full s(3 << 20, how);
    s.fill_up();
    s.put(0, "stays", std::string(100'000, 'x'));
    s.put(0, "churn", "x");
    CHECK(s.erase(0, "churn"));
    s.run_for(5s);
    CHECK(s.removals(0) == 1);
}

TEST_CASE("room: a full member learns of the drops that make room", "[core][scenario]") {
    // The others have forgotten the removals, so it is compared by ranges. What replaced the dropped keys is
    // more than a DELTA holds, and more than its free room.
    one_full s;
    s.fill_up();
    const bool replaced = GENERATE(false, true);
    if (replaced) {
        for (std::size_t i = 0; i < s.written / 3; ++i)
            s.put(0, "new " + std::to_string(i), std::string(1000, 'y'));
        s.run_for(3s);
    }
    s.drop_all(0);
    s.settle(10s);
    CHECK_FALSE(s.mesh(1).is_full());
    CHECK(s.mesh(1).state().keys() == (replaced ? s.written / 3 : 0));
    CHECK_FALSE(s.try_put(1, "one more", "x"));
    s.settle();
    CHECK(s.mesh(1).state().memory_bytes() <
          small_bytes * 5 / 2); // memory from the system shrinks only after a while
}

TEST_CASE("room: members that are all full have room again after drops at one of them", "[core][scenario]") {
    scene s;
    for (slot_number slot = 0; slot < 3; ++slot) s.start(slot, limited(small_bytes));
    s.settle();
    std::size_t written = 0;
    while (written < 3000 && !s.try_put(0, one_full::name(written), std::string(1000, 'x')))
        ++written, s.run_for(2ms);
    s.run_for(3s);
    for (process_number p = 0; p < 3; ++p) CHECK(s.mesh(p).is_full());
    const bool all = GENERATE(false, true);
    for (std::size_t i = 0; i < (all ? written : written / 5); ++i) CHECK(s.erase(0, one_full::name(i)));
    s.settle(10s);
    for (process_number p = 0; p < 3; ++p) {
        CHECK_FALSE(s.mesh(p).is_full());
        CHECK_FALSE(s.try_put(p, "by " + std::to_string(p), "x"));
    }
    s.settle();
}

TEST_CASE("room: what a full member has written and nobody has heard is fetched from it",
          "[core][scenario]") {
    one_full s;
    s.set_filter([](process_number from, process_number, channel, std::string_view bytes) {
        return from != 1 || !is<wire::delta>(bytes);
    });
    s.fill_up();
    s.set_filter({});
    const auto own =
        s.write(1, [&](core::mesh& m, const moment& at) { return m.drop(at, one_full::name(0)); });
    REQUIRE(own);
    s.run_for(2s);
    CHECK(s.mesh(1).is_full());
    CHECK_FALSE(s.get(0, one_full::name(0)));
    s.put(0, "seen by both", "x");
    CHECK(s.mesh(0).state().counter_of(s.at(1).id) == s.mesh(1).state().counter_of(s.at(1).id));
}

TEST_CASE("room: archiving goes on while the member with the smallest id is full", "[core][scenario]") {
    for (std::uint64_t seed = 1;; ++seed) { // ids are drawn
        world::settings how;
        how.seed = seed;
        one_full s(0, how);
        if (s.at(1).id > s.at(0).id || s.at(1).id > s.at(2).id) continue;
        s.fill_up();
        for (int round = 0; round < 5; ++round) {
            const auto n = s.start(3);
            s.run_for(500ms);
            s.put(n, "by " + std::to_string(round), "x");
            s.run_for(500ms);
            s.crash(n);
            s.run_for(7s);
        }
        s.run_for(10s);
        CHECK(s.mesh(1).is_full());
        CHECK(s.mesh(0).state().archived().size() == 5);
        CHECK(s.mesh(0).state().seen().size() <= 3);
        return;
    }
}

TEST_CASE("room: a leave does not wait for a full member", "[core][scenario]") {
    one_full s;
    s.fill_up();
    s.put(0, "more", "x"); // which it has not got
    s.run_for(1s);
    s.leave(0, 2, 10s);
    s.run_for(3s);
    CHECK(s.at(0).left);
    CHECK(s.at(0).met == 1);
}

TEST_CASE("room: a full node leaves behind whoever lags, as it may be full of what is kept for that one",
          "[core][scenario]") {
    // Less than limits.lag_max, and it grows no more once nothing is written.
    scene s;
    s.start(0, limited(small_bytes));
    s.start(1);
    s.settle();
    s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
        return !is<wire::delta>(bytes) && !is<wire::state>(bytes);
    });
    for (int i = 0; i < 100'000; ++i) {
        const auto key = "churn " + std::to_string(i);
        if (s.try_put(0, key, "0123456789")) break;
        CHECK(s.erase(0, key));
    }
    CHECK(s.mesh(0).is_full());
    CHECK(s.mesh(0).state().keys() == 0);
    s.run_for(6s);
    CHECK(s.removals(0) == 0);
    CHECK_FALSE(s.mesh(0).is_full());
    CHECK_FALSE(s.try_put(0, "one more", "x"));
    s.set_filter({});
    s.settle(10s);
}

TEST_CASE(
    "room: that a member is full, and that it is not any more, is known also where the word of it is lost",
    "[core][scenario]") {
    one_full s;
    const auto no_hello = [](process_number from, process_number, channel, std::string_view bytes) {
        return from != 1 || !is<wire::hello>(bytes);
    };
    s.set_filter(no_hello);
    s.fill_up();
    s.put(0, "more", "x");
    s.set_filter({});
    s.run_for(3s);
    s.leave(0, 2, 10s);
    s.run_for(2s);
    CHECK(s.at(0).left);
    CHECK(s.at(0).met == 1);
}
