// Proves that every write of a node and of a claim takes the same options and gives the same answer: with a
// level the call returns when the members hold the write and not before, a level that cannot be met is not
// met in time while the write stays and can be confirmed later, and a removal that finds nothing sends
// nothing.
#include "nodes.hpp"

#include <baton/typed.hpp>

#include <csignal>
#include <functional>

using namespace baton;
using namespace io;
using io::mesh;

namespace {

/// A write, its preconditions, and what a node reads once it holds the write.
struct kind_of_write {
    std::string name;
    std::function<result<write_result>(node&)> prepare;
    std::function<result<write_result>(node&, write_options)> write;
    std::function<bool(const node&)> is_here;
    bool removes = false;
};

const auto nothing = [](node&) -> result<write_result> { return write_result{}; };

const std::vector<std::pair<std::string_view, std::string_view>> two_keys{{"x", "1"}, {"y", "2"}};

const std::vector<kind_of_write> all_writes{
    {"stash", nothing,
     [](node& by, write_options how) { return by.stash("k", "v", {.ack = how.ack, .within = how.within}); },
     [](const node& at) { return at.pickup("k")->value == "v"; }},
    {"stash of several", nothing,
     [](node& by, write_options how) { return by.stash(two_keys, {.ack = how.ack, .within = how.within}); },
     [](const node& at) {
         return at.keys() == std::vector<std::string>{"x", "y"};
     }},
    {"stash_async", nothing,
     [](node& by, write_options how) {
         return by.stash_async("k", "v", {.ack = how.ack, .within = how.within}).get();
     },
     [](const node& at) { return at.pickup("k")->value == "v"; }},
    {"resolve", [](node& by) { return by.stash("k", "old"); },
     [](node& by, write_options how) { return by.resolve("k", "v", {by.pickup("k")->written}, how); },
     [](const node& at) { return at.pickup("k")->value == "v"; }},
    {"commit", [](node& by) { return by.stash("k", "old"); },
     [](node& by, write_options how) {
         auto mine = by.claim("k");
         return mine ? mine->commit("v", {.ack = how.ack, .within = how.within}) : mine.error();
     },
     [](const node& at) { return at.pickup("k")->value == "v"; }},
    {"add", nothing, [](node& by, write_options how) { return by.add("k", 3, how); },
     [](const node& at) { return at.count("k").value() == 3; }},
    {"insert", nothing, [](node& by, write_options how) { return by.insert("k", "e", how); },
     [](const node& at) { return at.contains("k", "e").value(); }},
    {"set_field", nothing, [](node& by, write_options how) { return by.set_field("k", "f", "v", how); },
     [](const node& at) { return at.field("k", "f").value().has_value(); }},
    {"enable", nothing, [](node& by, write_options how) { return by.enable("k", how); },
     [](const node& at) { return at.enabled("k").value(); }},
    {"drop", [](node& by) { return by.stash("k", "old"); },
     [](node& by, write_options how) { return by.drop("k", how); },
     [](const node& at) { return at.keys()->empty(); }, true},
    {"drop of a set", [](node& by) { return by.insert("k", "e"); },
     [](node& by, write_options how) { return by.drop("k", how); },
     [](const node& at) { return at.keys()->empty(); }, true},
    {"erase", [](node& by) { return by.insert("k", "e"); },
     [](node& by, write_options how) { return by.erase("k", "e", how); },
     [](const node& at) { return !at.contains("k", "e").value(); }, true},
    {"erase_field", [](node& by) { return by.set_field("k", "f", "v"); },
     [](node& by, write_options how) { return by.erase_field("k", "f", how); },
     [](const node& at) { return !at.field("k", "f").value(); }, true},
    {"disable", [](node& by) { return by.enable("k"); },
     [](node& by, write_options how) { return by.disable("k", how); },
     [](const node& at) { return !at.enabled("k").value(); }, true},
    {"counter", nothing, [](node& by, write_options how) { return counter(by, "k").add(3, how); },
     [](const node& at) { return at.count("k").value() == 3; }},
    {"set", [](node& by) { return by.insert("k", "e"); },
     [](node& by, write_options how) { return baton::set(by, "k").erase("e", how); },
     [](const node& at) { return !at.contains("k", "e").value(); }, true},
    {"map", [](node& by) { return by.set_field("k", "f", "v"); },
     [](node& by, write_options how) { return baton::map<int>(by, "k").erase("f", how); },
     [](const node& at) { return !at.field("k", "f").value(); }, true},
    {"flag", [](node& by) { return by.enable("k"); },
     [](node& by, write_options how) { return flag(by, "k").disable(how); },
     [](const node& at) { return !at.enabled("k").value(); }, true},
};

} // namespace

TEST_CASE("writes: each returns when the members hold it", "[io][writes]") {
    const mesh net;
    auto a = started(net.options("a")), b = started(net.options("b")), c = started(net.options("c"));
    for (auto* each : {&a, &b, &c}) {
        REQUIRE(next_event(*each, event_kind::joined));
        REQUIRE(next_event(*each, event_kind::joined));
    }
    for (const auto& each : all_writes) {
        CAPTURE(each.name);
        REQUIRE(each.prepare(a));
        const auto done = each.write(a, {.ack = ack_level::copies(3), .within = patience(5s)});
        REQUIRE(done);
        CHECK(done->changed);
        CHECK(done->met);
        CHECK(done->copies == 3);
        CHECK(done->written != version{});
        for (const auto* member : {&a, &b, &c}) CHECK(each.is_here(*member)); // without waiting
        CHECK(a.confirm(done->written, ack_level::copies(3), 0ms)->met);
        for (const auto& key : *a.keys()) REQUIRE(a.drop(key, {.ack = ack_level::copies(3)})->met);
    }
}

TEST_CASE("writes: a level that is not met in time says so, and the write stays", "[io][writes]") {
    const mesh net;
    auto frozen = net.run("frozen");
    auto settings = net.options("node");
    settings.liveness.suspect_after = settings.liveness.crashed_after = 1h;
    settings.liveness.crashed_after *= 2;
    auto node = started(std::move(settings));
    REQUIRE(next_event(node, event_kind::joined));
    frozen.event("joined", "node");
    for (const auto& each : all_writes) {
        CAPTURE(each.name);
        const auto before = each.prepare(node);
        REQUIRE(before);
        if (before->written != version{})
            REQUIRE(node.confirm(before->written, ack_level::copies(2), 10s)->met);
        frozen.signal(SIGSTOP);
        const stopwatch start;
        const auto done = each.write(node, {.ack = ack_level::copies(2), .within = 60ms});
        CHECK(start.elapsed() >= 60ms);
        REQUIRE(done);
        CHECK(done->changed);
        CHECK_FALSE(done->met);
        CHECK(done->copies == 1);
        CHECK(each.is_here(node));
        frozen.signal(SIGCONT);
        const auto later = node.confirm(done->written, ack_level::copies(2), patience(10s));
        REQUIRE(later);
        CHECK(later->met);
        CHECK(later->written == done->written);
        for (const auto& key : *node.keys()) REQUIRE(node.drop(key));
    }
}

TEST_CASE("writes: a removal that finds nothing sends nothing and waits for no member", "[io][writes]") {
    const mesh net;
    auto one = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    REQUIRE(one.stash("present", "v"));
    const auto before = one.cut();
    for (const auto& each : all_writes) {
        if (!each.removes) continue;
        CAPTURE(each.name);
        const stopwatch start;
        const auto done = each.write(one, {.ack = ack_level::copies(9), .within = 1h});
        CHECK(start.unhindered() < at_most(1s));
        REQUIRE(done);
        CHECK_FALSE(done->changed);
        CHECK_FALSE(done->met); // without a write there is no proof
        CHECK(done->copies == 0);
        CHECK(done->written == version{});
        const auto local = each.write(one, {});
        CHECK_FALSE(local->changed);
        CHECK(local->met);
    }
    CHECK(one.cut() == before);
    CHECK(one.confirm(version{}, ack_level::local(), 0ms).error().code == errc::unknown_version);
}

TEST_CASE("writes: a level that makes no sense is refused, and nothing changes", "[io][writes]") {
    const mesh net;
    auto node = started(net.options("node"));
    for (const auto& each : all_writes) {
        CAPTURE(each.name);
        REQUIRE(each.prepare(node));
        const bool claims = each.name == "commit"; // the claim itself is a write
        const auto before = node.cut();
        for (const auto level : {ack_level::majority(), ack_level::copies(0)}) {
            const auto done = each.write(node, {.ack = level});
            REQUIRE_FALSE(done);
            CHECK(done.error().code == errc::bad_argument);
        }
        if (!claims) CHECK(node.cut() == before);
        for (const auto& key : *node.keys()) REQUIRE(node.drop(key));
    }
}

TEST_CASE("writes: a majority counts for removals and typed values, too", "[io][writes]") {
    const mesh net;
    auto settings = net.options("one");
    settings.mesh_size = 3;
    auto one = started(settings);
    for (const auto& each : all_writes) {
        CAPTURE(each.name);
        REQUIRE(each.prepare(one));
        CHECK_FALSE(each.write(one, {.ack = ack_level::majority(), .within = 0ms})->met);
        for (const auto& key : *one.keys()) REQUIRE(one.drop(key));
    }
    auto other = started(net.options("other"));
    REQUIRE(meet(one, other));
    for (const auto& each : all_writes) {
        CAPTURE(each.name);
        REQUIRE(each.prepare(one));
        CHECK(each.write(one, {.ack = ack_level::majority(), .within = patience(5s)})->met);
        for (const auto& key : *one.keys()) REQUIRE(one.drop(key));
    }
}
