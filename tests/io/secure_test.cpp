// Proves what a key does on real sockets: who has it joins, by beacon, by seed, and after a restart; who has
// none, or another, never does, and both sides say so; links are admitted by key and identified by it; keys
// are rotated under load. Strangers are made by hand, from the discovery layer's own parts.
#include "discovery/key_file.hpp"
#include "folder.hpp"
#include "insider.hpp"
#include "nodes.hpp"

#include <baton/key_file.hpp>

#include <sys/stat.h>
#include <zmq.hpp>

#include <set>

using namespace io;
using baton::mesh_key;
using baton::discovery::purpose;
using Catch::Matchers::ContainsSubstring;

namespace {

baton::options keyed(const mesh& net, const std::string& name, std::vector<mesh_key> keys = {key(1)}) {
    auto settings = net.options(name);
    settings.security.keys = std::move(keys);
    return settings;
}
std::uint64_t refused(const baton::node& by, std::string_view reason) {
    std::uint64_t count = 0;
    const auto stats = by.stats();
    for (const auto& [known, times] : stats->refused_by_reason)
        if (known.find(reason) != known.npos) count += times;
    return count;
}
std::uint16_t port_of(const baton::node& of) {
    const auto endpoint = of.endpoint();
    return static_cast<std::uint16_t>(std::stoul(endpoint.substr(endpoint.rfind(':') + 1)));
}

void write_file(const std::string& path, const std::string& text, mode_t mode) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    REQUIRE(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    fchmod(fd, mode);
    close(fd);
}

} // namespace

TEST_CASE("secure: nodes with the same key join and hand over, by beacon and by seed", "[io][secure]") {
    const mesh net;
    kept_log log;
    auto settings = keyed(net, "one");
    settings.log = log;
    const bool by_seed = GENERATE(false, true);
    settings.beacon.enabled = !by_seed;
    auto one = started(settings);
    settings.name = "other";
    settings.log = {};
    if (by_seed) settings.seeds = {one.endpoint()};
    auto other = started(settings);
    REQUIRE(meet(one, other));
    REQUIRE(one.stash("key", "value", {.ack = baton::ack_level::copies(2)})->met);
    CHECK(value_at(other, "key") == "value");
    CHECK(one.leave()->outcome == baton::leave_outcome::safe);
    CHECK(value_at(other, "key") == "value");
    CHECK(log.lines_with("open_mesh").empty());
    CHECK(other.stats()->refused_beacons == 0);
}

TEST_CASE("secure: without a key exactly one warning says so", "[io][secure]") {
    const mesh net;
    kept_log log;
    auto settings = net.options("open");
    settings.log = log;
    auto open = started(settings);
    CHECK(log.lines_with("open_mesh").size() == 1);
    CHECK(open.keys_installed()->accepted.empty());
    CHECK_FALSE(open.keys_installed()->in_use);
    CHECK(open.install_key(key(1)).error().code == baton::errc::bad_option);
}

TEST_CASE("secure: keys_installed names the keys that are accepted and the one in use", "[io][secure]") {
    const mesh net;
    auto node = started(keyed(net, "node"));
    CHECK(node.keys_installed()->in_use == key(1).id());
    CHECK(node.keys_installed()->accepted == std::vector{key(1).id()});
    REQUIRE(node.install_key(key(2)));
    CHECK(node.keys_installed()->in_use == key(1).id());
    REQUIRE(node.use_key(key(2).id()));
    CHECK(node.keys_installed()->in_use == key(2).id());
    CHECK(node.keys_installed()->accepted == std::vector{key(2).id(), key(1).id()});
    REQUIRE(node.remove_key(key(1).id()));
    CHECK(node.keys_installed()->accepted == std::vector{key(2).id()});
}

TEST_CASE("secure: another key, or none, never joins, and both sides say so once", "[io][secure]") {
    const mesh net;
    const bool has_key = GENERATE(true, false), has_beacon = GENERATE(true, false);
    CAPTURE(has_key, has_beacon);
    kept_log log, their_log;
    auto settings = keyed(net, "ours");
    settings.log = log;
    auto ours = started(settings);
    auto theirs_settings = has_key ? keyed(net, "theirs", {key(2)}) : net.options("theirs");
    theirs_settings.log = their_log;
    theirs_settings.beacon.enabled = has_beacon;
    theirs_settings.seeds = {ours.endpoint()};
    auto theirs = started(theirs_settings);
    REQUIRE(ours.stash("secret", "value"));
    // A refused beacon raises an event; a link that is not understood is counted and logged.
    if (has_beacon || has_key) CHECK(next_event(ours, baton::event_kind::refused));
    if (has_beacon) CHECK(next_event(theirs, baton::event_kind::refused));
    CHECK(eventually(5s, [&] { return !ours.stats()->refused_by_reason.empty(); }));
    if (has_key && !has_beacon) {
        CHECK(eventually(10s, [&] { return !their_log.lines_with("event=unanswered").empty(); }));
    } else {
        CHECK(eventually(5s, [&] { return !theirs.stats()->refused_by_reason.empty(); }));
    }
    CHECK(ours.members()->empty());
    CHECK(theirs.members()->empty());
    CHECK_FALSE(theirs.pickup("secret")->found());
    for (const auto* each : {&log, &their_log}) {
        const auto told = each->lines_with("event=refused from");
        CHECK(std::set<std::string>(told.begin(), told.end()).size() == told.size());
        CHECK(each->lines_with("event=unanswered").size() <= 1);
    }
}

TEST_CASE("secure: whoever does not speak CURVE gets nothing from a node with a key", "[io][secure]") {
    const mesh net;
    auto settings = keyed(net, "victim");
    settings.publish_port = free_port(SOCK_STREAM);
    auto victim = started(settings);
    zmq::context_t context;
    zmq::socket_t dealer{context, zmq::socket_type::dealer}, sub{context, zmq::socket_type::sub};
    for (auto* each : {&dealer, &sub}) {
        each->set(zmq::sockopt::linger, 0);
        each->set(zmq::sockopt::rcvtimeo, 500);
    }
    dealer.set(zmq::sockopt::routing_id, "B" + std::string(16, 'x'));
    sub.set(zmq::sockopt::subscribe, "");
    dealer.connect(victim.endpoint());
    sub.connect("tcp://127.0.0.1:" + std::to_string(settings.publish_port));
    dealer.send(zmq::str_buffer("hello?"), zmq::send_flags::dontwait);
    REQUIRE(victim.stash("secret", "value"));
    CHECK(eventually(5s, [&] { return refused(victim, "link ") >= 2; }));
    zmq::message_t got;
    CHECK_FALSE(sub.recv(got));
    CHECK_FALSE(dealer.recv(got));
    CHECK(refused(victim, "malformed") == 0);
}

TEST_CASE("secure: a link is let in by a vouched key, and is whose key it is", "[io][secure]") {
    const mesh net;
    auto settings = keyed(net, "victim");
    settings.publish_port = free_port(SOCK_STREAM);
    auto victim = started(settings);
    auto companion = started(keyed(net, "companion"));
    REQUIRE(meet(victim, companion));
    const insider known{net.cluster, key(1)}, stranger{net.cluster, key(1)};
    const auto answer = known.introduce(port_of(victim));
    CHECK(answer.id == victim.id());
    const auto server = answer.key;
    zmq::context_t context;
    zmq::message_t got;

    SECTION("a key that nobody has vouched for is not let in") {
        auto link = stranger.client(context, zmq::socket_type::dealer, server, stranger.route());
        link.set(zmq::sockopt::rcvtimeo, 500);
        link.connect(victim.endpoint());
        link.send(zmq::buffer(stranger.hello()), zmq::send_flags::none);
        CHECK(eventually(5s, [&] { return refused(victim, "no beacon vouches for") > 0; }));
        CHECK_FALSE(link.recv(got));
        // Once a beacon vouches for it, the next attempt of its library is admitted.
        broadcast(net, stranger.sealed(purpose::beacon));
        link.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience(5s).count()));
        CHECK(link.recv(got));
    }
    SECTION("a vouched key under its own id is answered") {
        auto link = known.client(context, zmq::socket_type::dealer, server, known.route());
        link.connect(victim.endpoint());
        link.send(zmq::buffer(known.hello()), zmq::send_flags::none);
        CHECK(link.recv(got));
        CHECK(refused(victim, "stolen identity") == 0);
    }
    SECTION("a vouched key under another's id is refused, whatever it says") {
        auto thief = known;
        auto link =
            known.client(context, zmq::socket_type::dealer, server, "B" + std::string(companion.id().view()));
        link.connect(victim.endpoint());
        thief.id = companion.id();
        for (const auto& bytes : {known.hello(), thief.hello()})
            link.send(zmq::buffer(bytes), zmq::send_flags::none);
        CHECK(eventually(5s, [&] { return refused(victim, "stolen identity") == 2; }));
    }
    SECTION("another's mark on PUB is refused") {
        auto link = known.client(context, zmq::socket_type::xsub, server);
        link.connect("tcp://127.0.0.1:" + std::to_string(settings.publish_port));
        link.send(zmq::buffer("\x01\x01" + std::string(companion.id().view())), zmq::send_flags::none);
        CHECK(eventually(5s, [&] { return refused(victim, "stolen identity") == 1; }));
    }
    CHECK(companion.stats()->members_up == 1);
    REQUIRE(victim.stash("after", "all that", {.ack = baton::ack_level::copies(2)}));
    CHECK(value_at(companion, "after") == "all that");
}

TEST_CASE("secure: old, changed and foreign beacons are counted and nothing else", "[io][secure]") {
    const mesh net;
    auto victim = started(keyed(net, "victim"));
    const insider somebody{net.cluster, key(1)};
    broadcast(net, somebody.sealed(purpose::beacon, {}, 10));
    REQUIRE(eventually(5s, [&] { return victim.members()->size() == 1; }));
    broadcast(net, somebody.sealed(purpose::beacon, {}, 9));
    CHECK(eventually(5s, [&] { return refused(victim, "replayed beacon") == 1; }));
    auto changed = somebody.sealed(purpose::beacon, {}, 11);
    changed[30] = static_cast<char>(changed[30] ^ 1);
    broadcast(net, changed);
    CHECK(eventually(5s, [&] { return refused(victim, "wrong MAC") == 1; }));
    broadcast(net, somebody.sealed(purpose::introduction, {}, 12));
    CHECK(eventually(5s, [&] { return refused(victim, "wrong MAC") == 2; }));
    auto impostor = somebody; // its id with another key pair
    impostor.own = insider{net.cluster, key(1)}.own;
    broadcast(net, impostor.sealed(purpose::beacon, {}, 13));
    CHECK(eventually(5s, [&] { return refused(victim, "another's key") == 1; }));
    CHECK(victim.stats()->refused_beacons == 4);
    CHECK(victim.members()->size() <= 1);
}

TEST_CASE("secure: a node that was killed comes back under a new key", "[io][secure]") {
    const mesh net;
    folder place;
    const auto file = place / "key";
    REQUIRE(baton::write_key_file(file, key(1)));
    const bool by_seed = GENERATE(false, true);
    const auto port = std::to_string(free_port(SOCK_STREAM));
    std::vector<std::string> words{"--key-file", file, "--port", port};
    if (by_seed) words.emplace_back("--no-beacon");
    auto first = net.run("first", words);
    first.event("started");
    auto more = std::vector<std::string>{"--key-file", file, "--seed", "127.0.0.1:" + port};
    if (by_seed) more.emplace_back("--no-beacon");
    auto other = net.run("other", more);
    meet(first, "first", other, "other");
    other("stash key value copies=2");
    first.signal(SIGKILL);
    first.exit_status();
    auto again = net.run("again", words);
    meet(again, "again", other, "other");
    CHECK(again("pickup key within=30s").at("value") == "value");
}

TEST_CASE("secure: keys are rotated while nodes write", "[io][secure]") {
    const mesh net;
    folder place;
    const auto file = place / "key", newer = place / "newer";
    REQUIRE(baton::write_key_file(file, key(1)));
    REQUIRE(baton::write_key_file(newer, key(2)));
    auto one = net.run("one", {"--key-file", file}), other = net.run("other", {"--key-file", file});
    meet(one, "one", other, "other");
    const auto old_id = key(1).id().to_string(), id = key(2).id().to_string();
    int number = 0;
    const auto write_on = [&] {
        for (int times = 0; times < 50; ++times, ++number) {
            one.write("stash one-" + std::to_string(number) + " value");
            other.write("stash other-" + std::to_string(number) + " value");
        }
    };
    for (auto* each : {&one, &other}) {
        write_on();
        CHECK((*each)("key-install 0202020202020202020202020202020202020202020202020202020202020202")
                  .at("key_id") == id);
        CHECK((*each)("keys-installed").at("key_ids") == json{old_id, id});
    }
    for (auto* each : {&one, &other}) {
        write_on();
        CHECK((*each)("key-use " + id).at("key_id") == id);
        CHECK((*each).ask("key-remove " + id).at("error") == "conflict");
    }
    for (auto* each : {&one, &other}) {
        write_on();
        CHECK((*each)("key-remove " + old_id).at("key_id") == old_id);
        CHECK((*each).ask("key-use " + old_id).at("error") == "absent");
        CHECK((*each)("keys-installed").at("key_ids") == json{id});
    }
    CHECK(one.ask("key-install short").at("error") == "bad_key");
    CHECK(one.ask("key-use short").at("error") == "usage");
    auto late = net.run("late", {"--key-file", newer});
    meet(one, "one", late, "late");
    agree({&one, &other, &late});
    CHECK(late("digest").at("keys") == 2 * number);
    for (auto* each : {&one, &other}) {
        CHECK_FALSE(each->saw("crashed"));
        CHECK((*each)("stats").at("refused_beacons") == 0);
    }
    auto outdated = net.run("outdated", {"--key-file", file});
    one.event("refused");
    CHECK_FALSE(outdated.saw("joined"));
}

TEST_CASE("secure: with a key the UDP port of the ROUTER's number has to be free", "[io][secure]") {
    const mesh net;
    const socket_holder taken{SOCK_DGRAM, free_port(SOCK_DGRAM)};
    sockaddr_in at{};
    socklen_t size = sizeof at;
    getsockname(taken.fd(), reinterpret_cast<sockaddr*>(&at), &size);
    for (const auto port : {ntohs(at.sin_port), net.beacon_port}) {
        auto settings = keyed(net, "node");
        settings.port = port;
        const auto failed = baton::node::start(settings);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == baton::errc::address_in_use);
        settings.security.keys.clear(); // an open mesh does without
        CHECK(baton::node::start(settings));
    }
}

TEST_CASE("secure: keygen makes a file that is used, and writes over nothing", "[io][secure]") {
    folder place;
    const auto file = place / "key";
    process made{{"keygen", file}};
    CHECK(made.exit_status() == 0);
    struct stat about {};
    REQUIRE(stat(file.c_str(), &about) == 0);
    CHECK((about.st_mode & 07777) == 0600);
    process again{{"keygen", file}};
    CHECK(again.exit_status() == 1);
    CHECK_THAT(again.log(), ContainsSubstring("never overwritten"));
    process shown{{"keygen"}};
    const auto parsed = baton::discovery::parse_key_file(shown.output());
    CHECK(parsed);
    CHECK(shown.exit_status() == 0);

    const mesh net;
    auto one = net.run("one", {"--key-file", file, "-v"}), other = net.run("other", {"--key-file", file});
    meet(one, "one", other, "other");
    std::string text(about.st_size, '\0');
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    CHECK(read(fd, text.data(), text.size()) == about.st_size);
    close(fd);
    const auto secret = text.substr(text.size() - 45, 44);
    CHECK(eventually(10s, [&] { return one.log().find("event=joined") != std::string::npos; }));
    CHECK_THAT(one.log(), !ContainsSubstring(secret));
}

TEST_CASE("secure: a file of keys that others can read, or that is none, is refused", "[io][secure]") {
    const mesh net;
    folder place;
    const auto good = baton::to_key_file(key(1));
    const auto complaint = [&](const std::string& path) {
        auto settings = net.options("node");
        settings.security.key_file = path;
        const auto node = baton::node::start(settings);
        REQUIRE_FALSE(node);
        CHECK(node.error().code == baton::errc::bad_key);
        CHECK_THAT(node.error().what, ContainsSubstring(path));
        return node.error().what;
    };
    const auto file = place / "key";
    for (const mode_t mode : {0644, 0640, 0620, 0601}) {
        write_file(file, good, mode);
        CHECK_THAT(complaint(file), ContainsSubstring("chmod 600") && ContainsSubstring("its mode is 06"));
    }
    write_file(file, good, 0600);
    const auto link = place / "link";
    REQUIRE(symlink(file.c_str(), link.c_str()) == 0);
    CHECK_THAT(complaint(link), ContainsSubstring("symbolic link"));
    CHECK_THAT(complaint(place.path().string()), ContainsSubstring("folder"));
    CHECK_THAT(complaint(place / "nothing"), ContainsSubstring("No such file"));
    CHECK_THAT(complaint("/dev/null"), ContainsSubstring("not a regular file"));
    write_file(file, std::string(9000, '#'), 0600);
    CHECK_THAT(complaint(file), ContainsSubstring("9000 bytes"));
    write_file(file, "not a key\n", 0600);
    CHECK_THAT(complaint(file), ContainsSubstring("line 1") && !ContainsSubstring("not a key\n"));
    write_file(file, good, 0644);
    auto program = net.run("program", {"--key-file", file});
    const auto failed = program.event("failed");
    CHECK(failed.at("error") == "bad_key");
    CHECK_THAT(failed.at("detail").get<std::string>(), ContainsSubstring("0644"));
    CHECK(program.exit_status() == 1);
}
