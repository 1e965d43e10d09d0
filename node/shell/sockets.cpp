#include "shell/sockets.hpp"

#include "discovery/address.hpp"
#include "shell/interfaces.hpp"
#include "shell/threads.hpp"
#include "wire/frame.hpp"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace baton::shell {

namespace {

constexpr char marker = 1; // first byte of the subscription that identifies a node; no frame begins with it
constexpr char routing = 'B'; // first byte of a routing id; ZeroMQ reserves 0 for its own

constexpr int reply_frames_max = 256; // per peer; a session has at most half of that under way
constexpr int connect_timeout_ms = 1000, handshake_ms = 2000, linger_ms = 200;
constexpr int redial_ms = 20, redial_max_ms = 1000;
constexpr int unanswered_ms = 10'000, keepalive_s = 3, keepalives = 4;

std::string marked(char first, const replica_id& id) {
    std::string name(1, first);
    name += id.view();
    return name;
}

// IPv6 is switched on per endpoint, so that IPv4 works on a machine without IPv6.
void connect(zmq::socket_t& socket, const std::string& endpoint) {
    socket.set(zmq::sockopt::ipv6, endpoint.find('[') != std::string::npos);
    uninterrupted([&] { socket.connect(endpoint); });
}

// The monitor binds an inproc endpoint; a PAIR socket connects to it.
void watch_events(zmq::socket_t& socket, const std::string& name, int events) {
    uninterrupted([&] {
        if (zmq_socket_monitor(socket.handle(), name.c_str(), events) != 0) throw zmq::error_t();
    });
}

} // namespace

void close_unanswered(zmq::socket_t& socket) {
    socket.set(zmq::sockopt::tcp_maxrt, unanswered_ms);
    socket.set(zmq::sockopt::tcp_keepalive, 1);
    socket.set(zmq::sockopt::tcp_keepalive_idle, keepalive_s);
    socket.set(zmq::sockopt::tcp_keepalive_intvl, keepalive_s);
    socket.set(zmq::sockopt::tcp_keepalive_cnt, keepalives);
}

// libzmq starts its threads with the first socket, and ends the process if it cannot. So the first socket is
// made here, right after a test that threads can be started.
surroundings::surroundings()
    : context(1) {
    context.set(zmq::ctxopt::blocky, false);
    context.set(zmq::ctxopt::max_sockets, 8192);
    constexpr int libzmqs_own = 2,
                  ours = 2; // libzmq's reaper and I/O thread; the threads of a node and of the doorkeeper
    if (!can_start_threads(libzmqs_own + ours)) {
        throw std::system_error(EAGAIN, std::generic_category(),
                                "no thread to be had (ulimit -u, or the limit of a container)");
    }
    const zmq::socket_t first(context, zmq::socket_type::pair);
}

bool can_start_threads(int count) noexcept {
    std::mutex gate;
    std::vector<std::thread> all;
    bool good = true;
    {
        const std::lock_guard until_all_are_there(gate);
        try {
            for (all.reserve(static_cast<std::size_t>(count)); count != 0; --count)
                all.push_back(start_thread([&gate] { const std::lock_guard pass(gate); }));
        } catch (...) {
            good = false;
        }
    }
    for (auto& each : all) each.join();
    return good;
}

surroundings::~surroundings() {
    context.shutdown(); // this ends the doorkeeper
}

doorkeeper& surroundings::keeper() {
    std::call_once(keeping_, [this] { keeper_ = std::make_unique<doorkeeper>(context); });
    return *keeper_;
}

std::shared_ptr<surroundings> surroundings::shared() {
    static std::mutex guard;
    static std::weak_ptr<surroundings> shared;
    static pid_t owner = 0;
    const std::lock_guard lock(guard);
    // After fork() the threads exist in the parent only.
    auto around = owner == ::getpid() ? shared.lock() : nullptr;
    if (!around) {
        owner = ::getpid();
        around = std::make_shared<surroundings>();
        shared = around;
    }
    return around;
}

sockets::sockets(const options& settings, const replica_id& self,
                 const std::optional<link_security>& security)
    : around_(surroundings::shared())
    , settings_(settings)
    , self_(self)
    , security_(security)
    , publisher_(around_->context, zmq::socket_type::xpub)
    , router_(around_->context, zmq::socket_type::router)
    , subscriber_(around_->context, zmq::socket_type::sub) {
    if (security_) {
        around_->keeper().open(self_.to_string(), security_->guests); // before any socket is bound
        secure_server(router_);
        secure_server(publisher_);
        secure_client(subscriber_);
    }
    tune(publisher_);
    tune(router_);
    tune(subscriber_);
    publisher_.set(zmq::sockopt::sndhwm, static_cast<int>(settings_.limits.send_frames_max));
    publisher_.set(zmq::sockopt::xpub_verbose, true); // reports a subscriber that returns, too
    router_.set(zmq::sockopt::sndhwm, reply_frames_max);
    router_.set(zmq::sockopt::rcvhwm, reply_frames_max);
    router_.set(zmq::sockopt::router_mandatory, true);
    router_.set(zmq::sockopt::router_handover,
                true); // admits a peer that reconnects before this node notices the end of its connection
    subscriber_.set(zmq::sockopt::subscribe, "");
    subscriber_.set(zmq::sockopt::subscribe, marked(marker, self_));
    watch(publisher_, publications);
    watch(subscriber_, broadcasts);
    watch(router_, requests);
    for (auto& door : doors_) watch(door, refusals);
}

sockets::~sockets() {
    if (security_) around_->keeper().close(self_.to_string());
}

namespace {
void set_key(zmq::socket_t& socket, int option, const std::array<std::uint8_t, 32>& key) {
    if (zmq_setsockopt(socket.handle(), option, key.data(), key.size()) != 0) throw zmq::error_t();
}
std::string new_monitor() {
    static std::atomic<std::uint64_t> names{0};
    return "inproc://baton-monitor-" + std::to_string(++names);
}
} // namespace

void sockets::secure_server(zmq::socket_t& socket) {
    socket.set(zmq::sockopt::curve_server, true);
    set_key(socket, ZMQ_CURVE_SECRETKEY, security_->own.secret);
    socket.set(zmq::sockopt::zap_domain, self_.to_string());
    const auto name = new_monitor();
    watch_events(socket, name,
                 ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    auto& door = doors_.emplace_back(around_->context, zmq::socket_type::pair);
    door.set(zmq::sockopt::linger, 0);
    uninterrupted([&] { door.connect(name); });
}

void sockets::secure_client(zmq::socket_t& socket) const {
    set_key(socket, ZMQ_CURVE_PUBLICKEY, security_->own.public_key.bytes);
    set_key(socket, ZMQ_CURVE_SECRETKEY, security_->own.secret);
}

void sockets::admit(const replica_id& id, const discovery::link_key& key) {
    if (security_) security_->guests->admit(id, key);
}
void sockets::expel(const replica_id& id) {
    if (security_) security_->guests->expel(id);
}

// The doorkeeper has set the user id of the link to the id of its owner.
bool sockets::is_from(zmq::message_t& message, const replica_id& who) const {
    if (!security_) return true;
    const char* const user = zmq_msg_gets(message.handle(), "User-Id");
    return user != nullptr && who.to_string() == user;
}

bool sockets::is_of_a_replaced_link(std::string_view routing_id, zmq::message_t& message) {
    if (routing_id.size() != 5 || routing_id.front() != 0) return false;
    const char* const said = zmq_msg_gets(message.handle(), "Identity");
    return said != nullptr && *said == routing;
}

bool sockets::is_of_a_link(zmq::message_t& message) {
    return zmq_msg_gets(message.handle(), "Socket-Type") != nullptr;
}

void sockets::tune(zmq::socket_t& socket) const {
    socket.set(zmq::sockopt::linger, linger_ms);
    // A little more than a node sends, so that a frame that is too large arrives and is counted. libzmq
    // closes the connection if a frame is larger still.
    socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(4 * wire::frame_bytes_max));
    socket.set(zmq::sockopt::connect_timeout, connect_timeout_ms);
    socket.set(zmq::sockopt::handshake_ivl, handshake_ms);
    socket.set(zmq::sockopt::reconnect_ivl, redial_ms);
    socket.set(zmq::sockopt::reconnect_ivl_max, redial_max_ms);
    close_unanswered(socket);
}

// libzmq listens on a socket that this node has bound; the endpoint only names the transport.
result<std::uint16_t> sockets::bind(zmq::socket_t& socket, const char* what, std::uint16_t port) {
    const bool both = settings_.host.empty() || settings_.host == "::";
    const auto host = both ? std::string("*") : settings_.host;
    auto endpoint = discovery::endpoint_of(host, 0);
    endpoint.replace(endpoint.size() - 1, 1, port == 0 ? "*" : std::to_string(port));
    const auto failed = [&](int number) {
        const auto code = number == EADDRINUSE ? errc::address_in_use : errc::network;
        return error{code, std::string(what) + ' ' + endpoint + ": " + std::strerror(number)};
    };
    auto opened = gate::open(settings_.host, port, settings_.wait_for_interface);
    if (const auto* const fault = std::get_if<int>(&opened)) return failed(*fault);
    auto& made = std::get<gate>(opened);
    const int lent = made.lend();
    if (lent < 0) return failed(errno);
    try {
        socket.set(zmq::sockopt::use_fd, lent);
        uninterrupted([&] { socket.bind(endpoint); });
    } catch (const zmq::error_t& failure) {
        return failed(failure.num());
    }
    gates_.push_back(std::move(made));
    return gates_.back().port();
}

result<std::unique_ptr<sockets>> sockets::open(const options& settings, const replica_id& self,
                                               const std::optional<link_security>& security) {
    try {
        std::unique_ptr<sockets> made(new sockets(settings, self, security));
        const auto port = made->bind(made->router_, "port", settings.port);
        if (!port) return port.error();
        const auto publish_port = made->bind(made->publisher_, "publish_port", settings.publish_port);
        if (!publish_port) return publish_port.error();
        made->port_ = *port;
        made->publish_port_ = *publish_port;
        return made;
    } catch (const zmq::error_t& failure) { // no descriptor or socket is left
        return error{errc::network, std::string("sockets: ") + failure.what()};
    }
}

// A dial that fails for want of descriptors is repeated once some are free. An address that libzmq cannot
// read is a link that never opens: the mesh forgets the peer after a while.
void sockets::dial(core::link_id link, const std::string& endpoint, const discovery::link_key& key,
                   bool once) {
    if (!try_dial(link, endpoint, key, once)) undialled_[link] = {endpoint, key, {}, once};
}

void sockets::dial_again() {
    for (auto at = undialled_.begin(); at != undialled_.end();) {
        const auto& [link, want] = *at;
        if (!try_dial(link, want.endpoint, want.key, want.once)) return;
        if (!want.subscribed.empty()) subscribe(link, want.subscribed, want.key);
        at = undialled_.erase(at);
    }
}

bool sockets::try_dial(core::link_id link, const std::string& endpoint, const discovery::link_key& key,
                       bool once) {
    const auto name = new_monitor();
    try {
        connection made{zmq::socket_t(around_->context, zmq::socket_type::dealer),
                        zmq::socket_t(around_->context, zmq::socket_type::pair)};
        made.endpoint = endpoint;
        tune(made.dealer);
        made.once = once;
        if (once) made.dealer.set(zmq::sockopt::reconnect_ivl, -1);
        if (security_) {
            secure_client(made.dealer);
            set_key(made.dealer, ZMQ_CURVE_SERVERKEY, key.bytes);
        }
        made.dealer.set(zmq::sockopt::routing_id, marked(routing, self_));
        made.dealer.set(zmq::sockopt::immediate,
                        true); // queues nothing while there is no connection
        watch_events(made.dealer, name,
                     ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_DISCONNECTED);
        made.monitor.set(zmq::sockopt::linger, 0);
        uninterrupted([&] { made.monitor.connect(name); });
        connect(made.dealer, endpoint);
        watch(made.dealer, source_of(link));
        watch(made.monitor, source_of(link));
        connections_.insert_or_assign(link, std::move(made));
    } catch (const zmq::error_t& failure) {
        return failure.num() != EMFILE && failure.num() != ENFILE;
    }
    return true;
}

// A connection that was begun `once` ends for good when it closes. libzmq takes the endpoint off its socket a
// moment after it has reported that, and would take off an endpoint connected by then, too. So the socket is
// replaced once everything that has arrived by it is read.
void sockets::note_event(connection& of, std::uint16_t what) {
    of.opened = of.opened || what == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    if (of.once && of.opened && what == ZMQ_EVENT_DISCONNECTED) of.ended = true;
}

void sockets::mend(core::link_id link) {
    const auto at = connections_.find(link);
    if (at != connections_.end() && at->second.ended) replace(link);
}

// Used in an open mesh only, so there is no key.
void sockets::replace(core::link_id link) {
    const auto at = connections_.find(link);
    const auto endpoint = at->second.endpoint, subscribed = at->second.subscribed;
    close(at->second);
    connections_.erase(at);
    dial(link, endpoint, {}, false);
    const auto made = connections_.find(link);
    (made != connections_.end() ? made->second.subscribed : undialled_[link].subscribed) = subscribed;
}

void sockets::close(connection& of) {
    zmq_socket_monitor(of.dealer.handle(), nullptr, 0);
    forget(of.dealer);
    forget(of.monitor);
}

void sockets::unsubscribe(core::link_id link) {
    auto& subscribed = connections_.at(link).subscribed;
    const auto endpoint = std::exchange(subscribed, {});
    if (endpoint.empty()) return;
    for (const auto& [other, c] : connections_) {
        if (c.subscribed == endpoint) return; // another link uses the subscription
    }
    poller_.touched(broadcasts);
    try {
        uninterrupted([&] { subscriber_.disconnect(endpoint); });
    } catch (const zmq::error_t&) { // it is disconnected already
    }
}

void sockets::subscribe(core::link_id link, const std::string& endpoint, const discovery::link_key& key) {
    if (const auto at = undialled_.find(link); at != undialled_.end()) at->second.subscribed = endpoint;
    if (!connections_.contains(link)) return;
    unsubscribe(link);
    poller_.touched(broadcasts);
    try {
        if (security_) set_key(subscriber_, ZMQ_CURVE_SERVERKEY, key.bytes); // for later connections
        connect(subscriber_, endpoint);
        connections_.at(link).subscribed = endpoint;
    } catch (
        const zmq::error_t&) { // libzmq cannot read the address: the peer never comes up and is forgotten
    }
}

void sockets::hang_up(core::link_id link) {
    undialled_.erase(link);
    const auto at = connections_.find(link);
    if (at == connections_.end()) return;
    unsubscribe(link);
    close(at->second);
    poller_.drained(source_of(link));
    connections_.erase(at);
}

void sockets::watch(zmq::socket_t& socket, poller::name of) { poller_.add(socket.get(zmq::sockopt::fd), of); }
void sockets::forget(zmq::socket_t& socket) { poller_.remove(socket.get(zmq::sockopt::fd)); }

void sockets::reconnect(zmq::socket_t& socket, const std::string& endpoint) {
    if (endpoint.empty()) return;
    try {
        uninterrupted([&] { socket.disconnect(endpoint); });
    } catch (const zmq::error_t&) { // libzmq does not know the endpoint any more
    }
    try {
        connect(socket, endpoint);
    } catch (const zmq::error_t&) { // the next redial tries again
    }
}

void sockets::redial_from(const std::string& local) {
    std::set<std::string> done; // several links may share one subscription
    std::vector<core::link_id> ended;
    for (auto& [link, c] : connections_) {
        if (c.local != local) continue;
        c.local.clear();
        if (c.once) ended.push_back(link);
        poller_.touched(source_of(link));
        poller_.touched(broadcasts);
        if (!c.once) reconnect(c.dealer, c.endpoint);
        if (done.insert(c.subscribed).second) reconnect(subscriber_, c.subscribed);
    }
    for (const auto link : ended) replace(link);
}

namespace {
bool send(zmq::socket_t& to, std::string_view bytes, zmq::send_flags flags = zmq::send_flags::none) {
    return uninterrupted(
        [&] { return to.send(zmq::buffer(bytes), flags | zmq::send_flags::dontwait).has_value(); });
}
} // namespace

void sockets::broadcast(std::string_view bytes) { send(publisher_, bytes); }

bool sockets::request(core::link_id link, std::string_view bytes) {
    const auto at = connections_.find(link);
    if (at == connections_.end()) return false;
    auto& dealer = at->second.dealer;
    poller_.touched(source_of(link));
    if (send(dealer, bytes)) return true;
    // A connection that has just opened may not have reached the socket yet. Asking for its events makes the
    // socket process it.
    (void)uninterrupted([&] { return dealer.get(zmq::sockopt::events); });
    return send(dealer, bytes);
}

bool sockets::reply(const replica_id& to, std::string_view bytes) {
    poller_.touched(requests);
    try {
        return send(router_, marked(routing, to), zmq::send_flags::sndmore) && send(router_, bytes);
    } catch (const zmq::error_t&) { // EHOSTUNREACH: the peer is not connected now
        return false;
    }
}

std::optional<replica_id> sockets::subscriber_of(std::string_view topic) {
    if (topic.size() != 17 || topic.front() != marker) return std::nullopt;
    return replica_id::from_bytes(topic.substr(1));
}

std::optional<replica_id> sockets::replica_of(std::string_view routing_id) {
    if (routing_id.size() != 17 || routing_id.front() != routing) return std::nullopt;
    return replica_id::from_bytes(routing_id.substr(1));
}

std::string sockets::host_of(zmq::message_t& message) {
    const char* const host = zmq_msg_gets(message.handle(), "Peer-Address");
    return host == nullptr ? std::string{} : std::string(discovery::plain(host));
}

} // namespace baton::shell
