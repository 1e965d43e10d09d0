// Proves that a session ends although values take long to send and are overwritten meanwhile: it sends a
// value as it was when it began, and commits at the cut of that moment. A writer that is too fast for the
// members is told so.
#include "core/sent_log.hpp"
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr double link_bytes_per_second = 12'500'000;
constexpr std::size_t mib = std::size_t{1} << 20;

world::settings over_a_slow_link() {
    world::settings how;
    how.faults.bytes_per_second = static_cast<std::uint64_t>(link_bytes_per_second);
    how.faults.high_water = 100000;
    return how;
}
duration time_for(std::size_t bytes) {
    return std::chrono::duration_cast<duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) / link_bytes_per_second));
}

/// A newcomer joins a node that overwrites `keys` values of `size` bytes at a fixed interval. The writer
/// waits when it is told to, if it `obeys`.
struct overwritten : scene {
    overwritten(std::size_t keys, std::size_t size, bool obeys)
        : scene(over_a_slow_link())
        , keys_(keys)
        , size_(size)
        , obeys_(obeys) {
        start(0);
        run_for(6s);
    }
    /// False when the writer had to wait.
    bool overwrite() {
        ++round_;
        for (std::size_t key = 0; key < keys_; ++key) {
            if (obeys_ && mesh(0).is_crowded()) return false;
            put(0, "frame " + std::to_string(key), std::string(size_, static_cast<char>('a' + round_ % 26)));
        }
        return true;
    }
    /// Runs until the newcomer is synced, or should be. Returns how often the writer had to wait.
    std::size_t join_while_writing(duration every) {
        std::size_t waited = overwrite() ? 0 : 1;
        start(1);
        const auto bound = now() + 3 * time_for(keys_ * size_) + 3s;
        while (!mesh(1).synced() && now() < bound) {
            run_for(every);
            waited += overwrite() ? 0 : 1;
        }
        return waited;
    }

  private:
    std::size_t keys_, size_;
    bool obeys_;
    std::uint64_t round_ = 0;
};

} // namespace

TEST_CASE("large: a value that is overwritten faster than it is sent holds nobody up", "[core][scenario]") {
    // The bound: everything that is missing when the cut is settled, twice, since a transfer of older values
    // may just have begun; plus a heartbeat and a round trip.
    constexpr std::size_t size = 7 * mib;
    const int percent = GENERATE(50, 90, 130, 200);
    CAPTURE(percent);
    scene s(over_a_slow_link());
    s.gather(2);
    const auto every = time_for(size) * 100 / percent;
    const auto bound = 2 * time_for(size + mib) + 1s;
    duration longest{};
    auto last = s.now();
    std::string seen;
    std::uint64_t written = 0;
    for (const auto begun = s.now(); s.now() - begun < 20s;) {
        s.put(0, "frame", std::string(size, static_cast<char>('a' + written % 26)));
        s.put(0, "tick", std::to_string(++written));
        for (const auto until = s.now() + every; s.now() < until;) {
            s.run_for(std::min<duration>(10ms, until - s.now()));
            if (const auto got = s.get(1, "tick").value_or(""); got != seen) {
                seen = got;
                longest = std::max(longest, s.now() - last);
                last = s.now();
            }
        }
    }
    longest = std::max(longest, s.now() - last);
    CAPTURE(seen, written, s.mesh(1).stats().sessions_pulled, s.mesh(1).stats().sessions_failed);
    CHECK(longest <= bound);
    CHECK(s.mesh(1).stats().sessions_failed == 0);
    s.settle(10s);
    CHECK(s.mesh(0).state().kept_bytes() == 0); // no value is pinned any more
}

TEST_CASE("large: a newcomer is synced while every large value is overwritten", "[core][scenario]") {
    overwritten s(6, 2 * mib, false);
    s.join_while_writing(200ms); // ten times what the link carries
    CHECK(s.mesh(1).synced());
    CHECK(s.mesh(0).stats().sessions_resumed <= 4);
}

TEST_CASE("large: writers that outrun a newcomer by far wait until it is synced", "[core][scenario]") {
    // More than is kept of overwritten values: the session walks on a few times, then writers wait.
    overwritten s(12, 6 * mib, true);
    const auto waited = s.join_while_writing(500ms);
    CHECK(s.mesh(1).synced());
    CHECK(s.mesh(0).stats().sessions_resumed >= 3);
    CHECK(waited != 0);
    s.run_for(2s);
    CHECK_FALSE(s.mesh(0).is_crowded());
}

TEST_CASE("large: what is pinned for a session goes with it", "[core][scenario]") {
    scene s(over_a_slow_link());
    s.gather(2);
    s.put(0, "frame", std::string(7 * mib, 'a'));
    s.run_for(100ms); // a transfer is under way
    s.put(0, "frame", std::string(7 * mib, 'b'));
    s.run_for(10ms);
    CHECK(s.mesh(0).state().kept_bytes() >= 7 * mib);
    SECTION("committed") {
        s.settle(10s);
        CHECK(s.get(1, "frame")->front() == 'b');
    }
    SECTION("given up") {
        s.crash(1);
        s.run_for(10s);
    }
    CHECK(s.mesh(0).state().kept_bytes() == 0);
}

TEST_CASE("large: whoever writes more than a member takes is crowded, and not for ever", "[core][scenario]") {
    auto how = over_a_slow_link();
    how.node.limits.lag_bytes_max = 16 * mib;
    scene s(how);
    s.gather(2);
    s.run_for(1s);
    CHECK_FALSE(s.mesh(0).is_crowded());
    std::size_t written = 0;
    for (; !s.mesh(0).is_crowded() && written < 100 * mib; written += mib)
        s.put(0, "frame " + std::to_string(written), std::string(mib, 'x'));
    CHECK(written > 14 * mib);
    CHECK(written <= 18 * mib);
    s.run_for(time_for(written) + 2s);
    CHECK_FALSE(s.mesh(0).is_crowded());
    CHECK(s.mesh(0).stats().evictions == 0);
    s.settle(10s);
    // A member that is silent is left behind and holds up no other.
    s.set_filter([](process_number, process_number to, channel, std::string_view bytes) {
        return to != 1 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    for (written = 0; !s.mesh(0).is_crowded() && written < 100 * mib; written += mib)
        s.put(0, "more " + std::to_string(written), std::string(mib, 'x'));
    CHECK(s.mesh(0).is_crowded());
    s.run_for(4s);
    CHECK(s.mesh(0).stats().evictions == 1);
    CHECK_FALSE(s.mesh(0).is_crowded());
}

TEST_CASE("sent log: bytes and age from an event on, exact to a span, never too small", "[core]") {
    core::sent_log log(core::inner_bounds{}.sent_spans);
    instant now{};
    std::vector<std::uint64_t> bytes{0}; // written up to an event
    std::vector<instant> sent{now};
    for (std::uint64_t event = 1; event <= 20000; ++event) {
        now += 1ms;
        log.add(event % 7);
        bytes.push_back(bytes.back() + event % 7);
        sent.push_back(now);
        log.note(event, now, [&] { return event / 2; });
    }
    CHECK(log.bytes_from(20001, 20000) == 0);
    for (std::uint64_t event = 12000; event <= 20000; event += 100) {
        const auto exact = bytes[20000] - bytes[event - 1];
        CHECK(log.bytes_from(event, 20000) >= exact);
        CHECK(log.bytes_from(event, 20000) <= exact + bytes[20000] / 64);
        CHECK(log.age_of(event, now) >= now - sent[event]);
    }
    log.add(1000); // not sent yet
    CHECK(log.bytes_from(20001, 20001) == 1000);
}
