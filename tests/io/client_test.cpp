// A client that is no member: what it writes, reads and lists at one member, and what holds when it moves to
// another one.
#include "client_settings.hpp"

#include <baton/watch.hpp>

#include <algorithm>

using namespace io;
using baton::ack_level, baton::client, baton::errc, baton::pickup_outcome;

namespace {

std::string door_of(const baton::node& seen_by, const std::string& name) {
    std::string found;
    (void)eventually(10s, [&] {
        for (const auto& each : seen_by.members().value_or(std::vector<baton::member>{}))
            if (each.name == name) found = each.client_endpoint;
        return !found.empty();
    });
    return found;
}

} // namespace

TEST_CASE("client: finds a member by search, by its own port and by its door", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    const auto door = door_of(two, "one");
    REQUIRE(door.starts_with("tcp://127.0.0.1:"));
    auto searching = connected(settings_of(net));
    CHECK(searching.talks_to());
    auto by_member = settings_of(net, {one.endpoint()}), by_door = settings_of(net, {door});
    for (auto* const each : {&by_member, &by_door}) {
        each->search = false;
        auto self = connected(*each);
        CHECK(self.talks_to() == one.id());
        const auto done = self.stash("key", "value");
        REQUIRE(done);
        CHECK(done->met);
        CHECK(done->copies == 2);
        CHECK(two.pickup("key")->value == "value");
        CHECK(self.pickup("key")->value == "value");
    }
    CHECK(one.members()->size() == 1); // the clients are no members
}

TEST_CASE("client: with one member a write is reported as one copy, at once", "[io][client]") {
    const mesh net;
    auto only = started(net.options("only"));
    auto self = connected(settings_of(net));
    const auto start = clock::now();
    const auto done = self.stash("key", "value", {.within = 60s});
    REQUIRE(done);
    CHECK_FALSE(done->met);
    CHECK(done->copies == 1);
    CHECK(clock::now() < start + patience(10s));
    CHECK(self.stash("key", "value", {.ack = ack_level::local()})->met);
    CHECK(self.stash("key", "value", {.ack = ack_level::majority()}).error().code == errc::bad_argument);
}

TEST_CASE("client: a read says why a key is absent", "[io][client]") {
    const mesh net;
    auto settings = net.options("founder");
    settings.founding = true;
    auto founder = started(settings);
    auto self = connected(settings_of(net, {founder.endpoint()}));
    CHECK(self.pickup("key", {.within = 10s, .until = baton::pickup_until::known})->outcome ==
          pickup_outcome::absent_confirmed);
    const mesh other;
    auto alone = started(other.options("alone"));
    auto there = connected(settings_of(other));
    const auto unsynced = there.pickup("key", {.within = 50ms});
    REQUIRE(unsynced);
    CHECK(unsynced->outcome == pickup_outcome::absent_unsynced);
    auto waiting = there.pickup_async("late", {.within = patience(20s)});
    REQUIRE(alone.stash("late", "value"));
    CHECK(waiting.get()->value == "value");
    CHECK(there.pickup("").error().code == errc::key_empty);
}

TEST_CASE("client: conditions, times to live, removals and typed values", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    auto self = connected(settings_of(net));
    const auto first = self.stash("key", "1", {.if_version = baton::version{}});
    REQUIRE(first);
    CHECK(self.stash("key", "2", {.if_version = baton::version{}}).error().code == errc::conflict);
    CHECK(self.stash("key", "2", {.if_version = first->written}));
    CHECK(self.confirm(first->written, ack_level::local(), 0ms)->met);
    CHECK(self.drop("key")->changed);
    CHECK_FALSE(self.drop("key")->changed);
    REQUIRE(self.stash("brief", "x", {.ttl = 1ms}));
    CHECK(eventually(10s, [&] { return !self.pickup("brief")->found(); }));

    CHECK(self.add("sum", -3));
    CHECK(self.add("sum", 10));
    CHECK(self.count("sum") == std::optional<std::int64_t>(7));
    CHECK(self.count("none") == std::optional<std::int64_t>());
    CHECK(self.insert("set", "b"));
    CHECK(self.insert("set", "a"));
    CHECK(self.contains("set", "a") == true);
    CHECK(self.erase("set", "a")->changed);
    CHECK(self.contains("set", "a") == false);
    CHECK(self.elements("set") == std::vector<std::string>{"b"});
    CHECK(self.set_field("map", "f", "v"));
    CHECK((*self.field("map", "f"))->value == "v");
    CHECK_FALSE(*self.field("map", "g"));
    CHECK(self.fields("map") == std::vector<std::string>{"f"});
    CHECK(self.erase_field("map", "f")->changed);
    CHECK(self.enable("flag"));
    CHECK(self.enabled("flag") == true);
    CHECK(self.disable("flag"));
    CHECK(self.enabled("flag") == false);
    CHECK(self.types("sum") == std::vector{baton::value_kind::counter});
    CHECK(self.stash("sum", "x").error().code == errc::wrong_type);
}

TEST_CASE("client: large values go in parts, and lists in pages", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    auto self = connected(settings_of(net));
    std::string value(std::size_t{3} << 20, '\0');
    for (std::size_t i = 0; i < value.size(); ++i) value[i] = static_cast<char>(i * 7 + i / 1000);
    REQUIRE(self.stash("large", value));
    CHECK(node.pickup("large")->value == value);
    CHECK(self.pickup("large")->value == value);
    CHECK(self.stash("large", std::string((std::size_t{8} << 20) + 1, 'x')).error().code ==
          errc::value_too_long);
    std::vector<std::string> names;
    for (int i = 0; i < 2500; ++i) {
        names.push_back("k/" + std::to_string(10'000 + i));
        REQUIRE(node.stash(names.back(), "v"));
    }
    const auto page = self.keys_page("k/");
    REQUIRE(page);
    CHECK(page->next);
    CHECK(page->names.size() < names.size());
    CHECK(self.keys("k/") == names);
    CHECK(self.keys()->size() == names.size() + 1);
}

TEST_CASE("client: many calls are under way on one connection", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    auto self = connected(settings_of(net));
    std::vector<std::future<baton::result<baton::write_result>>> writes;
    std::vector<std::future<baton::result<baton::pickup_result>>> reads;
    for (int i = 0; i < 3000; ++i)
        writes.push_back(
            self.stash_async("k" + std::to_string(i), std::to_string(i), {.ack = ack_level::local()}));
    for (int i = 0; i < 3000; ++i) reads.push_back(self.pickup_async("k" + std::to_string(i)));
    for (auto& each : writes) REQUIRE(each.get()->met);
    for (int i = 0; i < 3000; ++i)
        REQUIRE(reads[static_cast<std::size_t>(i)].get()->value == std::to_string(i));
}

TEST_CASE("client: members, statistics and a call's time", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = connected(settings_of(net, {one.endpoint()}));
    const auto all = self.members();
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    CHECK(all->at(0).name == "one");
    CHECK(all->at(0).id == one.id());
    CHECK(all->at(1).name == "two");
    CHECK(all->at(1).state == baton::member_state::up);
    REQUIRE(one.stash("key", "value"));
    CHECK(self.stats()->keys == 1);
    CHECK(self.ping()->count() > 0);
}

TEST_CASE("client: a write may be repeated only where it is known", "[io][client]") {
    const mesh net;
    auto first = net.run("first");
    auto second = started(net.options("second"));
    REQUIRE(next_event(second, baton::event_kind::joined));
    auto self = connected(settings_of(net, {started_at(first)}));
    REQUIRE(self.stash("own", "value"));
    // Three copies cannot be: these calls are under way when their member is killed.
    auto lost = self.stash_async("fate", "1", {.ack = ack_level::copies(3), .within = 60s});
    auto twice = self.stash_async(
        "twice", "2",
        {.ack = ack_level::copies(3), .within = 2s, .retry = baton::client_retry::at_least_once});
    REQUIRE(self.pickup("twice")->found());
    // What this client has seen has to survive, or every call of it is `lost`.
    REQUIRE(
        eventually(10s, [&] { return second.pickup("fate")->found() && second.pickup("twice")->found(); }));
    first.signal(SIGKILL);
    CHECK(lost.get().error().code == errc::unknown);
    const auto again = twice.get();
    REQUIRE(again);
    CHECK(again->written.id.replica == second.id());
    CHECK(self.talks_to() == second.id());
    CHECK(self.pickup("own")->value == "value"); // its own write, at another member
}

TEST_CASE("client: it moves on when its member leaves, and nothing fails", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = connected(settings_of(net, {one.endpoint()}));
    REQUIRE(self.stash("key", "0"));
    std::atomic<bool> stop{false};
    std::atomic<int> failures{0}, done{0};
    std::string what; // of the last failure
    std::thread writer([&] {
        for (int i = 1; !stop; ++i) {
            const auto value = std::to_string(i);
            const auto made = self.stash("key", value, {.ack = ack_level::local()});
            const auto read = self.pickup("key");
            if (!made || !read || read->value != value) ++failures;
            if (!made) what = made.error().what;
            if (!read) what = read.error().what;
            ++done;
        }
    });
    CHECK(eventually(10s, [&] { return done > 20; }));
    const auto report = one.leave();
    CHECK(report->outcome == baton::leave_outcome::safe);
    CHECK(eventually(10s, [&] { return self.talks_to() == two.id(); }));
    const int before = done;
    CHECK(eventually(10s, [&] { return done > before + 20; }));
    stop = true;
    writer.join();
    CAPTURE(what);
    CHECK(failures == 0);
}

TEST_CASE("client: what it has seen and nobody has any more is lost, and it decides", "[io][client]") {
    const mesh net;
    const auto port = std::to_string(free_port(SOCK_STREAM));
    auto settings = settings_of(net, {"127.0.0.1:" + port});
    settings.patience = 200ms;
    auto former = net.run("former", {"--port", port});
    auto self = connected(settings);
    const auto own = self.stash("own", "value");
    REQUIRE(own);
    former.signal(SIGKILL);
    SECTION("a successor that cannot know") {
        auto next = net.run("next", {"--port", port});
        CHECK(self.pickup("own").error().code == errc::behind);
        CHECK(self.stats());
    }
    SECTION("a successor that knows that it is alone") {
        auto next = net.run("next", {"--port", port, "--founding"});
        const auto read = self.pickup("own");
        REQUIRE_FALSE(read);
        CHECK(read.error().code == errc::lost);
        const auto gone = self.lost_writes();
        REQUIRE(gone.size() == 1);
        CHECK(gone.front().key == "own");
        CHECK(gone.front().written == own->written);
        self.accept_loss();
        CHECK_FALSE(self.pickup("own")->found());
        CHECK(self.stash("own", "anew", {.ack = ack_level::local()})->met);
    }
}

TEST_CASE("client: makes a member leave by its name", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = connected(settings_of(net, {one.endpoint()}));
    CHECK(self.leave("nobody").error().code == errc::absent);
    REQUIRE(door_of(one, "two").starts_with("tcp://")); // by a HELLO that may come after it is up
    REQUIRE(self.stash("key", "value"));
    const auto report = self.leave("two");
    REQUIRE(report);
    CHECK(report->outcome == baton::leave_outcome::safe);
    const auto told = next_event(two, baton::event_kind::leaving);
    REQUIRE(told);
    CHECK(told->id == two.id());
    CHECK(told->reason == "asked by the client 'visitor'");
    CHECK(two.stash("key", "x").error().code == errc::leaving);
    CHECK(self.pickup("key")->value == "value");
}

TEST_CASE("client: a program that it makes leave ends", "[io][client]") {
    const mesh net;
    auto stays = started(net.options("stays"));
    auto program = net.run("program");
    (void)started_at(program);
    REQUIRE(next_event(stays, baton::event_kind::joined));
    auto self = joined(net, stays);
    REQUIRE(door_of(stays, "program").starts_with("tcp://"));
    REQUIRE(self.stash("key", "value"));
    CHECK(self.leave("program")->outcome == baton::leave_outcome::safe);
    CHECK(program.exit_status() == 0); // its input is still open
}
