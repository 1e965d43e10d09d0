// Proves that watching costs the watched mesh nothing that writers or readers would notice: a hundred watches
// on two nodes, one of them slow, against the same puts without any.
#include "watching.hpp"

#include <algorithm>
#include <iostream>
#include <memory>
#include <thread>

using namespace io;
using baton::change;

namespace {

constexpr int rounds = 300, keys = 50;

struct delays {
    std::vector<double> sorted; ///< µs
    double hindered_us = 0;     ///< of each, by others on this machine: the mean
    [[nodiscard]] double p50() const { return sorted[sorted.size() / 2]; }
    [[nodiscard]] double p99() const { return sorted[sorted.size() * 99 / 100]; }
};

/// Puts at `from`, one after the other; how long after its call each is read at `at`.
delays put_to_visible(baton::node& from, const baton::node& at, const std::string& round) {
    std::vector<double> took;
    const stopwatch whole;
    for (int i = 0; i < rounds; ++i) {
        const auto key = std::string("k/").append(std::to_string(i % keys)),
                   value = round + std::to_string(i);
        const auto start = clock::now(), until = start + patience(5s);
        REQUIRE(from.stash(key, value));
        while (at.pickup(key)->value != value && clock::now() < until) std::this_thread::yield();
        took.push_back(std::chrono::duration<double, std::micro>(clock::now() - start).count());
        std::this_thread::sleep_for(500us);
    }
    std::ranges::sort(took);
    return {took, std::chrono::duration<double, std::micro>(whole.held_up()).count() / rounds};
}

} // namespace

TEST_CASE("watch: a hundred of them, one slow, do not slow down the mesh", "[io][watch]") {
    // The slow one takes 20 ms for each call and may have 10 changes waiting, which is far less than come.
    const mesh net;
    auto settings = net.options("one");
    settings.limits.watch_keys_max = 10;
    auto one = started(settings);
    settings.name = "other";
    auto other = started(settings);
    REQUIRE(meet(one, other));
    const auto without = put_to_visible(one, other, "without ");

    listener slow(other, "k/", [](const change&) { std::this_thread::sleep_for(20ms); });
    std::vector<std::unique_ptr<listener>> fast;
    for (int i = 0; i < 99; ++i) fast.push_back(std::make_unique<listener>(i % 2 == 0 ? one : other, "k/"));
    for (const auto& each : fast) REQUIRE(each->eventually_done());
    const auto with = put_to_visible(one, other, "with ");

    std::cout << "put to visible elsewhere: p50=" << without.p50() << "us p99=" << without.p99()
              << "us without watches, p50=" << with.p50() << "us p99=" << with.p99()
              << "us with 100, one of them slow\n";
    // They do cost processor time, here on the same cores; but nobody is waited for.
    CHECK(with.p50() < 10 * without.p50() + 5000 + with.hindered_us);
    // Where each put takes long, on a busy machine, the slow one keeps up; not with these.
    for (int i = 0; i < rounds; ++i)
        REQUIRE(one.stash(std::string("k/").append(std::to_string(i % keys)), std::to_string(i)));
    const auto last = state_of(one, "k/");
    CHECK(last.size() == keys);
    const stopwatch start;
    for (const auto& each : fast) {
        CHECK(each->eventually_holds(last, 2s));
        CHECK(each->wrong() == "");
    }
    CHECK(start.unhindered() < at_most(2s));
    CHECK(slow.eventually_holds(last, 20s));
    CHECK(slow.wrong() == "");
    CHECK(slow.lagged() > 0);
    CHECK(slow.told() < 2 * rounds);
}
