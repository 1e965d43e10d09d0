// Proves what the log says of what is refused: where it came from, where that is known; and that strangers
// who fill it do not hide what comes later.
#include "insider.hpp"
#include "nodes.hpp"

#include <arpa/inet.h>

#include <algorithm>

using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Datagrams that are no beacon, each from another address of the loopback interface.
void noise_from_many(const mesh& net, int sources) {
    auto to = socket_holder::loopback(net.beacon_port);
    inet_pton(AF_INET, "239.255.86.71", &to.sin_addr);
    in_addr by{};
    by.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < sources; ++i) {
        const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        auto from = socket_holder::loopback(0);
        from.sin_addr.s_addr = htonl(0x7f070101U + static_cast<std::uint32_t>(i));
        REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by);
        sendto(fd, "noise", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
        close(fd);
        if (i % 20 == 19) std::this_thread::sleep_for(5ms); // so that the kernel does not drop datagrams
    }
}

} // namespace

TEST_CASE("refusals: a line names its source where that is known, and no empty one", "[io][hostile]") {
    const mesh net;
    const kept_log log;
    auto settings = net.options("keyed");
    settings.security.keys = {key(1)};
    settings.log = log;
    const auto keyed = started(settings);
    zmq::context_t context;
    zmq::socket_t open{context, zmq::socket_type::dealer}; // speaks no CURVE
    open.set(zmq::sockopt::linger, 0);
    open.connect(keyed.endpoint());
    open.send(zmq::str_buffer("hello"), zmq::send_flags::dontwait);
    CHECK(eventually(10s, [&] { return !log.lines_with("event=refused reason=\"link").empty(); }));
    noise_from_many(net, 1);
    CHECK(eventually(10s, [&] { return !log.lines_with("event=refused from=127.7.1.1 reason=").empty(); }));
    CHECK(log.lines_with("from= ").empty());
}

TEST_CASE("refusals: a thousand sources do not silence the log for another reason", "[io][hostile]") {
    const mesh net;
    const kept_log log;
    auto settings = net.options("open");
    settings.log = log;
    auto open = started(settings);
    for (int round = 0; round < 5 && log.lines_with("event=refused from=127.7.").size() < 1000; ++round)
        noise_from_many(net, 1100);
    CHECK(eventually(10s, [&] { return log.lines_with("event=refused from=127.7.").size() >= 1000; }));
    const auto named = log.lines_with("event=refused from=127.7.").size();
    noise_from_many(net, 1200);
    CHECK(log.lines_with("event=refused from=127.7.").size() == named); // the number of reports is bounded
    settings = net.options("keyed");
    settings.security.keys = {key(1)};
    const auto keyed = started(settings);
    CHECK(eventually(10s, [&] { return !log.lines_with("sealed beacon").empty(); }));
    const auto told = next_event(open, baton::event_kind::refused);
    REQUIRE(told);
    CHECK_THAT(told->reason, ContainsSubstring("sealed beacon"));
}
