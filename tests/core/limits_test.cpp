// Proves that the limits of a node apply to writes made there. Events of other nodes, and internal payloads,
// are bounded by the wire only, so nodes with different limits hold the same state.
#include "crdt/counter.hpp"
#include "scene.hpp"
#include "support/processor_time.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

core::mesh_options small_values(std::size_t value_bytes_max, std::size_t key_bytes_max = 512) {
    core::mesh_options own;
    own.limits.value_bytes_max = value_bytes_max;
    own.limits.key_bytes_max = key_bytes_max;
    return own;
}

replica_id replica(std::uint32_t number) {
    replica_id id;
    for (std::size_t byte = 0; byte < 4; ++byte)
        id.bytes[byte] = static_cast<std::uint8_t>(number >> (8 * byte));
    id.bytes[15] = 1;
    return id;
}

/// One node, alone; no origin is archived. The test puts events of other origins into its store, and notes
/// the largest frame.
struct alone : scene {
    alone()
        : scene(unchecked()) {
        start(0);
        run_for(1s);
        set_filter([this](process_number, process_number, channel, std::string_view bytes) {
            largest = std::max(largest, bytes.size());
            return true;
        });
    }
    static settings unchecked() {
        settings how;
        how.check = false;
        how.node.liveness.archive_after = 3600s;
        return how;
    }
    /// The first event of that replica.
    dot write(std::uint32_t number, const slot_name& slot, std::string_view value = {}) {
        event_view e;
        e.slot = slot;
        e.stamp = timestamp::at(1'700'000'000'000 + number);
        e.value = value;
        const dot id{replica(number), 1};
        REQUIRE(mesh(0).state().apply(id, e) == store::applied::yes);
        return id;
    }
    std::size_t largest = 0;
};

} // namespace

TEST_CASE("limits: a mesh that is updated to a larger value_bytes_max takes larger values everywhere",
          "[core][scenario]") {
    scene s;
    s.start(0);
    const auto old = s.start(1, small_values(1000));
    s.settle();
    const bool by_session = GENERATE(false, true);
    if (by_session) {
        s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
            return !is<wire::delta>(bytes);
        });
    }
    s.put(0, "large", std::string(2000, 'x'));
    s.put(0, field("map", "large"), std::string(300'000, 'x')); // in parts
    s.put(0, "after", "x");
    s.settle();
    CHECK(s.get(old, "large") == std::string(2000, 'x'));
    CHECK(s.get(old, "after") == "x");
    CHECK(s.mesh(old).stats().sessions_failed == 0);
    CHECK(s.try_put(old, "own", std::string(1001, 'x')) == errc::value_too_long);
    s.put(old, "own", std::string(1000, 'x'));
    CHECK(s.mesh(old).registers().claim(s.moment_at(old), "large", {})); // the value that is there, once more
    s.settle();
}

TEST_CASE("limits: value_bytes_max is no bound for what the mesh writes itself", "[core][scenario]") {
    // The context of a removed set is 24 bytes for each of its writers, a share of a counter 24.
    world::settings how;
    how.node.limits.value_bytes_max = 16;
    scene s(how);
    s.gather(6);
    for (process_number who = 0; who < 6; ++who) {
        s.put(who, element("set", "by " + std::to_string(who)));
        s.add(who, "count", 1);
    }
    s.settle();
    CHECK(s.erase(0, "set"));
    CHECK(s.erase(0, "count"));
    s.put(0, "after", "x");
    s.settle();
    for (process_number who = 0; who < 6; ++who) {
        CHECK(s.get(who, "after") == "x");
        CHECK(s.elements(who, value_type::set, "set").empty());
        CHECK_FALSE(s.mesh(who).state().count("count"));
        CHECK(s.mesh(who).stats().refused_frames == 0);
    }
}

TEST_CASE("limits: a longer key than may be written here is read and removed here", "[core][scenario]") {
    scene s;
    s.start(0);
    const auto old = s.start(1, small_values(1000, 4));
    s.settle();
    s.put(0, "longer", "x");
    s.settle();
    CHECK(s.get(old, "longer") == "x");
    CHECK(s.try_put(old, "longer", "y") == errc::key_too_long);
    CHECK(s.mesh(old).check_key("longer"));
    CHECK(s.erase(old, "longer"));
    s.settle();
    CHECK_FALSE(s.get(0, "longer"));
}

TEST_CASE("limits: whoever merges may keep a value that is above its own limits", "[core][scenario]") {
    // Any member may be the one that merges for all; else the values of the others would stay side by side.
    world::settings how;
    how.merged.emplace(); // under every prefix
    scene s(how);
    s.start(0);
    const auto old = s.start(1, small_values(100, 4));
    s.settle();
    s.sever(0, 1, true);
    s.put(0, "longer", std::string(200, 'x'));
    s.put(0, "key", std::string(200, 'x'));
    s.put(old, "key", "y");
    s.run_for(10ms);
    s.sever(0, 1, false);
    s.settle();
    const auto versions = [&](std::string_view key) {
        std::vector<record_view> found;
        s.mesh(old).state().siblings({value_type::reg, key, {}}, found);
        std::vector<version> all;
        for (const auto& each : found) all.push_back(version{each.id});
        return all;
    };
    const auto at = s.moment_at(old);
    CHECK(s.mesh(old).registers().resolve(at, "key", std::string(201, 'x'), versions("key")).error().code ==
          errc::value_too_long);
    CHECK(s.mesh(old).registers().resolve(at, "key", std::string(200, 'x'), versions("key")));
    CHECK(s.mesh(old).registers().resolve(at, "longer", "z", versions("longer")));
}

TEST_CASE("limits: frames, deltas and chunks of any size that may be set are taken by everybody",
          "[core][scenario]") {
    core::mesh_options small, large;
    small.limits.frame_bytes_max = 16384;
    small.limits.delta_bytes_max = 1024;
    small.limits.chunk_bytes_max = small.limits.credit_bytes = 4096;
    large.limits.frame_bytes_max = wire::frame_bytes_max;
    large.limits.delta_bytes_max = large.limits.chunk_bytes_max = wire::frame_bytes_max / 2;
    scene s;
    const auto one = s.start(0, small), other = s.start(1, large);
    s.settle();
    const auto write = [&](process_number who, const std::string& name) {
        s.put(who, name + " small", "x");
        s.put(who, name + " of a frame", std::string(wire::frame_bytes_max / 2 - 100, 'x'));
        s.put(who, name + " in parts", std::string(2 * wire::frame_bytes_max, 'x'));
    };
    write(one, "one");
    write(other, "other");
    s.settle(60s);
    const auto third = s.start(2, small);
    s.settle(60s);
    for (const auto who : {one, other, third}) {
        CHECK(s.mesh(who).state().keys() == 6);
        CHECK(s.mesh(who).stats().refused_frames == 0);
    }
}

TEST_CASE("limits: a newcomer gets what 16,000 incarnations wrote, in frames that fit", "[core][scenario]") {
    // The origins are not archived yet: the cut takes a large part of a frame.
    alone s;
    constexpr std::uint32_t origins = 16000;
    for (std::uint32_t number = 1; number <= origins; ++number) {
        const auto key = "by " + std::to_string(number);
        s.write(number, {value_type::reg, key, {}}, std::string(60, 'v'));
    }
    const auto newcomer = s.start(1);
    REQUIRE(s.run_until([&] { return s.mesh(newcomer).state().keys() == origins; }, 20s));
    CHECK(s.largest <= wire::frame_bytes_max);
    CHECK(s.mesh(newcomer).stats().sessions_failed == 0);
}

TEST_CASE("limits: an event that replaces very many is announced, not refused", "[core][scenario]") {
    // The event names the dots that it kills, with at most 30 bytes each.
    auto how = alone::unchecked();
    how.node.limits.siblings_max = 1 << 20;
    scene s(how);
    s.gather(2);
    constexpr std::uint32_t siblings = 60'000; // their writers are archived
    std::vector<dot> dots;
    std::vector<staged_view> chain;
    for (std::uint32_t number = 1; number <= siblings; ++number) {
        dots.push_back({replica(number), 1});
        chain.push_back({block::kind::record, dots.back(), {}, 0, "v", {}});
    }
    for (process_number who = 0; who < 2; ++who) {
        auto& store = s.mesh(who).state();
        REQUIRE(store.stage({value_type::reg, "contested", {}}, chain));
        store.stage_archive(cut::of_dots(dots));
        store.commit(cut::of_dots(dots));
        while (store.fold(256)) {
        }
        REQUIRE(store.archived().size() == siblings);
    }
    std::size_t largest = 0;
    s.set_filter([&](process_number, process_number, channel, std::string_view bytes) {
        if (is<wire::delta>(bytes)) largest = std::max(largest, bytes.size());
        return true;
    });
    s.put(0, "contested", "the one");
    REQUIRE(s.run_until([&] { return s.get(1, "contested") == "the one"; }, 20s));
    CHECK(largest <= 2 * s.mesh(0).settings().limits.delta_bytes_max);
    CHECK(s.mesh(1).stats().refused_frames == 0);
}

TEST_CASE("limits: a value of very many replicas is merged in one look at each", "[core][scenario]") {
    // A counter of 20,000 incarnations at a newcomer that has added to it itself, and then its removal: twice
    // as many replicas cost about twice as much.
    const auto seconds_for = [&](std::uint32_t shares) {
        store here(replica(1'000'001), 1);
        write_buffers buffers;
        (void)here.add("count", 1, timestamp::at(1), buffers);
        std::vector<staged_view> chain;
        std::string value(counter_value::bytes, '\0');
        store_counter(value.data(), {1, 0, 0});
        std::vector<dot> seen;
        for (std::uint32_t number = 1; number <= shares; ++number) {
            chain.push_back({block::kind::record, {replica(number), 1}, timestamp::at(1), 0, value, {}});
            seen.push_back({replica(number), 1});
        }
        const auto begun = support::processor_seconds();
        REQUIRE(here.stage({value_type::counter, "count", {}}, chain));
        here.commit(cut::of_dots(seen));
        while (here.fold(256)) {
        }
        REQUIRE(here.count("count") == std::int64_t{shares} + 1);
        const auto removed = here.remove({value_type::counter, "count", {}}, timestamp::at(2), buffers);
        REQUIRE(removed);
        REQUIRE_FALSE(here.count("count"));
        return support::processor_seconds() - begun;
    };
    (void)seconds_for(1000);
    const auto few = std::min(seconds_for(2500), seconds_for(2500)), many = seconds_for(20000);
    CAPTURE(few, many);
    CHECK(many < 30 * few); // eight times as many; it was 64 times the time
}

TEST_CASE("limits: a context that is longer than a frame goes in parts", "[core][scenario]") {
    // A set of 50,000 writers that are long gone is dropped: 24 bytes for each of them.
    alone s;
    auto& store = s.mesh(0).state();
    constexpr std::uint32_t writers = 50'000;
    std::vector<dot> dots;
    for (std::uint32_t number = 1; number <= writers; ++number)
        dots.push_back(s.write(number, {value_type::set, "set", std::to_string(number)}));
    store.stage_archive(cut::of_dots(std::move(dots)));
    store.commit({});
    while (store.fold(256)) {
    }
    REQUIRE(store.archived().size() == writers);
    CHECK(s.erase(0, "set"));
    s.put(0, "after", "x");
    const auto newcomer = s.start(1);
    CHECK(s.run_until([&] { return s.get(newcomer, "after") == "x"; }, 20s));
    CHECK(s.elements(newcomer, value_type::set, "set").empty());
    CHECK(s.largest <= wire::frame_bytes_max);
    CHECK(s.mesh(newcomer).stats().sessions_failed == 0);
}

TEST_CASE("groups: one that replaces many values goes in one frame or in none", "[core][scenario]") {
    // The one in the middle names five values that it replaces, which alone is more than a frame may have.
    auto how = with_keys(4);
    how.node.limits.delta_bytes_max = 100;
    scene s(how);
    s.gather(5);
    for (process_number p = 0; p < 5; ++p) s.stash(p, 1, "v");
    s.settle();
    s.stash_all(0, {{0, "a"}, {1, "b"}, {2, "c"}});
    s.settle();
    for (process_number p = 1; p < 5; ++p) CHECK(s.refused(p, "malformed delta") == 0);
}
