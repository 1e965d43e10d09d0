// Named histories: cases known from other systems, and every fault the laws have found, as the shortest story
// that shows it. Each ends with the oracle (world::check) or with what must be read.
#include "support/catch.hpp"
#include "world.hpp"

using namespace baton;
using namespace baton::crdt;
using namespace baton::test;

namespace {

void require_same(world& w) {
    for (std::size_t i = 0; i < w.size(); ++i) {
        REQUIRE(w.check(i) == "");
        REQUIRE(w.seen(i) == w.seen(0));
        REQUIRE(w.at(i).state_digest() == w.at(0).state_digest());
    }
}

/// Everything that `from` has written reaches `to`.
void tell_all(world& w, std::size_t from, std::size_t to) {
    for (int i = 0; i < 50; ++i) w.tell_next(from, to);
}

/// The rest of a session, folded.
void finish(world& w, std::size_t receiver) {
    for (int i = 0; i < 100 && w.pulls(receiver); ++i) {
        w.serve(receiver, 100);
        w.receive(receiver);
    }
    while (w.at(receiver).fold(100)) {
    }
}

slot_key element(const std::string& key, const std::string& name) { return {value_type::set, key, name}; }

} // namespace

TEST_CASE("store: a write that a removal has not seen survives it", "[crdt]") {
    world w(2);
    w.put(0, "k", "old");
    tell_all(w, 0, 1);
    w.remove(0, "k");
    w.put(1, "k", "concurrent");
    tell_all(w, 0, 1);
    tell_all(w, 1, 0);
    REQUIRE(w.at(0).read("k")->value == "concurrent");
    require_same(w);
}

TEST_CASE("store: the same key and value put on both sides, removed on one", "[crdt][paper]") {
    world w(2);
    w.put(0, "k", "same");
    w.put(1, "k", "same");
    w.remove(0, "k");
    tell_all(w, 0, 1);
    tell_all(w, 1, 0);
    REQUIRE(w.at(0).read("k")); // the other side's put was not seen by the removal
    REQUIRE(w.at(0).keys() == 1);
    require_same(w);
}

TEST_CASE("store: a newcomer's empty session wipes nothing", "[crdt]") {
    world w(2);
    for (int i = 0; i < 1000; ++i) w.put(0, "k" + std::to_string(i), "v");
    w.sync(0, 1);
    REQUIRE(w.at(0).keys() == 1000);
    w.sync(1, 0);
    REQUIRE(w.at(1).keys() == 1000);
    REQUIRE(w.at(0).state_digest() == w.at(1).state_digest());
}

TEST_CASE("store: a dot that a peer names twice is taken once", "[crdt]") {
    for (const bool newcomer : {true, false}) {
        store s(replica(0), 1);
        write_buffers buffers;
        const auto reg = [](std::string_view key) { return slot_name{value_type::reg, key, {}}; };
        if (!newcomer)
            REQUIRE(s.apply({replica(1), 1}, {false, reg("other"), timestamp{1}, 0, "v", {}}) ==
                    store::applied::yes);
        const staged_view entry{block::kind::record, {replica(2), 4}, timestamp{1}, 0, "v"};
        REQUIRE(s.stage(reg("a"), std::vector{entry, entry}));
        REQUIRE(s.stage(reg("b"), std::vector{entry}));
        cut claimed;
        claimed.raise({replica(2), 4});
        s.commit(claimed);
        while (s.fold(1)) {
        }
        s.put(reg("a"), "mine", timestamp{2}, buffers);
        s.put(reg("b"), "mine", timestamp{3}, buffers);
        REQUIRE(s.read("a")->value == "mine");
        REQUIRE(s.read("b")->value == "mine");
        REQUIRE(s.keys() == (newcomer ? 2 : 3));
    }
}

TEST_CASE("store: an aborted session leaves nothing behind", "[crdt]") {
    world w(2);
    w.put(0, "k", "v");
    w.put(0, element("set", "e"));
    w.pull(1, 0, 0, false);
    for (int i = 0; i < 2; ++i) {
        w.serve(1, 10);
        w.receive(1);
    }
    REQUIRE(w.at(1).staged_slots() == 2);
    REQUIRE_FALSE(w.at(1).read("k"));
    w.abandon(1, false);
    REQUIRE(w.at(1).staged_slots() == 0);
    REQUIRE(w.at(1).staged_bytes() == 0);
    while (w.at(1).sweep(1)) {
    }
    REQUIRE(w.at(1).seen().empty());
    REQUIRE(w.at(1).memory_bytes() < std::size_t{2} << 20);
    REQUIRE(w.check(1) == "");
}

TEST_CASE("store: a later write on a younger clock beats an earlier one on an older", "[crdt]") {
    store a(replica(0), 1), b(replica(1), 2);
    write_buffers buffers;
    const slot_name slot{value_type::reg, "k", {}};
    const auto first = a.put(slot, "early, clock an hour ahead", timestamp::at(3600000), buffers);
    REQUIRE(b.apply(first.id, first.event) == store::applied::yes);
    const auto second = b.put(slot, "later", timestamp::at(1), buffers);
    REQUIRE(a.apply(second.id, second.event) == store::applied::yes);
    REQUIRE(a.read("k")->value == "later");
    REQUIRE(b.read("k")->value == "later");
    REQUIRE(a.sibling_count(slot) == 1);
}

TEST_CASE("scope: what is put meanwhile survives the removal of the whole", "[crdt]") {
    world w(2);
    w.put(0, element("s", "old"));
    tell_all(w, 0, 1);
    w.remove_scope(0, "s");
    w.put(1, element("s", "old"));
    w.put(1, element("s", "new"));
    tell_all(w, 0, 1);
    tell_all(w, 1, 0);
    std::vector<std::string> names;
    w.at(0).elements(value_type::set, "s", names);
    REQUIRE(names == std::vector<std::string>{"new", "old"});
    require_same(w);
}

TEST_CASE("scope: a second removal of the whole still says what the first had seen", "[crdt]") {
    // No other node has seen x. Its residue goes at node 0, which then removes the whole key again.
    world w(3);
    w.put(1, element("s", "x"));
    tell_all(w, 1, 0);
    tell_all(w, 1, 2);
    w.remove_scope(0, "s");
    for (std::size_t i = 1; i < 3; ++i) w.tell(i, 0);
    w.collect(0, 100); // x is stable, its removal is not
    w.put(0, element("s", "y"));
    w.remove_scope(0, "s");
    w.pull(2, 0, 0, false);
    finish(w, 2);
    tell_all(w, 0, 1);
    require_same(w);
}

TEST_CASE("counter: what a session brought is no word of what its receiver wrote meanwhile", "[crdt]") {
    world w(2); // node 1 adds, node 0 removes
    w.add(1, "c", 5);
    w.tell_next(1, 0);
    w.put(0, "k", "v");
    tell_all(w, 0, 1);
    w.remove(0, {value_type::counter, "c"});
    w.settle(0); // from here on it waits for the report of node 1
    w.pull(1, 0, 0, false);
    w.serve(1, 10);
    w.add(1, "c", 2);
    finish(w, 1);
    w.settle(0);
    tell_all(w, 1, 0);
    REQUIRE(w.at(0).count("c") == 2);
    require_same(w);
    w.tell(1, 0);
    w.settle(0);
    w.settle(0);
    require_same(w);
}

TEST_CASE("session: what a closed origin removed meanwhile is not lost on the way", "[crdt]") {
    world w(3); // node 2 pulls from node 1; node 0 removes and is closed
    w.put(1, "k", "v");
    tell_all(w, 1, 0);
    tell_all(w, 1, 2);
    w.put(0, "other", "v");
    tell_all(w, 0, 1);
    tell_all(w, 0, 2);
    w.put(1, "more", "v");
    w.pull(2, 1, 0, false);
    w.remove(0, "k");
    tell_all(w, 0, 1);
    w.archive(1, 0);
    w.collect(1, 100);
    finish(w, 2);
    REQUIRE(w.check(2) == "");
}

// ---------------------------------------------------------------- claims, and writes that name what they
// replace

namespace {
const auto forever = ~std::uint64_t{0};
}

TEST_CASE("store: a put by somebody else stays beside a claimed record", "[crdt]") {
    // A node that does not own the register writes a sibling, which is not read until the register is free.
    world w(2);
    w.put(0, "k", "free");
    w.claim(0, "k");
    tell_all(w, 0, 1);
    w.put(1, "k", "beside");
    CHECK(w.at(1).read("k")->value == "free");
    CHECK(w.at(1).sibling_count({value_type::reg, "k", {}}) == 2);
    tell_all(w, 1, 0);
    w.put(0, "k", "of the owner"); // keeps the claim, and replaces what is not claimed
    CHECK(is_claim(w.at(0).read("k")->epoch));
    CHECK(w.at(0).sibling_count({value_type::reg, "k", {}}) == 1);
    tell_all(w, 0, 1);
    require_same(w);
}

TEST_CASE("store: a put where a claim was given up ranks with it", "[crdt]") {
    // Otherwise it would rank below a value that it has not replaced: a writer reads its own write.
    world w(3);
    w.put(0, "k", "v");
    w.claim(0, "k");
    tell_all(w, 0, 1);
    w.put(1, "k", "beside");
    w.replace(0, {value_type::reg, "k"}, 0, "free", release_epoch(w.at(0).read("k")->epoch));
    tell_all(w, 0, 1), tell_all(w, 0, 2), tell_all(w, 1, 2);
    CHECK(w.at(2).read("k")->value == "free");
    w.put(2, "k", "next");
    CHECK(w.at(2).sibling_count({value_type::reg, "k", {}}) == 1);
    tell_all(w, 1, 0), tell_all(w, 2, 0), tell_all(w, 2, 1);
    CHECK(w.at(1).read("k")->value == "next");
    require_same(w);
}

TEST_CASE("store: of two claims the same one is read everywhere, and both values stay", "[crdt]") {
    world w(2);
    w.put(0, "k", "v");
    tell_all(w, 0, 1);
    w.claim(0, "k");
    w.claim(1, "k");
    tell_all(w, 0, 1), tell_all(w, 1, 0);
    CHECK(w.at(0).read("k")->id == w.at(1).read("k")->id);
    CHECK(w.at(0).sibling_count({value_type::reg, "k", {}}) == 2);
    require_same(w);
}

TEST_CASE("store: siblings can be taken away without touching the one that is read", "[crdt]") {
    // As a member does if a key has more siblings than allowed.
    world w(4);
    for (std::size_t i = 0; i < 3; ++i) w.put(i, "k", std::to_string(i));
    for (std::size_t i = 0; i < 3; ++i) tell_all(w, i, 3);
    w.replace(3, {value_type::reg, "k"}, 6, std::nullopt); // the second and the third best
    CHECK(w.at(3).sibling_count({value_type::reg, "k", {}}) == 1);
    for (std::size_t i = 0; i < 3; ++i) w.sync(i, 3);
    CHECK(w.at(1).read("k")->value == "2");
    require_same(w);
}

TEST_CASE("store: the numbers of claims end at the largest that there is", "[crdt]") {
    // A peer may send any epoch: a claim is odd and a release even all the same.
    const auto now = timestamp::at(1'700'000'000'000);
    CHECK(claim_epoch(0, now) == now.raw + 1);
    CHECK(claim_epoch(now.raw + 1, now) == now.raw + 3);
    CHECK(claim_epoch(now.raw + 2, now) == now.raw + 3);
    CHECK(claim_epoch(forever, now) == forever);
    CHECK(claim_epoch(forever - 1, now) == forever);
    CHECK(claim_epoch(forever - 2, now) == forever);
    CHECK(release_epoch(forever) == forever - 1);
    CHECK(is_claim(claim_epoch(forever - 3, now)));
}

TEST_CASE("store: what is pinned stays as it was when its slot is written, removed and merged", "[crdt]") {
    const std::size_t size = GENERATE(20, 100'000); // in the arena's chunks, and alone
    replica_id self, other;
    self.bytes[0] = 1;
    other.bytes[0] = 2;
    store s(self, 1);
    write_buffers buffers;
    const slot_name slot{value_type::reg, "k", {}};
    const auto put = [&](char letter) {
        return s.put(slot, std::string(size, letter), timestamp::at(1), buffers).id;
    };
    const auto first = put('a');
    const auto used = s.bytes_in_use();
    std::vector<handle> once, twice;
    s.pin_chain(slot, once);
    s.pin_chain(slot, twice);
    REQUIRE(once == twice);
    REQUIRE(once.size() == 1);
    REQUIRE(s.kept_bytes() == 0); // it is there anyway
    SECTION("overwritten") { put('b'); }
    SECTION("removed") { REQUIRE(s.remove(slot, timestamp::at(2), buffers)); }
    SECTION("replaced by a session") {
        const std::string value(size, 'c');
        const staged_view theirs{block::kind::record, {other, 1}, timestamp::at(3), 0, value, {}};
        REQUIRE(s.stage(slot, {&theirs, 1}));
        s.commit(cut::of_dots({first, {other, 1}}));
        while (s.fold(100)) {
        }
        REQUIRE(s.read("k")->value == value);
    }
    const auto seen = s.pinned(once[0]);
    REQUIRE(seen.id == first);
    REQUIRE(seen.value == std::string(size, 'a'));
    REQUIRE(s.kept_bytes() >= size);
    s.unpin(once[0]);
    REQUIRE(s.pinned(once[0]).value == std::string(size, 'a'));
    s.unpin(twice[0]);
    REQUIRE(s.kept_bytes() == 0);
    REQUIRE(s.bytes_in_use() <= used + 500);
}

TEST_CASE("store: a context that names what nobody has seen is not kept", "[crdt]") {
    // Otherwise each event of a member could make it longer, beyond the limit of a block.
    replica_id self, other;
    self.bytes[0] = 1;
    other.bytes[0] = 2;
    store s(self, 1);
    write_buffers buffers;
    const auto mine = s.put({value_type::set, "set", "mine"}, {}, timestamp::at(1), buffers).id;
    const auto used = s.bytes_in_use();
    for (std::uint64_t counter = 1; counter <= 20; ++counter) {
        std::vector<dot> made_up;
        for (std::uint8_t i = 0; i < 200; ++i) {
            replica_id id;
            id.bytes = {200, static_cast<std::uint8_t>(counter), i};
            made_up.push_back({id, 1});
        }
        made_up.push_back(mine);
        std::string context;
        const auto all = cut::of_dots(made_up);
        for (const auto& id : all.entries()) context_entry::append(context, id);
        event_view removal;
        removal.removal = true;
        removal.slot = {value_type::scope, "set", {}};
        removal.value = context;
        REQUIRE(s.apply({other, counter}, removal) == store::applied::yes);
    }
    REQUIRE_FALSE(s.read({value_type::set, "set", "mine"}));
    REQUIRE(s.bytes_in_use() <= used + 1000);
}
