// Proves that a node at limits.bytes_max accepts nothing more, reports that, and is no copy for a leave; once
// it has room again it catches up.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t bytes_max = 6 << 20;

/// The second node is small; the first writes until that one is full.
struct crowded : scene {
    crowded() {
        start(0);
        core::mesh_options small;
        small.limits.bytes_max = bytes_max;
        start(1, small);
        settle();
    }
    void write_more() { put(0, "big " + std::to_string(written++), std::string(20'000, 'x')); }
    void fill_up() {
        while (written < 1000 && !mesh(1).is_full()) write_more(), run_for(2ms);
        REQUIRE(mesh(1).is_full());
    }
    std::size_t written = 0;
};

} // namespace

TEST_CASE("full: a full node refuses writes and applies nothing more, and says so once", "[core][scenario]") {
    crowded s;
    s.fill_up();
    CHECK(s.heard(1, event_kind::full, 1) == 1);
    CHECK(s.mesh(1).state().memory_bytes() >= bytes_max);
    CHECK(s.try_put(1, "one more", "x") == errc::full);
    CHECK(s.try_put(1, element("set", "one more")) == errc::full);
    CHECK(s.try_add(1, "count", 1) == errc::full);

    const auto before = s.mesh(1).state().seen();
    const auto pulled = s.mesh(1).stats().sessions_pulled;
    for (int i = 0; i < 20; ++i) s.write_more(), s.run_for(100ms);
    CHECK(s.mesh(1).state().seen() == before);
    CHECK(s.mesh(1).stats().sessions_pulled == pulled);
    CHECK(s.mesh(1).state().memory_bytes() < bytes_max * 3 / 2);
    CHECK(s.heard(1, event_kind::full, 1) == 1);
    CHECK(s.sees(0, 1, member_state::up));
}

TEST_CASE("full: a full node is no copy for a leave", "[core][scenario]") {
    // The full node holds everything, since the leaving node has written nothing since. But it could not take
    // the next write.
    const bool another = GENERATE(false, true); // another node has room
    CAPTURE(another);
    crowded s;
    s.fill_up();
    s.run_for(1s);
    if (another) {
        s.start(2);
        REQUIRE(s.run_until([&] { return s.mesh(2).state().seen() == s.mesh(0).state().seen(); }, 2s));
    }
    s.leave(0, 2, 2s);
    s.run_for(1s);
    if (!another) CHECK(s.mesh(0).leaving_progress().copies == 0);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK((s.at(0).met != 0) == another);
}

TEST_CASE("full: with room again it catches up", "[core][scenario]") {
    crowded s;
    s.fill_up();
    const auto held = s.mesh(1).state().keys();
    for (int i = 0; i < 10; ++i) s.write_more();
    for (std::size_t i = 0; i < 20; ++i) s.erase(0, "big " + std::to_string(i));
    s.run_for(2s);
    CHECK(s.mesh(1).is_full()); // it does not apply removals either
    CHECK(s.mesh(1).state().keys() == held);
    for (std::size_t i = 0; i < held - 30; ++i) CHECK(s.erase(1, "big " + std::to_string(i)));
    REQUIRE(s.run_until([&] { return !s.mesh(1).is_full(); }, 2s));
    s.settle();
    CHECK(s.mesh(1).state().keys() == s.written - (held - 30));
    CHECK_FALSE(s.try_put(1, "one more", "x"));
    s.settle();
}

TEST_CASE("full: dropping every other key makes room", "[core][scenario]") {
    // Free blocks inside the memory of the store count as room, too.
    crowded s;
    s.fill_up();
    const auto held = s.mesh(1).state().keys();
    for (std::size_t i = 0; i < held; i += 2) CHECK(s.erase(1, "big " + std::to_string(i)));
    CHECK(s.run_until([&] { return !s.mesh(1).is_full(); }, 2s));
    CHECK_FALSE(s.try_put(1, "one more", "x"));
}

TEST_CASE("full: a burst of own writes stops at the bound, not at the next heartbeat", "[core][scenario]") {
    // The writes follow each other without a pause.
    crowded s;
    std::size_t taken = 0;
    while (taken < 2000 && !s.try_put(1, "big " + std::to_string(taken), std::string(20'000, 'x'))) ++taken;
    CHECK(taken < 400);
    CHECK(s.mesh(1).state().memory_bytes() < bytes_max * 3 / 2);
}

TEST_CASE("full: a store whose memory can be named no more is full, and ends nothing", "[core][scenario]") {
    // The bound of the address space is 16 GiB; here it is 24 MiB. Events come by DELTA, by a session, and
    // from this node.
    world::settings how;
    how.check = false;
    scene s(how);
    core::mesh_options small;
    small.bounds.store.chunks = 24;
    s.start(0);
    s.start(1, small);
    s.settle();
    const std::string value(20'000, 'x');
    std::size_t taken = 0;
    while (taken < 2000 && !s.try_put(1, "own " + std::to_string(taken), value)) ++taken;
    CHECK(s.try_put(1, "one more", "x") == errc::full);
    CHECK(taken > 900);
    CHECK(taken < 1100);
    s.run_for(2s);
    CHECK(s.mesh(1).is_full());
    for (std::size_t i = 0; i < taken; ++i) s.erase(1, "own " + std::to_string(i));
    REQUIRE(s.run_until([&] { return !s.mesh(1).is_full(); }, 5s));
    for (int i = 0; i < 2000; ++i) s.put(0, "more " + std::to_string(i), value), s.run_for(1ms);
    CHECK(s.mesh(1).is_full());
    s.start(2, small); // by a session
    for (int i = 0; i < 2000; ++i) s.put(0, element("set " + std::to_string(i), std::string(500, 'e')));
    s.run_for(20s);
    CHECK(s.heard(2, event_kind::full, 2) == 1);
    CHECK(s.mesh(2).state().memory_bytes() < 24U << 20);
}
