// Rows of a FINGERPRINT: listings and questions come back as they were written; ranges and counters out of
// their bounds are refused, cut short anywhere too.
#include "samples.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::wire;
using namespace samples;

namespace {

constexpr std::uint64_t travels = 0xffffffff; // of the hash of a listed record

dot_range some_range() {
    const auto after = *rc::gen::element<std::uint64_t>(0, 1, 1000, counter_max - 200);
    return {replica(static_cast<std::uint8_t>(*rc::gen::inRange(1, 5))), after,
            after + *rc::gen::inRange<std::uint64_t>(1, 201)};
}

listed_range some_listing() {
    listed_range l;
    l.range = some_range();
    l.whole = *rc::gen::arbitrary<bool>();
    if (!l.whole) {
        l.sum = {*rc::gen::inRange<std::uint64_t>(1, 200), *rc::gen::arbitrary<std::uint64_t>()};
        return l;
    }
    for (auto at = l.range.after + 1; at <= l.range.last; at += *rc::gen::inRange<std::uint64_t>(1, 50))
        l.records.push_back(
            {at, *rc::gen::arbitrary<std::uint64_t>() & travels, *rc::gen::arbitrary<bool>()});
    return l;
}

bool listing_refused(std::string_view replicas, std::string_view rows) {
    listing_reader reader(replicas, rows);
    listed_range row;
    while (reader.next(row)) {
    }
    return !reader.ok();
}

bool listing_refused(const listed_range& what) {
    listing_writer writer;
    writer.add(what);
    return listing_refused(writer.replicas(), writer.rows());
}

bool question_refused(const asked_range& what) {
    std::string replicas, rows;
    write_question({what}, replicas, rows);
    return !read_question(replicas, rows);
}

} // namespace

TEST_CASE("listing: comes back as it was written, sums and records", "[wire][law]") {
    REQUIRE(rc::check([] {
        std::vector<listed_range> all(*rc::gen::inRange<std::size_t>(0, 12));
        listing_writer writer;
        for (auto& each : all) writer.add(each = some_listing());
        listing_reader reader(writer.replicas(), writer.rows());
        listed_range back;
        for (const auto& each : all) {
            RC_ASSERT(reader.next(back));
            RC_ASSERT(back.range == each.range);
            RC_ASSERT(back.whole == each.whole);
            RC_ASSERT(back.sum == each.sum);
            RC_ASSERT(back.records.size() == each.records.size());
            for (std::size_t i = 0; i < back.records.size(); ++i) {
                RC_ASSERT(back.records[i].counter == each.records[i].counter);
                RC_ASSERT(back.records[i].hash == each.records[i].hash);
                RC_ASSERT(back.records[i].counts == each.records[i].counts);
            }
        }
        RC_ASSERT(!reader.next(back));
        RC_ASSERT(reader.ok());
    }));
}

TEST_CASE("question: comes back as it was written", "[wire][law]") {
    REQUIRE(rc::check([] {
        std::vector<asked_range> all(*rc::gen::inRange<std::size_t>(0, 12));
        for (auto& each : all) each = {some_range(), *rc::gen::arbitrary<bool>()};
        std::string replicas, rows;
        write_question(all, replicas, rows);
        const auto back = read_question(replicas, rows);
        RC_ASSERT(back.has_value());
        RC_ASSERT(back->size() == all.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            RC_ASSERT((*back)[i].range == all[i].range);
            RC_ASSERT((*back)[i].ship == all[i].ship);
        }
    }));
}

TEST_CASE("listing: only four bytes of a record's hash travel", "[wire]") {
    listing_writer writer;
    writer.add({{replica(1), 0, 9}, true, {}, {{4, ~0ULL, true}}});
    listing_reader reader(writer.replicas(), writer.rows());
    listed_range back;
    REQUIRE(reader.next(back));
    REQUIRE(back.records.at(0).hash == travels);
}

TEST_CASE("listing: counters outside its range, or not ascending, are refused", "[wire]") {
    const dot_range range{replica(1), 10, 20};
    const auto of = [&](std::vector<held_dot> records) { return listed_range{range, true, {}, records}; };
    REQUIRE_FALSE(listing_refused(of({})));
    REQUIRE_FALSE(listing_refused(of({{11, 1, false}, {20, 1, true}})));
    REQUIRE(listing_refused(of({{10, 1, false}})));
    REQUIRE(listing_refused(of({{9, 1, false}})));
    REQUIRE(listing_refused(of({{21, 1, false}})));
    REQUIRE(listing_refused(of({{12, 1, false}, {12, 1, false}})));
    REQUIRE(listing_refused(of({{12, 1, false}, {11, 1, false}})));
    REQUIRE(listing_refused(of({{12, 1, false}, {counter_max, 1, false}})));
    // A listing that claims more records than it has bytes.
    REQUIRE(listing_refused(replica(1).view(), std::string_view("\x00\x0a\x0a\x00\xff\xff\xff\xff\x0f", 9)));
}

TEST_CASE("ranges: empty, or above 48 bits, they are refused", "[wire]") {
    const auto both_refuse = [](std::uint64_t after, std::uint64_t last) {
        const dot_range range{replica(1), after, last};
        const bool listing = listing_refused({range, false, {1, 2}, {}});
        REQUIRE(listing == question_refused({range, true}));
        REQUIRE(listing == question_refused({range, false}));
        return listing;
    };
    REQUIRE_FALSE(both_refuse(0, counter_max));
    REQUIRE_FALSE(both_refuse(counter_max - 1, counter_max));
    REQUIRE(both_refuse(5, 5));
    REQUIRE(both_refuse(6, 5)); // its length wraps
    REQUIRE(both_refuse(0, counter_max + 1));
    REQUIRE(both_refuse(counter_max, counter_max + 1));
    REQUIRE(both_refuse(~0ULL, 5));
    REQUIRE_FALSE(read_question({}, std::string_view("\x00\x00\x01\x00", 4)));                // nobody
    REQUIRE_FALSE(read_question(replica(1).view(), std::string_view("\x01\x00\x01\x00", 4))); // nobody
    REQUIRE_FALSE(read_question(replica(1).view(), std::string_view("\x00\x00\x01\x02", 4))); // neither
}

TEST_CASE("ranges: cut short within one, they are refused", "[wire]") {
    for (const bool whole : {false, true}) {
        listed_range l{{replica(1), 300, 600}, whole, {}, {}};
        if (whole) l.records = {{301, 7, false}, {599, 8, true}};
        if (!whole) l.sum = {5, ~0ULL};
        listing_writer writer;
        writer.add(l);
        for (std::size_t size = 1; size < writer.rows().size(); ++size)
            REQUIRE(listing_refused(writer.replicas(), std::string(writer.rows(), 0, size)));
    }
    std::string replicas, rows;
    write_question({{{replica(1), 300, 600}, true}}, replicas, rows);
    for (std::size_t size = 1; size < rows.size(); ++size)
        REQUIRE_FALSE(read_question(replicas, rows.substr(0, size)));
}
