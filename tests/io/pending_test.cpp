// Pending calls alone, with calls that say what they wait for and a mesh without a network, under a clock of
// the test's own. Proves which calls are looked at when something happens, in which order and at most how
// many at once: the cost of a wait is in the number of looks, so they are counted.
#include "shell/pending.hpp"
#include "support/catch.hpp"

#include <functional>

using namespace baton;
using namespace baton::shell;
using namespace std::chrono_literals;

namespace {

core::mesh_options settings_of(limit_options limits = {}) {
    core::mesh_options settings;
    settings.self.bytes[0] = 1;
    settings.limits = limits;
    return settings;
}

moment at(std::chrono::milliseconds since) { return {instant{1h + since}, 1'700'000'000'000}; }

/// Looks with `next`, which says what to wait for, until that is `over`.
class scripted final : public pending_call {
  public:
    using script = std::function<waits_for(const pending_view&)>;
    scripted(script next, int& looks, int& ends)
        : next_(std::move(next))
        , looks_(looks)
        , ends_(ends) {}
    waits_for look(const pending_view& now) override {
        ++looks_;
        return now.why == occasion::end ? over{} : next_(now);
    }
    void finish() override { ++ends_; }

  private:
    script next_;
    int& looks_;
    int& ends_;
};

/// The calls of a node, and how often they were looked at.
struct waiting_room {
    core::mesh mesh;
    pending_calls calls;
    int looks = 0, ends = 0;

    explicit waiting_room(const core::mesh_options& settings = settings_of())
        : mesh(settings, at(0ms)) {}

    void begin(scripted::script next, std::chrono::milliseconds until = 1h,
               std::chrono::milliseconds now = 0ms) {
        auto call = std::make_unique<scripted>(std::move(next), looks, ends);
        if (const auto done = calls.begin(std::move(call), at(until).now, mesh, at(now), nullptr))
            done->finish();
    }
    /// Does all work there is at that time, and returns how many looks it took.
    int work(std::chrono::milliseconds now = 0ms) {
        const int before = looks;
        for (bool more = true; more;) {
            std::vector<pending_calls::call> done;
            const int slice = looks;
            more = calls.work(mesh, at(now), done);
            REQUIRE(looks - slice <= static_cast<int>(pending_calls::slice));
            for (const auto& each : done) each->finish();
        }
        return looks - before;
    }
};

constexpr int many = 10'000;

} // namespace

TEST_CASE("pending: of ten thousand calls that wait for keys only those of a changed key are looked at",
          "[io][pending]") {
    waiting_room room;
    std::vector<std::string> keys;
    keys.reserve(many);
    for (int i = 0; i < many; ++i) keys.push_back("key/" + std::to_string(i));
    int known = 0;
    for (const auto& key : keys) {
        room.begin([&](const pending_view& now) -> waits_for {
            if (now.why == occasion::answered && ++known > 0) return over{};
            return for_key{key, true, true};
        });
    }
    REQUIRE(room.looks == many);
    room.work(1ms); // puts the question, which nobody answers: this node has met nobody
    CHECK(room.calls.listens());

    for (int round = 0; round < 100; ++round) {
        room.calls.note_news();
        CHECK(room.work(2ms + round * 10ms) == 0);
    }
    room.calls.note("key/77");
    room.calls.note("key/78");
    room.calls.note("key/77");
    room.calls.note("other");
    CHECK(room.calls.has_ready());
    CHECK(room.work(2s) == 2);
    CHECK(room.ends == 0);
    room.calls.note_all();
    CHECK(room.work(3s) == many);
    CHECK(known == 0);
}

TEST_CASE("pending: one question serves the calls that began before it, and its answer ends them together",
          "[io][pending]") {
    auto settings = settings_of();
    settings.founding = true; // alone, it may confirm at once that nobody has a key
    waiting_room room(settings);
    std::set<std::uint64_t> questions;
    const auto ask = [&](const pending_view& now) -> waits_for {
        if (now.why != occasion::answered) return for_key{"key", true, true};
        questions.insert(now.question);
        CHECK(now.absence().confirmed);
        return over{};
    };
    for (int i = 0; i < many; ++i) room.begin(ask);
    CHECK(room.calls.take_asked());
    room.work(0ms);
    CHECK(room.ends == 1); // the first one asked at once; the others share the next question
    CHECK(room.calls.next() <= at(100ms).now);
    room.work(100ms);
    CHECK(room.ends == many);
    CHECK(questions.size() == 2);
    CHECK_FALSE(room.calls.any());
}

TEST_CASE("pending: of the writes that wait for members the later ones are looked at after the earlier ones",
          "[io][pending]") {
    waiting_room room;
    std::uint64_t acknowledged = 0; // as members acknowledge: everything up to a counter
    std::vector<core::proof> wanted(many);
    for (int i = 0; i < many; ++i) {
        wanted[static_cast<std::size_t>(i)] = {
            {room.mesh.settings().self, static_cast<std::uint64_t>(i) + 1}, ack_level::copies(2), {}};
    }
    for (const auto& each : wanted) {
        room.begin([&](const pending_view&) -> waits_for {
            if (each.id.counter <= acknowledged) return over{};
            return for_holders{&each};
        });
    }
    const auto looks_with = [&](std::uint64_t counter) {
        acknowledged = counter;
        room.calls.note_news();
        return room.work(1ms);
    };
    CHECK(looks_with(0) == 1);
    CHECK(looks_with(3) == 4);
    CHECK(looks_with(3) == 1);
    CHECK(looks_with(many) == many - 3);
    CHECK(room.ends == many);
}

TEST_CASE("pending: writes with all_up wait in one line for each set of members", "[io][pending]") {
    waiting_room room;
    replica_id one{}, other{};
    one.bytes[0] = 8;
    other.bytes[0] = 9;
    const core::proof first{{room.mesh.settings().self, 1}, ack_level::all_up(), {one}};
    const core::proof second{{room.mesh.settings().self, 2}, ack_level::all_up(), {other}};
    room.begin([&](const pending_view&) -> waits_for { return for_holders{&first}; });
    bool met = false;
    room.begin([&](const pending_view&) -> waits_for {
        if (met) return over{};
        return for_holders{&second};
    });
    met = true;
    room.calls.note_news();
    room.work();
    CHECK(room.ends == 1); // although the first one is not met
}

TEST_CASE("pending: calls wait for room in the order in which they began", "[io][pending]") {
    waiting_room room;
    bool open = false;
    std::vector<int> order;
    const auto write = [&](int number) {
        room.begin([&, number](const pending_view& now) -> waits_for {
            if (!now.first || !open) return for_room{};
            order.push_back(number);
            return over{};
        });
    };
    for (int i = 0; i < 3; ++i) write(i);
    CHECK(room.calls.wants_room());
    CHECK(room.work() == 1); // the others wait behind the first
    open = true;
    write(3); // does not overtake them
    CHECK(order.empty());
    room.work();
    CHECK(order == std::vector{0, 1, 2, 3});
    write(4);
    CHECK(order.back() == 4);
}

TEST_CASE("pending: a call is late once, at its time, and at once if it has none", "[io][pending]") {
    waiting_room room;
    int late = 0;
    const auto until_late = [&](const pending_view& now) -> waits_for {
        if (now.why != occasion::late) return for_key{"key"};
        ++late;
        return over{};
    };
    room.begin(until_late, 0ms);
    CHECK(late == 1);
    room.begin(until_late, 50ms);
    CHECK(room.calls.next() == at(50ms).now);
    CHECK(room.work(49ms) == 0);
    room.work(50ms);
    CHECK(late == 2);
    CHECK(room.ends == 2);
    CHECK(room.calls.next() == instant::max());

    // One that goes on after that has all the time.
    room.begin(
        [&](const pending_view& now) -> waits_for {
            late += now.why == occasion::late ? 1 : 0;
            return for_key{"key"};
        },
        60ms, 50ms);
    room.work(1s);
    room.work(2s);
    CHECK(late == 3);
    CHECK(room.calls.any());
}

TEST_CASE("pending: when the node ends, every call ends", "[io][pending]") {
    waiting_room room;
    const core::proof wanted{{room.mesh.settings().self, 1}, ack_level::copies(2), {}};
    const std::vector<waits_for> places{for_room{},           for_types{}, for_key{"key", true},
                                        for_holders{&wanted}, for_sync{},  for_end{}};
    for (const auto& place : places) room.begin([&](const pending_view&) { return place; });
    std::vector<pending_calls::call> done;
    room.calls.end(room.mesh, at(1ms), {}, done);
    CHECK(done.size() == places.size());
    CHECK_FALSE(room.calls.any());
    CHECK_FALSE(room.calls.listens());
}
