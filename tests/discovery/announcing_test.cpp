// Announcing: how often beacons are sent, in virtual time: at the start, in a quiet mesh, and among many.
#include "discovery/announcing.hpp"
#include "support/catch.hpp"

#include <random>
#include <vector>

using namespace baton;
using namespace baton::discovery;
using namespace std::chrono_literals;

namespace {

/// Nodes that hear one another without delay. Counts the beacons.
struct lan {
    explicit lan(std::size_t count, const announcing_pace& pace = {}) {
        for (std::size_t i = 0; i < count; ++i) all.emplace_back(pace, now);
    }
    std::size_t run_for(mesh_clock::duration span, bool alone = false) {
        std::size_t sent = 0;
        for (const auto until = now + span; now < until; now += 1ms) {
            for (auto& each : all) {
                if (now < each.due()) continue;
                const auto what = each.next(now, random(), alone);
                left_out += what == announcing::verdict::leave_out;
                if (what != announcing::verdict::send) continue;
                ++sent;
                for (auto& other : all) {
                    if (&other != &each) other.heard();
                }
            }
        }
        return sent;
    }
    std::mt19937_64 random{7};
    instant now{1000s};
    std::vector<announcing> all;
    std::size_t left_out = 0;
};

} // namespace

TEST_CASE("announcing: at once and often at the start, then by the usual interval", "[discovery]") {
    lan one(1);
    CHECK(one.run_for(1ms) == 1);
    CHECK(one.run_for(1s) >= 3);
    one.run_for(1s);
    const auto usual = one.run_for(20s, true);
    CHECK(usual >= 18);
    CHECK(usual <= 22);
    one.all[0].restart(one.now);
    CHECK(one.run_for(1ms) == 1);
}

TEST_CASE("announcing: the less, the longer nothing is new; news bring the usual interval back",
          "[discovery]") {
    lan two(2);
    two.run_for(30s);
    const auto quiet = two.run_for(40s); // of each 40 in the usual pace
    CHECK(quiet >= 2 * 9);
    CHECK(quiet <= 2 * 11);
    for (auto& each : two.all) each.news(two.now);
    CHECK(two.run_for(1100ms) >= 2);
    CHECK(two.run_for(8s) >= 2 * 7);
}

TEST_CASE("announcing: what a LAN hears in all hardly grows with the mesh", "[discovery]") {
    // Over 40 quiet seconds.
    std::vector<std::size_t> sent;
    for (const std::size_t count : {4, 8, 16, 64, 150}) {
        lan mesh(count);
        mesh.run_for(30s);
        sent.push_back(mesh.run_for(40s));
        CAPTURE(count, sent.back());
        CHECK(sent.back() >= 30);
        CHECK(sent.back() <= 250);
        CHECK((count <= 8) == (mesh.left_out == 0));
    }
    CHECK(sent[4] <= 2 * sent[2]); // from 16 to 150
}

TEST_CASE("announcing: an answer is sent in time, once, and not where it has become unneeded",
          "[discovery]") {
    lan one(1);
    one.run_for(30s); // its interval is 4 s by now
    one.run_for(one.all[0].due() - one.now + 1ms);
    auto& node = one.all[0];
    node.answer_by(one.now + 300ms);
    node.answer_by(one.now + 150ms);
    CHECK(one.run_for(149ms) == 0);
    CHECK(one.run_for(3ms) == 1);
    node.answer_by(one.now + 50ms); // somebody heard the one just now
    CHECK(one.run_for(60ms) == 0);
    node.answer_by(one.now + 200ms);
    node.spare_answer();
    CHECK(one.run_for(210ms) == 0);
}
