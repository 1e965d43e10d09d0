// Proves that a start, a stop and a leave leave nothing behind, whatever the network is doing meanwhile: a
// thousand in all, with a key and without, each within its deadline; descriptors, threads and memory of the
// process, and of the peer, are afterwards what they were.
#include "besieged.hpp"
#include "nodes.hpp"

#include <malloc.h>

using namespace io;

namespace {

std::size_t heap_bytes() {
    const auto now = mallinfo2();
    return now.uordblks + now.hblkhd;
}

/// Runs one life of a node after another, with a few more to warm up first.
class lives {
  public:
    explicit lives(bool with_key)
        : with_key_(with_key) {}
    [[nodiscard]] process peer(const std::string& name) const {
        std::vector<std::string> words{"--no-beacon"};
        if (with_key_) {
            const auto file = place / "key";
            if (!std::filesystem::exists(file)) REQUIRE(baton::write_key_file(file, key(1)));
            words.insert(words.end(), {"--key-file", file});
        }
        return net.run(name, words);
    }
    [[nodiscard]] baton::options settings(const std::string& seed) const {
        auto made = net.options("mortal");
        made.beacon.enabled = seed.empty();
        if (!seed.empty()) made.seeds = {seed};
        if (with_key_) made.security.keys = {key(1)};
        made.destructor_leave_within = 20ms;
        return made;
    }
    /// `live` gets a node that has just started and may leave by it. Every fourth is only destroyed.
    template <class Live>
    void pass(int count, const std::string& seed, milliseconds leave_within, Live live) {
        std::size_t heap = 0;
        usage before;
        for (int number = -10; number < count; ++number) {
            if (number == 0) {
                before = usage::of(getpid());
                heap = heap_bytes();
            }
            std::optional<stopwatch> start;
            {
                auto node = started(settings(seed));
                live(node, number);
                start.emplace();
                if (number % 4 != 0) REQUIRE(node.leave({.within = leave_within}));
            }
            CHECK(start->unhindered() < at_most(leave_within) + patience(500ms)); // linger is 200 ms
        }
        CHECK(eventually(5s, [&] {
            const auto now = usage::of(getpid());
            return now.descriptors <= before.descriptors && now.threads <= before.threads;
        }));
        CHECK(heap_bytes() <= heap + (std::size_t{256} << 10));
    }

    const mesh net;
    const folder place;

  private:
    bool with_key_;
};

} // namespace

TEST_CASE("cycles: alone, and where a peer is gone", "[io][cycles]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    lives of(with_key);
    of.pass(150, {}, 10ms, [](baton::node&, int) {});
    of.pass(100, "127.0.0.1:" + std::to_string(free_port(SOCK_STREAM)), 10ms,
            [](baton::node& node, int number) { REQUIRE(node.stash("key", std::to_string(number))); });
}

TEST_CASE("cycles: while joining, with a peer, in a session, and with a frozen peer", "[io][cycles]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    lives of(with_key);
    auto peer = of.peer("peer");
    const auto seed = started_at(peer).substr(6);
    {
        auto first = started(of.settings(seed));
        REQUIRE(next_event(first, baton::event_kind::joined)); // the peer's loop has run by then
    }
    auto before = usage::of(peer.pid());
    for (const auto until = clock::now() + 500ms; clock::now() < until; poll(nullptr, 0, 20))
        before = std::min(before, usage::of(peer.pid()), [](const usage& a, const usage& b) {
            return a.descriptors < b.descriptors; // without the links of that one
        });
    of.pass(90, seed, 20ms, [](baton::node&, int) {}); // before anybody has answered
    of.pass(60, seed, 2s, [](baton::node& node, int number) {
        REQUIRE(next_event(node, baton::event_kind::joined));
        REQUIRE(node.stash("key", std::to_string(number)));
    });
    peer("load 20000 100 many-");
    of.pass(50, seed, 100ms, [](baton::node& node, int) { // its session has just begun
        REQUIRE(next_event(node, baton::event_kind::joined));
    });
    CHECK(eventually(10s, [&] { return usage::of(peer.pid()).descriptors <= before.descriptors; }));
    CHECK(usage::of(peer.pid()).threads <= before.threads + 1); // the one that writes its log begins with it
    peer.signal(SIGSTOP);
    of.pass(50, seed, 20ms, [](baton::node& node, int) { REQUIRE(node.stash("key", "value")); });
    peer.signal(SIGCONT);
    CHECK(peer("pickup many-0").at("reply") == "pickup"); // the peer keeps working
}
