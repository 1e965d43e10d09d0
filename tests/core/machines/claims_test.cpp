// Proves how a claim begins and ends on its own node: by a lease, by a release, by another's higher epoch;
// and when it is only tentative.
#include "machines/writing.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct owning : claiming_node {
    owning() { write.put(register_of("key"), "free", write.tick(wall)); }
    static moment at(mesh_clock::duration since) { return {start + since, wall}; }
    claim_grant claim(std::optional<mesh_clock::duration> lease = {}) {
        auto grant = owned.claim(at(0ms), "key", {lease, true});
        REQUIRE(grant);
        return *grant;
    }
    /// Another replica writes the key under this epoch.
    void taken(std::uint64_t epoch) {
        store other(replica(2), 3);
        write_buffers buffers;
        const auto theirs =
            other.put_over(register_of("key"), "theirs", epoch, {}, timestamp::at(wall), buffers);
        REQUIRE(here.apply(theirs.id, theirs.event) == store::applied::yes);
    }
    std::vector<std::string> lost() {
        std::vector<std::string> all;
        for (const auto& each : box.events) {
            if (each.kind == event_kind::claim_lost) all.push_back(each.reason);
        }
        return all;
    }
};
} // namespace

TEST_CASE("claims: an owner commits and releases by the number of its claim", "[core][machine]") {
    owning s;
    const auto grant = s.claim();
    CHECK(grant.shown.size() == 1);
    CHECK(is_claim(grant.epoch));
    CHECK(s.owned.owns(owning::at(1ms), "key", grant.number));
    CHECK_FALSE(s.owned.owns(owning::at(1ms), "key", grant.number + 1));
    CHECK(s.owned.claim(owning::at(1ms), "key", {.if_free = true}).error().code == errc::conflict);
    REQUIRE(s.owned.commit(owning::at(1ms), "key", grant.number, "mine", {}));
    CHECK(s.here.read("key")->value == "mine");
    REQUIRE(s.owned.release(owning::at(2ms), "key", grant.number));
    CHECK_FALSE(is_claim(s.here.read("key")->epoch));
    CHECK_FALSE(s.owned.commit(owning::at(3ms), "key", grant.number, "late", {}));
}

TEST_CASE("claims: a key that is not here cannot be claimed", "[core][machine]") {
    owning s;
    CHECK(s.owned.claim(owning::at(0ms), "other", {}).error().code == errc::absent);
}

TEST_CASE("claims: a lease ends at its deadline, and whoever is late finds it over", "[core][machine]") {
    owning s;
    const auto grant = s.claim(50ms);
    CHECK(s.owned.deadline() == start + 50ms);
    REQUIRE(s.owned.renew(owning::at(20ms), "key", grant.number));
    CHECK(s.owned.deadline() == start + 70ms);
    CHECK(s.owned.owns(owning::at(69ms), "key", grant.number));
    CHECK_FALSE(s.owned.renew(owning::at(70ms), "key", grant.number)); // before its timer
    s.owned.work(0, true, s.box);
    CHECK(s.lost() == std::vector<std::string>{"its lease is over"});
    CHECK_FALSE(is_claim(s.here.read("key")->epoch));
}

TEST_CASE("claims: of a node that leaves a lease ends without a write", "[core][machine]") {
    owning s;
    const auto grant = s.claim(50ms);
    const auto before = s.here.counter_of(replica(1));
    s.owned.freeze();
    s.owned.set_moment(owning::at(50ms));
    s.owned.tend(s.box);
    CHECK_FALSE(s.owned.owns(owning::at(50ms), "key", grant.number));
    CHECK(s.here.counter_of(replica(1)) == before);
}

TEST_CASE("claims: a higher epoch of another ends it", "[core][machine]") {
    owning s;
    const auto grant = s.claim();
    s.taken(grant.epoch + 2);
    CHECK_FALSE(s.owned.look_at("key")); // which the conflict leads to
    s.owned.work(0, true, s.box);
    CHECK(s.lost() == std::vector<std::string>{"claimed by another"});
    CHECK(s.owned.counted().lost == 1);
}

TEST_CASE("claims: one is tentative until everybody in view has seen it", "[core][machine]") {
    owning s;
    auto& p = s.members.add(replica(2));
    s.members.transition(p, member_state::up, event_kind::joined, start);
    const auto grant = s.claim();
    CHECK_FALSE(s.owned.is_tentative());
    CHECK(s.owned.is_tentative("key", grant.number));
    cut whole;
    whole.raise({replica(1), s.here.counter_of(replica(1))});
    p.agreed.report(whole, s.here);
    CHECK_FALSE(s.owned.is_tentative("key", grant.number));
    s.members.transition(p, member_state::suspect, event_kind::suspect, start);
    CHECK(s.owned.is_tentative());
}

TEST_CASE("claims: a leave gives them up a few at a time", "[core][machine]") {
    owning s;
    s.write.put(register_of("second"), "free", s.write.tick(wall));
    (void)s.claim();
    REQUIRE(s.owned.claim(owning::at(0ms), "second", {.if_free = true}));
    CHECK(s.owned.release_some(owning::at(1ms), 1, s.box));
    CHECK_FALSE(s.owned.release_some(owning::at(1ms), 1, s.box));
    CHECK_FALSE(is_claim(s.here.read("key")->epoch));
    CHECK_FALSE(is_claim(s.here.read("second")->epoch));
}
