// ordered_keys against a std::set that has seen the same calls: keys of all lengths, with much and little in
// common, in order and not; and what its memory costs. That the store keeps it and its notes right through
// types, removals, commits and folding is checked after every edit of every law (world_check.cpp). key_order
// and notes alone.
#include "crdt/bounded_notes.hpp"
#include "crdt/key_order.hpp"
#include "crdt/ordered_keys.hpp"
#include "crdt/store.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

#include <random>
#include <set>
#include <string>

using namespace baton;
using namespace baton::crdt;

namespace {

struct edit {
    bool insert;
    std::string key;
};

/// Few different bytes, the extreme ones among them, so that keys have beginnings in common; some are long.
rc::Gen<std::string> some_key() {
    return rc::gen::exec([] {
        std::string key(
            *rc::gen::inRange<std::size_t>(0, 4) == 0 ? *rc::gen::inRange<std::size_t>(100, 500) : 0, 'l');
        const auto tail = *rc::gen::container<std::string>(rc::gen::element('\0', 'a', 'b', '\x7f', '\xff'));
        return key + tail.substr(0, 12);
    });
}

std::vector<std::string> listed(const ordered_keys& keys, std::string_view from) {
    std::vector<std::string> all;
    keys.each_from(from, [&](std::string_view key) {
        all.emplace_back(key);
        return true;
    });
    return all;
}

bool same(const ordered_keys& keys, const std::set<std::string>& model, const std::string& from) {
    const std::vector<std::string> wanted(model.lower_bound(from), model.end());
    return keys.size() == model.size() && listed(keys, from) == wanted;
}

} // namespace

TEST_CASE("ordered_keys: holds and lists what a set does after any inserts and erases", "[crdt][law]") {
    REQUIRE(rc::check([] {
        ordered_keys keys;
        std::set<std::string> model;
        const auto steps = *rc::gen::container<std::vector<edit>>(
            rc::gen::construct<edit>(rc::gen::arbitrary<bool>(), some_key()));
        for (const auto& [insert, key] : steps) {
            if (insert) {
                RC_ASSERT(keys.insert(key) == model.insert(key).second);
            } else {
                RC_ASSERT(keys.erase(key) == (model.erase(key) == 1));
            }
            RC_ASSERT(keys.contains(key) == model.contains(key));
            RC_ASSERT(same(keys, model, ""));
        }
        RC_ASSERT(same(keys, model, *some_key()));
    }));
}

TEST_CASE("ordered_keys: splits, merges and pages come and go with tens of thousands of keys",
          "[crdt][law]") {
    // Random and in order; then erased at random, with looks in between; memory follows.
    for (const bool in_order : {false, true}) {
        std::mt19937 random(7);
        ordered_keys keys;
        std::set<std::string> model;
        for (std::uint32_t i = 0; i < 60000; ++i) {
            const auto number = std::to_string(in_order ? 1000000 + i : random() % 1000000);
            const auto key = "some/prefix/" + number + (number.back() == '7' ? std::string(200, 'x') : "");
            REQUIRE(keys.insert(key) == model.insert(key).second);
        }
        REQUIRE(same(keys, model, ""));
        const auto full = keys.bytes();
        REQUIRE(full < model.size() * (in_order ? 35 : 38)); // a tenth of the keys have 200 bytes more
        while (!model.empty()) {
            for (int i = 0; i < 10000 && !model.empty(); ++i) {
                auto at = model.lower_bound("some/prefix/" + std::to_string(random() % 2000000));
                if (at == model.end()) at = model.begin();
                REQUIRE(keys.erase(*at));
                model.erase(at);
            }
            REQUIRE(same(keys, model, "some/prefix/5"));
        }
        REQUIRE(keys.empty());
        REQUIRE(keys.bytes() < full / 20);
    }
}

TEST_CASE("ordered_keys: is shed in portions, down to nothing", "[crdt]") {
    ordered_keys keys;
    for (int i = 0; i < 200000; ++i) keys.insert("key-" + std::to_string(i));
    const auto full = keys.bytes();
    std::size_t portions = 1, before = keys.size();
    while (keys.shed()) {
        REQUIRE(before - keys.size() <= 256 * 256);
        before = keys.size();
        ++portions;
    }
    REQUIRE(portions > 2);
    REQUIRE(keys.empty());
    REQUIRE(keys.bytes() < full / 20);
    REQUIRE(keys.insert("again"));
}

TEST_CASE("key_order: is whole after as many slices as it takes, whatever comes and goes between",
          "[crdt][law]") {
    // An index whose handles are numbers: the order asks for a key where it meets one.
    arena memory;
    key_index index(memory, 7);
    std::vector<std::string> names(1);
    std::set<std::string> model;
    std::mt19937_64 random(7);
    key_order order;
    const auto add = [&] {
        names.push_back("key" + std::to_string(names.size()));
        index.insert(random(), static_cast<handle>(names.size() - 1));
        if (order.exists()) order.came(names.back());
        model.insert(names.back());
    };
    const auto key_of = [&](handle h) {
        return model.contains(names[h]) ? std::string_view(names[h]) : std::string_view{};
    };
    for (int i = 0; i < 2000; ++i) add();
    std::size_t slices = 0;
    while (!order.build(index, 100, key_of)) {
        REQUIRE(order.exists());
        REQUIRE_FALSE(order.is_whole());
        add();
        const auto gone = *model.begin();
        model.erase(gone);
        order.went(gone);
        ++slices;
    }
    REQUIRE(slices >= 20);
    const auto listed_order = [&] {
        std::vector<std::string> all;
        order.each_from("", [&](std::string_view key) {
            all.emplace_back(key);
            return true;
        });
        return all;
    };
    REQUIRE(order.is_whole());
    REQUIRE(listed_order() == std::vector<std::string>(model.begin(), model.end()));

    const auto bytes = order.bytes();
    order.drop();
    REQUIRE_FALSE(order.exists());
    REQUIRE(order.bytes() >= bytes); // until it is shed
    while (order.shed()) {
    }
    REQUIRE(order.bytes() < bytes / 10);
    while (!order.build(index, 5000, key_of)) {
    }
    REQUIRE(listed_order() == std::vector<std::string>(model.begin(), model.end()));
}

TEST_CASE("bounded_notes: keeps up to its bound, and says once that some are missing", "[crdt]") {
    bounded_notes<std::string> notes(2);
    std::vector<std::string> taken{"what was there"};
    REQUIRE(notes.empty());
    notes.note("a");
    notes.note("b");
    notes.each([](std::string& note) { note += '!'; });
    REQUIRE_FALSE(notes.take(taken));
    REQUIRE(taken == std::vector<std::string>{"a!", "b!"});
    REQUIRE(notes.empty());
    for (const auto* each : {"c", "d", "e"}) notes.note(each);
    REQUIRE(notes.take(taken));
    REQUIRE(taken == std::vector<std::string>{"c", "d"});
    REQUIRE_FALSE(notes.take(taken));
    notes.miss();
    REQUIRE_FALSE(notes.empty());
    REQUIRE(notes.take(taken));
    REQUIRE(taken.empty());
}

TEST_CASE("key_notes: says what was noted, and that anything may have changed when that is too much",
          "[crdt]") {
    key_notes notes;
    REQUIRE_FALSE(notes.wanted());
    notes.want(true);
    const auto taken = [&] {
        std::vector<std::string> names;
        const bool all = notes.take([&](std::string_view key) { names.emplace_back(key); });
        return std::make_pair(names, all);
    };
    const std::string longest(512, 'k');
    for (const auto& key : {std::string("a"), std::string("a"), longest, std::string("a")}) notes.note(key);
    REQUIRE(taken() == std::make_pair(std::vector<std::string>{"a", longest, "a"}, false));
    REQUIRE(notes.empty());
    for (std::size_t i = 0; i <= key_notes::bytes_max / 512; ++i)
        notes.note(longest.substr(10) + std::to_string(1000000000 + i));
    REQUIRE(taken() == std::make_pair(std::vector<std::string>{}, true));
    REQUIRE(notes.empty());
    notes.note("b");
    notes.want(false);
    REQUIRE(notes.empty());
}
