// Proves that `baton` loses no byte in what it prints, and none in what is typed: values, keys and elements
// that are no text; and that what is too long, or a file without an end, costs a sentence.
#include "nodes.hpp"

#include <baton/watch.hpp>

#include <filesystem>
#include <fstream>

using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string raw_key{"k/\xff\x00\x9b", 5}, raw_value{"\x00\xfe\x80 v", 5};
constexpr const char* key_base64 = "ay//AJs=";
constexpr const char* value_base64 = "AP6AIHY=";

json base64(const std::string& digits) { return json::object({{"base64", digits}}); }
json list(const std::vector<json>& all) { return json(all); }

/// A member of the mesh in this process, and a program that has met it.
struct beside_a_node {
    beside_a_node() {
        REQUIRE(next_event(node, baton::event_kind::joined));
        program.event("joined", "node");
    }
    mesh net;
    baton::node node = started(net.options("node"));
    process program = net.run("program");
};

} // namespace

TEST_CASE("program: values that are no text come in base64, marked", "[io][program]") {
    beside_a_node both;
    auto& one = both.program;
    one("watch k/");
    one.change("initial_done");
    REQUIRE(both.node.stash(raw_key, raw_value));
    const auto told = one.change("put");
    CHECK(told.at("key").is_null());
    CHECK(told.at("key_base64") == key_base64);
    CHECK(told.at("value").is_null());
    CHECK(told.at("value_base64") == value_base64);
    CHECK(one("keys").at("keys") == list({base64(key_base64)}));

    // Everything that is shown can be typed.
    const auto got = one("pickup base64:" + std::string(key_base64));
    CHECK(got.at("result") == "found");
    CHECK(got.at("key_base64") == key_base64);
    CHECK(got.at("value_base64") == value_base64);
    one("stash base64:" + std::string(key_base64) + " text");
    CHECK(eventually(10s, [&] { return both.node.pickup(raw_key)->value == "text"; }));
    CHECK(one.change("put").at("value") == "text");
    CHECK(one("unwatch k/").at("watched") == true);
    CHECK(one("drop base64:" + std::string(key_base64)).at("dropped") == true);

    REQUIRE(both.node.insert("set", raw_value));
    REQUIRE(both.node.set_field("map", raw_key, raw_value));
    REQUIRE(both.node.insert("set", "text"));
    CHECK(eventually(10s, [&] { return one("elements set").at("elements").size() == 2; }));
    CHECK(one("elements set").at("elements") == list({base64(value_base64), "text"}));
    CHECK(one("fields map").at("fields") == list({base64(key_base64)}));
    const auto field = one("field map base64:" + std::string(key_base64));
    CHECK(field.at("field_base64") == key_base64);
    CHECK(field.at("value_base64") == value_base64);
    CHECK(one("erase set base64:" + std::string(value_base64)).at("erased") == true);
    CHECK(one("elements set").at("elements") == json{"text"});

    // In quotes, and where no key is expected, it is text like any other.
    one("stash \"base64:/w==\" base64:/w==");
    CHECK(one("pickup \"base64:/w==\"").at("value") == "base64:/w==");
    CHECK(one("pickup \"base64:/w==\"").at("key") == "base64:/w==");
    CHECK(one.ask("pickup base64:/w=").at("error") == "usage");
}

TEST_CASE("program: the one-shot forms read and write any bytes", "[io][program]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash(raw_key, raw_value));
    auto get = net.invoke({"get", "base64:" + std::string(key_base64)});
    CHECK(get.output() == raw_value + '\n');
    CHECK(get.exit_status() == 0);
    auto wrong = net.invoke({"get", "base64:!"});
    CHECK(wrong.exit_status() == 2);

    auto put = net.invoke({"put", "input", "-"});
    put.write("two\nlines");
    put.end_input();
    CHECK(put.exit_status() == 0);
    CHECK(value_at(node, "input") == "two\nlines\n");
    auto hex = net.invoke({"put", "hexadecimal", "-", "--hex"});
    hex.write("00ff");
    hex.end_input();
    CHECK(hex.exit_status() == 0);
    CHECK(value_at(node, "hexadecimal") == std::string("\x00\xff", 2));
    auto much = net.invoke({"put", "much", "-"});
    try {
        much.write(std::string((std::size_t{8} << 20) + 1, 'x'));
    } catch (const std::runtime_error&) { // it does not read on
    }
    much.end_input();
    CHECK(much.exit_status() == 2);
    CHECK_THAT(much.log(), ContainsSubstring("8 MiB"));
}

TEST_CASE("program: get says what a key holds that is no plain value", "[io][program]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.add("counter"));
    REQUIRE(node.insert("set", "x"));
    REQUIRE(node.set_field("map", "f", "v"));
    REQUIRE(node.enable("flag"));
    for (const std::string type : {"counter", "set", "map", "flag"}) {
        CAPTURE(type);
        auto get = net.invoke({"get", type});
        CHECK(get.exit_status() == 1);
        CHECK_THAT(get.log(), ContainsSubstring("'" + type + "' holds a " + type));
        CHECK(get.output().empty());
        CHECK(*node.types(type) == std::vector{type == "counter" ? baton::value_kind::counter
                                               : type == "set"   ? baton::value_kind::set
                                               : type == "map"   ? baton::value_kind::map
                                                                 : baton::value_kind::flag});
    }
    auto program = net.run("program");
    program("wait-synced 10s");
    CHECK(program("pickup counter").at("type") == "counter");
    CHECK(program("pickup nothing").count("type") == 0);
    REQUIRE(node.stash("plain", "v"));
    CHECK(*node.types("plain") == std::vector{baton::value_kind::reg});
    CHECK(node.types("nothing")->empty());
    CHECK(node.types("").error().code == baton::errc::key_empty);
}

TEST_CASE("program: what is typed and far too long is refused in a sentence", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    const std::string long_word(std::size_t{20} << 20, 'x');
    for (const auto& line : {long_word, "pickup " + long_word, "wait-synced " + long_word,
                             "stash " + long_word + " v", "stash k v ttl=" + long_word,
                             "unwatch " + long_word, "keys \"" + long_word + "\"", "leave " + long_word}) {
        CAPTURE(line.substr(0, 20));
        const auto reply = one.ask(line);
        CHECK(reply.contains("error"));
        CHECK(reply.dump().size() < 1000);
    }
    one.write('#' + long_word + " keys");
    CHECK(eventually(10s, [&] {
        const auto replies = one.replies();
        return !replies.empty() && replies.front().at("error") == "usage" &&
               replies.front().dump().size() < 1000;
    }));
    CHECK(one("keys").at("keys").empty());
}

TEST_CASE("program: a file of options is bounded, and its faults are named by file and line",
          "[io][program]") {
    const mesh net;
    const auto path = std::filesystem::temp_directory_path() / (net.cluster + ".toml");
    const auto refused = [&](const std::string& file) {
        auto program = net.invoke({"run", "--config", file});
        program.end_input();
        CHECK(program.output().empty());
        CHECK(program.exit_status() == 2);
        return program.log();
    };
    CHECK_THAT(refused("/dev/zero"),
               ContainsSubstring("/dev/zero") && ContainsSubstring("at most 1048576 bytes"));
    const auto fault_at = [&](const std::string& text) {
        std::ofstream{path} << text;
        return refused(path.string());
    };
    CHECK_THAT(fault_at("# nothing\nno-beacon = true\nsseed = \"127.0.0.1:1\"\n"),
               ContainsSubstring(path.string() + ":3: 'sseed' is not an option"));
    CHECK_THAT(fault_at("name = \"a\"\nport = 70000\n"),
               ContainsSubstring(path.string() + ":2: port: '70000' is not a whole number from 0 to 65535"));
    CHECK_THAT(fault_at("leave-within = \"soon\"\n"),
               ContainsSubstring(path.string() + ":1: leave-within: 'soon'"));
    CHECK_THAT(fault_at("\nno-beacon = maybe\n"),
               ContainsSubstring(path.string() + ":2: no-beacon: 'maybe'"));
    CHECK_THAT(fault_at("[network]\nport = 1\n"),
               ContainsSubstring(path.string() + ":1: sections are not allowed"));
    std::filesystem::remove(path);
}
