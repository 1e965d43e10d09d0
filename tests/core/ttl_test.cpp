// Time to live: hidden by each node's monotonic clock, removed by one member 5 s later. Keys are put under
// names that the oracle does not follow; that equal cuts have equal digests is checked throughout.
#include "clocked.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

TEST_CASE("ttl: a key is hidden when its time is over, on every node, and then removed by one",
          "[core][scenario]") {
    clocked s;
    s.gather(3);
    s.put_for(0, "k", "v", 2s);
    s.run_for(1900ms);
    for (const process_number who : {0, 1, 2}) CHECK(s.get_now(who, "k") == "v");
    s.run_for(150ms);
    for (const process_number who : {0, 1, 2}) {
        CHECK_FALSE(s.get_now(who, "k"));
        CHECK(s.keys_now(who).empty());
        CHECK(s.mesh(who).state().keys() == 1); // the state still has the value
        CHECK(s.mesh(who).state().sibling_count({value_type::reg, "k", {}}) == 0);
    }
    s.run_for(4500ms);
    CHECK(s.mesh(0).state().keys() == 1); // 5 s more
    s.run_for(1500ms);
    std::uint64_t expired = 0;
    for (const process_number who : {0, 1, 2}) {
        CHECK(s.mesh(who).state().keys() == 0);
        CHECK_FALSE(s.mesh(who).state().has_deadlines());
        expired += s.mesh(who).stats().expired;
    }
    CHECK(expired == 1);
    s.settle();
}

TEST_CASE("ttl: a newcomer gets what is left, not the whole", "[core][scenario]") {
    clocked s;
    s.gather(1);
    s.put_for(0, "k", "v", 3s);
    s.put_for(0, "over", "v", 500ms);
    s.put(0, "stays", "v");
    s.run_for(2s);
    const auto late = s.join(1);
    CHECK(s.get_now(late, "k") == "v");
    CHECK_FALSE(s.get_now(late, "over"));
    s.run_for(1100ms);
    CHECK_FALSE(s.get_now(late, "k"));
    CHECK(s.get_now(late, "stays") == "v");
    s.run_for(6s);
    CHECK(s.mesh(late).state().keys() == 1);
    CHECK_FALSE(s.mesh(late).state().has_deadlines());
}

TEST_CASE("ttl: of concurrent values the longest decides; one without never ends", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.sever(0, 1, true);
    s.put_for(0, "both", "short", 300ms);
    s.put_for(1, "both", "long", 2s);
    s.put_for(0, "mixed", "short", 300ms);
    s.put(1, "mixed", "for ever");
    s.run_for(50ms);
    s.sever(0, 1, false);
    s.settle();
    s.run_for(1s);
    for (const process_number who : {0, 1}) {
        CHECK(s.get_now(who, "both").has_value());
        CHECK(s.mesh(who).state().sibling_count({value_type::reg, "both", {}}) == 2);
        CHECK(s.mesh(who).state().sibling_count({value_type::reg, "mixed", {}}) == 2);
    }
    s.run_for(1s);
    for (const process_number who : {0, 1}) CHECK_FALSE(s.get_now(who, "both"));
    s.run_for(8s);
    for (const process_number who : {0, 1}) {
        CHECK(s.mesh(who).state().sibling_count({value_type::reg, "mixed", {}}) == 2);
        CHECK(s.mesh(who).state().keys() == 1);
    }
}

TEST_CASE("ttl: what was beside a value without end goes when that has gone", "[core][scenario]") {
    // The node that removes the value without end has not seen the other value, whose time is long over. It
    // has the largest id: the member that then has to remove the other value has postponed it before.
    clocked s;
    s.gather(3);
    std::vector<process_number> by_id{0, 1, 2};
    std::sort(by_id.begin(), by_id.end(), [&](auto a, auto b) { return s.at(a).id < s.at(b).id; });
    const auto first = by_id[0], second = by_id[1], last = by_id[2];
    s.sever(first, second, true);
    s.sever(first, last, true);
    s.put_for(first, "k", "short", 300ms);
    s.put(second, "k", "for ever");
    s.run_for(500ms);
    s.sever(second, last, true);
    s.sever(first, second, false);
    s.run_for(9s);
    for (const auto who : {first, second}) {
        REQUIRE(s.get_now(who, "k").has_value());
        CHECK(s.mesh(who).state().sibling_count({value_type::reg, "k", {}}) == 2);
    }
    REQUIRE(s.erase(last, "k"));
    s.sever(first, last, false);
    s.sever(second, last, false);
    s.settle(10s);
    for (const auto who : by_id) CHECK_FALSE(s.get_now(who, "k"));
    s.run_for(7s);
    for (const auto who : by_id) {
        CHECK(s.mesh(who).state().keys() == 0);
        CHECK_FALSE(s.mesh(who).state().has_deadlines());
    }
    CHECK(s.mesh(first).stats().expired == 1);
}

TEST_CASE("ttl: the removal of what is over does not take a write that it has not seen", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "old", 500ms);
    s.put_for(0, "l", "old", 500ms);
    s.settle();
    s.sever(0, 1, true);
    s.run_for(1s); // its time is over, and it is not removed yet
    s.put(0, "k", "new");
    s.put_for(1, "l", "new", 1h);
    s.run_for(11s); // both are alone now, and each removes its own value of the other key
    CHECK(s.mesh(0).state().keys() == 1);
    CHECK(s.mesh(1).state().keys() == 1);
    s.sever(0, 1, false);
    s.settle(10s);
    for (const process_number who : {0, 1}) {
        CHECK(s.get_now(who, "k") == "new");
        CHECK(s.get_now(who, "l") == "new");
    }
}

TEST_CASE("ttl: what is over is noted for those who watch, though nobody reads", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.mesh(1).state().notes().want(true);
    s.put_for(0, "k", "v", 1s);
    s.put_for(0, "later", "v", 1h);
    s.settle();
    const auto noted = [&] {
        std::vector<std::string> names;
        REQUIRE_FALSE(s.mesh(1).state().notes().take([&](std::string_view key) { names.emplace_back(key); }));
        return names;
    };
    CHECK(noted() == std::vector<std::string>{"k", "later"});
    s.run_for(900ms);
    CHECK(noted().empty());
    s.run_for(150ms);
    CHECK(noted() == std::vector<std::string>{"k"});
    s.run_for(7s); // with its removal, which changes nothing visible
    CHECK(noted() == std::vector<std::string>{"k"});
    CHECK(s.mesh(1).state().keys() == 1);
}

TEST_CASE("ttl: keys in order leave out what is over, a bounded number at a time", "[core][scenario]") {
    clocked s;
    s.gather(1);
    for (int i = 1000; i < 2000; ++i) {
        const auto key = "n" + std::to_string(i);
        i % 500 == 499 ? s.put(0, key, "v") : s.put_for(0, key, "v", 100ms);
    }
    CHECK(s.try_put(0, element("n1002", "e")) == errc::wrong_type); // while the key is a register
    s.run_for(200ms);
    s.put(0, element("n1002", "e"));
    auto& state = s.mesh(0).state();
    state.set_now(s.now());
    while (!state.order(256)) {
    }
    std::vector<std::string> listed;
    std::string from;
    std::size_t slices = 1;
    while (auto next = state.keys_from("n", from, 256, listed)) {
        from = *std::move(next);
        ++slices;
    }
    CHECK(listed == std::vector<std::string>{"n1002", "n1499", "n1999"});
    CHECK(slices == 4);
}

TEST_CASE("ttl: who leaves removes nothing any more", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "v", 500ms);
    s.put(0, "stays", "v");
    s.run_for(3500ms);
    s.sever(0, 1, true);
    s.run_for(1900ms); // the removal is due in the leave
    s.leave(0, 1, 4s);
    s.run_for(3s);
    REQUIRE_FALSE(s.at(0).left);
    CHECK(s.mesh(0).stats().expired == 0);
    CHECK(s.mesh(0).state().keys() == 2);
    CHECK(s.mesh(1).state().keys() == 1);
}

TEST_CASE("ttl: alone with nothing but what is over, a node may go at once", "[core][scenario]") {
    clocked s;
    s.gather(1);
    s.put_for(0, "k", "v", 500ms);
    s.leave(0, 1, 5s);
    s.run_for(400ms);
    CHECK_FALSE(s.at(0).left);
    s.run_for(1s);
    CHECK(s.at(0).left);
}

TEST_CASE("ttl: is the value's, whoever claims and releases it, until another is committed",
          "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "v", 1s);
    s.put_for(0, "l", "v", 1s);
    s.settle();
    const auto claim = [&](std::string_view key) {
        auto done =
            s.write(1, [&](core::mesh& m, const moment& at) { return m.registers().claim(at, key, {}); });
        REQUIRE(done);
        return done->number;
    };
    const auto of_k = claim("k"), of_l = claim("l");
    REQUIRE(s.write(
        1, [&](core::mesh& m, const moment& at) { return m.registers().owned.release(at, "k", of_k); }));
    REQUIRE(s.write(
        1, [&](core::mesh& m, const moment& at) { return m.registers().commit(at, "l", of_l, "new"); }));
    s.run_for(1200ms);
    for (const process_number who : {0, 1}) {
        CHECK_FALSE(s.get_now(who, "k"));
        CHECK(s.get_now(who, "l") == "new");
    }
    s.run_for(8s);
    for (const process_number who : {0, 1}) CHECK(s.mesh(who).state().keys() == 1);
}

TEST_CASE("ttl: a claim of what is over is lost", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "v", 1s);
    const auto claimed =
        s.write(0, [](core::mesh& m, const moment& at) { return m.registers().claim(at, "k", {1h}); });
    REQUIRE(claimed);
    s.run_for(1200ms);
    const auto at = s.moment_at(0);
    const auto late = s.mesh(0).registers().owned.release(at, "k", claimed->number);
    REQUIRE_FALSE(late);
    CHECK(late.error().code == errc::claim_lost);
    CHECK(s.code_of(s.mesh(0).registers().commit(at, "k", claimed->number, "w")) == errc::claim_lost);
    const auto again = s.mesh(0).registers().claim(at, "k", {});
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::absent);
    s.run_for(8s);
    CHECK(s.mesh(1).state().keys() == 0);
}

TEST_CASE("ttl: a full node makes room by removing what is over", "[core][scenario]") {
    // A full node applies nothing, so removals of others could not make room.
    const bool another = GENERATE(false, true);
    CAPTURE(another);
    clocked s;
    core::mesh_options small;
    small.limits.bytes_max = 6 << 20;
    const auto full = s.start(0, small), writer = another ? s.start(1) : full;
    s.settle();
    for (int i = 0; i < 1000 && !s.mesh(full).is_full(); ++i) {
        s.put_for(writer, "n" + std::to_string(i), std::string(20'000, 'x'), 5s);
        s.run_for(2ms);
    }
    REQUIRE(s.mesh(full).is_full());
    s.run_for(12s);
    CHECK_FALSE(s.mesh(full).is_full());
    CHECK_FALSE(s.try_put(full, "k", "v"));
    s.settle();
    CHECK(s.mesh(writer).state().keys() == 1);
}

TEST_CASE("ttl: a later write without it has no end, one with it has its own", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "a", "1", 300ms);
    s.put_for(0, "b", "1", 300ms);
    s.run_for(100ms);
    s.put(1, "a", "2");
    s.put_for(1, "b", "2", 2s);
    s.run_for(1s);
    for (const process_number who : {0, 1}) {
        CHECK(s.get_now(who, "a") == "2");
        CHECK(s.get_now(who, "b") == "2");
    }
    s.run_for(9s);
    for (const process_number who : {0, 1}) {
        CHECK(s.get_now(who, "a") == "2");
        CHECK_FALSE(s.get_now(who, "b"));
        CHECK(s.mesh(who).state().keys() == 1);
    }
}

TEST_CASE("ttl: a key that is over can be written anew at once, and as another type", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "v", 100ms);
    s.put_for(0, "set", "v", 100ms);
    s.run_for(200ms);
    CHECK_FALSE(s.erase(1, "k")); // there is nothing to be dropped
    s.put(1, "k", "anew");
    s.put(1, element("set", "e"));
    s.run_for(8s);
    for (const process_number who : {0, 1}) {
        CHECK(s.get_now(who, "k") == "anew");
        CHECK_FALSE(s.get_now(who, "set"));
        CHECK(s.elements(who, value_type::set, "set") == std::vector<std::string>{"e"});
    }
    s.settle();
}

TEST_CASE("ttl: no wall clock ends anything early or late", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "v", 2s);
    const auto begun = s.now();
    s.step_clock(0, 3'600'000);
    s.step_clock(1, -3'600'000);
    s.put_for(1, "l", "v", 2s);
    s.run_for(500ms);
    const auto late = s.join(2);
    s.step_clock(late, 7'200'000);
    s.run_for(begun + 1900ms - s.now());
    for (const process_number who : {process_number{0}, process_number{1}, late}) {
        CHECK(s.get_now(who, "k") == "v");
        CHECK(s.get_now(who, "l") == "v");
    }
    s.run_for(200ms);
    for (const process_number who : {process_number{0}, process_number{1}, late}) {
        CHECK_FALSE(s.get_now(who, "k"));
        CHECK_FALSE(s.get_now(who, "l"));
    }
    s.run_for(7s);
    for (const process_number who : {0, 1}) CHECK(s.mesh(who).state().keys() == 0);
}

TEST_CASE("ttl: parted, both sides remove, and agree when they meet", "[core][scenario]") {
    clocked s;
    s.gather(2);
    s.put_for(0, "k", "v", 500ms);
    s.settle();
    s.sever(0, 1, true);
    s.run_for(12s);
    CHECK(s.mesh(0).state().keys() == 0);
    CHECK(s.mesh(1).state().keys() == 0);
    CHECK(s.mesh(0).stats().expired == 1);
    CHECK(s.mesh(1).stats().expired == 1);
    s.sever(0, 1, false);
    s.settle(10s);
}

TEST_CASE("ttl: thousands at once are removed slice by slice", "[core][scenario]") {
    clocked s;
    s.gather(2);
    for (int i = 0; i < 3000; ++i) s.put_for(0, "n" + std::to_string(i), "v", 1s);
    s.settle();
    s.run_for(1200ms);
    CHECK(s.keys_now(1).empty());
    s.run_for(7s);
    CHECK(s.mesh(0).state().keys() == 0);
    CHECK(s.mesh(1).state().keys() == 0);
    CHECK(s.mesh(0).stats().expired + s.mesh(1).stats().expired == 3000);
    s.settle();
}

TEST_CASE("ttl: only registers have one, and it has bounds", "[core]") {
    scene s;
    s.gather(1);
    const auto refused = [&](const slot_name& slot, std::chrono::milliseconds ttl) {
        return s.code_of(
            s.write(0, [&](core::mesh& m, const moment& at) { return m.put(at, slot, {}, ttl); }));
    };
    CHECK(refused(element("set", "e"), 1s) == errc::bad_argument);
    CHECK(refused({value_type::reg, "k", {}}, 0ms) == errc::bad_argument);
    CHECK(refused({value_type::reg, "k", {}}, -1ms) == errc::bad_argument);
    CHECK(refused({value_type::reg, "k", {}}, ttl_max + 1ms) == errc::bad_argument);
    CHECK_FALSE(refused({value_type::reg, "k", {}}, ttl_max));
}
