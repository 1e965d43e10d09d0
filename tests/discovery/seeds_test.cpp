// Proves which addresses seeds stand for, which of them keep a node from being alone, when a knock is due,
// and what is reported, under a clock that the test moves.
#include "discovery/seeds.hpp"
#include "support/catch.hpp"

using namespace baton;
using namespace baton::discovery;
using namespace std::chrono_literals;

namespace {

using strings = std::vector<std::string>;

struct planted {
    name_book names;
    seed_table seeds;
    instant now{std::chrono::hours{1}};

    explicit planted(const strings& texts) { seeds.begin(texts, names, now); }
    strings resolve(name_state how, std::vector<address> found) {
        const auto asked = names.next(now);
        REQUIRE(asked);
        name_answer said{asked->number, how, true, std::move(found),
                         how == name_state::failed ? "timed out" : ""};
        names.answered(said, now, 25);
        return seeds.follow(names, now);
    }
    strings endpoints() {
        strings all;
        for (const auto& each : seeds.places()) all.push_back(each.endpoint);
        return all;
    }
    void mark(const std::string& endpoint, sign how) { seed_table::knocked(*seeds.find(endpoint), how); }
    [[nodiscard]] strings standing() const { return seeds.standing(names); }
    strings troubles() { return seeds.troubles(names, now, false); }
};

} // namespace

TEST_CASE("seeds: names become their addresses, each once, and numbers stay", "[discovery]") {
    planted p({"10.0.0.1:5", "mesh.svc:7", "_baton._tcp.mesh.svc", "nonsense"});
    CHECK(p.endpoints() == strings{"tcp://10.0.0.1:5"});
    CHECK(p.resolve(name_state::known, {{"10.0.0.2", 0, 0}, {"fd00::2", 0, 0}}).empty());
    CHECK(p.resolve(name_state::known, {{"10.0.0.3", 9, 0}, {"10.0.0.2", 7, 0}}).empty());
    CHECK(p.endpoints() ==
          strings{"tcp://10.0.0.1:5", "tcp://10.0.0.2:7", "tcp://[fd00::2]:7", "tcp://10.0.0.3:9"});
    p.mark("tcp://10.0.0.2:7", sign::refused);
    p.now += 2s;
    CHECK(p.resolve(name_state::known, {{"10.0.0.2", 0, 0}}) == strings{"tcp://[fd00::2]:7"});
    CHECK(p.seeds.find("tcp://10.0.0.2:7")->last == sign::refused); // what is known of it stays
}

TEST_CASE("seeds: only what refuses, or is the node's own, is known to be nobody", "[discovery]") {
    planted p({"10.0.0.1:5", "mesh.svc:7"});
    CHECK(p.standing() == strings{"10.0.0.1:5", "mesh.svc:7"});
    for (const auto how : {sign::silent, sign::unreachable, sign::strange, sign::none}) {
        p.mark("tcp://10.0.0.1:5", how);
        CHECK(p.standing().front() == "10.0.0.1:5");
    }
    p.mark("tcp://10.0.0.1:5", sign::refused);
    CHECK(p.standing() == strings{"mesh.svc:7"}); // no answer yet
    SECTION("nobody has that name: it may have one soon") { p.resolve(name_state::nobody, {}); }
    SECTION("the name service does not answer") { p.resolve(name_state::failed, {}); }
    SECTION("one address refuses, one has not been tried") {
        p.resolve(name_state::known, {{"10.0.0.2", 0, 0}, {"10.0.0.3", 0, 0}});
        p.mark("tcp://10.0.0.2:7", sign::refused);
    }
    SECTION("all refuse that are known, but not all are known") {
        p.resolve(name_state::failed, {{"10.0.0.2", 0, 0}});
        p.mark("tcp://10.0.0.2:7", sign::refused);
    }
    CHECK(p.standing() == strings{"mesh.svc:7"});
    p.now += 2s;
    p.resolve(name_state::known, {{"10.0.0.2", 0, 0}, {"10.0.0.3", 0, 0}});
    seed_table::is_well(*p.seeds.find("tcp://10.0.0.2:7"), sign::own, p.now);
    p.mark("tcp://10.0.0.3:7", sign::refused);
    CHECK(p.standing().empty());
    seed_table::is_well(*p.seeds.find("tcp://10.0.0.3:7"), sign::answered, p.now);
    CHECK(p.standing() == strings{"mesh.svc:7"});
}

TEST_CASE("seeds: it is knocked soon after the dial, then less and less often, up to half a minute",
          "[discovery]") {
    planted p({"10.0.0.1:5"});
    auto& at = p.seeds.places().front();
    CHECK_FALSE(seed_table::knocks_now(at, p.now));
    p.now += seed_table::knock_first;
    for (const auto next : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        REQUIRE(seed_table::knocks_now(at, p.now));
        CHECK(at.knock_at == p.now + next);
        p.now = at.knock_at;
    }
    seed_table::is_well(at, sign::answered, p.now); // and is gone again
    CHECK_FALSE(seed_table::knocks_now(at, p.now));
    CHECK(at.last == sign::none);
    CHECK(at.knock_at == p.now + seed_table::knock_first);
}

TEST_CASE("seeds: trouble is told after three seconds, once, and again after an hour", "[discovery]") {
    planted p({"10.0.0.1:5", "mesh.svc:7"});
    CHECK(p.troubles().empty());
    CHECK(p.seeds.due() == p.now + 3s);
    p.mark("tcp://10.0.0.1:5", sign::unreachable);
    p.resolve(name_state::failed, {});
    p.now += 3s;
    auto lines = p.troubles();
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with("event=seed_unreachable seed=10.0.0.1:5 "));
    CHECK(lines[0].find("10.0.0.1:5 cannot be reached") != std::string::npos);
    CHECK(lines[0].find("from here to that port must pass") != std::string::npos);
    CHECK(lines[1].starts_with("event=seed_unresolved seed=mesh.svc:7 "));
    CHECK(lines[1].find("timed out") != std::string::npos);
    p.now += 59min;
    CHECK(p.troubles().empty());
    p.now += 1min;
    CHECK(p.troubles().size() == 2);
    SECTION("one address of a name that answers is enough") {
        p.resolve(name_state::known, {{"10.0.0.2", 0, 0}, {"10.0.0.3", 0, 0}});
        seed_table::is_well(*p.seeds.find("tcp://10.0.0.3:7"), sign::answered, p.now);
        p.now += 1h;
        lines = p.troubles();
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("10.0.0.1:5") != std::string::npos);
    }
    SECTION("each address is named with what it says, of many the first") {
        std::vector<address> many;
        for (int i = 2; i < 9; ++i) many.push_back({"10.0.0." + std::to_string(i), 0, 0});
        p.resolve(name_state::known, many);
        p.mark("tcp://10.0.0.2:7", sign::refused);
        p.now += 1h;
        lines = p.troubles();
        REQUIRE(lines.size() == 2);
        CHECK(lines[1].find("10.0.0.2:7 refuses the connection") != std::string::npos);
        CHECK(lines[1].find("10.0.0.3:7 does not answer") != std::string::npos);
        CHECK(lines[1].find("for 3 more") != std::string::npos);
    }
}
