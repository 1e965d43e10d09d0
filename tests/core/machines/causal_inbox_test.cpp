// Proves that frames are applied in the order of their counters and after what they depend on, whatever order
// they come in; and that a session of this node's own comes first.
#include "core/causal_inbox.hpp"
#include "core/publisher.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
/// A replica that writes; its frames as they would travel.
struct site {
    explicit site(std::uint8_t number)
        : here(replica(number), number)
        , inbox(here, counters, {256, 1 << 20, {}})
        , out(here, listeners, {1 << 16, 256}) {}
    store here;
    node_stats counters;
    causal_inbox inbox;
    std::set<replica_id> listeners{replica(99)};
    publisher out;
    write_buffers buffers;

    std::string write(std::string_view key, std::string_view value) {
        out.queue(here.put(register_of(key), value, timestamp::at(wall), buffers));
        std::string bytes;
        out.flush(false, [&](const wire::delta& f) { bytes = wire::encode(f); });
        return bytes;
    }
    std::optional<causal_inbox::slice> take(const std::string& frame) {
        inbox.offer(frame, std::get<wire::delta>(*wire::decode(frame)));
        return work();
    }
    std::optional<causal_inbox::slice> work(const causal_inbox::session_view& session = {}) {
        const auto done = inbox.work(session);
        if (done && done->applied != 0) out.cut_grew();
        return done;
    }
};
} // namespace

TEST_CASE("causal inbox: a frame that comes too early waits for the one before", "[core][machine]") {
    site a(1), b(2);
    const auto first = a.write("k", "1"), second = a.write("k", "2");
    const auto early = b.take(second);
    REQUIRE(early);
    CHECK(early->early);
    CHECK(early->lost);
    CHECK(early->first == 2);
    CHECK(b.inbox.empty());
    const auto done = b.take(first);
    REQUIRE(done);
    CHECK(done->finished);
    CHECK(done->applied == 1);
    b.inbox.look_again();
    REQUIRE(b.work());
    CHECK(b.here.read("k")->value == "2");
    CHECK_FALSE(b.work());
    CHECK(b.counters.deltas_early == 1);
    CHECK(b.counters.gaps == 1);
}

TEST_CASE("causal inbox: an effect waits for its cause of another origin", "[core][machine]") {
    site a(1), b(2), c(3);
    const auto cause = a.write("k", "a");
    REQUIRE(b.take(cause));
    const auto effect = b.write("k", "b");
    const auto early = c.take(effect);
    REQUIRE(early);
    CHECK(early->early);
    CHECK_FALSE(early->lost); // the missing event may be on its way
    REQUIRE(c.take(cause)->finished);
    c.inbox.look_again();
    REQUIRE(c.work()->finished);
    CHECK(c.here.read("k")->value == "b");
}

TEST_CASE(
    "causal inbox: a frame that waits for another origin is decoded when that event is here, not before",
    "[core][machine]") {
    site a(1), b(2), c(3);
    const auto cause = a.write("k", "a");
    REQUIRE(b.take(cause));
    const auto effect = b.write("k", "b"), next = b.write("l", "b");
    REQUIRE(c.take(effect)->early);
    REQUIRE(c.take(next)->early);
    for (int i = 0; i < 100; ++i) c.inbox.look_again(); // the cut has grown by others' events
    CHECK_FALSE(c.work());
    CHECK(c.inbox.early_decoded() == 0);
    REQUIRE(c.take(cause)->finished);
    c.inbox.look_again();
    REQUIRE(c.work()->finished);
    c.inbox.look_again();
    REQUIRE(c.work()->finished);
    CHECK_FALSE(c.work());
    CHECK(c.here.read("l")->value == "b");
    CHECK(c.inbox.early_decoded() == 2); // each frame is decoded once
}

TEST_CASE("causal inbox: an early frame that a repair has brought goes, though its cause is not here",
          "[core][machine]") {
    site a(1), b(2), c(3);
    REQUIRE(b.take(a.write("k", "a")));
    const auto effect = b.write("k", "b"), next = b.write("l", "b");
    REQUIRE(c.take(effect)->early);
    REQUIRE(c.take(next)->early);
    cut repaired;
    repaired.raise({replica(1), 1}), repaired.raise({replica(2), 1});
    c.here.commit(repaired);
    while (c.here.fold(256)) {
    }
    c.inbox.look_again(); // the first is stale; the second is next
    const auto done = c.work();
    REQUIRE(done);
    CHECK(done->first == 2);
    CHECK(done->finished);
}

TEST_CASE("causal inbox: a frame that comes twice changes nothing", "[core][machine]") {
    site a(1), b(2);
    const auto frame = a.write("k", "1");
    CHECK(b.take(frame)->applied == 1);
    CHECK(b.take(frame)->applied == 0);
    CHECK(b.counters.events_duplicate == 1);
}

TEST_CASE("causal inbox: what a session is to bring waits for it", "[core][machine]") {
    site a(1), b(2);
    const auto frame = a.write("k", "1");
    cut compared;
    compared.raise({replica(1), 5});
    b.inbox.offer(frame, std::get<wire::delta>(*wire::decode(frame)));
    CHECK(b.work({true, nullptr})->early); // all of an unknown origin
    b.inbox.look_again();
    CHECK(b.work({false, &compared})->early); // events at or below the cut of the server
    b.inbox.look_again();
    CHECK(b.work()->finished);
}

TEST_CASE("causal inbox: early frames of one that is gone are let go of", "[core][machine]") {
    site a(1), b(2);
    const auto first = a.write("k", "1"), second = a.write("k", "2");
    REQUIRE(b.take(second)->early);
    b.inbox.drop(replica(1));
    REQUIRE(b.take(first)->finished);
    b.inbox.look_again();
    CHECK_FALSE(b.work());
    CHECK(b.here.counter_of(replica(1)) == 1);
}

TEST_CASE("causal inbox: a frame whose rows do not read is not whole", "[core][machine]") {
    site a(1), b(2);
    const auto bytes = a.write("k", "1");
    const auto frame = wire::decode(bytes);
    auto f = std::get<wire::delta>(*frame);
    CHECK(b.inbox.is_whole(f));
    ++f.count;
    CHECK_FALSE(b.inbox.is_whole(f));
}
