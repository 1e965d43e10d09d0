// Proves who is believed: a newcomer whose clock agrees or who echoes a nonce, once for each key and each
// incarnation; nothing older than what was heard; and that the table stays within its bounds.
#include "discovery/roster.hpp"
#include "support/catch.hpp"
#include "support/replica.hpp"

using namespace baton;
using namespace baton::discovery;
using namespace std::chrono_literals;

namespace {
using finding = roster::finding;

using support::replica;
link_key key(std::uint8_t number) {
    link_key made;
    made.bytes.fill(number);
    return made;
}
roster::place said(std::uint64_t sequence) { return {purpose::beacon, sequence}; }
constexpr std::uint64_t wall = 1'700'000'000'000;
const moment at{instant{}, wall};
const moment later{instant{} + 10min, wall + 600'000};
} // namespace

TEST_CASE("roster: a newcomer is believed by its clock, or by an echo", "[discovery]") {
    roster table({10, 60s, 1h});
    CHECK(table.hear(replica(1), key(1), said(1), wall + 60'000, false, at) == finding::vouched);
    CHECK(table.hear(replica(2), key(2), said(1), wall - 60'000, false, at) == finding::vouched);
    CHECK(table.hear(replica(3), key(3), said(1), wall - 60'001, false, at) == finding::stale);
    CHECK(table.hear(replica(4), key(4), said(1), wall + 3'600'000, false, at) == finding::stale);
    CHECK(table.key_of(replica(4)).is_none());
    CHECK(table.hear(replica(4), key(4), said(2), wall + 3'600'000, true, at) == finding::vouched);
    CHECK(table.hear(replica(4), key(4), said(3), wall + 3'600'000, false, at) == finding::known);
    CHECK(table.owner_of(key(4)) == replica(4));
    CHECK(table.owner_of(key(9)).is_nil());
    CHECK(table.hear(replica(5), link_key{}, said(1), wall, true, at) == finding::other_key); // none at all
}

TEST_CASE("roster: what is older than the last word is a replay; the last beacon again may not be",
          "[discovery]") {
    roster table({10, 60s, 1h});
    REQUIRE(table.hear(replica(1), key(1), said(5), wall, false, at) == finding::vouched);
    CHECK(table.hear(replica(1), key(1), said(5), wall, false, at) ==
          finding::repeated); // by another interface
    CHECK(table.hear(replica(1), key(1), said(7), wall, false, later) == finding::known);
    CHECK(table.hear(replica(1), key(1), said(6), wall, false, later) == finding::replayed);
    CHECK(table.hear(replica(1), key(1), said(6), wall, true, later) ==
          finding::known); // overtaken on its way
    CHECK(table.hear(replica(1), key(1), {purpose::introduction, 3}, wall, false, later) == finding::known);
    CHECK(table.hear(replica(1), key(1), {purpose::introduction, 2}, wall, false, later) ==
          finding::replayed);
    CHECK(table.hear(replica(1), key(1), {purpose::introduction, 3}, wall, false, later) ==
          finding::replayed); // it is sent to one address, once
}

TEST_CASE("roster: an incarnation has one key, and a key one incarnation", "[discovery]") {
    roster table({10, 60s, 1h});
    REQUIRE(table.hear(replica(1), key(1), said(1), wall, false, at) == finding::vouched);
    CHECK(table.hear(replica(1), key(2), said(2), wall, true, at) == finding::other_key);
    CHECK(table.hear(replica(2), key(1), said(2), wall, true, at) == finding::other_key);
    CHECK(table.size() == 1);
}

TEST_CASE("roster: is bounded, and forgets who has been silent longest, members never", "[discovery]") {
    roster table({3, 60s, 1h});
    std::vector<replica_id> gone;
    const auto tidy = [&](const moment& now, const std::function<bool(const replica_id&)>& keeps) {
        table.tidy(now, keeps, [&](const replica_id& id) { gone.push_back(id); });
    };
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{1, 2, 3})
        REQUIRE(table.hear(replica(number), key(number), said(1), wall, false,
                           {at.now + std::chrono::seconds{number}, wall}) == finding::vouched);
    CHECK(table.hear(replica(4), key(4), said(1), wall, false, at) == finding::full);
    tidy(at, [](const replica_id& id) { return id == replica(1); });
    CHECK(gone == std::vector{replica(2)});
    CHECK(table.owner_of(key(2)).is_nil());
    CHECK(table.hear(replica(4), key(4), said(1), later.wall_ms, false, later) == finding::vouched);
    tidy(later, [](const replica_id&) { return true; }); // nobody may go
    CHECK(table.size() == 3);
    gone.clear();
    tidy({at.now + 65min, wall}, [](const replica_id& id) { return id == replica(1); });
    CHECK(gone == std::vector{replica(3)}); // silent for an hour
}
