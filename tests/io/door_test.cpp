// The door for clients: who is let in, and what strangers, floods and silent clients do to it: the mesh is
// not harmed.
#include "client_settings.hpp"
#include "discovery/search.hpp"
#include "wire/client_frame.hpp"
#include "wire/codec.hpp"

#include <baton/key_file.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <zmq.hpp>

#include <algorithm>
#include <array>

using namespace io;
using baton::ack_level, baton::client, baton::errc;
namespace frames = baton::wire::client;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The door of a node, as a client learns it; of several nodes any.
std::string door_of(const mesh& net) {
    auto self = client::connect(settings_of(net));
    if (!self) throw std::runtime_error(self.error().what);
    return self->members()->front().client_endpoint;
}

/// A client that keeps to nothing.
class stranger {
  public:
    explicit stranger(const std::string& door)
        : dealer_(context_, zmq::socket_type::dealer) {
        dealer_.set(zmq::sockopt::linger, 0);
        dealer_.connect(door);
    }
    void send(const std::string& bytes) { (void)dealer_.send(zmq::buffer(bytes), zmq::send_flags::none); }
    void send(const frames::frame& f) {
        std::string bytes;
        frames::encode(f, bytes);
        send(bytes);
    }
    void open(const mesh& net, std::uint8_t id = 1) {
        frames::open f;
        f.cluster = net.cluster;
        f.id = {{id, 2, 3}};
        f.name = "stranger";
        send(f);
        if (receive().at(0) == '\0') throw std::runtime_error("not let in");
        taken_ = 0; // the count begins after the WELCOME
    }
    /// Gives the member new credit.
    void confirm() { send(frames::credit{taken_, false}); }
    /// The next message; nothing if none comes.
    std::string receive() {
        dealer_.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience(5s).count()));
        zmq::message_t message;
        if (!dealer_.recv(message)) return {};
        taken_ += message.size();
        return message.to_string();
    }
    /// Reads until a REFUSED comes, and gives its reason.
    std::optional<frames::refused::why> refusal() {
        for (auto bytes = receive(); !bytes.empty(); bytes = receive()) {
            for (frames::message_reader in(bytes); !in.done();) {
                const auto frame = in.next();
                if (!frame) break;
                if (const auto* const no = std::get_if<frames::refused>(&*frame)) return no->reason;
            }
        }
        return std::nullopt;
    }

    struct answer {
        std::string failure;
        baton::dot written{};
    };
    /// Reads until the REPLY to that call comes.
    std::optional<answer> reply(std::uint64_t number) {
        for (auto bytes = receive(); !bytes.empty(); bytes = receive()) {
            for (frames::message_reader in(bytes); !in.done();) {
                const auto frame = in.next();
                if (!frame) break;
                const auto* const found = std::get_if<frames::reply>(&*frame);
                if (found != nullptr && found->number == number)
                    return answer{std::string(found->failure), found->written};
            }
        }
        return std::nullopt;
    }

  private:
    zmq::context_t context_;
    zmq::socket_t dealer_;
    std::uint64_t taken_ = 0;
};

frames::call local_stash(std::uint64_t number, std::string_view key, std::string_view value) {
    frames::call f;
    f.number = number;
    f.what = frames::verb::stash;
    f.key = key;
    f.value = value;
    return f;
}

frames::call waiting_call(std::uint64_t number) {
    frames::call f;
    f.number = number;
    f.what = frames::verb::pickup;
    f.flags = frames::call::has_within;
    f.within_ms = 60'000;
    f.key = "nothing";
    return f;
}

} // namespace

TEST_CASE("door: on loopback by default, elsewhere not, and never against the options", "[io][door]") {
    const mesh net;
    auto one = started(net.options("one"));
    auto without = net.options("without");
    without.clients.enabled = false;
    auto two = started(without);
    auto fixed = net.options("fixed");
    fixed.clients.port = free_port(SOCK_STREAM);
    auto three = started(fixed);
    std::map<std::string, std::string> doors;
    const auto look = [&] {
        doors.clear();
        for (const auto* const by : {&one, &two})
            for (const auto& each : *by->members())
                if (each.state == baton::member_state::up) doors[each.name] = each.client_endpoint;
        return doors.size() == 3 && !doors["one"].empty() && !doors["fixed"].empty(); // a HELLO later
    };
    REQUIRE(eventually(10s, look));
    CHECK(doors["one"].starts_with("tcp://127.0.0.1:"));
    CHECK(doors["two"].empty());
    CHECK(doors["fixed"] == "tcp://127.0.0.1:" + std::to_string(fixed.clients.port));
    auto taken = net.options("taken");
    taken.clients.enabled = true;
    taken.clients.port = fixed.clients.port;
    CHECK(baton::node::start(taken).error().code == errc::address_in_use);
    auto bad = net.options("bad");
    bad.clients.clients_max = 0;
    bad.clients.credit_bytes = 1;
    bad.clients.bytes_max = 1;
    const auto refused = baton::node::start(bad);
    REQUIRE_FALSE(refused);
    for (const auto* const each : {"clients_max", "credit_bytes", "bytes_max"})
        CHECK_THAT(refused.error().what, ContainsSubstring(each));
}

TEST_CASE("door: another cluster and another version are refused by name on both sides", "[io][door]") {
    const mesh net;
    kept_log log;
    auto settings = net.options("node");
    settings.log = log;
    auto node = started(settings);
    const auto door = door_of(net);
    auto elsewhere = settings_of(net);
    elsewhere.cluster = "elsewhere";
    elsewhere.seeds = {door};
    const auto refused = client::connect(elsewhere);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::refused);
    CHECK_THAT(refused.error().what, ContainsSubstring("elsewhere") && ContainsSubstring(net.cluster));
    CHECK(eventually(5s, [&] { return !log.lines_with("elsewhere").empty(); }));

    stranger later(door);
    frames::open f;
    f.cluster = net.cluster;
    f.versions = {8, 9};
    f.id = {{9}};
    std::string bytes;
    frames::encode(f, bytes, 9);
    later.send(bytes);
    CHECK(later.refusal() == frames::refused::why::version);
    CHECK(eventually(5s, [&] { return !log.lines_with("8 to 9").empty(); }));
}

TEST_CASE("door: with a key of the mesh, and with rights that are derived from it", "[io][door]") {
    const mesh net;
    const auto key = baton::new_key(), other = baton::new_key();
    kept_log log;
    auto secured = net.options("node");
    secured.security.keys = {*key};
    secured.log = log;
    auto node = started(secured);
    auto settings = settings_of(net);
    settings.key = baton::client_key::derive(*key);
    std::string door;
    {
        auto admin = client::connect(settings); // which finds it by a sealed search
        REQUIRE(admin);
        CHECK(admin->stash("game/1", "x", {.ack = ack_level::local()}));
        CHECK(admin->stash("room/1", "y", {.ack = ack_level::local()}));
        door = admin->members()->front().client_endpoint;
    }
    settings.seeds = {door};
    settings.key = baton::client_key::derive(*key, baton::client_role::read, {"game/"});
    auto reader = client::connect(settings);
    REQUIRE(reader);
    CHECK(reader->pickup("game/1")->value == "x");
    CHECK(reader->pickup("room/1").error().code == errc::refused);
    CHECK(reader->keys().error().code == errc::refused);
    CHECK(reader->keys("game/") == std::vector<std::string>{"game/1"});
    CHECK(reader->watch("", [](const baton::change&) {}).error().code == errc::refused);
    CHECK(reader->watch("game/", [](const baton::change&) {}));
    CHECK(reader->stash("game/1", "z").error().code == errc::refused);
    CHECK(reader->leave("node").error().code == errc::refused);
    CHECK(node.pickup("game/1")->value == "x");

    for (const auto& wrong :
         {std::optional<baton::client_key>(), std::optional(baton::client_key::derive(*other))}) {
        CAPTURE(wrong.has_value());
        settings.key = wrong;
        settings.reach_within = patience(3s);
        const auto refused = client::connect(settings);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::refused);
        CHECK_THAT(refused.error().what, ContainsSubstring("key"));
    }
    CHECK(eventually(5s, [&] { return !log.lines_with("client_refused").empty(); }));
}

TEST_CASE("door: frames that are none, and calls out of bounds", "[io][door]") {
    const mesh net;
    auto node = started(net.options("node"));
    const auto door = door_of(net);
    for (const std::string& bytes : {std::string("no frame"), std::string(), std::string(70'000, '\x91')}) {
        stranger one(door);
        one.send(bytes);
        if (!bytes.empty()) CHECK(one.refusal() == frames::refused::why::stranger);
    }
    {
        stranger early(door);
        early.send(waiting_call(1));
        CHECK(early.refusal() == frames::refused::why::stranger);
    }
    stranger one(door);
    one.open(net);
    auto f = waiting_call(1);
    const std::string key(frames::text_bytes_max + 1, 'k');
    f.key = key;
    one.send(f);
    CHECK(one.refusal() == frames::refused::why::stranger);
    auto self = client::connect(settings_of(net));
    REQUIRE(self);
    CHECK(self->stash(std::string(513, 'k'), "v").error().code == errc::key_too_long);
    CHECK(self->insert("set", std::string(513, 'e')).error().code == errc::key_too_long);
    CHECK(self->ping());
}

TEST_CASE("door: a client that floods, and one that reads nothing, harm nobody else", "[io][door]") {
    const mesh net;
    const auto narrow = [&](const char* name) {
        auto settings = net.options(name);
        settings.clients.credit_bytes = std::size_t{512} << 10;
        return settings;
    };
    auto node = started(narrow("node")), peer = started(narrow("peer")); // the door below is of either
    REQUIRE(meet(node, peer));
    const auto door = door_of(net);
    REQUIRE(node.stash("large", std::string(200'000, 'x'),
                       {.ack = ack_level::copies(2), .within = patience(10s)}));
    stranger many(door);
    many.open(net);
    for (std::uint64_t number = 1; number <= frames::calls_max + 1; ++number) many.send(waiting_call(number));
    CHECK(many.refusal() == frames::refused::why::flood);

    stranger deaf(door); // asks for 60 MB, and takes nothing
    deaf.open(net, 4);
    auto f = waiting_call(1);
    f.key = "large";
    for (f.number = 1; f.number <= 300; ++f.number) deaf.send(f);
    stranger heavy(door); // more than its credit, in one message: no credit can come in between
    heavy.open(net, 5);
    f.what = frames::verb::stash;
    const std::string part(frames::part_bytes, 'v');
    f.value = part;
    f.flags = frames::call::more;
    std::string all;
    for (f.number = 1; f.number <= 3; ++f.number) frames::encode(f, all);
    heavy.send(all);
    CHECK(heavy.refusal() == frames::refused::why::flood);

    auto self = client::connect(settings_of(net));
    REQUIRE(self);
    for (int i = 0; i < 50; ++i) REQUIRE(self->stash("key", std::to_string(i))->met);
    CHECK(peer.pickup("key")->value == "49");
}

TEST_CASE("door: a write that is repeated after a new connection is made once", "[io][door]") {
    const mesh net;
    auto node = started(net.options("node"));
    const auto door = door_of(net);
    std::optional<stranger> one(std::in_place, door);
    one->open(net, 7);
    one->send(local_stash(1, "key", "first"));
    const auto first = one->reply(1);
    REQUIRE(first);
    CHECK(first->failure.empty());
    one.emplace(door);
    one->open(net, 7);
    one->send(local_stash(1, "key", "second")); // by its number the same call
    const auto again = one->reply(1);
    REQUIRE(again);
    CHECK(again->written == first->written);
    CHECK(node.pickup("key")->value == "first");
    one->send(local_stash(2, "key", "second"));
    CHECK(one->reply(2)->written != first->written);
    CHECK(node.pickup("key")->value == "second");
    stranger other(door); // another client's numbers are its own
    other.open(net, 8);
    other.send(local_stash(1, "key", "third"));
    CHECK(other.reply(1)->failure.empty());
    CHECK(node.pickup("key")->value == "third");
}

TEST_CASE("door: values that never end take no more memory than is set, and not for long", "[io][door]") {
    const mesh net;
    auto settings = net.options("node");
    settings.clients.bytes_max = settings.clients.credit_bytes = std::size_t{16} << 20;
    auto node = started(settings);
    const auto door = door_of(net);
    auto self = client::connect(settings_of(net));
    REQUIRE(self);
    const std::string part(frames::part_bytes, 'v');
    std::vector<std::unique_ptr<stranger>> all; // together they begin values of 16 MiB, less one part
    std::size_t left = settings.clients.bytes_max / part.size() - 1;
    for (std::uint8_t id = 1; id <= 2; ++id) {
        all.push_back(std::make_unique<stranger>(door));
        all.back()->open(net, id);
        for (std::uint64_t number = 1; number <= 4; ++number) {
            auto f = local_stash(number, "key", part);
            f.flags = frames::call::more;
            for (int i = 0; i < 8 && left > 0; ++i, --left, f.offset += part.size()) all.back()->send(f);
        }
    }
    CHECK(eventually(10s, [&] {
        const auto done = self->stash("key", part, {.ack = ack_level::local()});
        return !done && done.error().code == errc::busy;
    }));
    CHECK(eventually(30s, [&] { // they have been silent for 10 s
        return self->stash("key", part, {.ack = ack_level::local()}).has_value();
    }));
    CHECK(node.pickup("key")->value == part);
}

TEST_CASE("door: connections that vanish leave nothing behind", "[io][door]") {
    const mesh net;
    auto settings = net.options("node");
    settings.clients.clients_max = 20;
    auto node = started(settings), peer = started(net.options("peer"));
    REQUIRE(meet(node, peer));
    auto self = client::connect(settings_of(net)); // is there before, during and after
    REQUIRE(self);
    const auto port = static_cast<std::uint16_t>(
        std::stoi(self->members()->front().client_endpoint.substr(std::string("tcp://127.0.0.1:").size())));
    const auto address = socket_holder::loopback(port);
    for (int i = 0; i < 400; ++i) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
        if (i % 2 == 0) (void)send(fd, "\xff\0\0\0\0\0\0\0\x01\x7f\x03", 11, MSG_NOSIGNAL);
        close(fd);
    }
    CHECK(self->ping());
    CHECK(node.stash("key", "value", {.ack = ack_level::copies(2), .within = patience(10s)})->met);
    CHECK(eventually(10s, [&] { return client::connect(settings_of(net)).has_value(); }));
}

TEST_CASE("door: so many searches are answered a second, and the others are not", "[io][door]") {
    const mesh net;
    auto settings = net.options("node");
    settings.clients.searches_max = 5;
    auto node = started(settings);
    const socket_holder asking{SOCK_DGRAM};
    auto to = socket_holder::loopback(
        static_cast<std::uint16_t>(std::stoi(node.endpoint().substr(node.endpoint().rfind(':') + 1))));
    baton::discovery::search_question question{net.cluster, frames::version_min, frames::version_max,
                                               std::string(16, 'n'), 0};
    const auto bytes = baton::discovery::encode(question);
    const timeval wait{0, 10'000};
    setsockopt(asking.fd(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    std::size_t answers = 0;
    const auto hear = [&] {
        std::array<char, 1024> answer{};
        while (recv(asking.fd(), answer.data(), answer.size(), 0) > 0) ++answers;
    };
    const auto since = clock::now();
    REQUIRE(eventually(10s, [&] { // the port may open a moment after the start
        for (int i = 0; i < 50; ++i)
            sendto(asking.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                   sizeof to);
        hear();
        return answers > 5;
    }));
    const std::chrono::duration<double> passed = clock::now() - since;
    CHECK(static_cast<double>(answers) <= 5 + 1 + 5 * passed.count());
}

TEST_CASE("door: calls of watches that keep to nothing", "[io][door]") {
    const mesh net;
    auto settings = net.options("node");
    settings.clients.bytes_max = std::size_t{16} << 20;
    auto node = started(settings);
    REQUIRE(node.stash("k", "v"));
    stranger guest(door_of(net));
    guest.open(net);
    std::uint64_t last = 0;
    const auto asked = [&](std::uint64_t watch, std::uint64_t flags, std::string_view value) {
        frames::call f;
        f.number = ++last;
        f.what = frames::verb::watch;
        f.amount = watch;
        f.flags = flags;
        f.value = value;
        guest.send(f);
        return f.number;
    };
    const auto failure = [&](std::uint64_t call) {
        return guest.reply(call).value_or(stranger::answer{"none"}).failure;
    };
    CHECK(failure(asked(1, 0, {})) == "absent"); // never begun
    CHECK(failure(asked(1, frames::call::begins, "no cut")) == "bad_argument");
    CHECK(failure(asked(1, frames::call::begins, {})).empty());
    const auto first = asked(1, 0, {}), second = asked(1, 0, {}); // at most one of them waits
    CHECK(failure(first) == "absent");
    REQUIRE(node.stash("k", "w"));
    CHECK(failure(second).empty());

    baton::crdt::cut much; // of nearly as many writers as a watch keeps
    for (std::uint16_t i = 1; i <= 4'000; ++i) {
        baton::replica_id id{};
        id.bytes[0] = static_cast<std::uint8_t>(i >> 8);
        id.bytes[1] = static_cast<std::uint8_t>(i);
        much.push_back({id, 1});
    }
    const auto cut = baton::wire::encode_cut(much);
    std::size_t begun = 0;
    for (std::uint64_t i = 0; i < 200; ++i) {
        const auto answer = failure(asked(100 + i, frames::call::begins, cut));
        guest.confirm(); // or the member parts from it after 10 s
        if (answer.empty()) ++begun;
        if (!answer.empty()) CHECK(answer == "busy");
    }
    CHECK(begun > 100);
    CHECK(begun < 180); // each takes 96 kB of the 16 MiB
    frames::call f;
    f.number = ++last;
    f.what = frames::verb::unwatch;
    f.amount = 4711;
    guest.send(f);
    CHECK(failure(f.number).empty());
    CHECK(node.pickup("k")->value == "w");
}
