// Proves membership over bad networks: no node that lives and can be heard is called dead, whatever TCP does,
// and a mesh of many nodes comes together. The test simulates hours of a few nodes. A late frame delays the
// following ones on its connection, as a lost segment does.
#include "scene.hpp"

#include <cstdlib>

using namespace baton;
using namespace baton::sim;

namespace {

// 30 % of all datagrams are lost; of messages on connections one in twenty stands still for up to ten
// seconds.
world::settings bad_network(std::uint64_t seed) {
    world::settings how;
    how.seed = seed;
    how.faults.loss = 300;
    how.faults.late = 50;
    how.faults.late_max = 10s;
    how.faults.delay_max = 30ms;
    return how;
}

std::size_t deaths(scene& s) {
    std::size_t all = 0;
    for (process_number who = 0; who < s.processes(); ++who) {
        for (const auto& e : s.at(who).events)
            if (e.kind == event_kind::crashed || e.kind == event_kind::restarted) {
                UNSCOPED_INFO(s.at(who).name << " called " << s.name_of(e.id) << ' ' << to_string(e.kind)
                                             << ": " << e.reason);
                ++all;
            }
    }
    return all;
}

// How many were called dead in so long.
std::size_t deaths_in(duration span, std::uint64_t seed, std::size_t nodes,
                      const network::filter& passes = {}) {
    scene s(bad_network(seed));
    for (slot_number slot = 0; slot < nodes; ++slot) s.start(slot);
    REQUIRE(s.run_until(
        [&] {
            for (process_number who = 0; who < nodes; ++who)
                if (s.mesh(who).stats().members_up + 1 < nodes) return false;
            return true;
        },
        120s));
    const auto before = deaths(s);
    s.set_filter(passes);
    s.run_for(span);
    return deaths(s) - before;
}

// 1,000 have been run once.
std::uint64_t hours_or(std::uint64_t usual) {
    const char* const said = std::getenv("BATON_HOURS");
    return said != nullptr ? std::strtoull(said, nullptr, 10) : usual;
}

} // namespace

TEST_CASE("membership: at 30 % loss nobody who lives is called crashed, by probes", "[core][scenario]") {
    for (std::uint64_t seed = 1; seed <= hours_or(3); ++seed)
        CHECK(deaths_in(std::chrono::hours(1), seed, 2) == 0);
    // For comparison, without probes:
    const auto no_probes = [](process_number, process_number, channel what, std::string_view) {
        return what != channel::datagram;
    };
    CHECK(deaths_in(std::chrono::hours(1), 1, 2, no_probes) > 0);
}

TEST_CASE("membership: the same where UDP does not pass between two, by the word of others",
          "[core][scenario]") {
    const auto not_between_two = [](process_number from, process_number to, channel what, std::string_view) {
        return what != channel::datagram || from + to != 1;
    };
    for (std::uint64_t seed = 1; seed <= hours_or(1); ++seed)
        CHECK(deaths_in(std::chrono::hours(1), seed, 4, not_between_two) == 0);
}

TEST_CASE("membership: fifty and a hundred meet, agree, and say little while they are quiet",
          "[core][scenario]") {
    for (const std::size_t count : {50, 100}) {
        world::settings how;
        how.keys = 4;
        scene s(how);
        for (slot_number slot = 0; slot < count; ++slot) s.start(slot);
        s.settle(10s);
        s.stash(0, 1, "for all");
        s.settle(5s);
        for (process_number who = 0; who < count; ++who) CHECK(s.pickup(who, 1) == "for all");
        CHECK(deaths(s) == 0);
    }
}
