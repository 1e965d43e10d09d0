// Proves that watching costs the watched mesh nothing that writers or readers would notice: a hundred watches
// on two nodes, one of them slow, against the same puts without any.
#include "watching.hpp"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <thread>

using namespace io;
using baton::change;

namespace {

constexpr int rounds = 300, keys = 50;

struct delays {
    std::vector<double> sorted; ///< µs
    [[nodiscard]] double p50() const { return sorted[sorted.size() / 2]; }
    [[nodiscard]] double p99() const { return sorted[sorted.size() * 99 / 100]; }
};

/// Puts at `from`, one after the other, each when the one before is read at `at`; how long each took to get
/// there.
delays put_to_visible(baton::node& from, const baton::node& at, const std::string& round) {
    std::vector<double> took;
    for (int i = 0; i < rounds; ++i) {
        const auto key = std::string("k/").append(std::to_string(i % keys)),
                   value = round + std::to_string(i);
        const auto start = clock::now(), until = start + patience(10s);
        REQUIRE(from.stash(key, value));
        while (at.pickup(key)->value != value) {
            REQUIRE(clock::now() < until);
            std::this_thread::yield();
        }
        took.push_back(std::chrono::duration<double, std::micro>(clock::now() - start).count());
        std::this_thread::sleep_for(500us);
    }
    std::ranges::sort(took);
    return {took};
}

} // namespace

TEST_CASE("watch: a hundred of them, one slow, do not slow down the mesh", "[io][watch]") {
    // A call of the slow handler lasts as long as the puts do: a thread that waited for it would wait for
    // ever. The figures are printed, not judged: watches do cost processor time.
    const mesh net;
    auto settings = net.options("one");
    settings.limits.watch_keys_max = 10;
    auto one = started(settings);
    settings.name = "other";
    auto other = started(settings);
    REQUIRE(meet(one, other));
    const auto without = put_to_visible(one, other, "without ");

    std::atomic<bool> puts = true, held = false;
    const listener slow(other, "k/", [&](const change&) {
        held = true;
        while (puts) std::this_thread::sleep_for(1ms);
    });
    const let_go when_over{puts};
    std::vector<std::unique_ptr<listener>> fast;
    for (int i = 0; i < 99; ++i) fast.push_back(std::make_unique<listener>(i % 2 == 0 ? one : other, "k/"));
    for (int i = 0; i < 99; i += 2) REQUIRE(fast[i]->eventually_done());
    REQUIRE(eventually(10s, [&] { return held.load(); }));
    const auto with = put_to_visible(one, other, "with ");
    const auto last = state_of(one, "k/");
    CHECK(last.size() == keys);
    for (int i = 0; i < 99; i += 2)
        CHECK(fast[i]->eventually_holds(last)); // on the node that has no slow handler
    puts = false;
    for (const auto& each : fast) {
        CHECK(each->eventually_holds(last));
        CHECK(each->wrong() == "");
    }
    CHECK(slow.eventually_holds(last));
    CHECK(slow.wrong() == "");
    CHECK(slow.lagged() > 0);
    CHECK(slow.told() < 2 * rounds);

    std::cout << "put to visible elsewhere: p50=" << without.p50() << "us p99=" << without.p99()
              << "us without watches, p50=" << with.p50() << "us p99=" << with.p99()
              << "us with 100, one of them slow\n";
}
