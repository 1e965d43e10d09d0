// Proves what counters, sets, maps and flags promise on nodes of this process over loopback sockets: what is
// done on one node is read on another, by delta and by sync; what is done on both at once adds up; a key
// holds one type; and nothing is listed half while a sync is folded in.
#include "nodes.hpp"

#include <baton/typed.hpp>

#include <sys/wait.h>

#include <functional>
#include <memory>

using namespace io;
using baton::errc;
using strings = std::vector<std::string>;

namespace {

struct pair {
    pair() { REQUIRE(meet(one, other)); }
    mesh net;
    baton::node one = started(net.options("one")), other = started(net.options("other"));
};

/// Two nodes that do not hear of each other until bridge().
struct halves {
    halves()
        : one(alone("one", {}))
        , other(alone("other", {})) {}
    baton::node alone(const std::string& name, strings seeds) const {
        auto settings = net.options(name);
        settings.beacon.enabled = false;
        settings.seeds = std::move(seeds);
        return started(std::move(settings));
    }
    void bridge() {
        between = std::make_unique<baton::node>(alone("between", {one.endpoint(), other.endpoint()}));
        REQUIRE(agree(one, *between));
        REQUIRE(agree(one, other));
        REQUIRE(agree(other, *between));
    }
    mesh net;
    baton::node one, other;
    std::unique_ptr<baton::node> between;
};

/// Writes one value of each type on `node`.
void fill(baton::node& node) {
    REQUIRE(node.add("counter", 5));
    REQUIRE(node.add("counter", -7));
    for (const auto* element : {"b", "a", "", "gone"}) REQUIRE(node.insert("set", element));
    REQUIRE(node.erase("set", "gone")->changed);
    REQUIRE(node.set_field("map", "f", "old"));
    REQUIRE(node.set_field("map", "f", "new"));
    REQUIRE(node.set_field("map", "empty", ""));
    REQUIRE(node.set_field("map", "gone", "x"));
    REQUIRE(node.erase_field("map", "gone")->changed);
    REQUIRE(node.enable("on"));
    REQUIRE(node.enable("off"));
    REQUIRE(node.disable("off")->changed);
    REQUIRE(node.stash("register", "value"));
}

void check_filled(const baton::node& node) {
    CHECK(*node.count("counter") == -2);
    CHECK(*node.elements("set") == strings{"", "a", "b"});
    CHECK(*node.contains("set", "a"));
    CHECK(*node.contains("set", ""));
    CHECK_FALSE(*node.contains("set", "gone"));
    CHECK(*node.fields("map") == strings{"empty", "f"});
    CHECK(node.field("map", "f").value()->value == "new");
    CHECK(node.field("map", "f").value()->siblings == 0);
    CHECK(node.field("map", "empty").value()->value.empty());
    CHECK_FALSE(node.field("map", "gone").value());
    CHECK(*node.enabled("on"));
    CHECK_FALSE(*node.enabled("off"));
    CHECK(node.pickup("register")->value == "value");
    CHECK(node.keys() == strings{"counter", "map", "on", "register", "set"});
    CHECK(node.keys("se") == strings{"set"});
    CHECK(node.stats()->keys == 5);
}

/// A write of each type.
struct write {
    std::string name;
    std::function<baton::result<baton::write_result>(baton::node&, std::string_view key)> run;
};
const std::vector<write> writes{
    {"stash", [](auto& node, auto key) { return node.stash(key, "value"); }},
    {"add", [](auto& node, auto key) { return node.add(key); }},
    {"insert", [](auto& node, auto key) { return node.insert(key, "element"); }},
    {"set_field", [](auto& node, auto key) { return node.set_field(key, "field", "value"); }},
    {"enable", [](auto& node, auto key) { return node.enable(key); }},
};

/// How many types of value are read at `key`.
int types_at(const baton::node& node, std::string_view key) {
    return int{node.pickup(key)->found()} + int{node.count(key)->has_value()} +
           int{!node.elements(key)->empty()} + int{!node.fields(key)->empty()} + int{*node.enabled(key)};
}

struct player {
    std::string name;
    int score = 0;
    MSGPACK_DEFINE(name, score)
};

} // namespace

TEST_CASE("typed: what one node writes is read on the other", "[io][typed]") {
    pair nodes;
    fill(nodes.one);
    check_filled(nodes.one);
    REQUIRE(agree(nodes.one, nodes.other));
    check_filled(nodes.other);
    REQUIRE(nodes.other.erase("set", "a")->changed); // and back
    REQUIRE(nodes.other.disable("on")->changed);
    REQUIRE(nodes.other.erase_field("map", "f")->changed);
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(*nodes.one.elements("set") == strings{"", "b"});
    CHECK(*nodes.one.fields("map") == strings{"empty"});
    CHECK_FALSE(*nodes.one.enabled("on"));
}

TEST_CASE("typed: a newcomer gets it all by a sync", "[io][typed]") {
    const mesh net;
    auto old = started(net.options("old"));
    fill(old);
    auto newcomer = started(net.options("newcomer"));
    REQUIRE(newcomer.wait_synced(patience(10s)));
    REQUIRE(agree(old, newcomer));
    check_filled(newcomer);
    CHECK(newcomer.stats()->sessions_pulled == 1);
    CHECK(newcomer.stats()->deltas_received == 0);
}

TEST_CASE("typed: what both do at once adds up", "[io][typed]") {
    pair nodes;
    for (int number = 0; number < 1000; ++number) {
        REQUIRE(nodes.one.add("counter", 3));
        REQUIRE(nodes.other.add("counter", -1));
        REQUIRE(nodes.one.insert("set", "one-" + std::to_string(number)));
        REQUIRE(nodes.other.insert("set", "other-" + std::to_string(number)));
        REQUIRE(nodes.one.set_field("map", "one", std::to_string(number)));
        REQUIRE(nodes.other.set_field("map", "other", std::to_string(number)));
    }
    REQUIRE(agree(nodes.one, nodes.other));
    for (const auto* node : {&nodes.one, &nodes.other}) {
        CHECK(*node->count("counter") == 2000);
        CHECK(node->elements("set")->size() == 2000);
        CHECK(*node->fields("map") == strings{"one", "other"});
        CHECK(node->field("map", "one").value()->value == "999");
        CHECK(node->field("map", "other").value()->value == "999");
    }
    CHECK(nodes.one.stats()->keys == 3);
}

TEST_CASE("typed: a counter wraps, and is absent once it is dropped", "[io][typed]") {
    pair nodes;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    REQUIRE(nodes.one.add("counter", most));
    REQUIRE(nodes.other.add("counter", 1));
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(*nodes.one.count("counter") == std::numeric_limits<std::int64_t>::min());
    CHECK(nodes.other.drop("counter")->changed);
    CHECK_FALSE(nodes.other.drop("counter")->changed);
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK_FALSE(nodes.one.count("counter")->has_value());
    CHECK(nodes.one.keys()->empty());
    REQUIRE(nodes.one.add("counter", 0));
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(*nodes.other.count("counter") == 0); // a value
    CHECK(nodes.other.keys() == strings{"counter"});
}

TEST_CASE("typed: a key holds one type until it is dropped", "[io][typed]") {
    pair nodes;
    for (const auto& first : writes) {
        REQUIRE(first.run(nodes.one, first.name));
        REQUIRE(agree(nodes.one, nodes.other));
        for (auto* node : {&nodes.one, &nodes.other}) {
            const auto before = node->digest();
            for (const auto& second : writes) {
                CAPTURE(first.name, second.name);
                if (first.name == second.name) continue;
                const auto refused = second.run(*node, first.name);
                REQUIRE_FALSE(refused);
                CHECK(refused.error().code == errc::wrong_type);
            }
            CHECK(types_at(*node, first.name) == 1); // reading as another type finds nothing
            CHECK_FALSE(node->erase(first.name, "no such element")->changed);
            CHECK_FALSE(node->erase_field(first.name, "no such field")->changed);
            if (first.name != "enable") CHECK_FALSE(node->disable(first.name)->changed);
            CHECK(node->digest() == before);
        }
        CHECK(first.run(nodes.other, first.name)); // its own type still works
        REQUIRE(agree(nodes.one, nodes.other));
    }
    CHECK(nodes.one.pickup("add", {.within = 10ms})->outcome == baton::pickup_outcome::absent_unsynced);
    CHECK(nodes.one.siblings("add")->empty());
    for (const auto& first : writes) {
        CAPTURE(first.name);
        CHECK(nodes.one.drop(first.name)->changed);
        CHECK(types_at(nodes.one, first.name) == 0);
        for (const auto& second : writes) {
            CHECK(second.run(nodes.one, first.name));
            CHECK(nodes.one.drop(first.name)->changed);
        }
    }
    REQUIRE(nodes.one.insert("emptied", "element"));
    CHECK(nodes.one.erase("emptied", "element")->changed);
    CHECK(nodes.one.enable("emptied")); // nothing is left of the set
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(nodes.other.keys() == strings{"emptied"});
}

TEST_CASE("typed: a key made two types at once is both, until it is dropped", "[io][typed]") {
    halves nodes;
    REQUIRE(nodes.one.add("key", 5));
    REQUIRE(nodes.other.insert("key", "element"));
    REQUIRE(nodes.one.stash("mixed", "value"));
    REQUIRE(nodes.other.enable("mixed"));
    nodes.bridge();
    for (auto* node : {&nodes.one, &nodes.other, nodes.between.get()}) {
        CHECK(*node->count("key") == 5);
        CHECK(*node->elements("key") == strings{"element"});
        CHECK(node->pickup("mixed")->value == "value");
        CHECK(*node->enabled("mixed"));
        CHECK(node->keys() == strings{"key", "mixed"});
        CHECK(node->set_field("key", "f", "v").error().code == errc::wrong_type);
    }
    REQUIRE(nodes.other.add("key", 1)); // each type is written by its own calls
    REQUIRE(nodes.one.insert("key", "more"));
    REQUIRE(nodes.one.stash("mixed", "later"));
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(*nodes.one.count("key") == 6);
    CHECK(*nodes.other.elements("key") == strings{"element", "more"});
    CHECK(nodes.other.pickup("mixed")->value == "later");
    CHECK(nodes.one.drop("key")->changed);
    CHECK(nodes.one.drop("mixed")->changed);
    CHECK(types_at(nodes.one, "key") + types_at(nodes.one, "mixed") == 0);
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(types_at(nodes.other, "key") + types_at(nodes.other, "mixed") == 0);
    CHECK(nodes.other.keys()->empty());
}

TEST_CASE("typed: what is done at once elsewhere survives a removal; fields keep siblings", "[io][typed]") {
    halves nodes;
    for (auto* node : {&nodes.one, &nodes.other}) {
        REQUIRE(node->insert("set", "element"));
        REQUIRE(node->enable("flag"));
        REQUIRE(node->set_field("map", "kept", node->name()));
        REQUIRE(node->set_field("map", "both", node->name()));
    }
    CHECK(nodes.one.erase("set", "element")->changed); // of what it has seen
    CHECK(nodes.one.disable("flag")->changed);
    CHECK(nodes.one.erase_field("map", "kept")->changed);
    nodes.bridge();
    for (const auto* node : {&nodes.one, &nodes.other}) {
        CHECK(*node->contains("set", "element"));
        CHECK(*node->enabled("flag"));
        CHECK(node->field("map", "kept").value()->value == "other");
        CHECK(node->field("map", "kept").value()->siblings == 0);
        const auto winner = node->field("map", "both").value().value();
        CHECK(winner.siblings == 1);
        const auto all = *node->field_siblings("map", "both");
        REQUIRE(all.size() == 2);
        CHECK(all[0].value == winner.value);
        CHECK(all[0].written == winner.written);
        CHECK(all[0].value != all[1].value);
        CHECK(node->fields("map")->size() == 2);
    }
    CHECK(nodes.one.field("map", "both").value()->value == nodes.other.field("map", "both").value()->value);
    REQUIRE(nodes.one.set_field("map", "both", "resolved"));
    CHECK(nodes.one.field("map", "both").value()->siblings == 0);
}

TEST_CASE("typed: what is over a limit is refused by name and nothing is stored", "[io][typed]") {
    const mesh net;
    auto settings = net.options("node");
    settings.limits.value_bytes_max = 100;
    auto node = started(settings);
    const auto empty = node.digest();
    const auto refuses = [](errc code, const auto&... answers) {
        for (const bool refused : {(!answers && answers.error().code == code)...}) CHECK(refused);
    };
    for (const auto& key : {std::string{}, std::string(513, 'k')}) {
        const auto code = key.empty() ? errc::key_empty : errc::key_too_long;
        for (const auto& each : writes) refuses(code, each.run(node, key));
        refuses(code, node.count(key), node.elements(key), node.fields(key), node.enabled(key));
        refuses(code, node.contains(key, "e"), node.field(key, "f"), node.field_siblings(key, "f"));
        refuses(code, node.erase(key, "e"), node.erase_field(key, "f"), node.disable(key), node.drop(key));
    }
    const std::string most(512, 'e'), over(513, 'e');
    refuses(errc::key_too_long, node.insert("k", over), node.set_field("k", over, ""), node.erase("k", over),
            node.contains("k", over), node.field("k", over), node.field_siblings("k", over),
            node.erase_field("k", over));
    refuses(errc::value_too_long, node.set_field("k", "f", std::string(101, 'v')));
    CHECK(node.digest() == empty);
    CHECK(node.cut()->empty());
    CHECK(node.keys()->empty());

    CHECK(node.insert(most, most)); // the limits themselves are fine, and any byte is
    CHECK(node.insert(most, std::string("\0\xff", 2)));
    CHECK(*node.elements(most) == strings{std::string("\0\xff", 2), most});
    CHECK(node.set_field("m", most, std::string(100, 'v')));
    CHECK(node.field("m", most).value()->value.size() == 100);
}

TEST_CASE("typed: after leave reads work and writes answer leaving", "[io][typed]") {
    const mesh net;
    auto node = started(net.options("node"));
    fill(node);
    const auto report = node.leave({.within = 50ms});
    REQUIRE(report);
    CHECK(report->outcome == baton::leave_outcome::unsafe);
    CHECK(report->unsafe == 5); // keys, not elements
    CHECK(report->unsafe_keys == node.keys());
    for (const auto& each : writes) {
        CAPTURE(each.name);
        CHECK(each.run(node, "key").error().code == errc::leaving);
    }
    CHECK(node.erase("set", "a").error().code == errc::leaving);
    CHECK(node.erase_field("map", "f").error().code == errc::leaving);
    CHECK(node.disable("on").error().code == errc::leaving);
    CHECK(node.drop("set").error().code == errc::leaving);
    check_filled(node);
}

TEST_CASE("typed: in a child process every call answers forked", "[io][typed]") {
    const mesh net;
    auto node = started(net.options("node"));
    fill(node);
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        int wrong = 0;
        const auto forked = [&](const auto&... answers) {
            ((wrong += answers || answers.error().code != errc::forked), ...);
        };
        for (const auto& each : writes) forked(each.run(node, "key"));
        forked(node.count("counter"), node.elements("set"), node.contains("set", "a"), node.fields("map"));
        forked(node.field("map", "f"), node.field_siblings("map", "f"), node.enabled("on"));
        forked(node.erase("set", "a"), node.erase_field("map", "f"), node.disable("on"), node.drop("set"));
        _exit(wrong);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    check_filled(node);
}

// The sync of a large set is one step to readers, although folding it in takes many.
TEST_CASE("typed: nothing is listed or dropped half while a sync is folded in", "[io][typed]") {
    constexpr std::size_t count = 30'000;
    const mesh net;
    auto old = started(net.options("old"));
    for (std::size_t number = 0; number < count; ++number) {
        REQUIRE(old.insert("set", std::to_string(number)));
        if (number % 3 == 0) REQUIRE(old.stash("key-" + std::to_string(number), "value"));
    }
    auto newcomer = started(net.options("newcomer"));
    const auto until = clock::now() + patience(20s); // no pauses: folding takes milliseconds
    SECTION("listed") {
        std::size_t seen = 0;
        while (seen == 0 && clock::now() < until) seen = newcomer.elements("set")->size();
        CHECK(seen == count);
        CHECK(newcomer.keys()->size() == 1 + count / 3);
    }
    SECTION("dropped") {
        bool dropped = false;
        while (!dropped && clock::now() < until) dropped = newcomer.drop("set")->changed;
        CHECK(dropped);
        CHECK(newcomer.elements("set")->empty());
        REQUIRE(agree(newcomer, old));
        CHECK(old.elements("set")->empty());
        CHECK(old.keys()->size() == count / 3);
    }
}

TEST_CASE("typed: handles keep the key, and maps hold what MessagePack can pack", "[io][typed]") {
    pair nodes;
    baton::counter rounds{nodes.one, "rounds"}, rounds_there{nodes.other, "rounds"};
    CHECK(*rounds.value() == 0);
    REQUIRE(rounds.add());
    REQUIRE(rounds_there.add(41));
    baton::set crew{nodes.one, "crew"};
    REQUIRE(crew.insert("ada"));
    REQUIRE(crew.insert("bob"));
    CHECK(crew.erase("bob")->changed);
    baton::map<player> players{nodes.one, "players"};
    REQUIRE(players.set("ada", {"Ada", 7}));
    REQUIRE(players.set("bob", {"Bob", 8}));
    CHECK(players.erase("bob")->changed);
    baton::flag open{nodes.one, "open"};
    REQUIRE(open.enable());
    REQUIRE(agree(nodes.one, nodes.other));

    CHECK(*rounds.value() == 42);
    const baton::set crew_there{nodes.other, "crew"};
    CHECK(crew_there.key() == "crew");
    CHECK(*crew_there.elements() == strings{"ada"});
    CHECK(*crew_there.contains("ada"));
    const baton::map<player> players_there{nodes.other, "players"};
    CHECK(*players_there.fields() == strings{"ada"});
    const auto ada = players_there.get("ada");
    REQUIRE(ada);
    CHECK((*ada)->name == "Ada");
    CHECK((*ada)->score == 7);
    CHECK_FALSE(players_there.get("bob")->has_value());
    CHECK((baton::map<std::string>{nodes.other, "players"}.get("ada").error().code) == errc::not_readable);
    baton::flag open_there{nodes.other, "open"};
    CHECK(*open_there.enabled());
    CHECK(open_there.disable()->changed);
    CHECK(crew.drop());
    CHECK(crew.elements()->empty());
    CHECK(players.set("", {}));
    CHECK((baton::map<player>{nodes.one, ""}.set("ada", {}).error().code) == errc::key_empty);
}

TEST_CASE("typed: a claim is shown objects, and objects are committed", "[io][typed]") {
    // A node takes over an object that another has stashed, then its sibling too; the committed value is read
    // as any typed value. Bytes that are no typed value are refused with a reason, and stay claimed.
    using scores = std::vector<std::uint64_t>;
    pair nodes;
    REQUIRE(baton::stash(nodes.one, "k", scores{1, 2}));
    {
        auto mine = nodes.other.claim("k", {.within = 10s}).value();
        CHECK(baton::values_found<scores>(mine).value() == std::vector<scores>{{1, 2}});
        REQUIRE(baton::commit(mine, scores{1, 2, 3}));
        REQUIRE(eventually(10s, [&] { return *baton::pickup<scores>(nodes.one, "k") == scores{1, 2, 3}; }));
        REQUIRE(baton::stash(nodes.one, "k", scores{9})); // beside it
        REQUIRE(eventually(10s, [&] { return nodes.other.siblings("k")->size() == 2; }));
    }
    auto again = nodes.other.claim("k").value();
    CHECK(baton::values_found<scores>(again).value() == std::vector<scores>{{1, 2, 3}, {9}});
    REQUIRE(baton::commit(again, scores{}));
    CHECK(nodes.other.siblings("k")->size() == 1);
    REQUIRE(nodes.other.stash("bytes", "no object"));
    const auto bytes = nodes.other.claim("bytes").value();
    CHECK(baton::values_found<scores>(bytes).error().code == errc::not_readable);
    CHECK_FALSE(bytes.lost());
}
