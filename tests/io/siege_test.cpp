// Proves that an attack costs what it is said to cost, and nothing else: two programs are attacked with raw
// sockets, once in an open mesh and once in one with a key, where the attack means anything. Afterwards
// nothing is lost, nobody is taken for gone, what is written is acknowledged, and memory and processor are
// within their bounds. Where a mesh with a key lets no stranger say anything, the attacker has the key: it is
// a member that lies.
#include "besieged.hpp"
#include "nodes.hpp"

using namespace io;
using baton::replica_id;
using baton::crdt::timestamp;
namespace wire = baton::wire;

namespace {

constexpr std::uint64_t counter_max = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t year_9999_ms = 253'370'764'800'000; // its first moment

/// A raw TCP connection; what cannot be sent is not.
class raw {
  public:
    explicit raw(std::uint16_t port)
        : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const auto address = socket_holder::loopback(port);
        const timeval patience_{1, 0};
        setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience_, sizeof patience_);
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience_, sizeof patience_);
        open_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    raw(const raw&) = delete;
    ~raw() { close(fd_); }
    /// False once the other end has closed, or takes no more.
    bool say(std::string_view bytes) {
        while (open_ && !bytes.empty()) {
            const auto sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) open_ = false;
            if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return open_;
    }

  private:
    int fd_;
    bool open_ = false;
};

/// The greeting of ZMTP 3.0 for that mechanism.
std::string greeting(const std::string& mechanism) {
    std::string bytes("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0", 12);
    bytes += mechanism;
    bytes.resize(64, '\0');
    return bytes;
}
/// READY of the mechanism NULL.
std::string ready(const std::string& type) {
    std::string body("\x05READY\x0bSocket-Type\0\0\0", 21);
    body += static_cast<char>(type.size());
    body += type;
    return std::string(1, '\x04') + static_cast<char>(body.size()) + body;
}
/// A frame of a message with more frames.
std::string more(const std::string& body) {
    std::string bytes("\x03\0\0\0\0\0\0", 7);
    bytes += static_cast<char>(body.size() >> 8);
    bytes += static_cast<char>(body.size() & 255);
    return bytes + body;
}

/// A member of the mesh of the victim that sends whatever the test wants.
class liar : public insider {
  public:
    explicit liar(besieged& at)
        : insider(at.net.cluster, at.secret)
        , router(server(context, zmq::socket_type::router, port))
        , publisher(server(context, zmq::socket_type::xpub, publish_port)) {
        if (secret) victims = introduce(at.port).key;
        link = client(context, zmq::socket_type::dealer, victims, route());
        link.connect("tcp://127.0.0.1:" + std::to_string(at.port));
        subscriber = client(context, zmq::socket_type::sub, victims);
        subscriber.set(zmq::sockopt::subscribe, "");
        subscriber.set(zmq::sockopt::subscribe, "\x01" + std::string(id.view()));
        subscriber.connect("tcp://127.0.0.1:" + std::to_string(at.publish_port));
        REQUIRE(eventually(10s, [&] {
            send(hello(wire::hello::wants_answer | wire::hello::sees_you));
            publish(hello(0));
            drain();
            return at.victim.saw("joined", "insider");
        }));
    }
    void send(const std::string& bytes) { link.send(zmq::buffer(bytes), zmq::send_flags::none); }
    void publish(const std::string& bytes) { publisher.send(zmq::buffer(bytes), zmq::send_flags::none); }
    /// Discards what others send to it.
    void drain() {
        zmq::message_t ignored;
        for (auto* each : {&link, &subscriber, &router, &publisher})
            while (each->recv(ignored, zmq::recv_flags::dontwait)) {
            }
    }
    /// One event of its own, which sets a register.
    [[nodiscard]] wire::delta event(std::uint64_t counter, timestamp when) {
        row = std::string("\0\0\4lied\3lie", 11); // a register; its clock is `base`
        wire::delta f;
        f.origin = id;
        f.first = counter;
        f.count = 1;
        f.base = when;
        f.rows = row;
        return f;
    }

    zmq::context_t context;
    link_key victims;
    zmq::socket_t router, publisher, link, subscriber;
    std::string row;
};

/// Of the member that `asked` knows under that name.
replica_id id_of(process& asked, const std::string& name) {
    const std::string digits = member_named(asked, name).at("id");
    replica_id id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i)
        id.bytes[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
    return id;
}

/// Beacons that are heard on loopback until there are so many.
std::vector<std::string> recorded(const mesh& net, std::size_t count) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto everybody = socket_holder::loopback(net.beacon_port);
    everybody.sin_addr.s_addr = htonl(INADDR_ANY);
    const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&everybody), sizeof everybody) == 0;
    std::vector<std::string> all;
    const auto until = clock::now() + patience(20s);
    while (bound && all.size() < count && clock::now() < until) {
        pollfd wait{fd, POLLIN, 0};
        if (poll(&wait, 1, 100) != 1) continue;
        std::array<char, 2048> buffer{};
        const auto got = recv(fd, buffer.data(), buffer.size(), 0);
        if (got > 0) all.emplace_back(buffer.data(), static_cast<std::size_t>(got));
    }
    close(fd);
    REQUIRE(all.size() == count);
    return all;
}

} // namespace

TEST_CASE("siege: recorded beacons, sent again, bring nobody back and move nobody", "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    auto late = at.net.run("late", at.words({}));
    at.victim.event("joined", "late");
    at.companion.event("joined", "late");
    const auto tape = recorded(at.net, 12);
    late("leave");
    at.victim.event("left", "late");
    at.companion.event("left", "late");
    for (int times = 0; times < 100; ++times)
        for (const auto& bytes : tape) broadcast(at.net, bytes);
    if (with_key) CHECK(eventually(10s, [&] { return at.refused("replayed beacon") > 0; }));
    at.check_unharmed();
    CHECK_FALSE(at.victim.saw("joined"));
}

TEST_CASE("siege: beacons in a member's name send nobody elsewhere", "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    insider thief(at.net.cluster, with_key ? std::optional(key(2)) : std::nullopt);
    thief.id = id_of(at.victim, "companion");
    zmq::context_t context;
    auto trap = thief.server(context, zmq::socket_type::router, thief.port);
    for (std::uint64_t sequence = 1; sequence < 100; ++sequence) {
        const auto number = std::uint64_t{1} << 62 | sequence;
        if (with_key) {
            broadcast(at.net, thief.sealed(insider::purpose::beacon, {}, number));
        } else {
            broadcast(at.net, baton::discovery::encode({at.net.cluster, wire::version_min, wire::version_max,
                                                        thief.id, number, thief.port, thief.publish_port,
                                                        "127.0.0.1"}));
        }
    }
    if (with_key) CHECK(eventually(10s, [&] { return at.refused("MAC") + at.refused("key") > 0; }));
    at.check_unharmed();
}

TEST_CASE("siege: goodbyes in another's name make nobody leave", "[io][hostile]") {
    const bool with_key = GENERATE(false, true), broadcasts = GENERATE(false, true);
    CAPTURE(with_key, broadcasts);
    besieged at(with_key);
    liar member(at);
    const auto other = id_of(at.victim, "companion");
    for (int times = 0; times < 20; ++times) {
        for (const auto& who : {member.id, other}) {
            wire::left gone;
            gone.id = who;
            gone.about = other;
            gone.final_counter = counter_max;
            wire::leaving going;
            going.id = who;
            going.number = 1;
            for (const wire::frame& frame : {wire::frame{gone}, wire::frame{going}}) {
                if (broadcasts) member.publish(wire::encode(frame));
                if (!broadcasts && who == other) member.send(wire::encode(frame));
            }
        }
        wire::left passed_on{member.id, counter_max, false, false, other};
        member.send(wire::encode(passed_on));
    }
    member.drain();
    at.check_unharmed();
}

TEST_CASE("siege: counters at the end of their range are refused, or lead nowhere", "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    liar member(at);
    const auto other = id_of(at.victim, "companion");
    for (const std::uint64_t huge :
         {counter_max, counter_max + 1, (std::uint64_t{1} << 63) - 1, std::uint64_t{1} << 63, UINT64_MAX}) {
        CAPTURE(huge);
        wire::hello greeting;
        greeting.cluster = at.net.cluster;
        greeting.id = member.id;
        greeting.name = "insider";
        greeting.hosts = "127.0.0.1";
        greeting.port = member.port;
        greeting.publish_port = member.publish_port;
        greeting.latest = huge;
        greeting.at.seen.set(member.id, huge);
        greeting.at.seen.set(other, huge);
        auto behind = greeting; // and of itself nothing
        behind.latest = 0;
        behind.at.seen = {};
        behind.at.seen.set(other, huge);
        wire::pull pull;
        pull.session = pull.chunk_bytes = pull.credit_bytes = pull.told = huge;
        pull.id = member.id;
        pull.seen.set(other, huge);
        wire::ack ack;
        ack.id = member.id;
        ack.answers = ack.asked = huge;
        ack.seen.set(other, huge);
        wire::ask ask;
        ask.id = member.id;
        ask.number = huge;
        ask.want.set(other, huge);
        wire::leaving going;
        going.id = member.id;
        going.number = going.final_counter = huge;
        wire::fingerprint question;
        question.session = question.number = question.chunks = huge;
        question.flags = wire::fingerprint::question;
        for (const wire::frame& frame :
             {wire::frame{greeting}, wire::frame{behind}, wire::frame{pull}, wire::frame{ack},
              wire::frame{ask}, wire::frame{wire::credit{huge, huge, false}}, wire::frame{question},
              wire::frame{wire::word{member.id, other, huge}}})
            member.send(wire::encode(frame));
        for (const wire::frame& frame :
             {wire::frame{greeting}, wire::frame{behind},
              wire::frame{wire::brief{member.id, huge, huge, huge}}, wire::frame{member.event(huge, {})}})
            member.publish(wire::encode(frame));
        member.drain();
    }
    CHECK(eventually(10s, [&] { return at.refused("malformed") > 0; }));
    at.check_unharmed();
}

TEST_CASE("siege: a write of the year 9999 is read until somebody writes, and drags no clock",
          "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    liar member(at);
    for (auto* each : {&at.victim, &at.companion}) {
        CHECK(eventually(10s, [&] { // PUB drops what comes before a subscription
            member.publish(wire::encode(member.event(1, timestamp::at(year_9999_ms))));
            return each->ask("pickup lied").at("value") == "lie";
        }));
    }
    CHECK(at.companion("stash lied honest copies=2 within=30s").at("met") == true);
    for (auto* each : {&at.victim, &at.companion}) CHECK(each->ask("pickup lied").at("value") == "honest");
    CHECK(at.victim("stats").at("clock_skew") > 0);
    at.check_unharmed();
}

TEST_CASE("siege: what is too large, too deep or in too many parts is refused", "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    liar member(at);
    const std::vector<std::string> frames{
        std::string(1000, '\x91') + '\1',                // nested a thousand deep
        "\xdd\xff\xff\xff\xff\x01\x01",                  // an array of 4 billion
        "\x92\x03\xc6\xff\xff\xff\xff",                  // bytes of 4 GB
        std::string("\x93\x03\x01\xdf\x7f\xff\xff\xff"), // a map of 2 billion
        std::string(900'000, '\x91'),
        std::string(2 << 20, '\x03')};
    CHECK(eventually(10s, [&] { // PUB drops what comes before a subscription
        member.publish(frames.front());
        member.drain();
        return at.refused("malformed broadcast") > 0;
    }));
    for (int times = 0; times < 10; ++times) {
        for (const auto& bytes : frames) {
            member.send(bytes);
            member.publish(bytes);
            member.drain();
        }
    }
    for (int part = 0; part < 1000; ++part)
        member.link.send(zmq::buffer(frames.front()), zmq::send_flags::sndmore);
    member.send(frames.front());
    CHECK(eventually(10s, [&] {
        return at.refused("malformed request") >= 51 && at.refused("malformed broadcast") >= 50 &&
               at.refused("oversized") >= 20;
    }));
    at.check_unharmed();
}

TEST_CASE("siege: handshakes that are never finished are given up", "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    const auto before = usage::of(at.victim.pid());
    for (int round = 0; round < 8; ++round) {
        std::vector<std::unique_ptr<raw>> open;
        for (int number = 0; number < 200; ++number) {
            open.push_back(std::make_unique<raw>(number % 2 == 0 ? at.port : at.publish_port));
            const auto whole = greeting(number % 3 == 0 ? "CURVE" : "NULL");
            open.back()->say(whole.substr(0, static_cast<std::size_t>(number) % 65));
        }
        if (round != 7) continue;
        at.check_unharmed();        // while they are there
        CHECK(eventually(10s, [&] { // although this side has closed none of them
            return usage::of(at.victim.pid()).descriptors <= before.descriptors;
        }));
    }
    at.check_unharmed();
    CHECK(usage::of(at.victim.pid()).cpu_s - before.cpu_s < 5);
}

TEST_CASE("siege: with a key no stranger's message, however long, takes memory", "[io][hostile]") {
    besieged at(true);
    const auto before = usage::of(at.victim.pid());
    const auto part = more(std::string(60'000, 'x'));
    std::string subscription("\0\x12\1", 3), flood;
    for (int number = 0; number < 10'000; ++number) {
        auto topic = std::to_string(number);
        topic.resize(17, 'x');
        flood += subscription + topic;
    }
    std::size_t sent = 0;
    for (int times = 0; times < 20; ++times) {
        for (const auto* mechanism : {"NULL", "CURVE"}) {
            for (const auto& [where, type, bytes] :
                 {std::tuple{at.port, "DEALER", part}, std::tuple{at.publish_port, "SUB", flood}}) {
                raw link(where);
                if (!link.say(greeting(mechanism) + ready(type))) continue;
                for (int pieces = 0; pieces < 100 && link.say(bytes); ++pieces) sent += bytes.size();
            }
        }
    }
    INFO(sent << " bytes have been taken by the kernel");
    CHECK(at.refused("link ") > 0);
    at.check_unharmed();
    CHECK(usage::of(at.victim.pid()).cpu_s - before.cpu_s < 5);
}

TEST_CASE("siege: a member that stops reading costs memory up to its bound, and the others nothing",
          "[io][hostile]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    const mesh net;
    const folder place;
    auto settings = net.options("writer");
    std::vector<std::string> words;
    if (with_key) {
        settings.security.keys = {key(1)};
        words = {"--key-file", place / "key"};
        REQUIRE(baton::write_key_file(place / "key", key(1)));
    }
    settings.limits.send_frames_max = 50; // of up to delta_bytes_max: 6.4 MiB for each member
    auto writer = started(settings);
    settings.name = "reader";
    auto reader = started(settings);
    auto deaf = net.run("deaf", words);
    deaf.event("joined", "writer");
    deaf.event("joined", "reader");
    REQUIRE(eventually(10s, [&] { return writer.stats()->members_up == 2; }));
    deaf.signal(SIGSTOP);
    const auto before = usage::of(getpid());
    const std::string value(100'000, 'v');
    for (int number = 0; number < 2000; ++number) { // 200 MB over ten keys
        REQUIRE(writer.stash("key-" + std::to_string(number % 10), value + std::to_string(number)));
        if (number % 100 != 99) continue;
        const auto within = patience(10s);
        const stopwatch start;
        const auto mark = writer.stash("mark", std::to_string(number),
                                       {.ack = baton::ack_level::copies(2), .within = within});
        REQUIRE(mark->met);
        CHECK(start.unhindered() < within / 2); // the report came in time, not at the end
    }
    CHECK(agree(writer, reader));
    CHECK(usage::of(getpid()).resident_mib <= before.resident_mib + more_mib(64));
    CHECK(writer.stats()->members_up >= 1);
    deaf.signal(SIGCONT);
    CHECK(eventually(30s, [&] { return deaf("digest").at("digest") == *writer.digest(); }));
    CHECK_FALSE(next_event(reader, baton::event_kind::crashed, 1ms).value_or(baton::event{}).name ==
                "writer");
}
