// Proves what a leave leaves behind if no member takes over, and how a later start uses it. The files are
// strings in the simulated world, with the bytes of wire/spill.hpp. The oracle checks throughout that no
// removed value comes back, and that no missing event is claimed.
#include "spilled.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

TEST_CASE("spill: the last one of a mesh is never safe, and comes back alone after a while",
          "[core][scenario]") {
    // Everything is restored, removals included, and the file stays: no other node has its contents.
    scene s(spilling());
    s.gather(1);
    s.fill(0, 10);
    s.drop(0, 3);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    CHECK(s.at(0).met == 0);
    const auto back = s.start(0);
    s.run_for(400ms);
    CHECK(s.mesh(back).state().keys() == 0); // the node waits for others
    s.run_for(200ms);
    CHECK(s.mesh(back).state().keys() == 9);
    CHECK_FALSE(s.pickup(back, 3));
    CHECK(has_merged(s, back));
    CHECK_FALSE(file->gone);
    s.stash(back, 3, "anew");
    auto* const second = left_by(s, back);
    REQUIRE(second != nullptr);
    CHECK(file->gone);                               // its contents are in the second file
    CHECK(s.mesh(s.start(0)).spills_waiting() == 0); // found a moment later
    s.run_for(1s);
    CHECK(s.pickup(2, 3) == "anew");
    CHECK(s.mesh(2).state().keys() == 10);
}

TEST_CASE("spill: without a folder the last one is not met, and nothing is written", "[core][scenario]") {
    scene s(with_keys(5));
    s.gather(1);
    s.fill(0, 5);
    CHECK(left_by(s, 0) == nullptr);
    CHECK(s.at(0).met == 0);
}

TEST_CASE("spill: removed and empty, it still spills: another's file could bring it back",
          "[core][scenario]") {
    scene s(spilling());
    s.gather(1);
    s.stash(0, 1, "v");
    s.drop(0, 1);
    CHECK(s.mesh(0).state().keys() == 0);
    CHECK(left_by(s, 0) != nullptr);
}

TEST_CASE("spill: whoever hands over to others writes no file", "[core][scenario]") {
    scene s(spilling());
    s.gather(3);
    s.fill(0, 10);
    CHECK(left_by(s, 0, 5s) == nullptr);
    CHECK(s.at(0).met != 0);
}

TEST_CASE("spill: a mesh that stopped whole comes back whole", "[core][scenario]") {
    // All leave at once, each with keys that the others lack, and start again. Each merges its file after it
    // has found the others, and each file goes once the others have its contents.
    scene s(spilling());
    s.gather(3);
    s.fill(0, 6);
    s.settle();
    for (slot_number a = 0; a < 3; ++a) s.sever(a, (a + 1) % 3, true);
    for (process_number who = 0; who < 3; ++who) s.stash(who, 10 + who, "only here");
    s.drop(1, 2);
    for (process_number who = 0; who < 3; ++who) s.leave(who, 2, 300ms);
    REQUIRE(s.run_until([&] { return s.alive().empty(); }, 5s));
    for (slot_number a = 0; a < 3; ++a) s.sever(a, (a + 1) % 3, false);
    for (slot_number slot = 0; slot < 3; ++slot) {
        REQUIRE(s.spills_at(slot).size() == 1);
        s.start(slot);
    }
    s.settle();
    for (process_number who = 3; who < 6; ++who) {
        CHECK(s.mesh(who).state().keys() == 8);
        CHECK_FALSE(s.pickup(who, 2));
    }
    s.run_for(2s);
    for (slot_number slot = 0; slot < 3; ++slot) CHECK(s.spills_at(slot).empty());
}

TEST_CASE("spill: merged late, it brings back nothing that was removed since", "[core][scenario]") {
    // The file holds keys that the others removed, keys that they removed and wrote again, and a key that no
    // other node has seen.
    scene s(spilling());
    s.gather(3);
    s.fill(2, 8);
    s.settle();
    s.sever(0, 2, true), s.sever(1, 2, true);
    s.stash(2, 9, "nobody has seen it");
    auto* const file = left_by(s, 2);
    REQUIRE(file != nullptr);
    s.run_for(6s); // crashed, to the others
    s.drop(0, 1), s.drop(0, 2), s.drop(0, 3);
    s.stash(0, 2, "anew");
    s.run_for(50ms);
    s.drop(1, 2);
    s.stash(1, 3, "anew");
    s.run_for(10s); // its origin is archived, the removals are forgotten
    REQUIRE(s.removals(0) == 0);
    s.sever(0, 2, false), s.sever(1, 2, false);
    const auto back = s.start(2);
    s.settle();
    CHECK(s.pickup(0, 9) == "nobody has seen it");
    CHECK_FALSE(s.pickup(0, 1));
    CHECK_FALSE(s.pickup(0, 2));
    CHECK(s.pickup(back, 3) == "anew");
    CHECK(s.values(back, 3) == 1);
    s.run_for(1s);
    CHECK(file->gone);
}

namespace {

// Two nodes are separated. One removes keys, forgets the removals, and spills. Then the other, which is below
// the floor of the file, merges the file while a third watches.
void merge_below_the_floor(mutation broken) {
    auto how = spilling();
    how.node.liveness.archive_after = std::chrono::hours(1);
    how.node.broken = broken;
    scene s(slow_to_close(how));
    s.gather(2);
    s.fill(1, 8);
    s.put(1, element("set", "a"));
    s.add(1, "counter", 5);
    s.settle();
    s.sever(0, 1, true);
    REQUIRE(s.run_until([&] { return s.sees(0, 1) == member_state::crashed; }, 10s));
    for (std::size_t key = 0; key < 4; ++key) s.drop(0, key);
    s.erase(0, "set"), s.erase(0, "counter");
    s.stash(0, 9, "new");
    REQUIRE(s.run_until([&] { return s.removals(0) == 0; }, 5s));
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    REQUIRE(s.mesh(1).state().keys() == 10);
    s.stash(1, 12, "of its own");
    const auto third = start_without_files(s, 2);
    s.settle();
    s.find_spill(1, *file);
    const bool merged = s.run_until([&] { return s.pickup(1, 9) == "new"; }, 5s); // may throw
    REQUIRE(merged);
    s.settle();
    for (const auto who : {process_number{1}, third}) {
        for (std::size_t key = 0; key < 4; ++key) CHECK_FALSE(s.pickup(who, key));
        CHECK_FALSE(s.mesh(who).state().count("counter"));
        CHECK_FALSE(s.get(who, element("set", "a")));
        CHECK(s.mesh(who).state().keys() == 6); // four, the new one, its own
    }
}

} // namespace

TEST_CASE("spill: what the file's side removed and forgot goes where it is still held", "[core][scenario]") {
    // The file has no removal records. Without the check of its floor the oracle finds values that should be
    // gone.
    merge_below_the_floor(mutation::none);
    CHECK_THROWS_AS(merge_below_the_floor(mutation::i8_skip_floor_check), violation);
}

TEST_CASE("spill: merged twice, and by two at once, it changes nothing the second time", "[core][scenario]") {
    scene s(spilling());
    s.gather(1);
    s.fill(0, 8);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    const auto a = start_without_files(s, 1), b = start_without_files(s, 2);
    s.settle();
    s.find_spill(a, *file), s.find_spill(b, *file);
    REQUIRE(s.run_until([&] { return s.mesh(a).state().keys() == 8 && s.mesh(b).state().keys() == 8; }, 5s));
    s.settle();
    s.drop(a, 4);
    s.settle();
    const auto before = s.mesh(b).state().state_digest();
    s.find_spill(b, *file), s.find_spill(a, *file);
    s.run_for(1s);
    s.settle();
    CHECK(s.mesh(b).state().state_digest() == before);
    CHECK_FALSE(s.pickup(b, 4));
}

TEST_CASE("spill: a session that is under way comes first, and the file after it", "[core][scenario]") {
    // The newcomer is handed over 60 keys in tiny chunks; its file waits until it is synced.
    auto how = spilling(100);
    how.node.alone_after = 10ms;
    scene s(how);
    s.gather(1);
    s.fill(0, 4);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    const auto holder = start_without_files(s, 1);
    s.run_for(100ms);
    for (std::size_t key = 30; key < 90; ++key) s.stash(holder, key, std::string(400, 'x'));
    std::vector<std::string> order;
    s.on_trace = [&](process_number who, const core::trace& t) {
        if (who == 2 && (t.what == "pull" || t.what == "commit" || t.what == "spill"))
            order.emplace_back(t.what);
    };
    s.start(0);
    s.settle();
    REQUIRE(order.size() >= 4);
    CHECK(order[0] == "pull");
    CHECK(std::find(order.begin(), order.end(), "spill") > std::find(order.begin(), order.end(), "commit"));
    CHECK(s.mesh(2).state().keys() == 64);
    CHECK(s.mesh(holder).state().keys() == 64);
}

TEST_CASE("spill: large values come back in parts", "[core][scenario]") {
    scene s(spilling());
    s.gather(1);
    s.stash(0, 1, std::string(5000, 'l'));
    s.stash(0, 2, "small");
    REQUIRE(left_by(s, 0) != nullptr);
    const auto back = s.start(0);
    s.run_for(1s);
    CHECK(s.pickup(back, 1) == std::string(5000, 'l'));
    CHECK(s.pickup(back, 2) == "small");
}

TEST_CASE("spill: an own write before the merge stays beside what the file holds", "[core][scenario]") {
    scene s(spilling());
    s.gather(1);
    s.fill(0, 4);
    REQUIRE(left_by(s, 0) != nullptr);
    const auto back = s.start(0);
    s.stash(back, 1, "impatient");
    s.run_for(1s);
    CHECK(s.pickup(back, 1) == "impatient");
    CHECK(s.values(back, 1) == 2);
    CHECK(s.mesh(back).state().keys() == 4);
}

TEST_CASE("spill: it is kept until two others, or all there are, hold what is in it", "[core][scenario]") {
    scene s(spilling());
    s.gather(1);
    s.fill(0, 8);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    const auto back = s.start(0);
    s.run_for(1s);
    REQUIRE(s.mesh(back).state().keys() == 8);
    s.run_for(2s);
    CHECK_FALSE(file->gone);
    s.join(1);
    REQUIRE(s.run_until([&] { return file->gone; }, 2s));
}

TEST_CASE("spill: of a damaged file what is readable returns as new writes, once", "[core][scenario]") {
    // A piece in the middle of the file is missing. Nothing is claimed; the rest comes back under new dots,
    // with an event, as a sibling of a later value, and with its times to live. The file is kept under
    // another name.
    scene s(spilling());
    s.gather(1);
    s.fill(0, 12, 100);
    s.operate(0, 15, {value_type::counter, false, 0, 7, {}});
    s.operate(0, 16, {value_type::set, false, 1, 0, {}});
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    REQUIRE(file->pieces.size() > 3);
    file->damaged = true;
    file->bytes.erase(file->pieces[1], file->pieces[2] - file->pieces[1]);
    const auto back = s.start(0);
    s.run_for(100ms);
    s.stash(back, 0, "later");
    s.run_for(2s);
    CHECK(file->gone);
    const auto keys = s.mesh(back).state().keys();
    CHECK(keys > 4);
    CHECK(keys < 14);
    CHECK(s.pickup(back, 0) == "later");
    CHECK(s.mesh(back).state().counter_of(s.at(0).id) == 0); // not claimed
    const auto& events = s.at(back).events;
    const auto recovered = std::find_if(events.begin(), events.end(),
                                        [](const event& e) { return e.kind == event_kind::recovered; });
    REQUIRE(recovered != events.end());
    CHECK(recovered->count + 2 >= keys);
    CHECK(s.mesh(back).state().count(world::key_name(15)).value_or(7) == 7);
}

TEST_CASE("spill: damaged, and all of it held by others: nothing returns", "[core][scenario]") {
    scene s(spilling());
    s.gather(2);
    s.fill(0, 8);
    s.settle();
    s.sever(0, 1, true);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    s.sever(0, 1, false);
    file->damaged = true;
    file->bytes.resize(file->pieces.back());
    s.drop(1, 2);
    const auto back = s.start(0);
    s.settle();
    s.run_for(1s);
    s.settle();
    CHECK(file->gone);
    CHECK_FALSE(s.pickup(back, 2));
    CHECK(s.mesh(back).state().keys() == 7);
    CHECK(s.heard(back, event_kind::recovered, back) == 0);
}

TEST_CASE("spill: cut short or flipped anywhere, a file is never claimed", "[core][law]") {
    // Every length, and many bits, of a small file: the node that finds it lives, and its cut names the
    // writer of the file only if the file is whole.
    for (std::size_t i = 0;; ++i) {
        scene s(spilling(4));
        s.gather(1);
        s.fill(0, 4);
        auto* const file = left_by(s, 0);
        REQUIRE(file != nullptr);
        const bool flips = i >= 200;
        if (flips) {
            const auto bit = (i - 200) * 41;
            if (bit >= file->bytes.size() * 8) break;
            file->bytes[bit / 8] = static_cast<char>(file->bytes[bit / 8] ^ 1 << bit % 8);
        } else {
            file->bytes.resize(file->bytes.size() * i / 200);
        }
        file->damaged = true;
        INFO(i);
        const auto back = s.start(0);
        s.run_for(700ms);
        REQUIRE(s.mesh(back).state().counter_of(s.at(0).id) == 0);
        REQUIRE(s.mesh(back).state().keys() <= 4);
        REQUIRE(has_merged(s, back));
    }
}

TEST_CASE("spill: a leave in the middle of a merge leaves the file where it is", "[core][scenario]") {
    scene s(spilling(60));
    s.gather(1);
    s.fill(0, 60, 300);
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    const auto back = s.start(0);
    s.on_trace = [&](process_number who, const core::trace& t) {
        if (who == back && t.what == "spill") s.after(2ms, [&] { s.leave(back, 1, 100ms); });
    };
    REQUIRE(s.run_until([&] { return s.at(back).left; }, 5s));
    CHECK_FALSE(file->gone);
    s.on_trace = {};
    const auto again = s.start(0);
    s.run_for(2s);
    CHECK(s.mesh(again).state().keys() == 60);
}

TEST_CASE("spill: nothing is called absent while a file waits that may hold it", "[core][scenario]") {
    // Two that know nothing of the key, one of them with a file that holds it and cannot be merged yet.
    auto how = spilling();
    how.node.alone_after = 10ms;
    scene s(how);
    s.gather(1);
    s.stash(0, 1, "in the file");
    auto* const file = left_by(s, 0);
    REQUIRE(file != nullptr);
    const auto back = s.start(0);
    s.set_filter([](process_number, process_number, channel, std::string_view) { return false; });
    s.run_for(5ms);
    REQUIRE(s.mesh(back).spills_waiting() == 1);
    CHECK_FALSE(s.mesh(back).judge_absence(0).confirmed);
    s.run_for(500ms);
    CHECK(s.pickup(back, 1) == "in the file");
    CHECK(s.mesh(back).judge_absence(0).confirmed); // of another key
}
