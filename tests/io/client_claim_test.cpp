// What a client owns, and what it does with the concurrent values of a key: claims that end with the client
// or its member, refusals of other clients' writes, siblings and how they are resolved, several keys as one.
#include "client_settings.hpp"

#include <baton/key_file.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace io;
using baton::ack_level, baton::client, baton::errc;

namespace {

constexpr ack_level here = ack_level::local();

bool is_owned(const baton::node& seen_by, const std::string& key) {
    const auto read = seen_by.pickup(key);
    return read && read->found() && read->owner();
}

} // namespace

TEST_CASE("client claim: other clients of the member cannot write what one of them owns", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    auto self = joined(net, node), other = joined(net, node);
    CHECK(self.claim("key").error().code == errc::absent);
    REQUIRE(self.stash("key", "0", {.ack = here}));
    auto mine = self.claim("key", {.if_free = true});
    REQUIRE(mine);
    CHECK(mine->key() == "key");
    CHECK(mine->epoch().is_owned());
    CHECK(mine->taken_over().value == "0");
    CHECK_FALSE(mine->taken_over().epoch);
    CHECK(mine->holds() == true);
    CHECK(mine->tentative() == false);
    CHECK(is_owned(node, "key"));

    CHECK(other.stash("key", "x", {.ack = here}).error().code == errc::claimed);
    CHECK(other.drop("key", {.ack = here}).error().code == errc::claimed);
    const std::pair<std::string_view, std::string_view> both[] = {{"free", "x"}, {"key", "x"}};
    CHECK(other.stash(both, {.ack = here}).error().code == errc::claimed);
    CHECK_FALSE(other.pickup("free")->found());
    CHECK(other.resolve("key", "x", {other.pickup("key")->written}, {.ack = here}).error().code ==
          errc::claimed);
    CHECK(other.claim("key", {.if_free = true}).error().code == errc::conflict);
    CHECK(mine->commit("1", {.ack = here})->met);
    CHECK(other.pickup("key")->value == "1");

    const auto free = mine->release();
    REQUIRE(free);
    CHECK(free->number == mine->epoch().number + 1);
    CHECK(mine->commit("2", {.ack = here}).error().code == errc::claim_lost);
    CHECK(mine->release().error().code == errc::claim_lost);
    CHECK(mine->holds() == false);
    CHECK(mine->tentative() == true);
    CHECK(other.stash("key", "3", {.ack = here}));
}

TEST_CASE("client claim: a later claim ends an earlier one, by whomever it is made", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = joined(net, one), other = joined(net, one);
    REQUIRE(self.stash("key", std::string(10'000, 'v'))); // more than a reply to a claim carries
    auto first = self.claim("key");
    REQUIRE(first);
    CHECK(first->taken_over().value == std::string(10'000, 'v'));
    auto second = other.claim("key");
    REQUIRE(second);
    CHECK(second->epoch() > first->epoch());
    CHECK(second->taken_over().epoch == first->epoch());
    CHECK(first->commit("x", {.ack = here}).error().code == errc::claim_lost);
    CHECK(second->commit("y", {.ack = here}));
    SECTION("by another node") {
        auto third = two.claim("key", {.within = patience(10s)});
        REQUIRE(third);
        CHECK(eventually(10s, [&] { return second->holds() == false; }));
        CHECK(second->commit("z", {.ack = here}).error().code == errc::claim_lost);
    }
    SECTION("by the program of the member") {
        auto third = one.claim("key");
        REQUIRE(third);
        CHECK(second->commit("z", {.ack = here}).error().code == errc::claim_lost);
        CHECK(self.stash("key", "w", {.ack = here})); // what the program owns it has to guard itself
    }
}

TEST_CASE("client claim: it ends with the handle, and with a client that is silent", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    auto self = std::make_unique<client>(joined(net, node));
    REQUIRE(node.stash("key", "v"));
    CHECK(self->claim("key", {.lease = 1s}).error().code == errc::bad_argument);
    CHECK(self->claim("key", {.lease = 0s}).error().code == errc::bad_argument);
    { const auto brief = self->claim("key"); }
    CHECK(eventually(10s, [&] { return !is_owned(node, "key"); }));
    auto mine = self->claim("key", {.lease = 3s});
    REQUIRE(mine);
    self.reset();
    CHECK(mine->commit("x").error().code == errc::unreachable);
    CHECK(mine->holds().error().code == errc::unreachable);
    CHECK(eventually(20s, [&] { return !is_owned(node, "key"); }));
    CHECK(node.pickup("key")->value == "v");
}

TEST_CASE("client claim: it is lost when the member leaves, and is taken up again by its epoch",
          "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = joined(net, one);
    REQUIRE(self.stash("key", "0"));
    auto mine = self.claim("key");
    REQUIRE(mine);
    REQUIRE(mine->commit("1"));
    REQUIRE(one.leave()->outcome == baton::leave_outcome::safe);
    CHECK(mine->commit("2").error().code == errc::claim_lost);
    CHECK(self.talks_to() == two.id());
    const auto wrong = baton::owner_epoch{mine->epoch().number + 2};
    CHECK(self.claim("key", {.if_epoch = wrong}).error().code == errc::conflict);
    auto again = self.claim("key", {.if_epoch = mine->epoch()});
    REQUIRE(again);
    CHECK(again->taken_over().value == "1");
    CHECK(again->commit("2", {.ack = here}));
    CHECK(self.claim("key", {.if_epoch = mine->epoch()}).error().code == errc::conflict); // owned since
}

TEST_CASE("client claim: when the member crashes its epoch is still there", "[io][client]") {
    const mesh net;
    auto first = net.run("first");
    auto second = started(net.options("second"));
    REQUIRE(next_event(second, baton::event_kind::joined));
    auto self = client::connect(settings_of(net, {started_at(first)}));
    REQUIRE(self);
    REQUIRE(self->stash("key", "0"));
    auto mine = self->claim("key");
    REQUIRE(mine);
    REQUIRE(mine->commit("1"));
    first.signal(SIGKILL);
    CHECK(eventually(20s, [&] {
        const auto done = mine->commit("2", {.ack = here});
        return !done && done.error().code == errc::claim_lost; // before that: unknown
    }));
    auto again = self->claim("key", {.if_epoch = mine->epoch()});
    REQUIRE(again);
    CHECK(again->taken_over().value == "1");
}

TEST_CASE("client: concurrent values are read and resolved", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = joined(net, one);
    const auto bytes = GENERATE(std::size_t{5}, std::size_t{300'000});
    REQUIRE(one.stash("key", "first", {.ack = ack_level::copies(2)}));
    auto owned = one.claim("key");
    REQUIRE(owned);
    REQUIRE(owned->commit(std::string(bytes, 'a'), {.ack = ack_level::copies(2)}));
    REQUIRE(two.stash("key", std::string(bytes, 'b'), {.ack = ack_level::copies(2)}));
    const auto all = self.siblings("key");
    REQUIRE(all);
    REQUIRE(all->size() == 2);
    const auto same = one.siblings("key");
    REQUIRE(same);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(all->at(i).value == same->at(i).value);
        CHECK(all->at(i).written == same->at(i).written);
        CHECK(all->at(i).epoch == same->at(i).epoch);
        CHECK(all->at(i).siblings == 1);
    }
    REQUIRE(owned->release());
    const auto now = self.siblings("key");
    REQUIRE(now);
    std::vector<baton::version> versions;
    for (const auto& each : *now) versions.push_back(each.written);
    REQUIRE(self.resolve("key", "both", versions));
    CHECK(two.pickup("key")->value == "both");
    CHECK(self.siblings("key")->size() == 1);
    CHECK(self.resolve("key", "again", versions).error().code == errc::conflict);
    CHECK(self.siblings("none")->empty());
    REQUIRE(self.set_field("map", "f", "v"));
    CHECK(self.field_siblings("map", "f")->at(0).value == "v");
    CHECK(self.field_siblings("map", "g")->empty());
}

TEST_CASE("client: several keys are written as one", "[io][client]") {
    const mesh net;
    auto secured = net.options("node");
    const auto key = baton::new_key();
    secured.security.keys = {*key};
    auto node = started(secured);
    auto settings = settings_of(net, {node.endpoint()});
    settings.key = baton::client_key::derive(*key, baton::client_role::write, {"game/"});
    auto self = client::connect(settings);
    REQUIRE(self);
    const std::string large(300'000, 'l');
    const std::pair<std::string_view, std::string_view> all[] = {
        {"game/1", "a"}, {"game/2", large}, {"game/3", ""}};
    const auto done = self->stash(all, {.ack = here});
    REQUIRE(done);
    CHECK(done->met);
    CHECK(node.pickup("game/1")->value == "a");
    CHECK(node.pickup("game/2")->value == large);
    CHECK(node.pickup("game/3")->written == done->written);
    const std::pair<std::string_view, std::string_view> beyond[] = {{"game/1", "b"}, {"room/1", "b"}};
    CHECK(self->stash(beyond, {.ack = here}).error().code == errc::refused);
    CHECK(node.pickup("game/1")->value == "a");
    const std::vector<std::pair<std::string_view, std::string_view>> many(1001, {"game/1", "x"});
    CHECK(self->stash(many, {.ack = here}).error().code == errc::bad_argument);
    CHECK(self->stash(all, {.if_version = baton::version{}}).error().code == errc::bad_argument);
    const std::string half(std::size_t{5} << 20, 'h');
    const std::pair<std::string_view, std::string_view> huge[] = {{"game/1", half}, {"game/2", half}};
    CHECK(self->stash(huge, {.ack = here}).error().code == errc::value_too_long);
}
