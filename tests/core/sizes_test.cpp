// Proves values below, at and above every threshold of the real options: by DELTA, by repair, by a handoff
// and by a comparison. A value that is too large for a DELTA is announced at once and fetched.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t kib = 1024;
const core::mesh_options defaults{};

/// Sizes around a threshold, since a frame has some bytes besides the value.
std::vector<std::size_t> around(std::size_t bound) {
    std::vector<std::size_t> all;
    for (const int off : {-1024, -100, -60, -30, -20, -10, -2, -1, 0, 1, 2, 100})
        all.push_back(static_cast<std::size_t>(static_cast<std::ptrdiff_t>(bound) + off));
    return all;
}
std::string value_of(std::size_t size) {
    std::string value(size, ' ');
    for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<char>(i * 131 + i / 251 + size);
    return value;
}

// Two nodes, and what the second has been sent.
struct measured : scene {
    measured()
        : scene(with_keys(200)) {
        gather(2);
        set_filter([this](process_number, process_number, channel, std::string_view bytes) {
            largest = std::max(largest, bytes.size());
            return !(lose_deltas && is<wire::delta>(bytes));
        });
    }
    void check_all(process_number who) {
        for (std::size_t key = 0; key < sizes.size(); ++key) {
            CAPTURE(sizes[key]);
            CHECK((pickup(who, key) == value_of(sizes[key])));
        }
    }
    void write_all(const std::vector<std::size_t>& all) {
        for (const auto size : all) {
            stash(0, sizes.size(), value_of(size));
            sizes.push_back(size);
        }
    }
    std::vector<std::size_t> sizes;
    std::size_t largest = 0;
    bool lose_deltas = false;
};

} // namespace

TEST_CASE("sizes: values around every threshold arrive whole, by delta, by repair and by handoff",
          "[core][scenario]") {
    measured s;
    s.lose_deltas = GENERATE(false, true);
    CAPTURE(s.lose_deltas);
    for (const auto bound : {defaults.limits.delta_bytes_max, 256 * kib, defaults.limits.chunk_bytes_max,
                             defaults.limits.frame_bytes_max})
        s.write_all(around(bound));
    s.write_all({0, 1, 127, 128, 129, 16383, 16384, 65535, 65536});
    s.settle();
    s.check_all(1);
    const auto c = s.join(2);
    s.check_all(c);
    CHECK(s.largest <= defaults.limits.frame_bytes_max);
}

TEST_CASE("sizes: the largest value there may be, and one byte more", "[core][scenario]") {
    measured s;
    s.write_all({defaults.limits.value_bytes_max});
    s.settle();
    s.check_all(1);
    const std::string too_large(defaults.limits.value_bytes_max + 1, 'x');
    CHECK(s.try_put(0, "too large", too_large) == errc::value_too_long);
    s.put(0, field("form", "large"), value_of(defaults.limits.value_bytes_max)); // in parts, with an element
    s.settle();
    CHECK((s.get(1, field("form", "large")) == value_of(defaults.limits.value_bytes_max)));
    CHECK(s.largest <= defaults.limits.frame_bytes_max);
}

TEST_CASE("sizes: a value above delta_bytes_max is announced and fetched, one below comes by itself",
          "[core][scenario]") {
    measured s;
    const auto bound = defaults.limits.delta_bytes_max;
    s.run_for(1s);
    s.write_all({bound - world::key_name(0).size()}); // key and value just fit
    s.run_for(50ms);
    s.check_all(1);
    CHECK(s.mesh(1).stats().sessions_pulled == 0);
    s.write_all({bound});
    s.run_for(50ms); // the value arrives at once, not with a heartbeat
    s.check_all(1);
    CHECK(s.mesh(1).stats().sessions_pulled == 1);
    CHECK(s.mesh(0).stats().deltas_sent == 1);
}

TEST_CASE("sizes: a value overwritten while its parts are under way arrives as its successor",
          "[core][scenario]") {
    measured s;
    s.write_all({4 << 20});
    s.run_for(2ms);
    for (int i = 0; i < 5; ++i) {
        s.stash(0, 0, value_of(static_cast<std::size_t>(3 << 20) + static_cast<std::size_t>(i)));
        s.run_for(1ms);
    }
    s.sizes[0] = (3 << 20) + 4;
    s.settle();
    s.check_all(1);
    s.stash(0, 0, "small");
    s.settle();
    CHECK(s.pickup(1, 0) == "small");
}

TEST_CASE("sizes: large values come whole by ranges, too", "[core][scenario]") {
    // The second node is away while removal records are dropped: what it lacks is shipped because it asks for
    // it.
    measured s;
    s.write_all({10, 600 * kib});
    s.settle();
    s.sever(0, 1, true);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 10s));
    s.drop(0, 0);
    s.write_all({defaults.limits.delta_bytes_max, 256 * kib, defaults.limits.chunk_bytes_max - 20, 2 << 20});
    s.stash(0, 1, value_of(700 * kib));
    s.run_for(1s);
    s.stash(1, 1, value_of(800 * kib)); // a large sibling over there
    s.sever(0, 1, false);
    s.settle(10s);
    CHECK(s.mesh(0).stats().sessions_compared + s.mesh(1).stats().sessions_compared >= 1);
    CHECK_FALSE(s.pickup(1, 0));
    for (const process_number who : {0, 1}) {
        CHECK(s.values(who, 1) == 2);
        for (std::size_t key = 2; key < s.sizes.size(); ++key)
            CHECK((s.pickup(who, key) == value_of(s.sizes[key])));
    }
    CHECK(s.largest <= defaults.limits.frame_bytes_max);
}

TEST_CASE("sizes: keys and elements up to their bounds, and one byte more", "[core][scenario]") {
    measured s;
    const std::string longest(key_bytes_max, 'k');
    s.put(0, longest, "value");
    s.put(0, element("k", std::string(element_bytes_max, 'e')));
    s.put(0, field(std::string(key_bytes_max, 'm'), std::string(element_bytes_max, 'f')), "value");
    CHECK(s.try_put(0, longest + "k", "value") == errc::key_too_long);
    CHECK(s.try_put(0, "", "value") == errc::key_empty);
    CHECK(s.try_put(0, element("k", std::string(element_bytes_max + 1, 'e'))) == errc::key_too_long);
    s.settle();
    CHECK(s.get(1, longest) == "value");
    CHECK(s.elements(1, value_type::set, "k") ==
          std::vector<std::string>{std::string(element_bytes_max, 'e')});
    CHECK(s.get(1, field(std::string(key_bytes_max, 'm'), std::string(element_bytes_max, 'f'))) == "value");
}
