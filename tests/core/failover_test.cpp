// Proves failover: the server of a newcomer dies in the middle of the session. The staged rows become a
// cache. The next server confirms them by ranges and ships the rest; unconfirmed rows are gone before the
// COMMIT.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t many = 400, value_bytes = 200;

struct failing : scene {
    explicit failing(std::size_t keys = many, std::size_t bytes = value_bytes, bool long_opening = false)
        : scene(how(keys, long_opening)) {
        gather(2);
        fill(0, keys, bytes);
        settle();
        on_trace = [this](process_number who, const core::trace& t) {
            if (t.what == "serve") last_server = who;
        };
    }
    static settings how(std::size_t keys, bool long_opening) {
        auto made = small_chunks(keys + 1, 2048, 4096);
        if (long_opening) made.node.bounds.listing_bytes = 0;
        return made;
    }
    /// Starts a newcomer that has staged `count` keys when its server dies; calls `meanwhile` before that.
    void begin(
        std::size_t count, const std::function<void()>& meanwhile = [] {}) {
        joiner = start(2);
        REQUIRE(run_until([&] { return mesh(joiner).state().staged_slots() >= count; }, 2s));
        REQUIRE(mesh(joiner).state().keys() == 0);
        dead = last_server;
        other = dead == 0 ? 1 : 0;
        meanwhile();
        crash(dead);
        REQUIRE(run_until(
            [&] {
                return mesh(joiner).state().stage_is_cache() && mesh(joiner).stats().sessions_failed == 1;
            },
            2s));
        bytes_before = mesh(other).stats().state_bytes_sent;
    }
    void finish() {
        settle();
        CHECK(last_server == other);
        CHECK(mesh(joiner).state().staged_slots() == 0);
        check_everything();
    }
    [[nodiscard]] std::uint64_t bytes_of_second() {
        return mesh(other).stats().state_bytes_sent - bytes_before;
    }
    process_number joiner = 0, dead = 0, other = 0, last_server = 0;
    std::uint64_t bytes_before = 0;
};

} // namespace

TEST_CASE("failover: what was staged is not sent again by the next server", "[core][scenario]") {
    failing s;
    s.begin(many * 9 / 10);
    s.finish();
    CHECK(s.mesh(s.joiner).state().keys() == many);
    CHECK(s.mesh(s.other).stats().sessions_compared == 1);
    CHECK(s.bytes_of_second() < many * value_bytes / 4); // a tenth of it, and the listings
    CHECK(s.bytes_of_second() > many * value_bytes / 20);
}

TEST_CASE("failover: keys that the next server has removed meanwhile are not there", "[core][scenario]") {
    // Keys are removed and overwritten while no server is there; DELTAs of that may reach the newcomer before
    // the session.
    failing s;
    s.begin(many / 2);
    for (std::size_t key = 0; key < many; key += 10) {
        s.drop(s.other, key);
        s.stash(s.other, key + 1, "later");
    }
    s.finish();
    CHECK(s.mesh(s.joiner).state().keys() == many - many / 10);
    CHECK_FALSE(s.pickup(s.joiner, 10));
    CHECK(s.pickup(s.joiner, 11) == "later");
    CHECK(s.bytes_of_second() < many * value_bytes * 3 / 4);
}

TEST_CASE("failover: an origin of which the next server has nothing left is not in its listing",
          "[core][scenario]") {
    // As in a mesh with thousands of origins: the newcomer has staged a few of them, and has seen no event of
    // theirs.
    constexpr std::size_t few = 8;
    failing s(few, 1500, true);
    s.begin(few / 2, [&] {
        s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
            return !is<wire::delta>(bytes);
        });
        for (std::size_t key = 0; key < few; ++key) s.drop(s.other, key);
    });
    s.set_filter({});
    s.finish();
    CHECK(s.mesh(s.joiner).state().keys() == 0);
}

TEST_CASE("failover: the same when the removals happen during the second session", "[core][scenario]") {
    failing s;
    s.begin(many / 2);
    REQUIRE(s.run_until([&] { return s.mesh(s.other).stats().sessions_compared == 1; }, 1s));
    for (std::size_t key = 0; key < many; key += 10) {
        s.drop(s.other, key);
        s.stash(s.other, key + 1, "later");
        s.run_for(200us);
    }
    s.finish();
    CHECK(s.mesh(s.joiner).state().keys() == many - many / 10);
}

TEST_CASE("failover: a key that the newcomer wrote meanwhile has both values", "[core][scenario]") {
    failing s;
    s.begin(many / 2);
    for (std::size_t key = 0; key < many; key += 7) s.stash(s.joiner, key, "by the newcomer");
    s.finish();
    for (const auto who : {s.joiner, s.other}) {
        CHECK(s.mesh(who).state().keys() == many);
        CHECK(s.values(who, 7) == 2);
        CHECK(s.values(who, 8) == 1);
    }
}

TEST_CASE("failover: typed values that were staged are exact too", "[core][scenario]") {
    // Counters are not trusted from a cache: their value may change without their dots.
    failing s;
    for (int i = 0; i < 20; ++i) {
        s.add(0, "visits " + std::to_string(i), 5);
        s.add(1, "visits " + std::to_string(i), 7);
        s.put(0, element("tags", std::to_string(i)));
    }
    s.settle();
    s.begin(many * 19 / 20);
    for (int i = 0; i < 10; ++i) {
        s.erase(s.other, "visits " + std::to_string(i));
        s.remove(s.other, element("tags", std::to_string(i)));
    }
    s.finish();
    for (int i = 0; i < 20; ++i) {
        const auto reading = s.mesh(s.joiner).state().count("visits " + std::to_string(i));
        if (i < 10) {
            CHECK_FALSE(reading);
        } else {
            CHECK(reading == 12);
        }
    }
    CHECK(s.elements(s.joiner, value_type::set, "tags").size() == 10);
}

TEST_CASE("failover: a third server goes on after the second, too", "[core][scenario]") {
    failing s;
    s.join(3);
    s.begin(many / 3);
    // The one that serves next dies as well; the last one has the whole.
    const auto first = s.dead;
    REQUIRE(s.run_until([&] { return s.last_server != first; }, 2s));
    const auto second = s.last_server;
    s.run_for(5ms);
    REQUIRE(s.mesh(s.joiner).state().keys() == 0);
    s.crash(second);
    s.settle();
    CHECK(s.mesh(s.last_server).stats().sessions_compared == 1);
    CHECK(s.mesh(s.last_server).stats().state_bytes_sent < many * value_bytes * 3 / 4);
    CHECK(s.mesh(s.joiner).state().keys() == many);
    s.check_everything();
}
