// Proves key_index against a map: after any insertions and erasures it finds what the map finds, with and
// without reserved room, with many keys in one shard, and with equal halves of hashes. Proves arena: blocks
// do not overlap, and freed memory returns to the system.
#include "crdt/index.hpp"
#include "register.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <new>
#include <set>
#include <string>

using namespace baton;
using namespace baton::crdt;
using baton::test::reg;

namespace {

handle make_block(arena& memory, const slot_name& slot) {
    block head{};
    head.type_ = static_cast<std::uint64_t>(slot.type) & 15;
    head.key_bytes = slot.key.size() & 1023;
    head.element_bytes = slot.element.size() & 1023;
    const auto h = memory.allocate(head.bytes());
    auto* made = new (memory.at(h)) block(head);
    std::copy(slot.element.begin(), slot.element.end(),
              std::copy(slot.key.begin(), slot.key.end(), made->payload()));
    return h;
}

/// The arena, an index, and a map that has seen the same calls.
struct pair_of_tables {
    explicit pair_of_tables(std::uint64_t seed)
        : table(memory, seed) {}
    void insert(const std::string& key, std::uint64_t hash) {
        const auto h = make_block(memory, reg(key));
        table.insert(hash, h);
        model[key] = {hash, h};
    }
    void erase(const std::string& key) {
        const auto [hash, h] = model.at(key);
        table.erase(hash, table.find(hash, reg(key)));
        model.erase(key);
    }
    [[nodiscard]] bool same() {
        bool good = table.size() == model.size();
        for (const auto& [key, entry] : model) {
            const auto* const found = table.find(entry.first, reg(key));
            good = good && found != nullptr && *found == entry.second;
        }
        return good;
    }
    arena memory;
    key_index table;
    std::map<std::string, std::pair<std::uint64_t, handle>> model;
};

} // namespace

TEST_CASE("key_index: finds what a map finds after any inserts and erases", "[crdt][law]") {
    REQUIRE(rc::check(
        [](const std::vector<std::pair<bool, std::uint16_t>>& steps, std::uint64_t seed, bool room) {
            pair_of_tables t(seed);
            if (room) t.table.reserve(5000);
            for (const auto& [insert, number] : steps) {
                const auto key = "k" + std::to_string(number % 97);
                if (insert && !t.model.contains(key)) {
                    t.insert(key, t.table.hash(reg(key)));
                } else if (!insert && t.model.contains(key)) {
                    t.erase(key);
                }
                RC_ASSERT(t.same());
            }
            for (int number = 0; number < 97; ++number) {
                const auto key = "k" + std::to_string(number);
                RC_ASSERT((t.table.find(reg(key)) != nullptr) == t.model.contains(key));
            }
            std::set<handle> swept;
            while (const auto head = t.table.any()) {
                RC_ASSERT(swept.insert(head).second);
                t.table.erase(block_at(t.memory, head).slot());
            }
            RC_ASSERT(swept.size() == t.model.size());
        }));
}

TEST_CASE("key_index: one shard with hashes side by side, equal, first and last", "[crdt][law]") {
    // Ordered probing at its worst: homes that are shared, and a run that spills over the end of the shard.
    REQUIRE(rc::check([](const std::vector<std::pair<bool, std::uint8_t>>& steps, bool last) {
        pair_of_tables t(1);
        for (const auto& [insert, number] : steps) {
            const auto key = "k" + std::to_string(number);
            // A quarter have the same hash as another key; the low half orders, the top bits choose the
            // shard.
            const std::uint64_t low = last ? 0xffffffffU - number / 4 % 40 : number / 4;
            if (insert && !t.model.contains(key)) {
                t.insert(key, std::uint64_t{7} << 55 | low);
            } else if (!insert && t.model.contains(key)) {
                t.erase(key);
            }
            RC_ASSERT(t.same());
        }
        std::size_t visited = 0;
        t.table.each_in_shard(7, [&](handle) { ++visited; });
        RC_ASSERT(visited == t.model.size());
    }));
}

TEST_CASE("key_index: slots of every type under one key are apart, and so is the root", "[crdt]") {
    arena memory;
    key_index table(memory, 3);
    std::vector<slot_name> names;
    for (std::uint8_t type = 0; type < value_types; ++type) {
        const auto what = static_cast<value_type>(type);
        names.push_back({what, "key", {}});
        if (has_element(what)) names.push_back({what, "key", "element"});
    }
    std::vector<handle> heads;
    for (const auto& slot : names) {
        heads.push_back(make_block(memory, slot));
        table.insert(table.hash(slot), heads.back());
    }
    for (std::size_t i = 0; i < names.size(); ++i) REQUIRE(*table.find(names[i]) == heads[i]);
    REQUIRE(table.find_root(table.root_hash("key"), "key") == nullptr);
    REQUIRE(table.find({value_type::set, "key", "other"}) == nullptr);
}

TEST_CASE("key_index: a hundred thousand keys grow shard by shard and are all found and erased", "[crdt]") {
    for (const std::size_t expected : {0, 100000, 1000000}) {
        arena memory;
        key_index table(memory, 7);
        table.reserve(expected);
        constexpr int count = 100000;
        for (int i = 0; i < count; ++i) {
            const auto key = std::to_string(i);
            table.insert(table.hash(reg(key)), make_block(memory, reg(key)));
        }
        int missing = 0;
        for (int i = 0; i < count; ++i) missing += table.find(reg(std::to_string(i))) == nullptr ? 1 : 0;
        REQUIRE(missing == 0);
        REQUIRE(table.find(reg("absent")) == nullptr);
        if (expected <= count) REQUIRE(table.bytes() < std::size_t{13} * count);
        for (int i = 0; i < count; i += 2) table.erase(reg(std::to_string(i)));
        int wrong = 0;
        for (int i = 0; i < count; ++i)
            wrong += (table.find(reg(std::to_string(i))) != nullptr) != (i % 2 == 1) ? 1 : 0;
        REQUIRE(wrong == 0);
        for (int i = 1; i < count; i += 2) table.erase(reg(std::to_string(i)));
        REQUIRE(table.size() == 0);
        REQUIRE(table.bytes() < 64 * key_index::shards);
    }
}

TEST_CASE("arena: blocks of every size are apart from each other and are used again", "[crdt]") {
    arena memory;
    std::map<handle, std::size_t> live;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t bytes = 1; bytes < 200000; bytes += 1 + bytes / 7) {
            const auto h = memory.allocate(bytes);
            REQUIRE(h != 0);
            REQUIRE(live.emplace(h, bytes).second);
            std::fill_n(reinterpret_cast<char*>(memory.at(h)), bytes, static_cast<char>(bytes));
        }
        int damaged = 0;
        for (const auto& [h, bytes] : live) {
            const auto* const data = reinterpret_cast<const char*>(memory.at(h));
            for (std::size_t i = 0; i < bytes; ++i) damaged += data[i] != static_cast<char>(bytes) ? 1 : 0;
        }
        REQUIRE(damaged == 0);
        for (const auto& [h, bytes] : live) memory.release(h, bytes);
        live.clear();
        REQUIRE(memory.bytes() <= arena::chunk_bytes);
    }
}

TEST_CASE("arena: after any calls every chunk but one goes back", "[crdt][law]") {
    REQUIRE(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint16_t>>& steps) {
        arena memory;
        std::vector<std::pair<handle, std::size_t>> live;
        for (const auto& [what, size] : steps) {
            for (int i = 0; i < 40; ++i) { // many, so that chunks fill and empty
                const std::size_t bytes = what % 4 == 0 ? 70000U + size : 1U + size;
                if (what % 3 != 0 || live.empty()) {
                    live.emplace_back(memory.allocate(bytes), bytes);
                    *memory.at(live.back().first) = std::byte{1};
                } else {
                    const auto at = (size + static_cast<std::size_t>(i)) % live.size();
                    memory.release(live[at].first, live[at].second);
                    live.erase(live.begin() + static_cast<std::ptrdiff_t>(at));
                }
            }
        }
        std::size_t wanted = 0;
        for (const auto& [h, bytes] : live) wanted += bytes;
        RC_ASSERT(memory.bytes() >= wanted);
        for (const auto& [h, bytes] : live) memory.release(h, bytes);
        RC_ASSERT(memory.bytes() <= arena::chunk_bytes);
    }));
}
