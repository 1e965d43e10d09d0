// Proves the repair of a divergence. Equal cuts with different digests are a fault that no input should
// cause, so the test corrupts a store: a heartbeat has to report it, and the repair by union must delete
// nothing.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

world::settings unchecked() {
    world::settings how;
    how.check = false; // the world itself would end the test
    return how;
}

struct corrupted : scene {
    corrupted()
        : scene(unchecked()) {
        gather(3);
        fill(0, 10);
        fill(1, 20);
        settle();
        run_for(1s);
        stranger.bytes.fill(0x77);
    }
    /// Puts the first event of an unknown replica straight into one store.
    void corrupt(process_number who, const slot_name& slot, bool removal, std::string_view value) {
        const event_view event{removal, slot, timestamp::at(1'700'000'000'000), 0, value, {}};
        REQUIRE(mesh(who).state().apply({stranger, ++counters[who]}, event) == store::applied::yes);
    }
    [[nodiscard]] bool equal() {
        const auto first = mesh(0).state().state_digest();
        return first && mesh(1).state().state_digest() == first && mesh(2).state().state_digest() == first &&
               mesh(0).state().seen() == mesh(1).state().seen() &&
               mesh(0).state().seen() == mesh(2).state().seen();
    }
    /// The event that `who` raised about `whom`.
    [[nodiscard]] std::optional<event> told(process_number who, process_number whom) {
        for (const auto& e : at(who).events) {
            if (e.kind == event_kind::diverged && e.id == at(whom).id) return e;
        }
        return std::nullopt;
    }
    replica_id stranger;
    std::array<std::uint64_t, 3> counters{};
};

} // namespace

TEST_CASE("divergence: one counter with two values is told with both digests, and repaired by union",
          "[core][scenario]") {
    corrupted s;
    for (const process_number who : {0, 1, 2})
        s.corrupt(who, {value_type::reg, "strange", {}}, false, who == 2 ? "of one" : "of the others");
    const auto digests = std::array{s.mesh(0).state().state_digest()->to_string(),
                                    s.mesh(2).state().state_digest()->to_string()};
    REQUIRE(digests[0] != digests[1]);
    REQUIRE(s.run_until([&] { return s.told(0, 2) && s.told(2, 0); }, 2s));
    const auto reason = s.told(2, 0)->reason;
    CHECK(reason.find(digests[0]) != std::string::npos);
    CHECK(reason.find(digests[1]) != std::string::npos);
    CHECK(s.mesh(2).stats().diverged >= 1);

    CHECK(s.run_until([&] { return s.equal(); }, 5s));
    CHECK(s.mesh(0).state().keys() == 21);
    const auto value = s.get(0, "strange");
    CHECK((value == "of one" || value == "of the others"));
    for (const process_number who : {1, 2}) CHECK(s.get(who, "strange") == value);
    CHECK_FALSE(s.told(0, 1));
}

TEST_CASE("divergence: what one side lost comes back, what it holds alone stays", "[core][scenario]") {
    // The same event is a value here and nothing there, for two keys, one each way.
    corrupted s;
    for (const process_number who : {0, 1, 2}) {
        const bool lost = who == 2;
        s.corrupt(who, {value_type::reg, "lost by one", {}}, lost, lost ? "" : "value");
        s.corrupt(who, {value_type::reg, "held by one", {}}, !lost, lost ? "value" : "");
        s.corrupt(who, element("set", "lost by one"), lost, "");
        s.corrupt(who, {value_type::reg, "the same", {}}, false, "same");
    }
    REQUIRE(s.run_until([&] { return s.told(0, 2) && s.told(2, 0); }, 2s));
    CHECK(s.run_until([&] { return s.equal(); }, 10s));
    for (const process_number who : {0, 1, 2}) {
        CAPTURE(who);
        CHECK(s.get(who, "lost by one") == "value");
        CHECK(s.get(who, "held by one") == "value");
        CHECK(s.get(who, "the same") == "same");
        CHECK(s.elements(who, value_type::set, "set") == std::vector<std::string>{"lost by one"});
        CHECK(s.mesh(who).state().keys() == 24);
    }
}

TEST_CASE("divergence: told once, and again when it happens again", "[core][scenario]") {
    // Either node may report it: the one that is repaired before the next heartbeat of the other does not
    // notice.
    corrupted s;
    std::size_t told = 0, rounds = 0;
    for (const std::string key : {"first", "second"}) {
        for (const process_number who : {0, 1, 2})
            s.corrupt(who, {value_type::reg, key, {}}, false, who == 2 ? "of one" : "of the others");
        s.run_for(5s);
        CHECK(s.equal());
        ++rounds;
        std::size_t now = 0;
        for (const process_number who : {0, 1, 2}) {
            for (const process_number about : {0, 1, 2}) {
                const auto times = s.heard(who, event_kind::diverged, about);
                CHECK(times <= rounds);
                now += times;
            }
        }
        CHECK(now > told);
        told = now;
    }
}

TEST_CASE("divergence: the repair goes on while others write", "[core][scenario]") {
    // Equal cuts are rare then; once it is quiet for a moment all are equal, and no write is undone.
    corrupted s;
    for (const process_number who : {0, 1, 2})
        s.corrupt(who, {value_type::reg, "strange", {}}, who == 2, who == 2 ? "" : "value");
    s.run_for(300ms);
    for (int i = 0; i < 200; ++i) {
        const auto key = "busy " + std::to_string(i % 10);
        if (i % 3 == 2) {
            s.erase(static_cast<process_number>(i) % 2, key);
        } else {
            s.put(static_cast<process_number>(i) % 2, key, std::to_string(i));
        }
        s.run_for(7ms);
    }
    CHECK(s.run_until([&] { return s.equal(); }, 10s));
    CHECK(s.get(2, "strange") == "value");
    for (std::size_t i = 0; i < 10; ++i) {
        for (const process_number who : {0, 1, 2})
            CHECK(s.get(who, "busy " + std::to_string(i)) == s.get(0, "busy " + std::to_string(i)));
    }
}
