// Proves that what people type at `baton run` is read as meant: durations, hexadecimal digits, command lines.
#include "parse.hpp"
#include "support/catch.hpp"

using namespace baton::cli;
using namespace std::chrono_literals;

namespace {

std::string refused(std::string_view rest) {
    try {
        static_cast<void>(parse_stash(rest));
    } catch (const refusal& no) {
        return no.error;
    }
    return "taken";
}

} // namespace

TEST_CASE("parse: durations have a number and a unit", "[io][parse]") {
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("2s") == 2s);
    CHECK(parse_duration("1.5s") == 1500ms);
    CHECK(parse_duration("0s") == 0ms);
    CHECK(parse_duration("1m") == 1min);
    CHECK(parse_duration("0.5h") == 30min);
    for (const auto* text :
         {"", "5", "s", "-1s", "+1s", "1 s", "1x", "1sec", "inf", "infs", "nans", "1e9s", "0x1s", "9999h9"})
        CHECK_FALSE(parse_duration(text));
    CHECK_FALSE(parse_duration("99999h")); // over a year
    CHECK_FALSE(parse_duration("99999999999999999999999s"));
    CHECK_THROWS_AS(duration_of("soon"), refusal);
}

TEST_CASE("parse: numbers are decimal, also with leading zeros", "[io][parse]") {
    CHECK(parse_number("5671", 65535) == 5671);
    CHECK(parse_number("05671", 65535) == 5671); // CLI11 would read 3001
    CHECK(parse_number("0", 65535) == 0);
    CHECK(parse_number("18446744073709551615", UINT64_MAX) == UINT64_MAX);
    for (const auto* text :
         {"", "-1", "+1", " 1", "1 ", "0x1f", "1e3", "1.0", "65536", "99999999999999999999999"})
        CHECK_FALSE(parse_number(text, 65535));
}

TEST_CASE("parse: hexadecimal digits are bytes both ways", "[io][parse]") {
    const std::string bytes{"\0a\xff\n", 4};
    CHECK(to_hex(bytes) == "0061ff0a");
    CHECK(from_hex("0061ff0a") == bytes);
    CHECK(from_hex("0061FF0A") == bytes);
    CHECK(from_hex("") == "");
    for (const auto* text : {"0", "0g", "g0", "-1", "+1", " 1", "0x", "001"}) CHECK_FALSE(from_hex(text));
}

TEST_CASE("parse: base64 is bytes both ways", "[io][parse]") {
    const std::string bytes{"\0a\xff\n", 4};
    CHECK(to_base64(bytes) == "AGH/Cg==");
    CHECK(from_base64("AGH/Cg==") == bytes);
    CHECK(from_base64("AGH/Cg") == bytes);
    CHECK(from_base64("") == "");
    CHECK(to_base64("") == "");
    for (const auto* text : {"A", "AGH/Cg=", "AG H/Cg==", "AGH_Cg==", "!", "AGH/Cg==AA"})
        CHECK_FALSE(from_base64(text));
    CHECK(bytes_named("base64:AGH/Cg==") == bytes);
    CHECK(bytes_named("base64:") == "");
    CHECK(bytes_named("base64") == "base64");
    CHECK_THROWS_AS(bytes_named("base64:!"), refusal);
    words args{R"( base64:AGH/Cg== "base64:AGH/Cg==" base64:! )"};
    CHECK(args.next("A") == bytes);
    CHECK(args.next("B") == "base64:AGH/Cg==");
    CHECK_THROWS_AS(args.next("C"), refusal);
    const auto name_of = [](std::string_view rest, bool hex) {
        return words{rest}.last_name("ELEMENT", hex);
    };
    CHECK(name_of(" base64:AGH/Cg==", false) == bytes);
    CHECK(name_of(" base64:AGH/Cg==", true) == bytes);
    CHECK(name_of(" 0061ff0a", true) == bytes);
    CHECK(name_of(" two words", false) == "two words");
    CHECK(name_of(" \"base64:AGH/Cg==\"", false) == "base64:AGH/Cg==");
}

TEST_CASE("parse: what is cited is short, and no word is longer than anything may be", "[io][parse]") {
    CHECK(cited("soon") == "'soon'");
    CHECK(cited(std::string(1'000'000, 'x')) == "'" + std::string(80, 'x') + "…' (1000000 bytes)");
    const std::string most(words::bytes_max, 'x');
    CHECK(words{most}.next("KEY") == most);
    CHECK_THROWS_AS(words{most + 'x'}.next("KEY"), refusal);
    CHECK_THROWS_AS(words{" " + most + 'x'}.last_name("ELEMENT", false), refusal);
    CHECK(words{" " + most + 'x'}.last("VALUE").size() == most.size() + 1);
}

TEST_CASE("parse: a command line is an id, a name and the rest", "[io][parse]") {
    CHECK(parse_command("digest").name == "digest");
    CHECK(parse_command("digest").rest.empty());
    CHECK_FALSE(parse_command("digest").id);
    const auto full = parse_command("#7 stash k  v ");
    CHECK(full.id == "7");
    CHECK(full.name == "stash");
    CHECK(full.rest == " k  v ");
    CHECK(parse_command("#only").id == "only");
    CHECK(parse_command("#only").name.empty());
    CHECK(parse_command("  \tkeys").name == "keys");
    CHECK(parse_command("").name.empty());
}

TEST_CASE("parse: words are separated by blanks; in quotes they are JSON strings", "[io][parse]") {
    words args{R"(  one "two words" "" "a\"b\u00e9" )"};
    CHECK(args.next("A") == "one");
    CHECK(args.next("B") == "two words");
    CHECK(args.maybe() == "");
    CHECK(args.maybe() == "a\"b\xc3\xa9");
    CHECK_NOTHROW(args.end());
    CHECK_FALSE(args.maybe());
    CHECK_THROWS_AS(args.next("MORE"), refusal);
    CHECK_THROWS_AS(words{"\"open"}.maybe(), refusal);
    CHECK_THROWS_AS(words{"\"a\"b"}.maybe(), refusal);
    CHECK_THROWS_AS(words{"\"\\x\""}.maybe(), refusal);
    CHECK_THROWS_AS(words{" extra"}.end(), refusal);
}

TEST_CASE("parse: a value is the rest of the line, or a JSON string", "[io][parse]") {
    const auto value_of = [](std::string_view rest) { return parse_stash(rest).value; };
    CHECK(parse_stash(" k v").key == "k");
    CHECK(parse_stash(" \"a b\" v").key == "a b");
    CHECK(value_of(" k hello world") == "hello world");
    CHECK(value_of(" k  two blanks ") == " two blanks ");
    CHECK(value_of(" k ") == "");
    CHECK(value_of(" k \"\"") == "");
    CHECK(value_of(" k \"a\\nb\"") == "a\nb");
    CHECK(value_of(" k say \"hi\"") == "say \"hi\"");
    CHECK(refused("") == "usage");
    CHECK(refused(" k") == "usage");
    CHECK(refused(" k \"open") == "usage");
    CHECK(refused(" k \"a\" b") == "usage");
}

TEST_CASE("parse: the last word is the rest of the line, or a JSON string", "[io][parse]") {
    const auto last_of = [](std::string_view rest) {
        words args{rest};
        CHECK(args.next("KEY") == "k");
        auto text = args.last("ELEMENT");
        CHECK_NOTHROW(args.end());
        return text;
    };
    CHECK(last_of(" k hello world") == "hello world");
    CHECK(last_of(" k  x ") == " x ");
    CHECK(last_of(" k ") == "");
    CHECK(last_of(" k \"\"") == "");
    CHECK(last_of(" k \"a b\" ") == "a b");
    CHECK(last_of(" k ttl=1s") == "ttl=1s"); // it has no options
    CHECK_THROWS_AS(last_of(" k"), refusal);
    CHECK_THROWS_AS(last_of(" k \"a\" b"), refusal);
    CHECK_THROWS_AS(last_of(" k \"open"), refusal);
}

TEST_CASE("parse: options follow the value", "[io][parse]") {
    const auto plain = parse_stash(" k a value copies=2 within=1s");
    CHECK(plain.value == "a value");
    CHECK(plain.options == std::vector<std::string>{"copies=2", "within=1s"});
    CHECK(plain.how.ack == baton::ack_level::copies(2));
    CHECK(plain.how.within == 1s);
    const auto quoted = parse_stash(" k \"a copies=2\" within=5s");
    CHECK(quoted.value == "a copies=2");
    CHECK(quoted.options == std::vector<std::string>{"within=5s"});
    CHECK(quoted.how.ack == baton::ack_level::local());
    CHECK(parse_stash(" k copies=2 is no option here").options.empty());
    CHECK(parse_stash(" k copies=majority").value.empty());
    CHECK(parse_stash(" k v copies=majority").how.ack == baton::ack_level::majority());
    CHECK(parse_stash(" k v ttl=1500ms").how.ttl == 1500ms);
    const auto literal = parse_stash(" k -- a value ttl=1s");
    CHECK(literal.value == "a value ttl=1s");
    CHECK(literal.options.empty());
    CHECK(parse_stash(" k -- ").value.empty());
    CHECK(parse_stash(" k -- \"x\"").value == "\"x\"");
    CHECK(parse_stash(" k --x ttl=1s").value == "--x");
    CHECK(refused(" k --") == "usage");
    CHECK(parse_stash(" k v copies=all").how.ack == baton::ack_level::all_up());
}

TEST_CASE("parse: an option that cannot be kept refuses the command", "[io][parse]") {
    CHECK(refused(" k v copies=0") == "usage");
    CHECK(refused(" k v copies=few") == "usage");
    CHECK(refused(" k v within=soon") == "usage");
    CHECK(refused(" k v ttl=0ms") == "usage");
    CHECK(refused(" k v ttl=soon") == "usage");
    CHECK(refused(" k \"ttl=1s\"") == "taken");
}
