// Proves the smallest parts: cuts, digests and variable-length integers are read back, and anything else is
// refused.
#include "samples.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::wire;
using namespace samples;

TEST_CASE("cut: sorted with counters from 1 to 48 bits, or refused", "[wire]") {
    REQUIRE(decode_cut(encode_cut(some_cut())) == some_cut());
    const auto entry = [](std::uint8_t who, std::uint64_t counter) {
        std::string bytes(replica(who).view());
        put_varint(bytes, counter);
        return bytes;
    };
    REQUIRE(decode_cut(""));
    REQUIRE(decode_cut(entry(1, 1) + entry(2, counter_max)));
    REQUIRE_FALSE(decode_cut(entry(1, 1) + entry(2, counter_max + 1)));
    REQUIRE_FALSE(decode_cut(entry(1, ~0ULL)));
    REQUIRE_FALSE(decode_cut(entry(2, 1) + entry(1, 1)));
    REQUIRE_FALSE(decode_cut(entry(1, 1) + entry(1, 1)));
    REQUIRE_FALSE(decode_cut(entry(0, 1)));
    REQUIRE_FALSE(decode_cut(entry(1, 0)));
    REQUIRE_FALSE(decode_cut(entry(1, 1).substr(0, 16)));
    REQUIRE_FALSE(decode_cut(std::string(replica(1).view()) + '\x80'));
}

TEST_CASE("cut: one that names too many is refused", "[wire]") {
    cut large;
    replica_id id{};
    for (std::size_t i = 0; i <= cut_entries_max; ++i) {
        id.bytes[0] = static_cast<std::uint8_t>((i + 1) >> 8);
        id.bytes[1] = static_cast<std::uint8_t>(i + 1);
        if (i == cut_entries_max) REQUIRE(decode_cut(encode_cut(large)) == large);
        large.push_back({id, 1});
    }
    REQUIRE_FALSE(decode_cut(encode_cut(large)));
}

TEST_CASE("digest: 16 bytes, high half first, or refused", "[wire]") {
    const digest sum{0x0102030405060708, 0x090a0b0c0d0e0f10};
    REQUIRE(encode_digest(sum) == "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10");
    REQUIRE(decode_digest(encode_digest(sum)) == sum);
    REQUIRE_FALSE(decode_digest(""));
    REQUIRE_FALSE(decode_digest(std::string(15, 'x')));
    REQUIRE_FALSE(decode_digest(std::string(17, 'x')));
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
    byte_reader beyond(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10)); // 2^64 and more
    REQUIRE(beyond.varint() == 0);
    REQUIRE_FALSE(beyond.ok());
}
