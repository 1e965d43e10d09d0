// Proves that bytes from strangers change nothing (promise G5): garbage, truncated, oversized and foreign
// bytes on the beacon port, ROUTER, PUB, and on what a node has dialled. They are counted and told once; the
// mesh works on. Frames are built by hand, as wire/PROTOCOL.md describes them; only their version is the
// library's, so that they do not turn into frames of another version unnoticed.
#include "nodes.hpp"
#include "wire/frame.hpp"

#include <zmq.hpp>

#include <condition_variable>
#include <mutex>
#include <set>

using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string packed(const json& value) {
    const auto bytes = json::to_msgpack(value);
    return {bytes.begin(), bytes.end()};
}
json bin(std::string_view bytes) { return json::binary({bytes.begin(), bytes.end()}); }

std::mt19937& dice() {
    static std::mt19937 random{20240607}; // the same every time
    return random;
}
std::string noise(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (auto& c : text) c = static_cast<char>(dice()());
    return text;
}

constexpr std::uint64_t wire_version = baton::wire::version_max;

/// What a stranger claims about itself. The defaults would be believed.
struct stranger {
    std::string cluster;
    std::string id = noise(16);
    std::uint64_t version = wire_version;
    std::uint16_t port = 1, publish_port = 1;
    std::uint64_t latest = 0, clock = 0;
    std::string cut{};

    [[nodiscard]] std::string beacon() const {
        return packed({"baton", version, version, cluster, bin(id), 1, port, publish_port, "127.0.0.1"});
    }
    [[nodiscard]] std::string hello() const {
        return packed({version, 1, cluster, version, version, bin(id), 1, "stranger", "127.0.0.1", port,
                       publish_port, latest, clock, bin(cut), bin(std::string(16, '\0')),
                       bin(std::string(16, '\0'))});
    }
    /// Its routing id.
    [[nodiscard]] std::string route() const { return "B" + id; }
};

/// Bytes that are neither a frame nor a beacon.
std::vector<std::string> malformed(const std::string& well_formed) {
    std::vector<std::string> all{"", "\xc1", "GET / HTTP/1.1\r\n\r\n", noise(1), noise(100), noise(1500)};
    for (std::size_t length = 1; length < well_formed.size(); ++length)
        all.push_back(well_formed.substr(0, length));
    for (const json& shape :
         {json{}, json(7), json("baton"), json::object({{"baton", 2}}), json::array(), json{wire_version},
          json{wire_version, 99}, json{99, 1, "x"}, json{"2", "2"},
          json{wire_version, 3, 5, 5, 5, 5, 5, 5, 5, 5}, json{wire_version, {1, {1, {1}}}},
          json{wire_version, 4, bin("short"), bin("short")},
          json{baton::wire::version_min - 1, 2, bin(noise(16)), 1, 1, 1}})
        all.push_back(packed(shape));
    all.push_back("\xdd\xff\xff\xff\xff\x01\x01");     // an array of 4 billion
    all.push_back("\x92\x01\xc6\xff\xff\xff\xff");     // a string of 4 GB
    all.push_back(std::string(1000, '\x91') + "\x01"); // nested a thousand deep
    return all;
}

/// Two nodes with some state, one of which is attacked.
struct target {
    target()
        : victim(started(settings("victim")))
        , companion(started(settings("companion"))) {
        REQUIRE(meet(victim, companion));
        for (int number = 0; number < 20; ++number)
            REQUIRE(victim.stash("key-" + std::to_string(number), "value"));
        REQUIRE(agree(victim, companion));
        before = *victim.digest();
    }
    baton::options settings(const std::string& name) {
        auto made = net.options(name);
        made.limits.peers_max = 20;
        if (name == "victim") {
            made.port = port;
            made.publish_port = publish_port;
            made.log = log;
        }
        return made;
    }
    /// Checks that nothing has changed, that new writes get through both ways, and that each reason was
    /// reported once.
    void check_unharmed() {
        CHECK(victim.digest() == before);
        CHECK(companion.digest() == before);
        REQUIRE(victim.stash("after", "the attack"));
        CHECK(value_at(companion, "after") == "the attack");
        CHECK(companion.drop("after")->changed);
        CHECK(eventually(5s, [&] { return !victim.pickup("after")->found(); }));
        CHECK(agree(victim, companion));
        CHECK(victim.stats()->diverged == 0);
        const auto told = log.lines_with("event=refused");
        CHECK(std::set<std::string>(told.begin(), told.end()).size() == told.size());
        CHECK(told.size() <= 20);
    }
    std::uint64_t refused(std::string_view reason) const {
        std::uint64_t count = 0;
        const auto by_reason = victim.stats()->refused_by_reason;
        for (const auto& [known, times] : by_reason)
            if (known.find(reason) != known.npos) count += times;
        return count;
    }

    /// Frames that were refused before a field was looked at.
    std::uint64_t unreadable() const { return refused("malformed") + refused("another wire version"); }

    mesh net;
    kept_log log;
    const std::uint16_t port = free_port(SOCK_STREAM), publish_port = free_port(SOCK_STREAM);
    baton::node victim, companion;
    std::string before;
};

/// A ZeroMQ socket that drops unsent frames at its end.
zmq::socket_t attacker(zmq::context_t& context, zmq::socket_type type, const std::string& routing_id = {}) {
    zmq::socket_t made{context, type};
    made.set(zmq::sockopt::linger, 0);
    made.set(zmq::sockopt::sndtimeo, static_cast<int>(patience(5s).count()));
    made.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience(5s).count()));
    if (!routing_id.empty()) made.set(zmq::sockopt::routing_id, routing_id);
    return made;
}
void send(zmq::socket_t& through, const std::string& bytes) {
    through.send(zmq::buffer(bytes), zmq::send_flags::none);
}

/// A raw TCP connection that has sent `bytes`.
int say(std::uint16_t port, const std::string& bytes) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = socket_holder::loopback(port);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        static_cast<void>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    return fd;
}

} // namespace

TEST_CASE("hostile: what is no beacon is counted and dropped", "[io][hostile]") {
    target at;
    const stranger believed{at.net.cluster};
    auto datagrams = malformed(believed.beacon());
    datagrams.push_back(noise(1201));
    datagrams.push_back(noise(20'000));
    auto newer = believed;
    newer.version = 99;
    datagrams.push_back(newer.beacon());
    for (const auto& bytes : datagrams) broadcast(at.net, bytes);
    CHECK(eventually(5s, [&] { return at.victim.stats()->refused_beacons >= datagrams.size(); }));

    const auto foreign = at.victim.stats()->foreign_cluster;
    broadcast(at.net, stranger{"another cluster"}.beacon());
    CHECK(eventually(5s, [&] { return at.victim.stats()->foreign_cluster > foreign; }));
    CHECK(at.victim.members()->size() == 1);
    at.check_unharmed();
}

TEST_CASE("hostile: beacons of nobody fill no table", "[io][hostile]") {
    target at;
    for (int number = 0; number < 100; ++number) broadcast(at.net, stranger{at.net.cluster}.beacon());
    CHECK(eventually(5s, [&] { return at.refused("too many peers") > 0; }));
    CHECK(at.victim.members()->size() <= 20);
    at.check_unharmed();
}

TEST_CASE("hostile: bytes that are not ZMTP on the TCP ports", "[io][hostile]") {
    target at;
    const std::string greeting =
        std::string("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16) + std::string(48, '\0');
    std::vector<int> open;
    for (const auto port : {at.port, at.publish_port}) {
        for (const auto& bytes : {std::string{}, std::string("GET / HTTP/1.1\r\n\r\n"), noise(10), noise(64),
                                  noise(5000), greeting.substr(0, 12), greeting, greeting + noise(500)}) {
            open.push_back(say(port, bytes));
            close(say(port, bytes)); // and gone at once
        }
    }
    at.check_unharmed();
    for (const int fd : open) close(fd);
    at.check_unharmed();
}

TEST_CASE("hostile: malformed frames on ROUTER are counted and dropped", "[io][hostile]") {
    target at;
    zmq::context_t context;
    const stranger believed{at.net.cluster};
    auto link = attacker(context, zmq::socket_type::dealer, believed.route());
    link.connect(at.victim.endpoint());
    const auto frames = malformed(believed.hello());
    for (const auto& bytes : frames) send(link, bytes);
    CHECK(eventually(5s, [&] { return at.unreadable() == frames.size(); }));

    for (int part = 0; part < 50; ++part) link.send(zmq::buffer(noise(50)), zmq::send_flags::sndmore);
    send(link, noise(50)); // one message, in 51 parts
    CHECK(eventually(5s, [&] { return at.unreadable() == frames.size() + 1; }));
    send(link, noise(2 << 20)); // over frame_bytes_max
    CHECK(eventually(5s, [&] { return at.refused("oversized") == 1; }));
    send(link, noise(32 << 20)); // far over: the connection is cut

    auto nameless = attacker(context, zmq::socket_type::dealer);
    nameless.connect(at.victim.endpoint());
    send(nameless, believed.hello());
    CHECK(eventually(5s, [&] { return at.refused("routing id") == 1; }));
    CHECK(at.victim.stats()->refused_frames == frames.size() + 3);
    at.check_unharmed();
}

TEST_CASE("hostile: what a closed link has left is no refusal when its peer is back", "[io][hostile]") {
    // As after a cut: the former link has closed and the peer dials again, while frames of its former link
    // are unread. The log of the node blocks until all of that has arrived.
    const mesh net;
    struct {
        std::mutex mutex;
        std::condition_variable changed;
        bool held = false, free = false;
    } gate;
    auto settings = net.options("victim");
    settings.log = [&gate](baton::log_level, std::string_view line) {
        if (line.find("without a routing id") == line.npos) return;
        std::unique_lock lock(gate.mutex);
        gate.held = true;
        gate.changed.notify_all();
        gate.changed.wait_for(lock, patience(60s), [&] { return gate.free; });
    };
    auto victim = started(settings);
    const auto refused = [&](std::string_view reason) {
        std::uint64_t count = 0;
        const auto stats = victim.stats();
        for (const auto& [known, times] : stats->refused_by_reason)
            if (known.find(reason) != known.npos) count += times;
        return count;
    };
    zmq::context_t context;
    const stranger peer{net.cluster};
    zmq::context_t its_own; // its end waits until everything is sent and the connection is closed
    auto former = attacker(its_own, zmq::socket_type::dealer, peer.route());
    former.connect(victim.endpoint());
    send(former, "\xc1");
    REQUIRE(eventually(10s, [&] { return refused("malformed") == 1; })); // the peer is known by its name
    auto nameless = attacker(context, zmq::socket_type::dealer);
    nameless.connect(victim.endpoint());
    send(nameless, "\xc1");
    {
        std::unique_lock lock(gate.mutex);
        REQUIRE(gate.changed.wait_for(lock, patience(10s), [&] { return gate.held; }));
    }
    constexpr int frames = 50;
    for (int i = 0; i < frames; ++i) send(former, "\xc1");
    former.set(zmq::sockopt::linger, static_cast<int>(patience(10s).count()));
    former.close();
    its_own.close();
    auto later = attacker(context, zmq::socket_type::dealer, peer.route());
    zmq_socket_monitor(later.handle(), "inproc://later", ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmq::socket_t monitor{context, zmq::socket_type::pair};
    monitor.set(zmq::sockopt::linger, 0);
    monitor.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience(10s).count()));
    monitor.connect("inproc://later");
    later.connect(victim.endpoint());
    zmq::message_t event;
    REQUIRE(monitor.recv(event));
    for (int i = 0; i < frames; ++i) send(later, "\xc1"); // the links are read in turn
    {
        const std::lock_guard lock(gate.mutex);
        gate.free = true;
    }
    gate.changed.notify_all();
    CHECK(eventually(10s,
                     [&] { return refused("malformed") + refused("another wire version") >= 1 + frames; }));
    CHECK(refused("without a routing id") == 1);
    zmq_socket_monitor(later.handle(), nullptr, 0);
}

TEST_CASE("hostile: a stranger's name is no label, and a member's is fit for one", "[io][hostile]") {
    target at;
    const mesh& net = at.net;
    zmq::context_t context;
    const stranger someone{net.cluster};
    auto link = attacker(context, zmq::socket_type::dealer, someone.route());
    link.connect(at.victim.endpoint());
    send(link, someone.hello());
    const auto is_known = [&](const std::string& name) {
        return std::ranges::any_of(*at.victim.members(), [&](const auto& each) { return each.name == name; });
    };
    REQUIRE(eventually(10s, [&] { return is_known("stranger"); }));
    auto strange = started(net.options("\xff\x9b"
                                       "31m\n\"x\\"));
    REQUIRE(next_event(at.victim, baton::event_kind::joined));
    const auto page = baton::to_prometheus(*at.victim.stats(), at.victim.name());
    CHECK(page.find("stranger") == page.npos);
    CHECK(page.find(R"(member="\\xff\\x9b31m\n\"x\\")") != page.npos);
    CHECK(page.find('\xff') == page.npos);
}

TEST_CASE("hostile: frames of the wrong people on ROUTER are counted and dropped", "[io][hostile]") {
    target at;
    zmq::context_t context;
    stranger someone{at.net.cluster};
    auto link = attacker(context, zmq::socket_type::dealer, someone.route());
    link.connect(at.victim.endpoint());

    SECTION("requests before a hello") {
        for (const json& body : {json{wire_version, 4, 1, bin(someone.id), 4096, 4096, 0, 0, bin(""),
                                      bin(std::string(16, '\0')), bin("")},
                                 json{wire_version, 7, bin(someone.id), 1, 0, bin(""), 0},
                                 json{wire_version, 8, bin(someone.id), 1, 0, bin(""), bin("")},
                                 json{wire_version, 9, bin(someone.id), 0, 1, bin(someone.id)}})
            send(link, packed(body));
        // All but the last one are refused: a goodbye may be the first frame of a node whose HELLO was
        // dropped.
        CHECK(eventually(5s, [&] { return at.refused("nobody known") == 3; }));
        CHECK(at.victim.stats()->refused_frames == 3);
    }
    SECTION("a hello in another's name") {
        auto thief = someone;
        thief.id = at.companion.id().view();
        send(link, thief.hello());
        CHECK(eventually(5s, [&] { return at.refused("stolen identity") == 1; }));
    }
    SECTION("a goodbye in another's name") {
        send(link, someone.hello());
        send(link,
             packed({wire_version, 9, bin(at.companion.id().view()), 20, 1, bin(at.companion.id().view())}));
        CHECK(eventually(5s, [&] { return at.refused("stolen identity") == 1; }));
    }
    SECTION("a hello of another cluster") {
        const auto foreign = at.victim.stats()->foreign_cluster;
        auto foreigner = someone;
        foreigner.cluster = "another cluster";
        for (int times = 0; times < 10; ++times) send(link, foreigner.hello());
        CHECK(eventually(5s, [&] { return at.victim.stats()->foreign_cluster >= foreign + 10; }));
        const auto told = next_event(at.victim, baton::event_kind::refused);
        REQUIRE(told);
        CHECK_THAT(told->reason, ContainsSubstring("cluster"));
        CHECK_FALSE(next_event(at.victim, baton::event_kind::refused, 50ms)); // reported once
    }
    SECTION("a hello of another wire version") {
        someone.version = 99;
        send(link, someone.hello());
        const auto told = next_event(at.victim, baton::event_kind::refused);
        REQUIRE(told);
        CHECK_THAT(told->reason, ContainsSubstring("version"));
    }
    at.check_unharmed();
}

TEST_CASE("hostile: a stranger's claims move neither the clock nor the state", "[io][hostile]") {
    target at;
    zmq::context_t context;
    stranger liar{at.net.cluster};
    auto link = attacker(context, zmq::socket_type::dealer, liar.route());
    link.connect(at.victim.endpoint());
    const auto now =
        std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    liar.clock = static_cast<std::uint64_t>((now + 1h).count()) << 16;
    send(link, liar.hello());
    CHECK(eventually(5s, [&] { return at.victim.stats()->clock_skew > 0; })); // over clock_skew_max
    const auto told = next_event(at.victim, baton::event_kind::clock_skew);
    REQUIRE(told);
    CHECK(told->name == "stranger");

    // It claims to have written 2^47 events, which no node can fetch.
    liar.latest = std::uint64_t{1} << 47;
    liar.cut = liar.id + std::string(6, '\x80') + "\x20";
    send(link, liar.hello());
    CHECK(link.recv(*std::make_unique<zmq::message_t>(), zmq::recv_flags::none)); // the HELLO was answered
    CHECK(at.victim.wait_synced(patience(5s)));
    at.check_unharmed();
}

TEST_CASE("hostile: clock_skew_max is how far a clock may be ahead", "[io][hostile]") {
    const mesh net;
    auto settings = net.options("generous");
    settings.clock_skew_max = 2h;
    auto generous = started(settings);
    zmq::context_t context;
    stranger early{net.cluster};
    auto link = attacker(context, zmq::socket_type::dealer, early.route());
    link.connect(generous.endpoint());
    const auto now =
        std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch());
    early.clock = static_cast<std::uint64_t>((now + 1h).count()) << 16;
    send(link, early.hello());
    CHECK(link.recv(*std::make_unique<zmq::message_t>(), zmq::recv_flags::none));
    CHECK(generous.stats()->clock_skew == 0);
}

TEST_CASE("hostile: strange subscriptions on PUB", "[io][hostile]") {
    target at;
    zmq::context_t context;
    auto link = attacker(context, zmq::socket_type::xsub);
    link.connect("tcp://127.0.0.1:" + std::to_string(at.publish_port));
    send(link, "\x01"); // everything
    for (int number = 0; number < 500; ++number) send(link, '\x01' + noise(17));
    send(link, '\x01' + noise(100'000));
    send(link, std::string(2, '\x01') + noise(16)); // the mark of a node that does not exist
    std::string end{"\0\x01", 2};                   // ends a mark that it has not made
    send(link, end.append(at.companion.id().view()));
    for (const auto& bytes : {std::string{}, noise(1), noise(100), noise(2 << 20)}) send(link, bytes);
    REQUIRE(at.victim.stash("heard", "by all"));
    CHECK(
        link.recv(*std::make_unique<zmq::message_t>(), zmq::recv_flags::none)); // its subscription was taken
    CHECK(at.victim.drop("heard")->changed);
    REQUIRE(agree(at.victim, at.companion));
    at.check_unharmed();
}

TEST_CASE("hostile: a node that was dialled answers with garbage", "[io][hostile]") {
    target at;
    zmq::context_t context;
    auto router = attacker(context, zmq::socket_type::router);
    auto publisher = attacker(context, zmq::socket_type::pub);
    stranger bait{at.net.cluster};
    bait.port = free_port(SOCK_STREAM);
    bait.publish_port = free_port(SOCK_STREAM);
    router.bind("tcp://127.0.0.1:" + std::to_string(bait.port));
    publisher.bind("tcp://127.0.0.1:" + std::to_string(bait.publish_port));
    broadcast(at.net, bait.beacon());

    const auto victim = "B" + std::string(at.victim.id().view());
    REQUIRE(eventually(5s, [&] { // both dial; the test waits for the HELLO of the victim
        zmq::message_t from, greeting;
        if (!router.recv(from, zmq::recv_flags::none)) return false;
        return router.recv(greeting, zmq::recv_flags::none) && from.to_string() == victim;
    }));
    const auto frames = malformed(bait.hello());
    for (const auto& bytes : frames) {
        router.send(zmq::buffer(victim), zmq::send_flags::sndmore);
        send(router, bytes);
        send(publisher, bytes);
    }
    CHECK(eventually(5s, [&] { return at.unreadable() >= frames.size(); }));
    // PUB drops what comes before the subscription: until one has come through.
    CHECK(eventually(5s, [&] {
        send(publisher, noise(30));
        return at.refused("malformed broadcast") > 0;
    }));
    // Well-formed frames of a node that has never sent a HELLO.
    CHECK(eventually(5s, [&] {
        send(publisher, packed({wire_version, 3, bin(noise(16)), 1, 1, 0, bin(""), bin(""), bin("x"), 0}));
        return at.refused("nobody known") > 0;
    }));
    at.check_unharmed();
}
