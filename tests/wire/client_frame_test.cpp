// The frames between a client and a door: what is encoded is decoded to the same, every truncation and every
// field of the wrong type or size is refused, trailing elements are skipped, and the bytes stay what they
// are.
#include "samples.hpp"
#include "support/catch.hpp"
#include "wire/client_frame.hpp"
#include "wire/client_watch.hpp"

#include <sodium.h>

#include <iterator>
#include <set>

using namespace baton;
namespace client = baton::wire::client;

namespace {

std::string bytes_of(const client::frame& f) {
    std::string bytes;
    client::encode(f, bytes);
    return bytes;
}

result<client::frame> one_of(std::string_view bytes) {
    client::message_reader in(bytes);
    auto read = in.next();
    if (read && !in.done()) return error{errc::malformed, "more than one"};
    return read;
}

std::vector<client::frame> each_client_frame() {
    client::open opening;
    opening.cluster = "harbour";
    opening.id = samples::replica(3);
    opening.name = "probe";
    opening.token = "token";
    opening.patience_ms = 2000;
    opening.seen.raise({samples::replica(4), 300});
    client::welcome welcome;
    welcome.id = samples::replica(5);
    welcome.name = "alder";
    welcome.flags = client::welcome::known;
    welcome.credit_bytes = 1 << 20;
    welcome.silent_ms = 10'000;
    welcome.doors = "tcp://10.0.0.1:5000 tcp://10.0.0.2:5000";
    client::refused no;
    no.reason = client::refused::why::token;
    no.sentence = "no key";
    no.cluster = "harbour";
    client::call call;
    call.number = 7;
    call.what = client::verb::stash;
    call.flags = client::call::if_version | client::call::has_within;
    call.within_ms = 5000;
    call.level = 1;
    call.copies = 2;
    call.ttl_ms = 60'000;
    call.expected = {samples::replica(6), 12};
    call.amount = 3;
    call.key = "key";
    call.element = "field";
    call.value = "value";
    client::reply reply;
    reply.number = 7;
    reply.flags = client::reply::yes | client::reply::changed;
    reply.outcome = 3;
    reply.text = "next";
    reply.written = {samples::replica(5), 13};
    reply.copies = 2;
    reply.siblings = 1;
    reply.epoch = 5;
    reply.total = 5;
    reply.value = "value";
    reply.seen.raise({samples::replica(5), 13});
    client::reply failed;
    failed.number = 8;
    failed.failure = to_string(errc::conflict);
    failed.text = "read it again";
    return {opening, welcome, no, call, reply, failed, client::credit{1000, true}};
}

/// As long as these hold, clients of version 1 and doors of version 1 understand one another.
constexpr const char* golden = "69c0475050f38da14284bb9a80381b81db7eac9e4ca642457d6a76c98e686c7f";

} // namespace

TEST_CASE("client frames: each decodes to itself", "[wire]") {
    for (const auto& each : each_client_frame()) {
        CAPTURE(each.index());
        const auto bytes = bytes_of(each);
        const auto read = one_of(bytes);
        REQUIRE(read);
        CHECK(read->index() == each.index());
        CHECK(bytes_of(*read) == bytes);
    }
}

TEST_CASE("client frames: every truncation is refused, and what follows is skipped", "[wire]") {
    for (const auto& each : each_client_frame()) {
        CAPTURE(each.index());
        const auto bytes = bytes_of(each);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            CAPTURE(size);
            REQUIRE_FALSE(one_of(std::string_view(bytes).substr(0, size)));
        }
        auto later = bytes; // one element more, of a later version
        const auto head = static_cast<unsigned char>(later.front());
        REQUIRE(((head & 0xf0) == 0x90 && head != 0x9f) == (head != 0xdc && head != 0x9f));
        if ((head & 0xf0) != 0x90 || head == 0x9f) continue; // a long array: its head has another form
        later.front() = static_cast<char>(head + 1);
        later += '\xc0';
        const auto read = one_of(later);
        REQUIRE(read);
        CHECK(bytes_of(*read) == bytes);
    }
}

TEST_CASE("client frames: a message has several, and nothing is read after a bad one", "[wire]") {
    std::string bytes;
    for (const auto& each : each_client_frame()) client::encode(each, bytes);
    std::size_t count = 0;
    for (client::message_reader in(bytes); !in.done(); ++count) REQUIRE(in.next());
    CHECK(count == each_client_frame().size());
    bytes.insert(0, 1, '\x01');
    client::message_reader in(bytes);
    CHECK_FALSE(in.next());
    CHECK(in.done());
}

TEST_CASE("client frames: an OPEN of another version is read as far as it can be refused by name", "[wire]") {
    client::open later;
    later.cluster = "harbour";
    later.versions = {8, 9};
    later.id = samples::replica(3);
    std::string bytes;
    client::encode(later, bytes, 9);
    const auto read = one_of(bytes);
    REQUIRE(read);
    CHECK(std::get<client::open>(*read).versions.to_string() == "8 to 9");
    std::string call;
    client::encode(each_client_frame()[3], call, 9);
    CHECK_FALSE(one_of(call));
}

TEST_CASE("client frames: out of bounds", "[wire]") {
    auto call = std::get<client::call>(each_client_frame()[3]);
    const std::string long_text(client::text_bytes_max + 1, 'k'), long_value(client::part_bytes + 1, 'v');
    const auto refuses = [](const client::frame& f) { return !one_of(bytes_of(f)); };
    SECTION("key") { call.key = long_text; }
    SECTION("element") { call.element = long_text; }
    SECTION("value") { call.value = long_value; }
    SECTION("number") { call.number = 0; }
    SECTION("level") { call.level = 4; }
    SECTION("offset") { call.offset = client::whole_bytes_max + 1; }
    SECTION("time") { call.within_ms = ~std::uint64_t{0}; }
    SECTION("version without a counter") { call.expected.counter = 0; } // is none at all
    CHECK(refuses(call) == (call.expected.counter != 0));
}

TEST_CASE("client frames: lists of names", "[wire]") {
    std::string bytes;
    for (const auto* const each : {"a", "", "ccc"}) client::put_entry(bytes, each);
    CHECK(client::read_entries(bytes) == std::vector<std::string>{"a", "", "ccc"});
    CHECK_FALSE(client::read_entries(std::string_view(bytes).substr(0, bytes.size() - 1)));
}

TEST_CASE("client frames: siblings, and what a value replaces", "[wire]") {
    const std::string value(300, 'v');
    for (const bool has_value : {false, true}) {
        client::sibling_entry entry{{samples::replica(3), 70'000}, 5, value.size(), {}};
        if (has_value) entry.value = value;
        const auto bytes = client::encode_sibling(entry);
        const auto read = client::decode_sibling(bytes);
        REQUIRE(read);
        CHECK(read->written == entry.written);
        CHECK(read->epoch == 5);
        CHECK(read->total == value.size());
        CHECK(read->value == entry.value);
        for (std::size_t size = 0; size < bytes.size(); ++size)
            REQUIRE_FALSE(client::decode_sibling(std::string_view(bytes).substr(0, size)));
        CHECK_FALSE(client::decode_sibling(bytes + "x"));
    }
    const std::vector<baton::dot> replaced{{samples::replica(1), 1}, {samples::replica(2), 300}};
    const auto bytes = client::encode_resolution(replaced, value);
    const auto read = client::decode_resolution(bytes);
    REQUIRE(read);
    CHECK(read->replaced == replaced);
    CHECK(read->value == value);
    for (std::size_t size = 0; size < bytes.size() - value.size(); ++size)
        REQUIRE_FALSE(client::decode_resolution(std::string_view(bytes).substr(0, size)));
    const std::vector<baton::dot> many(client::replaced_max + 1, {samples::replica(1), 1});
    CHECK_FALSE(client::decode_resolution(client::encode_resolution(many, {})));
}

TEST_CASE("client frames: a page of a watch", "[wire]") {
    using client::watched_key;
    baton::crdt::cut reached;
    reached.set(samples::replica(4), 9);
    const watched_key all[] = {
        {.key = "gone"},
        {.key = "sum", .types = watched_key::counter, .sum = 7},
        {.key = "set", .types = watched_key::set},
        {.key = "absent value", .types = watched_key::reg, .written = {samples::replica(1), 300}, .total = 5},
        {.key = "all",
         .types = watched_key::all_types,
         .sum = 1,
         .written = {samples::replica(2), 1},
         .epoch = 3,
         .siblings = 2,
         .total = 5,
         .value = "value"}};
    std::string bytes;
    client::put_reached(bytes, reached);
    std::set<std::string> heads;
    for (const auto& each : all) {
        client::put_watched(bytes, each);
        heads.insert(client::head_of(each));
    }
    CHECK(heads.size() == std::size(all));
    const auto read = client::decode_watch_page(bytes);
    REQUIRE(read);
    CHECK(read->reached == reached);
    REQUIRE(read->keys.size() == std::size(all));
    for (std::size_t i = 0; i < std::size(all); ++i) {
        CHECK(client::head_of(read->keys[i]) == client::head_of(all[i]));
        CHECK(read->keys[i].value == all[i].value);
    }
    for (std::size_t size = 0, whole = 0; size < bytes.size(); ++size) {
        const auto cut_off = client::decode_watch_page(std::string_view(bytes).substr(0, size));
        if (!cut_off) continue;
        CHECK(cut_off->keys.size() == whole++); // only between two entries
    }
    std::string empty;
    client::put_reached(empty, {});
    CHECK(client::decode_watch_page(empty)->reached.empty());
    std::string bad = empty;
    client::put_entry(bad, std::string("\x01k\x20", 3)); // a type that nobody knows
    CHECK_FALSE(client::decode_watch_page(bad));
}

TEST_CASE("client frames: every frame has the bytes it always had", "[wire]") {
    std::string all;
    for (const auto& each : each_client_frame()) client::encode(each, all);
    std::array<unsigned char, 32> sum{};
    crypto_generichash(sum.data(), sum.size(), reinterpret_cast<const unsigned char*>(all.data()), all.size(),
                       nullptr, 0);
    std::string hex(65, '\0');
    sodium_bin2hex(hex.data(), hex.size(), sum.data(), sum.size());
    hex.pop_back();
    CHECK(hex == golden);
}
