// Proves what typed values promise of their bytes, without a node: a struct that has grown is read by the old
// program and the old form by the new one, points in time travel, whole numbers that came as floats are
// integers, and what cannot be read is refused by a sentence that names versions or the field.
#include "support/catch.hpp"

#include <baton/typed.hpp>

#include <bit>
#include <limits>
#include <map>

using namespace std::chrono_literals;
using baton::errc;
using baton::pack;
using baton::unpack;
using Catch::Matchers::ContainsSubstring;

namespace {

struct player {
    std::string name;
    int round = 0;
    MSGPACK_DEFINE(name, round)
};
/// The same, in the next release.
struct grown {
    std::string name;
    int round = 0;
    std::string weapon = "fists";
    MSGPACK_DEFINE(name, round, weapon)
};
struct other_version {
    std::string name;
    MSGPACK_DEFINE(name)
};
struct named {
    std::string name;
    int score = 0;
    MSGPACK_DEFINE_MAP(name, score)
};
struct match {
    std::uint64_t number = 0;
    std::vector<player> players;
    double share = 0;
    MSGPACK_DEFINE(number, players, share)
};
struct seen {
    std::string who;
    std::chrono::system_clock::time_point when;
    MSGPACK_DEFINE(who, when)
};

/// [1, …] with what `fill` packs.
template <class Fill>
std::string payload(Fill fill) {
    msgpack::sbuffer bytes;
    msgpack::packer<msgpack::sbuffer> packer(bytes);
    packer.pack_array(2);
    packer.pack(1);
    fill(packer);
    return {bytes.data(), bytes.size()};
}

template <class T>
T there_and_back(const T& object) {
    return unpack<T>(pack(object).value()).value();
}

} // namespace

template <>
inline constexpr std::uint32_t baton::payload_version<other_version> = 2;

TEST_CASE("payload: programs of two releases read each other where a field was appended", "[io][typed]") {
    const auto by_old = unpack<grown>(pack(player{"ada", 3}).value()).value();
    CHECK(by_old.name == "ada");
    CHECK(by_old.round == 3);
    CHECK(by_old.weapon == "fists"); // the default of the field
    const auto by_new = unpack<player>(pack(grown{"bob", 4, "axe"}).value()).value();
    CHECK(by_new.name == "bob");
    CHECK(by_new.round == 4);
}

TEST_CASE("payload: another version is refused by a sentence that names both", "[io][typed]") {
    const auto refused = unpack<player>(pack(other_version{"ada"}).value(), "k");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::not_readable);
    CHECK_THAT(refused.error().what, ContainsSubstring("\"k\"") && ContainsSubstring("payload version 2") &&
                                         ContainsSubstring("reads version 1"));
}

TEST_CASE("payload: a wrong shape names the field, where that can be known", "[io][typed]") {
    const auto why = [](const auto& got) { return got ? "it was read" : got.error().what; };
    const auto swapped = payload([](auto& packer) {
        packer.pack_array(2);
        packer.pack("ada");
        packer.pack("three");
    });
    CHECK_THAT(why(unpack<player>(swapped)), ContainsSubstring("field 2 is a string"));
    const auto by_name = payload([](auto& packer) {
        packer.pack_map(3);
        for (const auto* each : {"other", "score", "name"}) {
            packer.pack(each);
            packer.pack(each);
        }
    });
    CHECK_THAT(why(unpack<named>(by_name)), ContainsSubstring("field \"score\" is a string"));
    // The 701st of a thousand players has no number of a round.
    const auto deep = payload([](auto& packer) {
        packer.pack_array(3);
        packer.pack(1);
        packer.pack_array(1000);
        for (int i = 1; i <= 1000; ++i) {
            packer.pack_array(2);
            packer.pack("somebody");
            i == 701 ? packer.pack_nil() : packer.pack(i);
        }
        packer.pack(0.5);
    });
    CHECK_THAT(why(unpack<match>(deep)), ContainsSubstring("field 2, field 701, field 2 is nil"));
    CHECK_THAT(why(unpack<player>(payload([](auto& packer) { packer.pack(7); }))),
               ContainsSubstring("it is an integer"));
    // A pair takes two or none: which of them is wrong cannot be known, but in which field it stands can.
    using pairs = std::vector<std::pair<int, int>>;
    const auto bad_pair = payload([](auto& packer) {
        packer.pack(std::vector<std::pair<int, std::string>>{{1, "one"}});
    });
    CHECK_THAT(why(unpack<pairs>(bad_pair)), ContainsSubstring("field 1 is an array"));
    CHECK_THAT(why(unpack<player>("\xc1")), ContainsSubstring("not a whole MessagePack object"));
}

namespace {

/// As other libraries write it; msgpack-cxx turns a whole float into an integer.
template <class Packer>
void pack_float64(Packer& packer, double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    std::string bytes(1, '\xcb');
    for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(bits >> shift);
    packer.pack_bin_body(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

} // namespace

TEST_CASE("payload: floats that are whole numbers are read as integers, and no others", "[io][typed]") {
    const auto number = [](double value) {
        return payload([&](auto& packer) {
            packer.pack_array(3);
            pack_float64(packer, value);
            packer.pack_array(0);
            pack_float64(packer, 4.0);
        });
    };
    for (const double value :
         {0.0, -0.0, 1.0, 4294967296.0, 9007199254740992.0, 0x1p63, 0x1.fffffffffffffp63}) {
        CAPTURE(value);
        const auto got = unpack<match>(number(value));
        REQUIRE(got);
        CHECK(static_cast<double>(got->number) == value);
        CHECK(got->share == 4.0);
    }
    for (const double value : {0.5, -1.0, 0x1p64, std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()}) {
        CAPTURE(value);
        const auto got = unpack<match>(number(value));
        REQUIRE_FALSE(got);
        CHECK_THAT(got.error().what, ContainsSubstring("field 1"));
    }
    const auto negative = payload([](auto& packer) { pack_float64(packer, -0x1p63); });
    CHECK(unpack<std::int64_t>(negative).value() == std::numeric_limits<std::int64_t>::min());
    CHECK(unpack<double>(payload([](auto& packer) { packer.pack_double(7); })).value() == 7.0);
}

TEST_CASE("payload: points in time of the system clock travel exactly", "[io][typed]") {
    using std::chrono::system_clock;
    using time = system_clock::time_point;
    const auto now = system_clock::now();
    const auto got = there_and_back(seen{"ada", now});
    CHECK(got.who == "ada");
    CHECK(got.when == now);
    for (const auto& each :
         {time{}, time{1s}, time{-1s}, time{1ns}, time{-1ns}, time{0xffffffffs}, time{0x100000000s},
          time{0x3ffffffffs}, time::max(), time::min(), time{-1500ms}}) {
        CAPTURE(each.time_since_epoch().count());
        CHECK(there_and_back(each) == each);
    }
    using minutes = std::chrono::time_point<system_clock, std::chrono::minutes>;
    CHECK(there_and_back(minutes{12345min}) == minutes{12345min});
    CHECK(there_and_back(minutes{-12345min}) == minutes{-12345min});
    // The bytes are those of the specification: 32, 64 and 96 bits.
    CHECK(pack(time{1s}).value() == std::string("\x92\x01\xd6\xff\x00\x00\x00\x01", 8));
    CHECK(pack(time{1s + 1ns}).value() ==
          std::string("\x92\x01\xd7\xff\x00\x00\x00\x04\x00\x00\x00\x01", 12));
    CHECK(pack(time{-1s}).value() ==
          std::string("\x92\x01\xc7\x0c\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff", 17));
    // A time that this clock cannot hold is refused, and so is anything that is no timestamp.
    for (const std::string& bytes :
         {std::string("\x92\x01\xc7\x0c\xff\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", 17),
          std::string("\x92\x01\xc7\x0c\xff\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00", 17),
          std::string("\x92\x01\xc7\x0c\xff\x3b\x9a\xca\x00\x00\x00\x00\x00\x00\x00\x00\x00", 17), // 10^9 ns
          std::string("\x92\x01\xd6\x01\x00\x00\x00\x01", 8), std::string("\x92\x01\x07", 3),
          std::string("\x92\x01\xd5\xff\x00\x00", 6)}) {
        CHECK(unpack<time>(bytes).error().code == errc::not_readable);
    }
}

TEST_CASE("payload: what a watch is told can be unpacked", "[io][typed]") {
    baton::change told;
    told.key = "k";
    told.value = pack(player{"ada", 3}).value();
    CHECK(unpack<player>(told)->round == 3);
    told.type = baton::value_kind::counter;
    CHECK_THAT(unpack<player>(told).error().what, ContainsSubstring("\"k\" is a counter"));
    told.kind = baton::change_kind::removed;
    CHECK_THAT(unpack<player>(told).error().what, ContainsSubstring("removed"));
}
