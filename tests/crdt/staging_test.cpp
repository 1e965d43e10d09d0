// Proves staging alone, with blocks made by hand: a put for a slot replaces and releases the former one; the
// totals and logs of a newcomer are those of the staged rows; a cache keeps registers only; aborted memory
// returns in slices. The laws of the store show how a commit folds it in.
#include "crdt/staging.hpp"
#include "register.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <new>
#include <string>

using namespace baton;
using namespace baton::crdt;
using baton::test::reg;

namespace {

slot_name element(std::string_view key, std::string_view name) { return {value_type::set, key, name}; }

/// An arena, two origins besides this node, and what is staged.
struct bench {
    bench()
        : origins(3) {
        for (std::uint8_t i = 0; i < 3; ++i) origins[i].id.bytes[0] = i + 1;
    }
    handle make(const slot_name& slot, std::uint32_t from, std::uint64_t counter,
                block::kind what = block::kind::record, std::string_view value = {}) {
        block head{};
        head.type_ = static_cast<std::uint64_t>(slot.type) & 15;
        head.kind_ = static_cast<std::uint64_t>(what) & 3;
        head.counter = counter & counter_max;
        head.origin = from & origins_max;
        head.key_bytes = slot.key.size() & 1023;
        head.element_bytes = slot.element.size() & 1023;
        head.value_bytes = value.size() & 0xffffff;
        const auto h = memory.allocate(head.bytes());
        auto* made = new (memory.at(h)) block(head);
        auto* to = std::copy(slot.key.begin(), slot.key.end(), made->payload());
        to = std::copy(slot.element.begin(), slot.element.end(), to);
        std::copy(value.begin(), value.end(), to);
        return h;
    }
    void put(const slot_name& slot, std::vector<handle> blocks) { staged.put(slot, blocks); }
    std::size_t blocks_of(const slot_name& slot) {
        std::size_t count = 0;
        const auto* const head = staged.find(slot);
        each_block(memory, head == nullptr ? 0 : *head, [&](handle) { ++count; });
        return count;
    }
    arena memory;
    std::vector<origin> origins;
    staging staged{memory, origins, 7};
};

} // namespace

TEST_CASE("staging: what is put for a slot replaces what was there, and its memory comes back", "[crdt]") {
    bench b;
    b.staged.begin(false);
    b.put(reg("key"), {b.make(reg("key"), 1, 1), b.make(reg("key"), 2, 1)});
    REQUIRE(b.blocks_of(reg("key")) == 2);
    REQUIRE(b.staged.whole().forks);
    const auto used = b.memory.used();
    for (std::uint64_t counter = 2; counter < 100; ++counter) {
        b.put(reg("key"), {b.make(reg("key"), 1, counter), b.make(reg("key"), 2, counter)});
        REQUIRE(b.memory.used() == used);
        REQUIRE(b.staged.slots() == 1);
    }
    b.put(reg("key"), {});
    REQUIRE(b.staged.slots() == 0);
    REQUIRE(b.staged.bytes() == 0);
    REQUIRE(b.memory.used() == 0);
    REQUIRE(b.staged.find(reg("key")) == nullptr);
    REQUIRE_FALSE(b.staged.is_cache()); // no newcomer's
}

TEST_CASE("staging: a newcomer's totals and logs are those of what is staged", "[crdt]") {
    bench b;
    b.staged.begin(true);
    b.put(reg("one"), {b.make(reg("one"), 1, 1, block::kind::record, "value")});
    b.put(reg("two"), {b.make(reg("two"), 2, 4)});
    b.put(reg("gone"), {b.make(reg("gone"), 2, 5, block::kind::removal)});
    b.put(element("set", "a"), {b.make(element("set", "a"), 1, 2)});
    const auto& whole = b.staged.whole();
    REQUIRE(whole.kept);
    REQUIRE(whole.plain);
    REQUIRE(whole.keys == 2);
    REQUIRE(whole.records == 2);
    REQUIRE(whole.removals == 1);
    REQUIRE(whole.user_bytes == 3 + 5 + 3);
    REQUIRE(b.staged.log_of(1)->live() == 2);
    REQUIRE(b.staged.log_of(2)->at(4) == *b.staged.find(reg("two")));
    REQUIRE(b.staged.log_of(3) == nullptr);

    b.put(reg("one"), {});
    b.put(reg("two"), {b.make(reg("two"), 2, 6)});
    REQUIRE(whole.keys == 1);
    REQUIRE(b.staged.log_of(2)->at(4) == 0);
    const auto* const head = b.staged.find(reg("two"));
    REQUIRE(whole.sum == hash_of(block_at(b.memory, *head), b.origins[2].id));

    b.put(reg("dead"), {b.make(reg("dead"), 1, 7, block::kind::dead)});
    REQUIRE_FALSE(whole.plain); // a mark is no record
    REQUIRE_FALSE(b.staged.keep(15, 100));
}

TEST_CASE("staging: a dot that is named twice ends the cache", "[crdt]") {
    bench b;
    b.staged.begin(true);
    b.put(reg("one"), {b.make(reg("one"), 1, 1)});
    REQUIRE(b.staged.is_cache());
    b.put(reg("two"), {b.make(reg("two"), 1, 1)});
    REQUIRE_FALSE(b.staged.is_cache());
    REQUIRE(b.staged.log_of(1) == nullptr);
    REQUIRE(b.staged.slots() == 2);
}

TEST_CASE("staging: a cache keeps registers, for so many servers, if few typed slots have to go", "[crdt]") {
    bench b;
    b.staged.begin(true);
    b.put(reg("one"), {b.make(reg("one"), 1, 1)});
    for (const auto* name : {"a", "b", "c"})
        b.put(element("set", name), {b.make(element("set", name), 1, std::uint64_t(name[0]))});
    REQUIRE_FALSE(b.staged.keep(15, 2));
    REQUIRE(b.staged.typed_slots() == 3);
    REQUIRE(b.staged.keep(15, 3));
    REQUIRE(b.staged.typed_slots() == 0);
    REQUIRE(b.staged.batch() == 1);
    REQUIRE(b.staged.log_of(1)->live() == 1);
    b.put(reg("two"), {b.make(reg("two"), 1, 2)});
    REQUIRE(block_at(b.memory, *b.staged.find(reg("one"))).batch == 0);
    REQUIRE(block_at(b.memory, *b.staged.find(reg("two"))).batch == 1);
    REQUIRE_FALSE(b.staged.keep(1, 3));
}

TEST_CASE("staging: what is aborted is gone at once, and its memory comes back in slices", "[crdt]") {
    bench b;
    b.staged.begin(true);
    for (std::uint64_t i = 1; i <= 100; ++i) {
        const auto key = "key" + std::to_string(i);
        b.put(reg(key), {b.make(reg(key), 1, i)});
    }
    cut closed;
    closed.set(b.origins[1].id, 3);
    b.staged.add_archive(closed);
    const auto bytes = b.staged.bytes();
    b.staged.abort();
    REQUIRE(b.staged.slots() == 0);
    REQUIRE(b.staged.bytes() == 0);
    REQUIRE(b.staged.aborted_slots() == 100);
    REQUIRE(b.staged.aborted_bytes() == bytes);
    REQUIRE(b.staged.find(reg("key1")) == nullptr);
    REQUIRE(b.staged.take_archive().empty());
    b.staged.begin(true); // the next session need not wait
    b.put(reg("key1"), {b.make(reg("key1"), 2, 1)});
    std::size_t slices = 1;
    while (b.staged.sweep(30)) ++slices;
    REQUIRE(slices == 4);
    REQUIRE(b.staged.aborted_bytes() == 0);
    REQUIRE(b.staged.slots() == 1);
    REQUIRE(b.memory.used() == (b.staged.bytes() + 7) / 8 * 8); // the arena cuts in units of 8 bytes
}

TEST_CASE("staging: after a commit typed slots are taken first, and what is taken is the caller's",
          "[crdt]") {
    bench b;
    b.staged.begin(true);
    b.put(reg("one"), {b.make(reg("one"), 1, 1)});
    b.put(element("set", "a"), {b.make(element("set", "a"), 1, 2)});
    b.staged.commit();
    REQUIRE_FALSE(b.staged.is_cache());
    REQUIRE(b.staged.bytes() == 0);
    const auto first = b.staged.any();
    REQUIRE(first_block(b.memory, first).type() == value_type::set);
    b.staged.take(element("set", "a"));
    REQUIRE(first_block(b.memory, b.staged.any()).key() == "one");
    b.staged.take(reg("one"));
    REQUIRE(b.staged.any() == 0);
    REQUIRE(b.memory.used() != 0);
}
