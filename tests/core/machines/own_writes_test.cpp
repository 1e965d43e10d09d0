// Proves which writes of the program are turned away and why, and that one that is made is stored, stamped,
// counted, and queued for the others.
#include "core/own_writes.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct program : lone_node {
    static constexpr std::size_t bytes_max = 1 << 20;
    static constexpr moment at{start + 1s, wall};

    program() {
        settings.limits.key_bytes_max = 8;
        settings.limits.value_bytes_max = 16;
    }
    room space{bytes_max};
    handover leave{settings, here, members, mail};
    std::set<replica_id> listeners{replica(2)};
    own_writes all{settings, here, listeners, space, leave, counters};

    result<version> put(std::string_view key, std::string_view value) {
        return all.put(at, register_of(key), value, {});
    }
    void fill() { space.judge(bytes_max, false); }
};
} // namespace

TEST_CASE("own writes: one that is made is stored, stamped, counted and queued", "[core][machine]") {
    program s;
    const auto done = s.put("key", "value");
    REQUIRE(done);
    CHECK(done->id == dot{replica(1), 1});
    CHECK(s.here.read("key")->value == "value");
    CHECK(s.all.clock.last() == timestamp::at(wall));
    CHECK(s.all.out.has_from(1));
    CHECK(s.counters.stashes == 1);
}

TEST_CASE("own writes: sizes are bounded by the options", "[core][machine]") {
    program s;
    CHECK(s.put("", "v").error().code == errc::key_empty);
    CHECK(s.put("123456789", "v").error().code == errc::key_too_long);
    CHECK(s.put("key", std::string(17, 'v')).error().code == errc::value_too_long);
    CHECK(s.all.check(register_of("123456789"), std::nullopt)); // no more than others have already
    CHECK(s.all.check(register_of(std::string(key_bytes_max + 1, 'k')), std::nullopt).error().code ==
          errc::key_too_long);
    CHECK(s.counters.stashes == 0);
    CHECK(s.all.out.empty());
}

TEST_CASE("own writes: only a register has a time to live", "[core][machine]") {
    CHECK(own_writes::check_ttl(value_type::reg, 1ms));
    CHECK_FALSE(own_writes::check_ttl(value_type::reg, 0ms));
    CHECK_FALSE(own_writes::check_ttl(value_type::reg, ttl_max + 1ms));
    CHECK(own_writes::check_ttl(value_type::counter, {}));
    CHECK_FALSE(own_writes::check_ttl(value_type::counter, 1ms));
}

TEST_CASE("own writes: a full node writes nothing, and removes", "[core][machine]") {
    program s;
    REQUIRE(s.put("key", "value"));
    s.fill();
    CHECK_FALSE(s.all.may_write());
    CHECK(s.put("key", "other").error().code == errc::full);
    CHECK(*s.all.remove(program::at, register_of("key")));
    CHECK_FALSE(*s.all.remove(program::at, register_of("key"))); // it is not there
    CHECK(s.counters.drops == 1);
}

TEST_CASE("own writes: a leaving node neither writes nor removes", "[core][machine]") {
    program s;
    REQUIRE(s.put("key", "value"));
    s.leave.begin(1, 1, program::at.now);
    CHECK_FALSE(s.all.may_write());
    CHECK(s.put("key", "other").error().code == errc::leaving);
    CHECK(s.all.remove(program::at, register_of("key")).error().code == errc::leaving);
}

TEST_CASE("own writes: a version that is expected has to be there", "[core][machine]") {
    program s;
    const auto first = s.all.stash(program::at, "key", "1", version{}, {});
    REQUIRE(first);
    CHECK(s.all.stash(program::at, "key", "2", version{}, {}).error().code == errc::conflict);
    REQUIRE(s.all.stash(program::at, "key", "2", *first, {}));
    CHECK(s.all.stash(program::at, "key", "3", *first, {}).error().code == errc::conflict);
    CHECK(s.here.read("key")->value == "2");
}

TEST_CASE("own writes: a key keeps its type until all of it is dropped", "[core][machine]") {
    program s;
    REQUIRE(s.all.add(program::at, "key", 5));
    CHECK(s.put("key", "value").error().code == errc::wrong_type);
    CHECK_FALSE(*s.all.remove(program::at, register_of("key")));
    CHECK(s.all.remove_typed(program::at, "key"));
    CHECK_FALSE(s.all.remove_typed(program::at, "key"));
    CHECK(s.put("key", "value"));
}

TEST_CASE("own writes: of several keys all are written, or none", "[core][machine]") {
    program s;
    using pairs = std::vector<std::pair<std::string_view, std::string_view>>;
    CHECK_FALSE(s.all.stash_all(program::at, pairs{}, {}));
    const std::string large(17, 'v');
    CHECK_FALSE(s.all.stash_all(program::at, pairs{{"a", "1"}, {"b", large}}, {}));
    CHECK(s.here.keys() == 0);
    const auto done = s.all.stash_all(program::at, pairs{{"a", "1"}, {"b", "2"}}, {});
    REQUIRE(done);
    CHECK(done->id.counter == 2);
    std::size_t frames = 0;
    s.all.out.flush(false, [&](const wire::delta& f) {
        CHECK(f.count == 2);
        ++frames;
    });
    CHECK(frames == 1);
}
