// Proves that a file of keys is read as it was written, that what is no key is named by its line and never
// repeated, and that keys typed in either form are the same key.
#include "discovery/key_file.hpp"
#include "discovery/seal.hpp"
#include "keys.hpp"
#include "support/catch.hpp"

using namespace baton;
using namespace baton::discovery;
using Catch::Matchers::ContainsSubstring;

namespace {
const std::string hex_ones(64, '1'); // 32 times 0x11
const std::string base64_ones = "ERERERERERERERERERERERERERERERERERERERERERE=";

std::string complaint(const std::string& text) {
    const auto parsed = parse_key_file(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == errc::bad_key);
    return parsed.error().what;
}
} // namespace

TEST_CASE("key file: hexadecimal and base64 are the same key", "[discovery]") {
    const auto hex = mesh_key::from_text(hex_ones), base64 = mesh_key::from_text(base64_ones);
    REQUIRE(hex);
    REQUIRE(base64);
    CHECK(*hex == *base64);
    CHECK(hex->id() == base64->id());
    CHECK(*mesh_key::from_text(base64_ones.substr(0, 43)) == *hex); // unpadded
    CHECK(key_id::from_text(hex->id().to_string()) == hex->id());
    for (const auto& text : {std::string{}, hex_ones.substr(1), hex_ones + "1", std::string(64, 'g'),
                             std::string(64, '0'), base64_ones + "=", "*" + base64_ones.substr(1)}) {
        CAPTURE(text);
        CHECK_FALSE(mesh_key::from_text(text));
    }
    CHECK_FALSE(key_id::from_text("0123"));
    CHECK_FALSE(mesh_key::from_bytes("short"));
}

TEST_CASE("key file: what keygen writes is read back", "[discovery]") {
    const auto key = key_number(200);
    const auto parsed = parse_key_file(key_file_text(key));
    REQUIRE(parsed);
    REQUIRE(parsed->size() == 1);
    CHECK(parsed->front() == key);
    CHECK_THAT(key_file_text(key), ContainsSubstring(key.id().to_string()));
}

TEST_CASE("key file: several keys, comments, blanks and line ends of either kind", "[discovery]") {
    const auto parsed = parse_key_file("# ours\r\n\n  " + hex_ones + "\t# the new one\r\n" +
                                       std::string(64, '2') + "  \n\n#" + std::string(64, '3'));
    REQUIRE(parsed);
    REQUIRE(parsed->size() == 2);
    CHECK(parsed->front() == *mesh_key::from_text(hex_ones));
    CHECK(parsed->back() == *mesh_key::from_text(std::string(64, '2')));
}

TEST_CASE("key file: what is no key is named by its line and not repeated", "[discovery]") {
    CHECK_THAT(complaint(""), ContainsSubstring("no key in it"));
    CHECK_THAT(complaint("# nothing\n"), ContainsSubstring("no key in it"));
    const auto typo = complaint(hex_ones + "\nalmost-a-secret\n");
    CHECK_THAT(typo, ContainsSubstring("line 2") && !ContainsSubstring("secret"));
    CHECK_THAT(complaint(hex_ones + "\n" + base64_ones),
               ContainsSubstring("line 2") && ContainsSubstring("repeats"));
    CHECK_THAT(complaint(std::string("\x7f"
                                     "ELF\0\0",
                                     6)),
               ContainsSubstring("line 1"));
    CHECK_THAT(complaint(std::string(10'000, '#')), ContainsSubstring("8192"));
    std::string many;
    for (std::size_t number = 1; number <= keyring::keys_max + 1; ++number)
        many += std::string(63, '0') + "123456789abcdef"[number] + "\n";
    CHECK_THAT(complaint(many), ContainsSubstring("line 9") && ContainsSubstring("too many"));
}
