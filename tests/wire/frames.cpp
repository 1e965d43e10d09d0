// The wire: decode∘encode is the identity for every frame and row; truncated and altered bytes are refused,
// or decode to something within bounds, but never crash (with the sanitizers, never read past the end).
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

using namespace baton;
using namespace baton::wire;

namespace {

replica_id replica(std::uint8_t number) {
    replica_id id;
    id.bytes.fill(number);
    return id;
}

cut some_cut() {
    cut c;
    c.raise({replica(3), 300});
    c.raise({replica(9), 1});
    return c;
}

standing some_standing() { return {some_cut(), {}, {}, {1, 2}, true}; }

std::vector<frame> one_of_each() {
    hello h;
    h.cluster = "default";
    h.id = replica(3);
    h.flags = hello::wants_answer;
    h.name = "alder";
    h.hosts = "127.0.0.1";
    h.port = 1;
    h.publish_port = 2;
    h.at = some_standing();
    h.latest = 300;
    h.clock = timestamp::at(5);
    h.records = 17;
    delta d{replica(3), 5, 1, timestamp::at(7), some_cut(), {}, "x"};
    d.depends.set(replica(3), 0);
    state s;
    s.session = 1;
    s.chunk = 2;
    s.flags = state::commit;
    s.rows = "rows";
    s.at = some_standing();
    return {h,
            brief{replica(3), 1, 2, 3},
            d,
            pull{1, replica(3), 1000, 2000, some_cut(), {}, {}},
            s,
            credit{1, 2, true},
            ack{replica(3), false, 7, some_cut()},
            leaving{replica(3), 9, 300, some_cut()},
            left{replica(3), 300, true, false, replica(9)}};
}

} // namespace

TEST_CASE("frame: each kind comes back as it was sent", "[wire][law]") {
    for (const auto& each : one_of_each()) {
        const auto bytes = encode(each);
        const auto back = decode(bytes);
        CAPTURE(each.index());
        REQUIRE(back);
        REQUIRE(back->index() == each.index());
        REQUIRE(encode(*back) == bytes);
    }
}

TEST_CASE("frame: a heartbeat without news is at most 48 bytes", "[wire]") {
    REQUIRE(encode(brief{replica(255), ~0ULL, ~0ULL, ~0ULL}).size() <= 48);
}

TEST_CASE("frame: every truncation is refused, every later field is skipped", "[wire]") {
    for (const auto& each : one_of_each()) {
        const auto bytes = encode(each);
        CAPTURE(each.index());
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            REQUIRE_FALSE(decode(std::string_view(bytes).substr(0, size)));
        }
        REQUIRE_FALSE(decode(bytes + '\x01'));
        // One more field, of a kind this version does not know: a map that holds an array.
        const auto head = static_cast<unsigned char>(bytes[0]);
        const bool wide = head == 0xdc; // MessagePack's array 16; else a fixarray
        const auto fields = wide ? static_cast<unsigned char>(bytes[2]) : head & 0x0fU;
        auto later = std::string("\xdc\x00", 2) + static_cast<char>(fields + 1) + bytes.substr(wide ? 3 : 1);
        later += std::string("\x81\x01\x92\x02\x03", 5);
        const auto back = decode(later);
        REQUIRE(back);
        REQUIRE(encode(*back) == bytes);
    }
}

TEST_CASE("frame: random and altered bytes never do more than be refused", "[wire][law]") {
    REQUIRE(rc::check([](const std::string& noise) { (void)decode(noise); }));
    const auto frames = one_of_each();
    REQUIRE(rc::check([&] {
        auto bytes = encode(frames[*rc::gen::inRange<std::size_t>(0, frames.size())]);
        bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] ^=
            static_cast<char>(1 << *rc::gen::inRange(0, 8));
        (void)decode(bytes);
    }));
}

TEST_CASE("frame: deep nesting and lying lengths are refused", "[wire]") {
    REQUIRE_FALSE(decode(std::string(100000, '\x91')));
    REQUIRE_FALSE(decode(std::string("\xdd\xff\xff\xff\xff", 5)));
    REQUIRE_FALSE(decode(std::string("\x92\x01\xc6\xff\xff\xff\xff", 7)));
    REQUIRE_FALSE(decode("\xc0"));
    REQUIRE_FALSE(decode(""));
}

TEST_CASE("cut: sorted with counters from 1, or refused", "[wire]") {
    REQUIRE(decode_cut(encode_cut(some_cut())) == some_cut());
    const auto entry = [](std::uint8_t who, char counter) {
        return std::string(replica(who).view()) + counter;
    };
    REQUIRE(decode_cut(entry(1, 1) + entry(2, 1)));
    REQUIRE_FALSE(decode_cut(entry(2, 1) + entry(1, 1)));
    REQUIRE_FALSE(decode_cut(entry(1, 1) + entry(1, 1)));
    REQUIRE_FALSE(decode_cut(entry(1, 0)));
    REQUIRE_FALSE(decode_cut(entry(1, 1).substr(0, 16)));
    REQUIRE_FALSE(decode_cut(entry(1, '\x80')));
}

TEST_CASE("varint: any number comes back, an endless one is refused", "[wire][law]") {
    REQUIRE(rc::check([](std::uint64_t number, unsigned shift) {
        number >>= shift % 64;
        std::string bytes;
        put_varint(bytes, number);
        byte_reader in(bytes);
        RC_ASSERT(in.varint() == number);
        RC_ASSERT(in.ok());
        RC_ASSERT(in.done());
        RC_ASSERT(unzigzag(zigzag(number)) == number);
    }));
    byte_reader endless(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11));
    (void)endless.varint();
    REQUIRE_FALSE(endless.ok());
}

TEST_CASE("rows: events come back as they were written", "[wire][law]") {
    struct plain {
        bool removal;
        std::uint64_t stamp, epoch;
        std::string key, value;
        std::vector<dot> kills;
    };
    REQUIRE(rc::check([] {
        const auto count = *rc::gen::inRange(1, 30);
        std::vector<plain> events;
        event_writer writer(timestamp{1000});
        for (int i = 0; i < count; ++i) {
            plain p;
            p.removal = *rc::gen::arbitrary<bool>();
            p.stamp = *rc::gen::arbitrary<std::uint64_t>();
            p.epoch = *rc::gen::element<std::uint64_t>(0, 0, 5, 1ULL << 50);
            p.key = "k" + *rc::gen::arbitrary<std::string>();
            if (!p.removal) p.value = *rc::gen::arbitrary<std::string>();
            const auto kills = *rc::gen::inRange(0, 3);
            for (int k = 0; k < kills; ++k) {
                p.kills.push_back({replica(static_cast<std::uint8_t>(1 + *rc::gen::inRange(0, 4))),
                                   *rc::gen::arbitrary<std::uint64_t>()});
            }
            events.push_back(p);
            writer.add({p.removal, value_type::reg, timestamp{p.stamp}, p.epoch, p.key, p.value, p.kills});
        }
        event_reader reader(writer.base(), writer.replicas(), writer.rows(), {});
        std::vector<dot> kills;
        for (const auto& p : events) {
            const auto e = reader.next(kills);
            RC_ASSERT(e.has_value());
            RC_ASSERT(e->removal == p.removal);
            RC_ASSERT(e->stamp.raw == p.stamp);
            RC_ASSERT(e->epoch == p.epoch);
            RC_ASSERT(e->key == p.key);
            RC_ASSERT(e->value == p.value);
            RC_ASSERT(kills == p.kills);
        }
        RC_ASSERT(!reader.next(kills));
        RC_ASSERT(reader.ok());
    }));
}

TEST_CASE("rows: chains and parts come back as they were written", "[wire][law]") {
    state_writer writer(timestamp{50});
    using kind = staged_view::kind;
    const std::vector<staged_view> chain{
        {kind::record, {replica(1), 7}, value_type::reg, timestamp{60}, 0, "value"},
        {kind::removal, {replica(2), 3}, value_type::reg, timestamp{40}, 0, {}},
        {kind::reference, {replica(4), 2}, value_type::reg, {}, 0, {}}};
    const std::string large(1000, 'x');
    writer.part({"big", {replica(3), 9}, 1000, 0, std::string_view(large).substr(0, 600)});
    writer.part({"big", {replica(3), 9}, 1000, 600, std::string_view(large).substr(600)});
    writer.chain("big", {{kind::record, {replica(3), 9}, value_type::reg, timestamp{70}, 4, large}},
                 {{replica(3), 9}});
    writer.chain("key", chain, {});

    state_reader reader(writer.base(), writer.replicas(), writer.rows(), {});
    state_row row;
    REQUIRE(reader.next(row));
    REQUIRE(row.part);
    REQUIRE(row.part->total == 1000);
    REQUIRE(reader.next(row));
    REQUIRE(row.part->offset == 600);
    REQUIRE(row.part->bytes.size() == 400);
    REQUIRE(reader.next(row));
    REQUIRE_FALSE(row.part);
    REQUIRE(row.entries.at(0).total == 1000U);
    REQUIRE(row.entries.at(0).what.epoch == 4);
    REQUIRE(reader.next(row));
    REQUIRE(row.key == "key");
    REQUIRE(row.entries.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE(row.entries[i].what.what == chain[i].what);
        REQUIRE(row.entries[i].what.id == chain[i].id);
        REQUIRE(row.entries[i].what.value == chain[i].value);
    }
    REQUIRE_FALSE(reader.next(row));
    REQUIRE(reader.ok());
}

TEST_CASE("rows: a chain with more entries than origins is refused", "[wire]") {
    const staged_view entry{
        staged_view::kind::record, {replica(1), 7}, value_type::reg, timestamp{60}, 0, "v"};
    state_writer writer(timestamp{50});
    writer.chain("key", {entry, entry}, {});
    state_reader reader(writer.base(), writer.replicas(), writer.rows(), {});
    state_row row;
    REQUIRE_FALSE(reader.next(row));
    REQUIRE_FALSE(reader.ok());
}

TEST_CASE("rows: what is out of bounds is refused", "[wire]") {
    std::vector<dot> kills;
    const auto refused = [&](std::string rows) {
        event_reader reader(timestamp{}, {}, rows, {});
        while (reader.next(kills)) {
        }
        return !reader.ok();
    };
    const std::string long_key(513, 'k');
    REQUIRE(
        refused(std::string("\x00\x00", 2) + std::string("\x81\x04", 2) + long_key + std::string(1, '\0')));
    REQUIRE(refused(std::string("\x00\x00\x00\x00", 4)));              // empty key
    REQUIRE(refused(std::string("\xf0\x00\x01k\x00", 5)));             // a type nobody knows
    REQUIRE(refused(std::string("\x02\x00\x01k\x00\x01\x05\x01", 8))); // a kill of a replica not in the table
    REQUIRE_FALSE(refused(std::string("\x00\x00\x01k\x00", 5)));
}
