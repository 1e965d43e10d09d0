// The store against an oracle that knows every event, and the laws of a join. Events reach stores one by one
// (apply) or by sessions (walk, stage, commit, fold), in any order that causality allows; after each step the
// visible state must be what the oracle computes from the cut alone (I1). rapidcheck draws the steps and
// shrinks what fails.
#include "crdt/store.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

using namespace baton;

namespace {

struct known_event {
    dot id;
    std::string key, value;
    bool removal;
    timestamp stamp;
    std::vector<dot> kills; ///< as the store reported them, for others
    cut context;            ///< what its writer had seen
};

replica_id replica(std::size_t number) {
    replica_id id;
    id.bytes[0] = static_cast<std::uint8_t>(number + 1);
    return id;
}

/// A few stores and all that was ever written to them.
class world {
  public:
    explicit world(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            stores_.push_back(std::make_unique<store>(replica(i), 99 + i));
    }
    store& at(std::size_t i) { return *stores_[i % stores_.size()]; }
    [[nodiscard]] std::size_t size() const { return stores_.size(); }

    void put(std::size_t i, const std::string& key, const std::string& value) {
        auto& s = at(i);
        known_event e{{}, key, value, false, clock_.tick(1), {}, s.seen()};
        e.id = s.put(key, value, e.stamp, e.kills);
        events_.emplace(e.id, e);
    }
    void remove(std::size_t i, const std::string& key) {
        auto& s = at(i);
        known_event e{{}, key, {}, true, clock_.tick(1), {}, s.seen()};
        if (const auto id = s.remove(key, e.stamp, e.kills)) {
            e.id = *id;
            events_.emplace(e.id, e);
        }
    }
    /// The next event of `from` that `to` lacks, if its causes are there.
    void deliver(std::size_t from, std::size_t to) {
        const auto origin = at(from).self();
        const dot next{origin, at(to).counter_of(origin) + 1};
        const auto found = events_.find(next);
        if (found == events_.end() || !at(to).covers(found->second.context)) return;
        const auto& e = found->second;
        const event_view view{e.removal, value_type::reg, e.stamp, 0, e.key, e.value, e.kills};
        REQUIRE(at(to).apply(next, view) == store::applied::yes);
        REQUIRE(at(to).apply(next, view) == store::applied::duplicate);
    }
    /// A whole session; `meanwhile` runs between two portions, `folded` keys are folded before the caller
    /// looks.
    template <class Meanwhile>
    void session(std::size_t server, std::size_t receiver, std::size_t portion, Meanwhile meanwhile) {
        auto& s = at(server);
        auto& r = at(receiver);
        if (&s == &r || s.folding() || r.folding()) return;
        const auto asked = r.seen();
        auto walk = s.walk_from(asked);
        std::vector<staged_view> chain;
        for (;;) {
            std::size_t steps = portion + 1;
            const auto id = s.next(walk, steps);
            if (!id && steps != 0) break;
            if (!id) {
                meanwhile();
                continue;
            }
            const std::string key(s.chain_at(*id, chain));
            for (auto& each : chain) {
                if (!asked.has(each.id)) continue;
                each.what = staged_view::kind::reference;
                each.value = {};
            }
            r.stage(key, chain);
        }
        r.commit(s.seen());
    }
    [[nodiscard]] std::set<std::pair<dot, std::string>> visible(const cut& seen,
                                                                const std::string& key) const {
        std::set<std::pair<dot, std::string>> live;
        for (const auto& [id, e] : events_) {
            if (e.key == key && !e.removal && seen.has(id)) live.emplace(id, e.value);
        }
        for (const auto& [id, e] : events_) {
            if (e.key != key || !seen.has(id)) continue;
            std::erase_if(live,
                          [&, &context = e.context](const auto& each) { return context.has(each.first); });
        }
        return live;
    }
    void check(std::size_t i) {
        auto& s = at(i);
        const auto seen = s.seen();
        std::size_t keys = 0, records = 0;
        for (const auto& key : all_keys()) {
            std::vector<record_view> found;
            s.siblings(key, found);
            std::set<std::pair<dot, std::string>> got;
            for (const auto& each : found) got.emplace(each.id, std::string(each.value));
            RC_ASSERT(got == visible(seen, key));
            RC_ASSERT(s.read(key).has_value() == !found.empty());
            if (!found.empty()) {
                RC_ASSERT(s.read(key)->id == found.front().id);
                ++keys;
            }
            records += found.size();
        }
        if (s.folding()) return;
        RC_ASSERT(s.keys() == keys);
        RC_ASSERT(s.records() == records);
        const auto [at_cut, fresh] = digests_.emplace(cut_text(seen), s.state_digest()->to_string());
        RC_ASSERT(at_cut->second == s.state_digest()->to_string());
    }
    [[nodiscard]] std::set<std::string> all_keys() const {
        std::set<std::string> keys;
        for (const auto& [id, e] : events_) keys.insert(e.key);
        return keys;
    }

  private:
    static std::string cut_text(const cut& seen) {
        std::string text;
        for (const auto& id : seen.entries()) text += id.to_string() + ' ';
        return text;
    }
    std::vector<std::unique_ptr<store>> stores_;
    std::map<dot, known_event> events_;
    std::map<std::string, std::string> digests_;
    hybrid_clock clock_{1000};
};

struct step {
    std::uint8_t what, a, b, key, extra;
};

void run(world& w, const std::vector<step>& steps) {
    int serial = 0;
    for (const auto& s : steps) {
        const auto key = "k" + std::to_string(s.key % 4);
        switch (s.what % 8) {
        case 0:
        case 1:
            w.put(s.a, key, "v" + std::to_string(serial++));
            break;
        case 2:
            w.remove(s.a, key);
            break;
        case 3:
        case 4:
            w.deliver(s.a, s.b);
            break;
        case 5:
            w.session(s.a, s.b, s.extra % 3, [&, pauses = 0]() mutable {
                // The world goes on at both ends while the session is under way, for a while.
                if (++pauses > 20) return;
                w.put(s.a, "k" + std::to_string(serial % 4), "v" + std::to_string(serial));
                ++serial;
                if (s.extra % 2 == 0) w.put(s.b, key, "v" + std::to_string(serial++));
                if (s.extra % 5 == 0) w.deliver(s.extra, s.a);
            });
            break;
        default:
            w.at(s.a).fold(1 + s.extra % 3);
            break;
        }
        w.check(s.a % w.size());
        w.check(s.b % w.size());
    }
}

} // namespace

namespace rc {
template <>
struct Arbitrary<step> {
    static Gen<step> arbitrary() {
        return gen::build<step>(gen::set(&step::what), gen::set(&step::a), gen::set(&step::b),
                                gen::set(&step::key), gen::set(&step::extra));
    }
};
} // namespace rc

TEST_CASE("store: what is visible is what the oracle computes from the cut", "[crdt][law]") {
    REQUIRE(rc::check([] {
        const auto count = *rc::gen::inRange<std::size_t>(2, 5);
        const auto steps = *rc::gen::resize(200, rc::gen::arbitrary<std::vector<step>>());
        world w(count);
        run(w, steps);
    }));
}

TEST_CASE("store: joining is idempotent, commutative and associative", "[crdt][law]") {
    // Three stores with different pasts; a fourth takes them in, in two orders and once more.
    REQUIRE(rc::check([](const std::vector<step>& steps) {
        std::map<std::string, std::string> ends;
        std::vector<std::vector<std::size_t>> orders{{0, 1, 2}, {2, 1, 0}, {1, 0, 2, 1, 0, 2}};
        std::vector<std::string> sums;
        for (const auto& order : orders) {
            world w(4);
            for (const auto& s : steps) {
                const auto key = "k" + std::to_string(s.key % 4);
                const std::size_t who = s.a % 3U;
                if (s.what % 4 == 0)
                    w.remove(who, key);
                else if (s.what % 4 == 1)
                    w.deliver(who, s.b % 3U);
                else
                    w.put(who, key, "v" + std::to_string(s.extra));
            }
            for (const auto from : order) {
                w.session(from, 3, 1000, [] {});
                while (w.at(3).fold(1)) {
                }
                w.check(3);
            }
            sums.push_back(w.at(3).state_digest()->to_string());
        }
        RC_ASSERT(sums[0] == sums[1]);
        RC_ASSERT(sums[0] == sums[2]);
    }));
}

TEST_CASE("store: a write that a removal has not seen survives it", "[crdt]") {
    world w(2);
    w.put(0, "k", "old");
    w.deliver(0, 1);
    w.remove(0, "k");
    w.put(1, "k", "concurrent");
    w.deliver(0, 1);
    w.deliver(1, 0);
    for (std::size_t i = 0; i < 2; ++i) {
        REQUIRE(w.at(i).read("k"));
        REQUIRE(w.at(i).read("k")->value == "concurrent");
    }
    REQUIRE(w.at(0).state_digest() == w.at(1).state_digest());
}

TEST_CASE("store: the same key and value put on both sides, removed on one", "[crdt][paper]") {
    world w(2);
    w.put(0, "k", "same");
    w.put(1, "k", "same");
    w.remove(0, "k");
    w.deliver(0, 1);
    w.deliver(0, 1);
    w.deliver(1, 0);
    for (std::size_t i = 0; i < 2; ++i) {
        REQUIRE(w.at(i).read("k")); // the other side's put was not seen by the removal
        REQUIRE(w.at(i).keys() == 1);
    }
    REQUIRE(w.at(0).state_digest() == w.at(1).state_digest());
}

TEST_CASE("store: a newcomer's empty session wipes nothing", "[crdt]") {
    world w(2);
    for (int i = 0; i < 1000; ++i) w.put(0, "k" + std::to_string(i), "v");
    w.session(1, 0, 1000, [] {});
    REQUIRE(w.at(0).keys() == 1000);
    w.session(0, 1, 7, [] {});
    while (w.at(1).fold(10)) {
    }
    REQUIRE(w.at(1).keys() == 1000);
    REQUIRE(w.at(0).state_digest() == w.at(1).state_digest());
}

TEST_CASE("store: a dot that a peer names twice is taken once", "[crdt]") {
    for (const bool newcomer : {true, false}) {
        store s(replica(0), 1);
        std::vector<dot> kills;
        if (!newcomer) {
            s.apply({replica(1), 1}, {false, value_type::reg, timestamp{1}, 0, "other", "v", {}});
        }
        const staged_view entry{
            staged_view::kind::record, {replica(2), 4}, value_type::reg, timestamp{1}, 0, "v"};
        s.stage("a", std::vector{entry, entry});
        s.stage("b", std::vector{entry});
        cut claimed;
        claimed.raise({replica(2), 4});
        s.commit(claimed);
        while (s.fold(1)) {
        }
        s.put("a", "mine", timestamp{2}, kills);
        s.put("b", "mine", timestamp{3}, kills);
        REQUIRE(s.read("a")->value == "mine");
        REQUIRE(s.read("b")->value == "mine");
        REQUIRE(s.keys() == (newcomer ? 2 : 3));
    }
}

TEST_CASE("store: an aborted session leaves nothing behind", "[crdt]") {
    world w(2);
    w.put(0, "k", "v");
    std::vector<staged_view> chain;
    w.at(0).chain_of("k", chain);
    w.at(1).stage("k", chain);
    REQUIRE_FALSE(w.at(1).read("k"));
    w.at(1).stage_abort();
    REQUIRE(w.at(1).staged_keys() == 0);
    REQUIRE(w.at(1).seen().empty());
    REQUIRE(w.at(1).memory_bytes() < std::size_t{2} << 20);
    REQUIRE_FALSE(w.at(1).read("k"));
}

TEST_CASE("store: a later write on a younger clock beats an earlier one on an older", "[crdt]") {
    store a(replica(0), 1), b(replica(1), 2);
    std::vector<dot> kills;
    const auto first = a.put("k", "early, clock an hour ahead", timestamp::at(3600000), kills);
    b.apply(first,
            {false, value_type::reg, timestamp::at(3600000), 0, "k", "early, clock an hour ahead", {}});
    const auto second = b.put("k", "later", timestamp::at(1), kills);
    a.apply(second, {false, value_type::reg, timestamp::at(1), 0, "k", "later", kills});
    REQUIRE(a.read("k")->value == "later");
    REQUIRE(b.read("k")->value == "later");
    REQUIRE(a.sibling_count("k") == 1);
}
