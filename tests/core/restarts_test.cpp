// Restarts: one of three nodes is restarted thousands of times, by leaving or without a word, after a few
// writes. What travels stays as small as the mesh is now, and what each restart leaves in memory is its entry
// in the archive (I9).
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t key_count = 1000;

struct restarting : scene {
    restarting()
        : scene(unchecked()) {
        start(0), start(1);
        REQUIRE(run_until([this] { return mesh(0).synced() && mesh(1).synced(); }, 5s));
        for (std::size_t key = 0; key < key_count; ++key) put(0, key_of(key), std::string(30, 'v'));
        set_filter([this](process_number from, process_number, channel kind, std::string_view bytes) {
            if (from == 0 && kind == channel::broadcast && is<wire::hello>(bytes))
                hello_bytes = std::max(hello_bytes, bytes.size());
            return true;
        });
    }
    static settings unchecked() {
        settings how;
        how.check = false; // the oracle would keep a vector of all restarts for each event
        return how;
    }
    static std::string key_of(std::size_t key) { return "restarts-" + std::to_string(key); }

    /// One life at the third address.
    void live_once(std::size_t number, bool leaves) {
        const auto who = start(2);
        REQUIRE(run_until(
            [&] {
                return mesh(who).synced() && mesh(0).synced() && mesh(1).synced() &&
                       sees(0, who, member_state::up) && sees(1, who, member_state::up);
            },
            5s));
        REQUIRE(mesh(who).state().keys() == key_count);
        for (std::size_t i = 0; i < 3; ++i)
            put(who, key_of((number * 7 + i * 31) % key_count / 10), std::to_string(number));
        run_for(2ms);
        if (leaves) {
            leave(who, 2, 2s);
            REQUIRE(run_until([&] { return at(who).left; }, 3s));
        } else {
            crash(who);
            run_for(10ms);
        }
    }
    /// The largest HELLO of the first node while `count` more lives pass, and some quiet.
    [[nodiscard]] std::size_t hello_while(std::size_t count, bool leaves) {
        hello_bytes = 0;
        for (std::size_t i = 0; i < count; ++i) live_once(++lives, leaves);
        return std::exchange(hello_bytes, 0);
    }
    [[nodiscard]] std::size_t memory() { return mesh(0).state().memory_bytes(); }
    std::size_t hello_bytes = 0, lives = 0;
};

void check_at_the_end(restarting& s) {
    s.run_for(15s); // the last ones are archived
    s.live_once(++s.lives, true);
    const auto e = s.start(2);
    s.run_for(2s);
    for (const auto who : {process_number{0}, process_number{1}, e}) {
        CAPTURE(who);
        CHECK(s.mesh(who).stats().origins <= 3 + 8);
        CHECK(s.mesh(who).stats().archived >= s.lives - 8);
        CHECK(s.mesh(who).state().keys() == key_count);
        CHECK(s.mesh(who).state().archive_digest() == s.mesh(0).state().archive_digest());
        CHECK(s.mesh(who).state().state_digest() == s.mesh(0).state().state_digest());
        CHECK(s.mesh(who).state().removals() == 0);
    }
}

} // namespace

// 10,000 take about 20 s and show the same: growth per restart does not change after the first hundreds.
TEST_CASE("restarts: 2,000 that leave cost 32 bytes each, and nothing on the wire", "[core][scenario]") {
    restarting s;
    const auto hello = s.hello_while(300, true);
    const auto before = s.memory();
    CHECK(s.hello_while(1700, true) <= hello + 32 * 24); // by chance a few more are not archived yet
    CHECK(s.memory() <= before + 1700 * 32);
    check_at_the_end(s);
}

TEST_CASE("restarts: 600 without a word cost no more", "[core][scenario]") {
    // Those of the last archive_after are still in the cut.
    restarting s;
    const auto hello = s.hello_while(300, false);
    const auto before = s.memory();
    CHECK(s.hello_while(300, false) <= hello * 3 / 2); // by chance, as above
    CHECK(s.memory() <= before + 300 * 32 + 4096);     // and for what stands in the cut beside it
    check_at_the_end(s);
}
