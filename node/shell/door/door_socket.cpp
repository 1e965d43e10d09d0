#include "shell/door/door_socket.hpp"

#include "discovery/address.hpp"
#include "shell/sockets.hpp"
#include "shell/threads.hpp"
#include "wire/client_frame.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace baton::shell {

namespace {

constexpr int linger_ms = 200, handshake_ms = 2000;
constexpr int messages_max = 2048; // of one client, in libzmq; what they hold is bounded by its credit
constexpr auto events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
constexpr std::size_t own_door_descriptors = 16;
/// Connections that are no client yet, and those that libzmq accepts before the gate is shut.
constexpr std::size_t beside_clients = 32;

void set_key(zmq::socket_t& socket, int option, const std::array<std::uint8_t, 32>& key) {
    if (zmq_setsockopt(socket.handle(), option, key.data(), key.size()) != 0) throw zmq::error_t();
}

} // namespace

door_socket::door_socket(const options& settings, gate at, descriptor_share share,
                         std::size_t connections_max)
    : share_(std::move(share))
    , connections_max_(connections_max)
    , context_(1)
    , router_((context_.set(zmq::ctxopt::blocky, false), context_), zmq::socket_type::router)
    , monitor_(context_, zmq::socket_type::pair)
    , gate_(std::move(at)) {
    router_.set(zmq::sockopt::linger, linger_ms);
    router_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(2 * wire::client::message_bytes_max));
    router_.set(zmq::sockopt::handshake_ivl, handshake_ms);
    router_.set(zmq::sockopt::router_mandatory, true);
    router_.set(zmq::sockopt::sndhwm, messages_max);
    router_.set(zmq::sockopt::rcvhwm, messages_max);
    close_unanswered(router_);
    router_.set(zmq::sockopt::ipv6, settings.host.empty() || settings.host.find(':') != std::string::npos);
    constexpr const char* name = "inproc://door"; // of this context alone
    if (zmq_socket_monitor(router_.handle(), name, events) != 0) throw zmq::error_t();
    monitor_.set(zmq::sockopt::linger, 0);
    monitor_.set(zmq::sockopt::rcvhwm, 0);
    uninterrupted([&] { monitor_.connect(name); });
}

door_socket::~door_socket() { zmq_socket_monitor(router_.handle(), nullptr, 0); }

result<std::unique_ptr<door_socket>> door_socket::open(const options& settings, const mesh_key* key) {
    const auto failed = [](const std::string& why, errc code = errc::network) {
        return error{code, "clients.port: " + why};
    };
    auto share = descriptor_share::take_some(
        own_door_descriptors + 8, own_door_descriptors + settings.clients.clients_max + beside_clients);
    if (!share) return failed("the limit of open files leaves no room for clients");
    auto opened = gate::open(settings.host, settings.clients.port, settings.wait_for_interface);
    if (const auto* const number = std::get_if<int>(&opened)) {
        return failed("port " + std::to_string(settings.clients.port) + ": " + std::strerror(*number),
                      *number == EADDRINUSE ? errc::address_in_use : errc::network);
    }
    if (!can_start_threads(3)) return failed("no thread to be had");
    const auto connections = share->taken() - own_door_descriptors;
    try {
        std::unique_ptr<door_socket> made(
            new door_socket(settings, std::move(std::get<gate>(opened)), *std::move(share), connections));
        if (key != nullptr) {
            made->router_.set(zmq::sockopt::curve_server, true);
            set_key(made->router_, ZMQ_CURVE_SECRETKEY, discovery::door_of(*key).secret);
        }
        const int lent = made->gate_.lend();
        if (lent < 0) return failed(std::strerror(errno));
        made->router_.set(zmq::sockopt::use_fd, lent);
        const bool every = settings.host.empty() || settings.host == "::";
        uninterrupted(
            [&] { made->router_.bind(discovery::endpoint_of(every ? "*" : settings.host, made->port())); });
        return made;
    } catch (const zmq::error_t& failure) {
        return failed(failure.what());
    }
}

bool door_socket::receive(std::string& from, zmq::message_t& into) {
    for (zmq::message_t name, rest; shell::receive(router_, name);) {
        if (!name.more() || !shell::receive(router_, into)) continue;
        bool more = into.more();
        if (!more) {
            from.assign(name.to_string_view());
            return true;
        }
        while (more && shell::receive(router_, rest)) more = rest.more();
    }
    return false;
}

bool door_socket::send(std::string_view to, std::string_view bytes) {
    try {
        return uninterrupted([&] {
            return router_.send(zmq::buffer(to), zmq::send_flags::dontwait | zmq::send_flags::sndmore) &&
                   router_.send(zmq::buffer(bytes), zmq::send_flags::dontwait);
        });
    } catch (const zmq::error_t& failure) {
        if (failure.num() == EHOSTUNREACH || failure.num() == EAGAIN) return false;
        throw;
    }
}

std::size_t door_socket::tend() {
    std::size_t broken = 0;
    for (zmq::message_t message, endpoint; shell::receive(monitor_, message);) {
        std::uint16_t what = 0;
        std::int32_t value = 0;
        if (message.size() < sizeof what + sizeof value) continue;
        std::memcpy(&what, message.data(), sizeof what);
        std::memcpy(&value, static_cast<const char*>(message.data()) + sizeof what, sizeof value);
        (void)shell::receive(monitor_, endpoint);
        if (what == ZMQ_EVENT_ACCEPTED) {
            open_.insert(value);
        } else if (what == ZMQ_EVENT_DISCONNECTED) {
            open_.erase(value);
        } else {
            ++broken;
        }
    }
    const bool crowded = open_.size() >= connections_max_ - std::min<std::size_t>(connections_max_ / 4, 32);
    if (crowded && !shut_) gate_.shut();
    if (!crowded && shut_) gate_.reopen();
    shut_ = crowded;
    return broken;
}

} // namespace baton::shell
