// Proves comparison by ranges: what next_held names, with and without staged records, in any portions; what a
// dead mark does to main records and to a cache; and the repair by union, where both sides keep everything
// that either holds.
#include "register.hpp"
#include "support/catch.hpp"
#include "world.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::crdt;
using namespace baton::test;

namespace {

std::vector<std::uint64_t> held(const store& s, dot_range range, std::size_t portion, bool staged) {
    std::vector<std::uint64_t> all;
    for (int guard = 0; guard < 10000 && range.after < range.last; ++guard) {
        std::size_t steps = portion;
        if (const auto found = s.next_held(range, steps, staged)) all.push_back(found->counter);
    }
    if (range.after != range.last) all.push_back(0); // 0 shows that the walk did not reach the end
    return all;
}

/// A record as a server sends it.
bool stage_one(store& s, std::string_view key, const dot& id, std::string_view value) {
    return s.stage(reg(key), std::vector{staged_view{block::kind::record, id, timestamp{1}, 0, value}});
}

void fold(store& s) {
    while (s.fold(1)) {
    }
}

cut upto(std::initializer_list<dot> all) {
    cut c;
    for (const auto& id : all) c.raise(id);
    return c;
}

} // namespace

TEST_CASE("ranges: next_held names the live records of a range, in any portions", "[crdt][law]") {
    REQUIRE(rc::check([](const std::vector<std::uint8_t>& writes, std::uint8_t portion, std::uint8_t from,
                         std::uint8_t to) {
        world w(1);
        for (const auto each : writes) {
            const auto key = "k" + std::to_string(each % 20);
            each % 3 == 0 ? w.remove(0, key) : w.put(0, key, "v");
        }
        const dot_range range{w.at(0).self(), from, std::uint64_t{from} + to};
        std::vector<std::uint64_t> expected;
        for (const auto* e : w.past().live(w.seen(0))) {
            if (e->id.counter > range.after && e->id.counter <= range.last) expected.push_back(e->id.counter);
        }
        std::sort(expected.begin(), expected.end());
        RC_ASSERT(held(w.at(0), range, 1U + portion % 8, false) == expected);
        RC_ASSERT(held(w.at(0), {replica(7), 0, 9}, 1, false).empty());
    }));
}

TEST_CASE("ranges: what is staged counts where it is a cache and is asked for", "[crdt]") {
    store s(replica(0), 1);
    REQUIRE(stage_one(s, "a", {replica(1), 2}, "v"));
    REQUIRE(stage_one(s, "b", {replica(1), 5}, "w"));
    REQUIRE(s.stage_is_cache());
    REQUIRE(held(s, {replica(1), 0, 9}, 1, true) == std::vector<std::uint64_t>{2, 5});
    REQUIRE(held(s, {replica(1), 2, 4}, 1, true).empty());
    REQUIRE(held(s, {replica(1), 0, 9}, 1, false).empty());
    // A record is the same, staged or not.
    const auto staged = s.held({replica(1), 2}, true);
    s.commit(upto({{replica(1), 5}}));
    fold(s);
    REQUIRE(s.held({replica(1), 2}, false)->hash == staged->hash);
    // A store with a past of its own does not treat staged records as a cache.
    REQUIRE(stage_one(s, "c", {replica(2), 1}, "x"));
    REQUIRE_FALSE(s.stage_is_cache());
    REQUIRE(held(s, {replica(2), 0, 9}, 1, true).empty());
}

TEST_CASE("ranges: a record found dead goes at the commit, and only it", "[crdt]") {
    world w(2);
    w.put(0, "k", "gone");
    w.put(1, "k", "stays");
    w.put(1, "other", "stays");
    w.tell_next(0, 1);
    auto& s = w.at(1);
    REQUIRE(s.sibling_count(reg("k")) == 2);
    s.stage_dead({replica(0), 1});
    s.stage_dead({replica(0), 7}); // never heard of
    REQUIRE(s.sibling_count(reg("k")) == 2);
    s.commit(upto({{replica(0), 1}}));
    fold(s);
    REQUIRE(s.read("k")->value == "stays");
    REQUIRE(s.sibling_count(reg("k")) == 1);
    REQUIRE(s.records() == 2);
}

TEST_CASE("ranges: a record found dead goes out of a cache at once", "[crdt]") {
    store s(replica(0), 1);
    REQUIRE(stage_one(s, "a", {replica(1), 1}, "dead"));
    REQUIRE(stage_one(s, "b", {replica(1), 2}, "alive"));
    REQUIRE(s.stage_keep()); // the server is gone
    s.stage_dead({replica(1), 1});
    REQUIRE(held(s, {replica(1), 0, 9}, 1, true) == std::vector<std::uint64_t>{2});
    s.commit(upto({{replica(1), 3}}));
    fold(s);
    REQUIRE_FALSE(s.read("a"));
    REQUIRE(s.read("b")->value == "alive");
    REQUIRE(s.keys() == 1);
}

TEST_CASE("ranges: a cache keeps registers that the next server has seen, and nothing else", "[crdt]") {
    store s(replica(0), 1);
    REQUIRE(stage_one(s, "a", {replica(1), 1}, "v"));
    REQUIRE(stage_one(s, "b", {replica(1), 4}, "unseen by the next"));
    const slot_name element{value_type::set, "s", "e"};
    REQUIRE(s.stage(element,
                    std::vector{staged_view{block::kind::record, {replica(1), 2}, timestamp{1}, 0, {}}}));
    REQUIRE(s.stage_keep());
    REQUIRE(s.staged_slots() == 2);
    const auto seen = upto({{replica(1), 3}});
    s.stage_trim(seen);
    s.commit(seen);
    fold(s);
    REQUIRE(s.read("a"));
    REQUIRE_FALSE(s.read("b"));
    REQUIRE(s.records() == 1);
}

TEST_CASE("ranges: what is passed on from server to server too often is let go of", "[crdt]") {
    store s(replica(0), 1);
    REQUIRE(stage_one(s, "a", {replica(1), 1}, "v"));
    int kept = 0;
    while (kept < 100 && s.stage_keep()) ++kept;
    REQUIRE(kept == 15);
}

TEST_CASE("store: repair by union keeps what either side holds, and both end the same", "[crdt]") {
    // Two stores that have seen the same, and by some fault hold different records.
    const auto seen = upto({{replica(2), 9}});
    store a(replica(0), 1), b(replica(1), 2);
    for (auto* s : {&a, &b}) {
        const bool first = s == &a;
        REQUIRE(stage_one(*s, "both", {replica(2), 1}, "same"));
        REQUIRE(stage_one(*s, first ? "only a" : "only b", {replica(2), first ? 2U : 3U}, "v"));
        REQUIRE(stage_one(*s, "bent", {replica(2), 4}, first ? "one" : "another"));
        REQUIRE(stage_one(*s, "older", {replica(2), first ? 5U : 6U}, first ? "old" : "new"));
        s->commit(seen);
        fold(*s);
    }
    REQUIRE_FALSE(a.state_digest() == b.state_digest());
    for (auto [to, from] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
        std::vector<staged_view> chain;
        std::vector<std::string> keys;
        for (std::size_t shard = 0; shard < key_index::shards; ++shard) from->keys_of(shard, {}, keys);
        for (const auto& key : keys) {
            from->chain_of(reg(key), chain);
            REQUIRE(to->stage(reg(key), chain));
        }
        to->commit(seen, true);
        fold(*to);
    }
    REQUIRE(a.keys() == 5);
    REQUIRE(a.read("only b"));
    REQUIRE(a.read("older")->value == "new");
    REQUIRE(a.read("bent")->value == b.read("bent")->value);
    REQUIRE(a.state_digest() == b.state_digest());
    REQUIRE(a.records() == b.records());
}

TEST_CASE("floor: it rises with what is dropped, and says who may be served by a walk", "[crdt]") {
    world w(2);
    w.put(0, "k", "v");
    w.put(0, "k2", "v");
    w.tell_next(0, 1);
    w.remove(0, "k");
    const auto early = w.seen(1);
    w.at(0).collect(w.seen(0), 100);
    REQUIRE(w.at(0).removals() == 0);
    REQUIRE(w.at(0).floor() == upto({{replica(0), 3}}));
    REQUIRE_FALSE(w.at(0).may_walk(early));
    REQUIRE(w.at(0).may_walk(w.seen(0)));
    REQUIRE(w.at(0).may_walk({})); // nothing in common, so no removal to report
    w.sync(1, 0);
    REQUIRE(w.check(1) == "");
    REQUIRE_FALSE(w.at(1).read("k"));
    REQUIRE(w.at(1).floor() == w.at(0).floor());
}
