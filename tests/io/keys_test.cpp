// Proves what keys() promises with a prefix on a node over loopback: the same as without one, filtered, for
// keys of every type, through a newcomer's sync; and every key that is there throughout a call is listed,
// whatever comes and goes meanwhile.
#include "nodes.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace io;
using strings = std::vector<std::string>;

namespace {

strings filtered(const strings& all, const std::string& prefix) {
    strings some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                 [&](const auto& key) { return key.starts_with(prefix); });
    return some;
}

} // namespace

TEST_CASE("keys: with a prefix they are those of all that begin with it", "[io][keys]") {
    // A newcomer that has written and listed before its first sync: its index covers what it held then.
    const mesh net;
    auto one = started(net.options("one"));
    for (int i = 0; i < 3000; ++i) REQUIRE(one.stash("stock/" + std::to_string(i * 7919 % 3000), "v"));
    REQUIRE(one.insert("stock/set", "element"));
    REQUIRE(one.add("stock/sum", 1));
    REQUIRE(one.enable("flag"));
    CHECK(one.keys("stock/12")->size() == 111);
    CHECK(one.stats()->ordered_bytes != 0);

    auto settings = net.options("other");
    settings.beacon.enabled = false;
    auto other = started(std::move(settings));
    REQUIRE(other.stash("stock/own", "v"));
    CHECK(other.keys("stock/") == strings{"stock/own"});
    auto between = net.options("between");
    between.seeds = {one.endpoint(), other.endpoint()};
    auto bridge = started(std::move(between));
    REQUIRE(agree(one, bridge));
    REQUIRE(agree(one, other));
    REQUIRE(one.drop("stock/set")->changed);
    REQUIRE(other.drop("stock/1")->changed);
    REQUIRE(agree(one, other));
    for (const auto* node : {&one, &other, &bridge}) {
        const auto all = *node->keys();
        CHECK(all.size() == 3002);
        for (const std::string prefix :
             {"s", "stock/", "stock/1", "stock/1234", "flag", "none", "stock/\xff"})
            CHECK(node->keys(prefix) == filtered(all, prefix));
    }
}

TEST_CASE("keys: what is there throughout a call is listed, whatever else is written", "[io][keys]") {
    // Two threads overwrite, create and drop keys as fast as they can, among 5,000 keys that stay; the first
    // call builds the index meanwhile.
    const mesh net;
    auto node = started(net.options("one"));
    strings stay;
    for (int i = 0; i < 5000; ++i) {
        stay.push_back("k/" + std::to_string(100000 + i * 2));
        REQUIRE(node.stash(stay.back(), "v"));
    }
    std::atomic<bool> over{false};
    const auto disturb = [&](int part) {
        for (int i = part; !over; i = (i + 2) % 5000) {
            const auto passing = "k/" + std::to_string(100001 + i * 2);
            (void)node.stash(stay[static_cast<std::size_t>(i)], std::to_string(i));
            (void)node.stash(passing, "v");
            (void)node.insert(passing + "/set", "e");
            if (i % 3 != 0) (void)node.drop(passing);
            (void)node.drop("k/" + std::to_string(100001 + (i + 2500) % 5000 * 2) + "/set");
        }
    };
    std::thread first(disturb, 0), second(disturb, 1);
    for (int round = 0; round < 20; ++round) {
        const auto listed = *node.keys("k/");
        CHECK(std::is_sorted(listed.begin(), listed.end()));
        CHECK(std::adjacent_find(listed.begin(), listed.end()) == listed.end());
        CHECK(std::includes(listed.begin(), listed.end(), stay.begin(), stay.end()));
    }
    over = true;
    first.join();
    second.join();
    CHECK(node.keys("k/") == node.keys());
}
