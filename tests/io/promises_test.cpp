// Proves the promises about loss with real processes on loopback, by counting: writers are told what was
// acknowledged or left safely, then some leave, die or freeze, and every key of it is looked up, with its
// value, at those that are there.
#include "nodes.hpp"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <thread>

using namespace io;

namespace {

/// Processes that have all met.
class fleet {
  public:
    fleet(const mesh& net, std::size_t size, const std::vector<std::string>& words = {}) {
        for (std::size_t i = 0; i < size; ++i) all_.emplace_back(new process(net.run(name(i), words)));
        const auto met = [&](auto& one) { return (*one)("stats").at("members_up") == size - 1; };
        if (!eventually(20s, [&] { return std::ranges::all_of(all_, met); }))
            throw std::runtime_error("they have not met");
    }
    static std::string name(std::size_t i) { return std::string("n").append(std::to_string(i)); }
    process& operator[](std::size_t i) { return *all_[i]; }
    [[nodiscard]] std::size_t size() const { return all_.size(); }

  private:
    std::vector<std::unique_ptr<process>> all_;
};

/// `count` stashes of `prefix`0, `prefix`1, … as commands, in one piece. Values follow from the keys.
std::string value_of(const std::string& key, std::size_t bytes = 0) {
    auto value = "value of " + key;
    value.resize(std::max(value.size(), bytes), '.');
    return value;
}
std::string stashes(const std::string& prefix, std::size_t count, const std::string& how = {},
                    std::size_t value_bytes = 0) {
    std::string lines;
    for (std::size_t i = 0; i < count; ++i) {
        const auto key = prefix + std::to_string(i);
        lines += "stash " + key + ' ' + value_of(key, value_bytes) + how + '\n';
    }
    lines.pop_back();
    return lines;
}

/// Adds the keys of stashes whose replies say `met`.
void add_met(const std::vector<json>& replies, std::set<std::string>& to) {
    for (const auto& reply : replies)
        if (reply.value("reply", "") == "stash" && reply.value("met", false)) to.insert(reply.at("key"));
}

/// As eventually(), without a pause, which would give a write time to spread by luck.
template <class Condition>
bool at_once(milliseconds within, Condition holds) {
    for (const auto until = clock::now() + patience(within); !holds(); std::this_thread::yield())
        if (clock::now() > until) return false;
    return true;
}

/// The `keys` that `node` does not hold with the given value.
std::vector<std::string> lost(const baton::node& node, const std::set<std::string>& keys,
                              std::size_t value_bytes = 0) {
    std::vector<std::string> missing;
    for (const auto& key : keys) {
        const auto got = node.pickup(key);
        if (!got || !got->found() || got->value != value_of(key, value_bytes)) missing.push_back(key);
    }
    return missing;
}

} // namespace

TEST_CASE("promises: 100 stashes and SIGTERM at once, 50 times: none of 5,000 is lost", "[io][promise]") {
    // G3 for one leaving process and G8 for its time. When the leave has ended, the process that stays must
    // hold, without any further wait, everything that the leaving one was told to be stashed.
    const mesh net;
    auto survivor = started(net.options("survivor"));
    std::vector<double> took;
    std::size_t missing = 0;
    for (int round = 0; round < 50; ++round) {
        auto leaver = net.run("leaver-" + std::to_string(round));
        leaver.event("joined", "survivor");
        REQUIRE(next_event(survivor, baton::event_kind::joined));
        const auto prefix = "round-" + std::to_string(round) + "/";
        leaver.write(stashes(prefix, 100));
        std::set<std::string> written;
        REQUIRE(eventually(10s, [&] {
            add_met(leaver.replies(), written);
            return written.size() == 100;
        }));
        leaver.signal(SIGTERM);
        const auto report = leaver.farewell();
        missing += lost(survivor, written).size();
        CHECK(report.at("outcome") == "safe");
        CHECK(leaver.exit_status() == 0);
        took.push_back(report.at("seconds").get<double>() * 1000);
    }
    CHECK(missing == 0);
    CHECK(survivor.keys()->size() == 5000);
    std::ranges::sort(took);
    const auto p50 = took[took.size() / 2], p99 = took[took.size() * 99 / 100];
    std::cout << "leave of 100 stashes: p50=" << p50 << "ms p99=" << p99 << "ms longest=" << took.back()
              << "ms\n";
    CHECK(p99 < static_cast<double>(patience(2s).count()));
}

TEST_CASE("promises: stashes acknowledged by f + 1 survive the SIGKILL of any f", "[io][promise]") {
    // G2: every process writes with copies=f+1 as fast as it is answered. In the middle of that, f random
    // processes, which write too, are killed at once. Everything that any of them, dead or alive, reported as
    // met must be at each living process, and at a newcomer, with its value.
    const std::size_t f = GENERATE(1U, 2U);
    const std::size_t size = 2 * f + 1;
    const int rounds = f == 1 ? 5 : 3;
    const auto seed = std::random_device{}();
    CAPTURE(f, seed);
    std::mt19937 random(seed);
    constexpr std::size_t each = 1000;
    std::size_t acknowledged = 0, missing = 0;
    for (int round = 0; round < rounds; ++round) {
        const mesh net;
        fleet all(net, size);
        for (std::size_t i = 0; i < size; ++i)
            all[i].write(
                stashes(fleet::name(i) + "/", each, " copies=" + std::to_string(f + 1) + " within=20s"));
        const auto when = each * size / 4 + random() % (each * size / 4);
        std::set<std::string> met;
        REQUIRE(eventually(30s, [&] {
            for (std::size_t i = 0; i < size; ++i) add_met(all[i].replies(), met);
            return met.size() >= when;
        }));
        std::vector<std::size_t> order(size);
        for (std::size_t i = 0; i < size; ++i) order[i] = i;
        std::ranges::shuffle(order, random);
        for (std::size_t i = 0; i < f; ++i) all[order[i]].signal(SIGKILL);
        for (std::size_t i = 0; i < f; ++i) {
            CHECK(all[order[i]].exit_status() == 128 + SIGKILL);
            add_met(all[order[i]].replies(), met);
        }
        const std::vector<std::size_t> alive(order.begin() + static_cast<std::ptrdiff_t>(f), order.end());
        const auto all_of_the_living = [&] {
            return std::ranges::all_of(alive, [&](std::size_t i) {
                return met.contains(fleet::name(i) + "/" + std::to_string(each - 1));
            });
        };
        REQUIRE(eventually(30s, [&] {
            for (const auto i : alive) add_met(all[i].replies(), met);
            return all_of_the_living();
        }));
        std::set<json> digests;
        CHECK(eventually(20s, [&] {
            digests.clear();
            for (const auto i : alive) digests.insert(all[i]("digest").at("digest"));
            return digests.size() == 1;
        }));
        auto newcomer = started(net.options("newcomer"));
        REQUIRE(newcomer.wait_synced(patience(20s)));
        CHECK(eventually(10s, [&] { return newcomer.digest() == digests.begin()->get<std::string>(); }));
        missing += lost(newcomer, met).size();
        acknowledged += met.size();
    }
    std::cout << "copies=" << f + 1 << ", SIGKILL of " << f << " of " << size << ", " << rounds
              << " times: lost " << missing << " of " << acknowledged << " acknowledged\n";
    CHECK(missing == 0);
    CHECK(acknowledged >= 10'000);
}

TEST_CASE("promises: one that is left of the only f + 1 holders brings it to everybody", "[io][promise]") {
    // G2 at its limit: all but f + 1 processes are frozen, and values are so large that they go by PULL, so
    // at most f + 1 can hold what is acknowledged. Right after the last acknowledgement f random ones of
    // these, the writer included, are killed. The others thaw and get everything from the one that is left.
    const std::size_t f = GENERATE(1U, 2U, 1U, 2U);
    const auto seed = std::random_device{}();
    CAPTURE(f, seed);
    std::mt19937 random(seed);
    constexpr std::size_t count = 5, value_bytes = 4'000'000;
    const mesh net;
    fleet all(net, 2 * f + 1);
    for (std::size_t i = f + 1; i < all.size(); ++i) all[i].signal(SIGSTOP);
    all[0].write(stashes("k", count, " copies=" + std::to_string(f + 1), value_bytes));
    std::set<std::string> met;
    REQUIRE(at_once(20s, [&] {
        add_met(all[0].replies(), met);
        return met.size() == count;
    }));
    const auto spared = random() % (f + 1);
    CAPTURE(spared);
    for (std::size_t i = 0; i <= f; ++i)
        if (i != spared) all[i].signal(SIGKILL);
    for (std::size_t i = f + 1; i < all.size(); ++i) all[i].signal(SIGCONT);
    auto newcomer = started(net.options("newcomer"));
    CHECK(newcomer.wait_synced(patience(20s)));
    CHECK(eventually(20s, [&] { return lost(newcomer, met, value_bytes).empty(); }));
    for (std::size_t i = f + 1; i < all.size(); ++i) agree({&all[spared], &all[i]}, 20s);
    CHECK(all[spared]("digest").at("keys") == count);
}

TEST_CASE("promises: four of five get SIGTERM at once, and the fifth has it all", "[io][promise]") {
    // G3 for processes that leave at once and do not satisfy each other. Either each is in the middle of
    // writing, so that its last write is nowhere else when the signal arrives. Or four hold everything, in
    // values that go by PULL, and the fifth, frozen before, holds nothing: if they counted on each other they
    // would be gone when it thaws. In the end the fifth holds everything that they reported as written.
    const bool frozen = GENERATE(false, true);
    CAPTURE(frozen);
    constexpr std::size_t leavers = 4;
    const mesh net;
    fleet all(net, leavers + 1, {"--leave-within", "150s"}); // five share a processor that may be busy
    auto& stays = all[leavers];
    if (frozen) stays.signal(SIGSTOP);
    const std::string amount = frozen ? "load 10 200000 " : "load 1000000 20 ";
    for (std::size_t i = 0; i < leavers; ++i) all[i].write(amount + fleet::name(i) + "/");
    if (frozen) {
        agree({&all[0], &all[1], &all[2], &all[3]});
    } else { // some have begun, and all have far to go
        REQUIRE(at_once(10s, [&] { return stays("stats").at("events_applied") > 0; }));
    }
    for (std::size_t i = 0; i < leavers; ++i) all[i].signal(SIGTERM);
    if (frozen) {
        poll(nullptr, 0, 500); // time enough for all of them to have left, if they thought that they could
        stays.signal(SIGCONT);
    }
    std::size_t missing = 0, told = 0;
    std::vector<json> reports;
    for (std::size_t i = 0; i < leavers; ++i) reports.push_back(all[i].farewell());
    for (std::size_t i = 0; i < leavers; ++i) {
        CAPTURE(i, reports[i]);
        CHECK(reports[i].at("outcome") == "safe");
        CHECK(reports[i].at("unsafe").empty());
        CHECK(all[i].exit_status() == 0);
        std::size_t count = 0; // a process that had not begun has no report
        for (const auto& load : all[i].replies()) count += load.at("count").get<std::size_t>();
        const auto held = stays("keys " + fleet::name(i) + "/").at("keys").size();
        CHECK(held <= count);
        missing += count - held;
        told += count;
    }
    CHECK(told > 0);
    CHECK(missing == 0);
    std::cout << "4 of 5 leave at once" << (frozen ? ", the fifth frozen" : "") << ": lost " << missing
              << " of " << told << "\n";
}

TEST_CASE("promises: of three that all leave, every key is named unsafe by somebody", "[io][promise]") {
    // G3: no process stays. A key that is reported safe was acknowledged by a process that in turn reports it
    // unsafe. No key is lost between two that count on each other.
    const mesh net;
    fleet all(net, 3, {"--leave-within", "1500ms"});
    std::set<std::string> written, named;
    for (std::size_t i = 0; i < all.size(); ++i) all[i].write(stashes(fleet::name(i) + "/", 300));
    REQUIRE(eventually(20s, [&] {
        for (std::size_t i = 0; i < all.size(); ++i) add_met(all[i].replies(), written);
        return written.size() == 900; // the reports name no more than 1,000
    }));
    for (std::size_t i = 0; i < all.size(); ++i) all[i].signal(SIGTERM);
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto report = all[i].farewell();
        for (const auto& key : report.at("unsafe")) named.insert(key);
        CHECK((report.at("outcome") == "safe" || !report.at("unsafe").empty()));
    }
    CHECK(named == written);
}

TEST_CASE("promises: a peer that freezes does not hold up a leave beyond its deadline", "[io][promise]") {
    // G8 and G11: one of two that stay is stopped before or right after the leaver begins. The leave ends in
    // time with what the other acknowledged; when the frozen one thaws it has the same state as that.
    const bool before = GENERATE(true, false);
    CAPTURE(before);
    const mesh net;
    fleet all(net, 3);
    auto &leaver = all[0], &stays = all[1], &freezes = all[2];
    if (before) freezes.signal(SIGSTOP);
    leaver("load 2000 500");
    const stopwatch start;
    leaver.write("leave 2s"); // the frozen one is called crashed after 4 s
    freezes.signal(SIGSTOP);
    const auto report = leaver.farewell();
    CAPTURE(report);
    CHECK(start.unhindered() < 2s + at_most(1500ms));
    CHECK((report.at("outcome") == "safe_degraded" || (!before && report.at("outcome") == "safe")));
    CHECK(report.at("copies") >= 1);
    CHECK(report.at("unsafe").empty());
    CHECK(leaver.exit_status() == (report.at("outcome") == "safe" ? 0 : 3));
    CHECK(stays("digest").at("keys") == 2000);
    freezes.signal(SIGCONT);
    agree({&stays, &freezes}, 20s);
    CHECK(freezes("digest").at("keys") == 2000);
    CHECK(freezes("stats").at("diverged") == 0);
}

TEST_CASE("promises: with the usual deadline a leave outlasts a frozen peer and is safe", "[io][promise]") {
    // G3 and G8: the frozen process counts as a member that may stay until it is called crashed. Then one
    // copy is the most that is possible, and the leave is safe well before its deadline.
    const mesh net;
    fleet all(net, 3);
    all[2].signal(SIGSTOP);
    all[0]("load 100 100");
    const stopwatch start;
    all[0].signal(SIGTERM);
    const auto report = all[0].farewell();
    CHECK(report.at("outcome") == "safe");
    CHECK(report.at("copies") == 1);
    CHECK(start.unhindered() < at_most(15s)); // of 25 s
    all[2].signal(SIGCONT);
    agree({&all[1], &all[2]}, 20s);
}

TEST_CASE("promises: a mesh that is stopped node by node and started again is what it was", "[io][promise]") {
    // The promise of spills, by programs: all three report where everything is, the last one in a file.
    // Started again, in the same or another order, each from its folder, they have the digest of before.
    const mesh net;
    const auto dir = std::filesystem::temp_directory_path() / net.cluster;
    std::filesystem::create_directory(dir);
    const auto words = [&](std::size_t i) -> std::vector<std::string> {
        return {"--spill-dir", (dir / fleet::name(i)).string(), "--alone-after", "2s", "--leave-within",
                "2s"};
    };
    std::string before;
    std::size_t spilled = 0;
    {
        auto a = net.run("a", words(0)), b = net.run("b", words(1)), c = net.run("c", words(2));
        meet(a, "a", b, "b");
        meet(b, "b", c, "c");
        meet(a, "a", c, "c");
        a("load 1000 100 a-");
        b("load 1000 100 b-");
        b("add hits 7");
        agree({&a, &b, &c}); // c does not drop what it has not seen
        c("stash a-0000000000000007 changed");
        c("drop a-0000000000000008");
        before = agree({&a, &b, &c});
        for (auto* each : {&a, &b, &c}) {
            each->signal(SIGTERM);
            const auto report = each->farewell();
            CHECK(report.at("unsafe").empty());
            CHECK(report.at("outcome") == (each == &c ? "spilled" : "safe"));
            spilled += report.at("outcome") == "spilled";
            CHECK(each->exit_status() == (each == &c ? 3 : 0));
        }
    }
    CHECK(spilled == 1);
    {
        auto a = net.run("a", words(0)), b = net.run("b", words(1)), c = net.run("c", words(2));
        CHECK(eventually(15s, [&] { return b("digest").at("keys") == 2000; }));
        CHECK(agree({&a, &b, &c}, 15s) == before);
        CHECK(a("count hits").at("value") == 7);
        CHECK(a("pickup a-0000000000000007").at("value") == "changed");
        CHECK(a("pickup a-0000000000000008").at("result") != "found");
    }
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
}
