// Proves that `baton` keeps the contract that people and scripts rely on: replies, errors, exit statuses,
// one-shot forms, options and the configuration file.
#include "mesh.hpp"
#include "support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace io;

namespace {

struct ended {
    int status;
    std::string output, log;
};

/// Runs it to its end.
ended finish(process program) {
    program.end_input();
    const auto output = program.output();
    const int status = program.exit_status();
    return {status, output, program.log()};
}
ended invoke(const mesh& net, const std::vector<std::string>& words) { return finish(net.invoke(words)); }

bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

} // namespace

TEST_CASE("program: every command replies as documented", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    CHECK(one("stash key hello world") ==
          json{{"reply", "stash"}, {"id", "1"}, {"key", "key"}, {"copies", 1}, {"met", true}});
    CHECK(one("pickup key") == json{{"reply", "pickup"},
                                    {"id", "2"},
                                    {"key", "key"},
                                    {"result", "found"},
                                    {"value", "hello world"},
                                    {"siblings", 0}});
    one("stash empty ");
    CHECK(one("pickup empty").at("result") == "found");
    CHECK(one("pickup empty").at("value") == "");
    const auto absent = one("pickup nothing");
    CHECK(absent.at("result") == "absent_unsynced");
    CHECK(absent.at("value").is_null());
    one("stash \"a key\" \"two\\nlines\"");
    CHECK(one("pickup \"a key\"").at("value") == "two\nlines");
    CHECK(one("keys").at("keys") == json{"a key", "empty", "key"});
    CHECK(one("keys e").at("keys") == json{"empty"});
    CHECK(one("drop key").at("dropped") == true);
    CHECK(one("drop key").at("dropped") == false);
    CHECK(one("load 10 7").at("count") == 10);
    CHECK(one("keys key-").at("keys").at(9) == "key-0000000000000009");
    CHECK(one("pickup key-0000000000000009").at("value").get<std::string>().size() == 7);
    CHECK(one("pickup key-0000000000000009").at("value") != one("pickup key-0000000000000008").at("value"));
    CHECK(one("digest").at("keys") == 12);
    CHECK(one("digest").at("digest").get<std::string>().size() == 32);
    CHECK(one("digest").at("cut").size() == 1);
    CHECK(one("members").at("members").empty());
    CHECK(one("stats").at("keys") == 12);
    CHECK(one("stats").at("stashes") == 13);
    CHECK(one("stats").at("drops") == 1);
    CHECK(one("wait-synced 100ms").at("synced") == false); // nobody met
}

TEST_CASE("program: typed values reply as documented, and are there on another node", "[io][program]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    meet(one, "one", other, "other");
    const auto reply = [&](const std::string& command) {
        auto got = one(command);
        got.erase("id");
        return got;
    };
    CHECK(reply("count hits") == json{{"reply", "count"}, {"key", "hits"}, {"value", nullptr}});
    CHECK(reply("add hits 5") == json{{"reply", "add"}, {"key", "hits"}, {"value", 5}});
    CHECK(reply("add hits -7") == json{{"reply", "add"}, {"key", "hits"}, {"value", -2}});
    CHECK(reply("count hits") == json{{"reply", "count"}, {"key", "hits"}, {"value", -2}});
    CHECK(reply("elements crew") ==
          json{{"reply", "elements"}, {"key", "crew"}, {"elements", json::array()}});
    CHECK(reply("insert crew eve") == json{{"reply", "insert"}, {"key", "crew"}, {"element", "eve"}});
    CHECK(one("insert crew Ada Lovelace").at("element") == "Ada Lovelace");
    CHECK(one("insert crew \"two\\nlines\"").at("element") == "two\nlines");
    CHECK(one("elements crew").at("elements") == json{"Ada Lovelace", "eve", "two\nlines"});
    CHECK(reply("erase crew eve") ==
          json{{"reply", "erase"}, {"key", "crew"}, {"element", "eve"}, {"erased", true}});
    CHECK(one("erase crew eve").at("erased") == false);
    CHECK(reply("set-field ship name Santa Maria") ==
          json{{"reply", "set-field"}, {"key", "ship"}, {"field", "name"}});
    one("set-field ship \"a field\" 1");
    one("set-field ship gone 1");
    CHECK(reply("erase-field ship gone") ==
          json{{"reply", "erase-field"}, {"key", "ship"}, {"field", "gone"}, {"erased", true}});
    CHECK(one("erase-field ship gone").at("erased") == false);
    CHECK(reply("field ship name") == json{{"reply", "field"},
                                           {"key", "ship"},
                                           {"field", "name"},
                                           {"result", "found"},
                                           {"value", "Santa Maria"},
                                           {"siblings", 0}});
    CHECK(one("field ship gone").at("result") == "absent_unsynced");
    CHECK(one("field ship gone").at("value").is_null());
    CHECK(reply("fields ship") ==
          json{{"reply", "fields"}, {"key", "ship"}, {"fields", {"a field", "name"}}});
    CHECK(reply("enabled open") == json{{"reply", "enabled"}, {"key", "open"}, {"enabled", false}});
    CHECK(reply("enable open") == json{{"reply", "enable"}, {"key", "open"}, {"enabled", true}});
    CHECK(reply("disable open") == json{{"reply", "disable"}, {"key", "open"}, {"enabled", false}});
    one("enable open");
    CHECK(one("keys").at("keys") == json{"crew", "hits", "open", "ship"});
    CHECK(one("pickup hits").at("result") == "absent_unsynced");
    agree({&one, &other});

    CHECK(other("count hits").at("value") == -2);
    CHECK(other("elements crew").at("elements") == json{"Ada Lovelace", "two\nlines"});
    CHECK(other("field ship name").at("value") == "Santa Maria");
    CHECK(other("enabled open").at("enabled") == true);
    CHECK(other("keys").at("keys") == json{"crew", "hits", "open", "ship"});
    for (const auto* command :
         {"stash hits v", "insert hits x", "add crew 1", "set-field crew f v", "enable ship", "add open 1"})
        CHECK(other.ask(command).at("error") == "wrong_type");
    for (const auto* key : {"crew", "hits", "open", "ship"})
        CHECK(other("drop " + std::string(key)).at("dropped") == true);
    CHECK(other("stash hits v").at("met") == true);
    agree({&one, &other});
    CHECK(one("keys").at("keys") == json{"hits"});
    CHECK(one("count hits").at("value").is_null());
    CHECK(one("elements crew").at("elements").empty());
}

TEST_CASE("program: stats tell what is kept of the past, and who was left behind", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    one("add hits 1");
    one("drop hits");
    const auto stats = one("stats");
    for (const auto* name : {"residues", "origins", "archived", "sessions_compared", "evictions"}) {
        CAPTURE(name);
        CHECK(stats.at(name).is_number_unsigned());
    }
    CHECK(stats.at("origins") == 1);
    CHECK(stats.at("stashes") == 1);
    CHECK(stats.at("drops") == 1);
    CHECK(one.ask("stats soon").at("error") == "usage");
}

TEST_CASE("program: stats as Prometheus reads them", "[io][program]") {
    // Every line is a comment or a sample. The samples include the numbers of the JSON, and each member with
    // its lag.
    const mesh net;
    auto one = net.run("o\"ne"), other = net.run("other");
    meet(one, "o\"ne", other, "other");
    one("stash key value copies=2 within=30s");
    const auto text = one("stats prometheus").at("prometheus").get<std::string>();
    const auto has = [&](const std::string& line) { return text.find(line + '\n') != std::string::npos; };
    CHECK(has("# TYPE baton_keys gauge"));
    CHECK(has(R"(baton_keys{node="o\"ne"} 1)"));
    CHECK(has("# TYPE baton_stashes_total counter"));
    CHECK(has(R"(baton_stashes_total{node="o\"ne"} 1)"));
    const auto id = one("members").at("members").at(0).at("id").get<std::string>();
    CHECK(has(R"(baton_member_lag_events{node="o\"ne",member="other",id=")" + id + R"("} 0)"));
    CHECK(text.find("baton_member_round_trip_seconds{") != std::string::npos);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(
            (line.starts_with("# ") || (line.starts_with("baton_") && line.find("} ") != std::string::npos)));
    }
    const auto numbers = one("stats");
    for (const auto& [name, value] : numbers.items()) {
        if (value.is_number()) CHECK(text.find("# TYPE baton_" + name) != std::string::npos);
    }
}

TEST_CASE("program: equal loads give equal values, and the load depends on the key alone", "[io][program]") {
    const mesh net, elsewhere;
    auto one = net.run("one"), other = elsewhere.run("other");
    one("load 3 50");
    other("load 3 50");
    CHECK(one("pickup key-0000000000000002").at("value") == other("pickup key-0000000000000002").at("value"));
}

TEST_CASE("program: a stash with ttl= is absent on every node when that is over", "[io][program]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    meet(one, "one", other, "other");
    other("watch k/");
    other.change("initial_done");
    CHECK(one("stash k/brief a value of words copies=2 within=30s ttl=1s").at("met") == true);
    CHECK(one("stash k/stays v ttl=1h").at("key") == "k/stays");
    CHECK(other.change("put", "k/brief").at("value") == "a value of words");
    other.change("put", "k/stays");
    CHECK(other.change("removed") == json{{"change", "removed"}, {"watch", "k/"}, {"key", "k/brief"}});
    CHECK(other("pickup k/brief within=30s until=known").at("result") == "absent_confirmed");
    CHECK(other("keys").at("keys") == json{"k/stays"});
    CHECK(other("drop k/brief").at("dropped") == false);
    CHECK(other("stats").at("expired").is_number_unsigned());
}

TEST_CASE("program: a command that fails says why and changes nothing", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    one("stash key value");
    const auto before = one("digest").at("digest");
    const std::vector<std::pair<std::string, std::string>> faults{
        {"claim nothing", "absent"},
        {"claim key soon", "usage"},
        {"commit key v", "claim_lost"},
        {"release key", "claim_lost"},
        {"watch", "usage"},
        {"unwatch", "usage"},
        {"nonsense", "unknown_command"},
        {"stash", "usage"},
        {"stash key", "usage"},
        {"stash key \"open", "usage"},
        {"stash key v copies=few", "usage"},
        {"stash key v copies=0", "usage"},
        {"stash key v within=soon", "usage"},
        {"stash key v copies=majority", "bad_argument"},
        {"stash key v ttl=soon", "usage"},
        {"stash key v ttl=0.1ms", "usage"},
        {"stash \"\" v", "key_empty"},
        {"stash " + std::string(513, 'k') + " v", "key_too_long"},
        {"pickup", "usage"},
        {"pickup key within=soon", "usage"},
        {"pickup key later", "usage"},
        {"pickup \"\"", "key_empty"},
        {"drop key more", "usage"},
        {"drop \"\"", "key_empty"},
        {"add key 1", "wrong_type"},
        {"insert key e", "wrong_type"},
        {"set-field key f v", "wrong_type"},
        {"enable key", "wrong_type"},
        {"add hits", "usage"},
        {"add hits many", "usage"},
        {"add hits 9223372036854775808", "usage"},
        {"add hits 1 2", "usage"},
        {"add \"\" 1", "key_empty"},
        {"count", "usage"},
        {"count hits more", "usage"},
        {"insert crew", "usage"},
        {"insert \"\" e", "key_empty"},
        {"insert crew " + std::string(513, 'e'), "key_too_long"},
        {"erase crew", "usage"},
        {"elements crew more", "usage"},
        {"set-field ship", "usage"},
        {"set-field ship name", "usage"},
        {"set-field ship " + std::string(513, 'f') + " v", "key_too_long"},
        {"field ship", "usage"},
        {"fields", "usage"},
        {"enable", "usage"},
        {"disable open more", "usage"},
        {"load 5", "usage"},
        {"load -1 5", "usage"},
        {"load 1 8388609", "value_too_long"},
        {"load 1 99999999999", "value_too_long"},
        {"digest now", "usage"},
        {"wait-synced", "usage"},
        {"leave soon", "usage"},
    };
    for (const auto& [command, error] : faults) {
        CAPTURE(command);
        const auto reply = one.ask(command);
        CHECK(reply.at("error") == error);
        CHECK_FALSE(reply.at("detail").get<std::string>().empty());
        CHECK(reply.at("reply") == command.substr(0, command.find(' ')));
    }
    CHECK(one("digest").at("digest") == before);
    CHECK(one("pickup key").at("value") == "value");
}

TEST_CASE("program: values that are not text", "[io][program]") {
    const mesh net;
    auto text = net.run("text"), hex = net.run("hex", {"--hex"});
    meet(text, "text", hex, "hex");
    hex("stash bytes 00ff80");
    CHECK(hex("pickup bytes").at("value") == "00ff80");
    CHECK(text("pickup bytes within=30s").at("value_base64") == "AP+A");
    text("stash words abc");
    CHECK(hex("pickup words within=30s").at("value") == "616263");
    CHECK(hex("insert set 00ff").at("element") == "00ff");
    CHECK(hex("elements set").at("elements") == json{"00ff"});
    CHECK(hex("set-field map name 6162").at("field") == "name"); // the value alone is bytes
    agree({&text, &hex});
    CHECK(text("field map name").at("value") == "ab");
    CHECK(text("elements set").at("elements") == json::array({json::object({{"base64", "AP8="}})}));
    CHECK(hex.ask("insert set 0").at("error") == "usage");
    CHECK(hex.ask("stash bytes 0").at("error") == "usage");
    CHECK(hex.ask("stash bytes 0g").at("error") == "usage");
}

TEST_CASE("program: a signal ends a command that waits, and the program leaves", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    one.event("started");
    const stopwatch start;
    one.write("wait-synced 60s");
    one.signal(SIGINT);
    CHECK(one.farewell(10s).at("outcome") == "safe");
    CHECK(one.exit_status() == 0);
    CHECK(start.unhindered() < at_most(10s));
}

TEST_CASE("program: a wrong start is a usage error that names the culprit", "[io][program]") {
    const mesh net;
    const std::vector<std::pair<std::vector<std::string>, std::string>> faults{
        {{"watch"}, "PREFIX"},
        {{"run", "--nonsense"}, "--nonsense"},
        {{"run", "--port", "70000"}, "--port"},
        {{"run", "--port", "0x1f"}, "0x1f"},
        {{"run", "--leave-within", "soon"}, "soon"},
        {{"run", "--config", "no-such-file.toml"}, "no-such-file.toml"},
        {{"get"}, "KEY"},
        {{"put", "key"}, "VALUE"},
        {{"put", "key", "0g", "--hex"}, "hex"},
        {{}, ""},
    };
    for (const auto& [words, culprit] : faults) {
        CAPTURE(words);
        const auto end = invoke(net, words);
        CHECK(end.status == 2);
        CHECK(end.output.empty());
        CHECK(contains(end.log, culprit));
    }
}

TEST_CASE("program: what it is not given, or cannot write, does no harm", "[io][program]") {
    const mesh net;
    const auto in_a_shell = [&](const std::string& words, const std::string& redirected) {
        std::string line = "exec '" BATON_PROGRAM "' " + words;
        for (const auto& word : net.belonging()) line += " '" + word + "'";
        return process{{"-c", line + ' ' + redirected}, "/bin/sh"};
    };
    auto member = net.run("member");
    member("stash key value");

    // Its own descriptors must not take the numbers of closed standard streams.
    for (const std::string closed : {"<&-", "<&- >&-", "<&- >&- 2>&-"}) {
        CAPTURE(closed);
        CHECK(in_a_shell("run --name blind", closed).exit_status() == 0);
    }
    auto mute = in_a_shell("run --name mute", ">&- 2>&-");
    member.event("joined", "mute");
    mute.write("stash of-mute value");
    CHECK(member("pickup of-mute within=30s").at("value") == "value");
    mute.end_input();
    CHECK(mute.exit_status() == 0);
    member.event("left", "mute");

    for (const std::string words : {"get key", "members"}) {
        for (const std::string redirected : {">/dev/full", ">&-"}) {
            CAPTURE(words, redirected);
            const auto lost = finish(in_a_shell(words, redirected));
            CHECK(lost.status == 1);
            CHECK(contains(lost.log, "standard output"));
        }
    }
}

TEST_CASE("program: a watch ends when nobody reads it", "[io][program]") {
    const mesh net;
    const bool by_client = GENERATE(true, false); // without a door the watch joins the mesh
    CAPTURE(by_client);
    auto member = net.run("member", {by_client ? "--clients" : "--no-clients"});
    member("stash first value");
    process watching{{"-c", "'" BATON_PROGRAM "' watch f --cluster " + net.cluster +
                                " --host 127.0.0.1 --beacon-port " + std::to_string(net.beacon_port) +
                                " | head -n 1"},
                     "/bin/sh"};
    watching.change("put", "first");
    if (!by_client) member.event("joined");
    member("stash further value"); // which it cannot tell
    if (!by_client) member.event("left");
    CHECK(watching.exit_status() == 0); // of head
}

TEST_CASE("program: a node that cannot start says so and ends with 1", "[io][program]") {
    const mesh net;
    const socket_holder taken{SOCK_STREAM};
    sockaddr_in address{};
    socklen_t size = sizeof address;
    getsockname(taken.fd(), reinterpret_cast<sockaddr*>(&address), &size);
    const auto port = std::to_string(ntohs(address.sin_port));
    const auto end = invoke(net, {"run", "--port", port});
    CHECK(end.status == 1);
    const auto line = json::parse(end.output);
    CHECK(line.at("event") == "failed");
    CHECK(line.at("error") == "address_in_use");
    CHECK(contains(line.at("detail"), port));
}

TEST_CASE("program: help and version", "[io][program]") {
    const auto page = finish(process{{"--help"}});
    CHECK(page.status == 0);
    for (const std::string word :
         {"--seed", "--beacon-port", "wait-synced", "put", "Exit status", "add KEY N", "count KEY",
          "insert KEY ELEMENT", "erase KEY ELEMENT", "elements KEY", "set-field KEY FIELD VALUE",
          "erase-field KEY FIELD", "field KEY FIELD", "fields KEY", "enable KEY", "disable KEY",
          "enabled KEY", "watch PREFIX", "unwatch PREFIX"})
        CHECK(contains(page.output, word));
    CHECK(contains(page.output, "[within=DUR] [ttl=DUR]"));
    const auto hours = std::chrono::duration_cast<std::chrono::hours>(baton::options{}.liveness.redial_for);
    CHECK(contains(page.output, "default: " + std::to_string(hours.count()) + "h"));
    CHECK(finish(process{{"--version"}}).output.starts_with("baton "));
}

TEST_CASE("program: options can come from a file, and the command line wins", "[io][program]") {
    const mesh net;
    const auto path = std::filesystem::temp_directory_path() / (net.cluster + ".toml");
    std::ofstream{path} << "name = \"from-file\"\nno-beacon = true\nseed = [\"127.0.0.1:1\"]\n";
    auto plain = net.invoke({"run", "--config", path.string()});
    CHECK(plain.event("started").at("name") == "from-file");
    CHECK(plain("stats").at("beacons_sent") == 0);
    auto named = net.run("from-line", {"--config", path.string()});
    CHECK(named.event("started").at("name") == "from-line");
    std::ofstream{path} << "nonsense = 1\n";
    CHECK(invoke(net, {"run", "--config", path.string()}).status == 2);
    std::filesystem::remove(path);
}

TEST_CASE("program: one-shot forms join, act and leave", "[io][program]") {
    const mesh net;
    CHECK(invoke(net, {"get", "key", "--within", "200ms"}).status == 1); // nobody there
    CHECK(invoke(net, {"put", "key", "value", "--within", "200ms"}).status == 1);
    auto member = net.run("member");
    member("stash key a value");
    const auto seed = started_at(member);

    SECTION("by beacon") {
        const auto got = invoke(net, {"get", "key"});
        CHECK(got.status == 0);
        CHECK(got.output == "a value\n");
        CHECK(invoke(net, {"get", "key", "--hex"}).output == "612076616c7565\n");
    }
    SECTION("what is not there") {
        const auto got = invoke(net, {"get", "nothing"});
        CHECK(got.status == 1);
        CHECK(got.output.empty());
        CHECK(contains(got.log, "nothing"));
    }
    SECTION("put, by seed") {
        const auto put = invoke(net, {"put", "other", "from one shot", "--no-beacon", "--seed", seed});
        CHECK(put.status == 0);
        CHECK(member("pickup other").at("value") == "from one shot");
        CHECK(member("members").at("members").empty()); // it was no member
        CHECK(invoke(net, {"put", "", "x"}).status == 2);
    }
    SECTION("members") {
        const auto listed = invoke(net, {"members"});
        CHECK(listed.status == 0);
        CHECK(json::parse(listed.output).at("name") == "member");
    }
}
