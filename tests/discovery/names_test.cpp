// Proves how seeds are written, when a name is resolved, and what is kept of the answers, under a clock that
// the test moves.
#include "discovery/names.hpp"
#include "support/catch.hpp"

using namespace baton;
using namespace baton::discovery;
using namespace std::chrono_literals;

namespace {

struct asked_names {
    name_book book;
    instant now{std::chrono::hours{1}};
    std::uint64_t chance = 25; // neither earlier nor later

    std::uint32_t add(const std::string& name) { return book.add(name, false, now); }
    bool say(std::uint32_t number, std::vector<std::string> hosts, bool last = true) {
        name_answer said;
        said.number = number;
        said.last = last;
        said.how = hosts.empty() ? name_state::nobody : name_state::known;
        for (auto& each : hosts) said.found.push_back({std::move(each), 0, 0});
        return book.answered(said, now, chance);
    }
    bool fail(std::uint32_t number) {
        return book.answered({number, name_state::failed, true, {}, "timed out"}, now, chance);
    }
    /// When it is asked next, from now; it is asked.
    mesh_clock::duration wait() {
        const auto due = book.due();
        const auto waited = due - now;
        now = due;
        REQUIRE(book.next(now));
        return waited;
    }
    std::vector<std::string> hosts(std::uint32_t number) {
        std::vector<std::string> all;
        for (const auto& each : book.at(number).addresses) all.push_back(each.host);
        return all;
    }
};

using strings = std::vector<std::string>;

} // namespace

TEST_CASE("names: what a host's name is", "[discovery]") {
    for (const auto* good :
         {"name", "mesh.svc", "a-b.c_d.example.org.", "localhost", "10.0.0.5.example", "3com"})
        CHECK(is_name(good));
    for (const auto* bad : {"", ".", "a..b", "-a", "a b", "10.0.0.256", "1", "a/b", "[a]", "a:1", "*"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_name(bad));
    }
    CHECK_FALSE(is_name(std::string(64, 'a')));
    CHECK_FALSE(is_name(std::string(254, 'a')));
}

TEST_CASE("names: seeds are addresses, hosts or services", "[discovery]") {
    const auto numeric = parse_seed("tcp://[fe80::5%eth0]:5000");
    REQUIRE(numeric);
    CHECK(numeric->host == "fe80::5%eth0");
    CHECK(numeric->port == 5000);
    const auto host = parse_seed("mesh.svc:7");
    REQUIRE(host);
    CHECK(host->host == "mesh.svc");
    CHECK_FALSE(host->is_service());
    const auto service = parse_seed("_baton._tcp.mesh.svc");
    REQUIRE(service);
    CHECK(service->is_service());
    CHECK(service->host == "_baton._tcp.mesh.svc");
    for (const auto* bad : {"mesh.svc", "mesh.svc:0", "10.0.0.256:1", "::1:5000", "[mesh]:1",
                            "_baton._udp.mesh", "_baton._tcp.", "a b:1", ":1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_seed(bad));
    }
    CHECK(parse_named("name", {{}, 7, 8}) == address{"name", 7, 8});
    CHECK(parse_named("name:1", {{}, 7, 8}) == address{"name", 1, 8});
    CHECK(parse_named("name:1/2") == address{"name", 1, 2});
    CHECK(parse_named("[fd00::5]:1/2") == address{"fd00::5", 1, 2});
    for (const auto* bad : {"name:", "name:0", "name:1/0", "na me", "10.0.0.256", "name:1:2"})
        CHECK_FALSE(parse_named(bad));
}

TEST_CASE("names: asked at once, then after twice as long each time, up to half a minute", "[discovery]") {
    asked_names n;
    const auto mesh = n.add("mesh.svc");
    CHECK(n.add("mesh.svc") == mesh);
    CHECK(n.wait() == 0s);
    CHECK_FALSE(n.book.next(n.now)); // it is under way
    CHECK(n.book.due() == instant::max());
    SECTION("the same answer") {
        CHECK(n.say(mesh, {"10.0.0.1"}));
        for (const auto next : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
            CHECK(n.wait() == next);
            CHECK_FALSE(n.say(mesh, {"10.0.0.1"}));
        }
    }
    SECTION("no answer") {
        n.fail(mesh);
        for (const auto next : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
            CHECK(n.wait() == next);
            n.fail(mesh);
        }
    }
    SECTION("each is a quarter earlier or later by chance") {
        n.chance = 0;
        n.say(mesh, {"10.0.0.1"});
        CHECK(n.wait() == 750ms);
        n.chance = 49;
        n.say(mesh, {"10.0.0.1", "10.0.0.2"});
        CHECK(n.wait() == 1240ms);
    }
    SECTION("another answer: from the start again") {
        n.say(mesh, {"10.0.0.1"});
        for (int i = 0; i < 6; ++i) (void)n.wait(), n.say(mesh, {"10.0.0.1"});
        (void)n.wait();
        CHECK(n.say(mesh, {"10.0.0.2"}));
        CHECK(n.wait() == 1s);
    }
}

TEST_CASE("names: a change of the mesh hurries it, but never below a second", "[discovery]") {
    asked_names n;
    const auto mesh = n.add("mesh.svc");
    (void)n.wait();
    n.say(mesh, {"10.0.0.1"});
    for (int i = 0; i < 6; ++i) (void)n.wait(), n.say(mesh, {"10.0.0.1"});
    n.now += 10s;
    n.book.hurry(n.now, 499);
    CHECK(n.wait() == 499ms);
    n.say(mesh, {"10.0.0.1"});
    n.book.hurry(n.now, 0);
    CHECK(n.wait() == 1s);
}

TEST_CASE("names: a whole answer replaces, a failure keeps, and parts are added", "[discovery]") {
    asked_names n;
    const auto mesh = n.add("mesh.svc");
    CHECK(n.book.at(mesh).how == name_state::unasked);
    (void)n.wait();
    CHECK(n.say(mesh, {"10.0.0.1"}, false)); // the AAAA is still to come
    CHECK(n.hosts(mesh) == strings{"10.0.0.1"});
    CHECK(n.book.at(mesh).how == name_state::unasked);
    CHECK(n.say(mesh, {"10.0.0.1", "fd00::1"}));
    CHECK(n.book.at(mesh).how == name_state::known);
    (void)n.wait();
    CHECK(n.say(mesh, {"10.0.0.2", "fd00::1"}));
    CHECK(n.hosts(mesh) == strings{"fd00::1", "10.0.0.2"});
    (void)n.wait();
    CHECK_FALSE(n.fail(mesh));
    CHECK(n.hosts(mesh) == strings{"fd00::1", "10.0.0.2"});
    CHECK(n.book.at(mesh).how == name_state::failed);
    CHECK(n.book.at(mesh).why == "timed out");
    (void)n.wait();
    CHECK(n.say(mesh, {}));
    CHECK(n.hosts(mesh).empty());
    CHECK(n.book.at(mesh).how == name_state::nobody);
    CHECK_FALSE(n.say(mesh, {"10.0.0.9"})); // nobody asked
    CHECK_FALSE(n.say(77, {"10.0.0.9"}));
}

TEST_CASE("names: of more addresses than are tried the same ones are kept, and it is not known whole",
          "[discovery]") {
    asked_names n;
    const auto mesh = n.add("mesh.svc");
    strings many;
    for (int i = 0; i < 100; ++i) many.push_back("10.0.0." + std::to_string(i));
    (void)n.wait();
    n.say(mesh, many);
    const auto kept = n.hosts(mesh);
    CHECK(kept.size() == name_book::addresses_max);
    CHECK(n.book.at(mesh).how == name_state::failed);
    (void)n.wait();
    CHECK_FALSE(n.say(mesh, {many.rbegin(), many.rend()})); // servers turn their answers round
    CHECK(n.hosts(mesh) == kept);
}
