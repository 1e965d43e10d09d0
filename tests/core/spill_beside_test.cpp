// Proves spills that are written during a leave, kept ones, unfinished ones, and salvage by a node that has
// met the writer. spill_test.cpp covers merging.
#include "spilled.hpp"
#include "wire/frame.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

TEST_CASE("spill: written beside the waiting it ends nothing; who comes later takes over",
          "[core][scenario]") {
    // The file is there long before the deadline. The cut is frozen, so it holds all that the leave hands
    // over.
    scene s(spilling());
    s.gather(1);
    s.fill(0, 10);
    s.leave(0, 2, 5s);
    s.run_for(500ms);
    auto& file = s.write_spill(0);
    s.run_for(500ms);
    CHECK_FALSE(s.at(0).left);
    const auto successor = start_without_files(s, 1);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 2s));
    CHECK(s.at(0).met != 0);
    CHECK(s.mesh(successor).state().keys() == 10);
    const auto third = start_without_files(s, 2);
    s.settle();
    s.find_spill(third, file);
    s.run_for(1s);
    CHECK(has_merged(s, third));
    CHECK(s.mesh(third).state().keys() == 10);
}

TEST_CASE("spill: one that was given up is written again from the start", "[core][scenario]") {
    // The disk was full in the middle, and then it was not.
    scene s(spilling());
    s.gather(1);
    s.fill(0, 20, 300);
    s.leave(0, 2, 5s);
    std::string frame;
    for (std::size_t frames = 0; frames < 3; frames += !frame.empty())
        REQUIRE(s.mesh(0).spill(s.moment_at(0), frame));
    s.mesh(0).end_spilling();
    auto& file = s.write_spill(0);
    s.crash(0);
    file.slot = 1;
    const auto back = s.start(1);
    s.run_for(2s);
    CHECK(s.mesh(back).state().keys() == 20);
}

TEST_CASE("spill: kept, it stays while others hold what is in it, until a later one is there",
          "[core][scenario]") {
    auto how = spilling();
    how.node.keep_spills = true;
    scene s(how);
    s.gather(1);
    s.fill(0, 8);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    const auto back = s.start(0);
    s.join(1);
    s.run_for(3s);
    CHECK(s.mesh(back).state().keys() == 8);
    CHECK_FALSE(file->gone);
    SECTION("all crash, and it is what there is") {
        s.crash(back), s.crash(2);
        const auto alone = s.start(0);
        s.run_for(2s);
        CHECK(s.mesh(alone).state().keys() == 8);
    }
    SECTION("the next one that is written takes its place") {
        s.crash(2);
        s.run_for(6s);
        auto* const later = left_by(s, back);
        REQUIRE(later != nullptr);
        CHECK(file->gone);
        CHECK_FALSE(later->gone);
    }
}

TEST_CASE("spill: while one is still being written nothing is absent, and nothing is salvaged",
          "[core][scenario]") {
    auto how = spilling();
    how.node.alone_after = 10ms;
    scene s(how);
    s.gather(1);
    s.fill(0, 12, 100);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    file->damaged = true;
    file->bytes.resize(file->pieces[2]); // the part that has been written
    const auto finder = s.start(1);
    s.run_for(5ms); // there are none at its own address
    s.give(finder, core::spills_listed{false});
    s.find_spill(finder, *file);
    s.run_for(1s);
    CHECK(s.mesh(finder).spills_waiting() == 1);
    CHECK(s.mesh(finder).state().keys() == 0);
    CHECK_FALSE(s.mesh(finder).judge_absence(0).confirmed);
    s.give(finder, core::spills_listed{true});
    s.run_for(1s);
    CHECK(s.mesh(finder).state().keys() > 1);
    CHECK(s.mesh(finder).judge_absence(0).confirmed);
}

TEST_CASE("spill: a damaged file is salvaged by who has met its writer, too", "[core][scenario]") {
    // The successor knows what the writer held, and has received nothing of it: no STATE gets through. The
    // writer has said goodbye, or was killed while it wrote.
    const bool killed = GENERATE(false, true);
    scene s(spilling());
    s.gather(1);
    s.fill(0, 12, 100);
    s.set_filter([](process_number from, process_number, channel, std::string_view bytes) {
        const auto decoded = wire::decode(bytes);
        return from != 0 || !decoded || !std::holds_alternative<wire::state>(*decoded);
    });
    const auto next = start_without_files(s, 1);
    s.give(next, core::spills_listed{});
    REQUIRE(s.run_until([&] { return s.sees(next, 0, member_state::up); }, 5s));
    s.leave(0, 2, 300ms);
    s.run_for(100ms);
    world::spill* file = nullptr;
    if (killed) {
        file = &s.write_spill(0);
        s.crash(0);
    } else {
        REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
        file = s.spills_at(0).front();
    }
    file->damaged = true;
    file->bytes.resize(file->pieces.back()); // its tail is gone
    s.find_spill(next, *file);
    s.run_for(10s);
    CHECK(file->gone);
    CHECK(s.mesh(next).state().keys() == 12);
}
