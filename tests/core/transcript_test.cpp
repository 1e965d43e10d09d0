#include "scene.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace baton;
using namespace baton::sim;

namespace {

// Compares to scenarios/<name>; with BATON_REWRITE_GOLDEN set, writes it instead: its diff is then to be
// reviewed.
void compare(const std::string& name, const std::string& told) {
    const auto path = std::string(BATON_SCENARIOS) + '/' + name;
    if (std::getenv("BATON_REWRITE_GOLDEN") != nullptr) {
        std::ofstream(path) << told;
        return;
    }
    std::ifstream file(path);
    std::ostringstream expected;
    expected << file.rdbuf();
    CHECK(told == expected.str());
}

// Tells everything that happens, each step with its virtual time.
struct told : scene {
    explicit told(settings how = {})
        : scene(std::move(how)) {
        set_teller([this](const process& p, std::string_view line) {
            const auto us =
                std::chrono::duration_cast<std::chrono::microseconds>(now().time_since_epoch()).count();
            char head[32];
            std::snprintf(head, sizeof head, "%9.3f ms  %s  ", static_cast<double>(us) / 1000,
                          p.name.c_str());
            text += head + std::string(line) + '\n';
        });
    }
    std::string text;
};

} // namespace

TEST_CASE("transcript: a join, a stash and a leave", "[core][scenario]") {
    // The story of two nodes: a change of the protocol shows as a diff of this text.
    told s;
    s.gather(1);
    s.stash(0, 0, "world");
    s.join(1);
    s.stash(0, 1, "players");
    s.run_for(50ms);
    s.drop(1, 0);
    s.run_for(50ms);
    s.leave(0);
    s.run_for(1s);
    CHECK(s.pickup(1, 1) == "players");
    compare("two_nodes.txt", s.text);
}

TEST_CASE("transcript: back after removals have been forgotten", "[core][scenario]") {
    // Compared by ranges in one direction, repaired by logs in the other.
    world::settings how;
    how.faults.detect_min = how.faults.detect_max = 300ms;
    told s(how);
    s.gather(2);
    s.fill(0, 5);
    s.settle();
    s.sever(0, 1, true);
    s.run_for(3s);
    s.drop(0, 1);
    s.stash(1, 7, "meanwhile");
    s.run_for(500ms);
    s.sever(0, 1, false);
    s.settle(10s);
    CHECK_FALSE(s.pickup(1, 1));
    compare("back_below_the_floor.txt", s.text);
}

TEST_CASE("transcript: the server of a newcomer dies, another goes on", "[core][scenario]") {
    told s(small_chunks(60, 512, 1024));
    s.gather(2);
    s.fill(0, 60);
    s.settle();
    s.text.clear();
    const auto joiner = s.start(2);
    REQUIRE(s.run_until([&] { return s.mesh(joiner).state().staged_slots() >= 30; }, 2s));
    s.crash(s.mesh(0).stats().sessions_served != 0 ? 0 : 1);
    s.settle();
    CHECK(s.mesh(joiner).state().keys() == 60);
    compare("failover.txt", s.text);
}
