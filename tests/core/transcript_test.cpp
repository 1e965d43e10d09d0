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

} // namespace

TEST_CASE("transcript: a join, a stash and a leave", "[core][scenario]") {
    // The story of two nodes, each step with its virtual time: a change of the protocol shows as a diff of
    // this text.
    scene s;
    std::string told;
    s.set_teller([&](const world::process& p, std::string_view line) {
        const auto us =
            std::chrono::duration_cast<std::chrono::microseconds>(s.now().time_since_epoch()).count();
        char head[32];
        std::snprintf(head, sizeof head, "%9.3f ms  %s  ", static_cast<double>(us) / 1000, p.name.c_str());
        told += head + std::string(line) + '\n';
    });
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
    compare("two_nodes.txt", told);
}
