// Proves how the mesh keeps the ordered index of keys: it is built in slices on demand, dropped a minute
// after the last use, and built again after the commit of a newcomer has replaced the store.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

/// How many slices it takes until the index is whole.
std::size_t build(scene& s, process_number who) {
    std::size_t slices = 1;
    while (!s.mesh(who).order(s.moment_at(who))) {
        REQUIRE(++slices < 10000);
        s.give(who, core::time_passed{});
    }
    return slices;
}

std::size_t listed(scene& s, process_number who, std::string_view prefix) {
    std::vector<std::string> keys;
    REQUIRE_FALSE(s.mesh(who).state().keys_from(prefix, {}, 100000, keys));
    return keys.size();
}

} // namespace

TEST_CASE("order: comes in slices, and goes after a minute of not being asked for", "[core][scenario]") {
    scene s(with_keys(2000));
    s.gather(2);
    s.fill(0, 2000);
    s.settle();
    REQUIRE(s.mesh(1).stats().ordered_bytes == 0);
    const auto bytes = s.mesh(1).stats().store_bytes;
    REQUIRE(build(s, 1) > 2000 / 256);
    REQUIRE(build(s, 1) == 1); // it is there
    REQUIRE(listed(s, 1, {}) == 2000);
    REQUIRE(s.mesh(1).stats().ordered_bytes != 0);
    REQUIRE(s.mesh(1).stats().store_bytes == bytes);
    s.run_for(50s);
    REQUIRE(build(s, 1) == 1); // asked for once more
    s.run_for(50s);
    REQUIRE(s.mesh(1).state().has_order());
    s.run_for(15s);
    REQUIRE_FALSE(s.mesh(1).state().has_order());
    REQUIRE(s.mesh(1).stats().ordered_bytes == 0);
    REQUIRE(build(s, 1) > 1);
}

TEST_CASE("order: a newcomer's is begun anew when its first sync is committed", "[core][scenario]") {
    scene s(with_keys(600));
    s.start(0);
    s.fill(0, 500);
    s.start(1);
    s.stash(1, 550, "own");
    REQUIRE(build(s, 1) > 0);
    REQUIRE(listed(s, 1, {}) == 1);
    s.settle();
    REQUIRE(build(s, 1) > 1);
    REQUIRE(listed(s, 1, {}) == 501);
}
