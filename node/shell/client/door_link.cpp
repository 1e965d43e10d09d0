#include "shell/client/door_link.hpp"

#include "shell/sockets.hpp"
#include "wire/client_frame.hpp"

#include <atomic>
#include <cstring>

namespace baton::shell {

namespace {
constexpr int connect_ms = 1000, handshake_ms = 2000, unanswered_ms = 10'000;
constexpr auto events = ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

template <class Key>
void set_key(zmq::socket_t& socket, int option, const Key& key) {
    if (zmq_setsockopt(socket.handle(), option, key.data(), key.size()) != 0) throw zmq::error_t();
}
} // namespace

door_link::door_link(zmq::context_t& context, std::string endpoint, const std::optional<client_key>& key)
    : endpoint_(std::move(endpoint))
    , dealer_(context, zmq::socket_type::dealer)
    , monitor_(context, zmq::socket_type::pair) {
    static std::atomic<std::uint64_t> names{0};
    const auto name = "inproc://door-link-" + std::to_string(++names);
    dealer_.set(zmq::sockopt::linger, 0);
    dealer_.set(zmq::sockopt::sndhwm, 0); // bounded by credit
    dealer_.set(zmq::sockopt::rcvhwm, 0);
    dealer_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(2 * wire::client::message_bytes_max));
    dealer_.set(zmq::sockopt::connect_timeout, connect_ms);
    dealer_.set(zmq::sockopt::handshake_ivl, handshake_ms);
    dealer_.set(zmq::sockopt::reconnect_ivl, -1);
    dealer_.set(zmq::sockopt::tcp_maxrt, unanswered_ms);
    dealer_.set(zmq::sockopt::ipv6, endpoint_.find('[') != std::string::npos);
    if (key) {
        const auto own = link_pair::fresh();
        set_key(dealer_, ZMQ_CURVE_PUBLICKEY, own.public_key.bytes);
        set_key(dealer_, ZMQ_CURVE_SECRETKEY, own.secret);
        set_key(dealer_, ZMQ_CURVE_SERVERKEY, key->door());
    }
    if (zmq_socket_monitor(dealer_.handle(), name.c_str(), events) != 0) throw zmq::error_t();
    monitor_.set(zmq::sockopt::linger, 0);
    uninterrupted([&] { monitor_.connect(name); });
    uninterrupted([&] { dealer_.connect(endpoint_); });
}

door_link::~door_link() { zmq_socket_monitor(dealer_.handle(), nullptr, 0); }

door_link::state door_link::look() {
    for (zmq::message_t message, rest; shell::receive(monitor_, message);) {
        std::uint16_t what = 0;
        std::memcpy(&what, message.data(), std::min(sizeof what, message.size()));
        (void)shell::receive(monitor_, rest);
        const bool is_denied = what == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH ||
                               what == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
                               what == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
        if (is_denied) {
            state_ = state::denied;
        } else if (state_ == state::fine) {
            state_ = state::gone;
        }
    }
    return state_;
}

bool door_link::receive(zmq::message_t& into) {
    if (!shell::receive(dealer_, into)) return false;
    zmq::message_t rest;
    for (bool more = into.more(); more && shell::receive(dealer_, rest);) more = rest.more();
    return true;
}

void door_link::send(std::string_view bytes) {
    uninterrupted([&] { return dealer_.send(zmq::buffer(bytes), zmq::send_flags::dontwait); });
}

} // namespace baton::shell
