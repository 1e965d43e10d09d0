// Proves how own events are packed: consecutive ones share a frame within its bound, a group is in one frame
// or in none, what fits none is announced, and dependencies are named once.
#include "core/publisher.hpp"
#include "core/writer.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct sending {
    explicit sending(std::size_t delta_bytes)
        : out(here, listeners, {delta_bytes, 256}) {}
    store here{replica(1), 7};
    hybrid_clock clock{5000};
    std::set<replica_id> listeners{replica(2)};
    publisher out;
    writer write{here, clock, out};

    dot put(std::string_view key, std::string_view value) {
        return write.put(register_of(key), value, write.tick(wall));
    }
    struct frame {
        std::uint64_t first, count;
        std::size_t depends;
        bool asks;
    };
    std::vector<frame> flush(bool asks = false) {
        std::vector<frame> all;
        out.flush(asks, [&](const wire::delta& f) {
            all.push_back({f.first, f.count, f.depends.size(), f.wants_ack});
        });
        return all;
    }
};
} // namespace

TEST_CASE("publisher: consecutive events share a frame within its bound", "[core][machine]") {
    sending s(100);
    for (int i = 0; i < 6; ++i) s.put("key", std::string(20, 'v'));
    CHECK(s.out.bytes() != 0);
    CHECK(s.out.has_from(1));
    const auto frames = s.flush(true);
    REQUIRE(frames.size() > 1);
    std::uint64_t next = 1;
    for (const auto& each : frames) {
        CHECK(each.first == next);
        CHECK(each.asks == (&each == &frames.back()));
        next += each.count;
    }
    CHECK(next == 7);
    CHECK(s.out.empty());
    CHECK(s.out.bytes() == 0);
    CHECK(s.flush().empty());
}

TEST_CASE("publisher: what fits no frame is announced", "[core][machine]") {
    sending s(100);
    s.put("key", std::string(200, 'v'));
    CHECK(s.out.empty());
    CHECK(s.out.must_announce());
    s.out.announced();
    CHECK_FALSE(s.out.must_announce());
}

TEST_CASE("publisher: a group is in one frame, or in none", "[core][machine]") {
    sending s(100);
    s.put("before", std::string(60, 'v'));
    s.out.begin_group(2, 60);
    s.put("a", std::string(20, 'v')), s.put("b", std::string(20, 'v'));
    const auto frames = s.flush();
    REQUIRE(frames.size() == 2);
    CHECK(frames[1].count == 2);
    s.out.begin_group(2, 200);
    s.put("a", std::string(90, 'v')), s.put("b", std::string(90, 'v'));
    CHECK(s.out.empty());
    CHECK(s.out.must_announce());
}

TEST_CASE("publisher: nothing is packed while nobody listens", "[core][machine]") {
    sending s(100);
    s.listeners.clear();
    s.put("key", "v");
    CHECK(s.out.empty());
    CHECK_FALSE(s.out.must_announce());
    CHECK(s.out.sent().written() == 4);
}

TEST_CASE("publisher: what events depend on is named when it has changed", "[core][machine]") {
    sending s(1000);
    store other(replica(2), 3);
    write_buffers buffers;
    const auto theirs = other.put(register_of("x"), "1", timestamp::at(wall), buffers);
    REQUIRE(s.here.apply(theirs.id, theirs.event) == store::applied::yes);
    s.out.cut_grew();
    s.put("key", "v");
    CHECK(s.flush().at(0).depends == 1);
    s.put("key", "w");
    CHECK(s.flush().at(0).depends == 0); // the same as before
    s.out.depend_on({replica(3), 4});
    s.put("key", "x");
    CHECK(s.flush().at(0).depends == 1);
}
