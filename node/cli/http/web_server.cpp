#include "http/web_server.hpp"

#include "http/connection_table.hpp"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <list>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace baton::cli {

// ---------------------------------------------------------------- listener

namespace {

error bad_address(const std::string& where) {
    return {errc::bad_option,
            "--http '" + where +
                "' is no address and port: write 127.0.0.1:9400, [::1]:9400 or 0.0.0.0:9400"};
}

struct socket_address {
    sockaddr_storage all{};
    socklen_t size = 0;
};

std::optional<socket_address> parse_address(const std::string& where) {
    const auto colon = where.rfind(':');
    if (colon == where.npos) return std::nullopt;
    std::uint16_t port = 0;
    const auto* const end = where.data() + where.size();
    const auto [stop, fault] = std::from_chars(where.data() + colon + 1, end, port);
    if (fault != std::errc{} || stop != end) return std::nullopt;
    auto host = where.substr(0, colon);
    socket_address made;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        auto& v6 = reinterpret_cast<sockaddr_in6&>(made.all); // NOLINT: as sockets want it
        if (inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        made.size = sizeof v6;
        return made;
    }
    auto& v4 = reinterpret_cast<sockaddr_in&>(made.all); // NOLINT
    if (inet_pton(AF_INET, host.c_str(), &v4.sin_addr) != 1) return std::nullopt;
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    made.size = sizeof v4;
    return made;
}

std::string url_of(int fd) {
    socket_address at;
    at.size = sizeof at.all;
    getsockname(fd, reinterpret_cast<sockaddr*>(&at.all), &at.size); // NOLINT
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (at.all.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(at.all); // NOLINT
        inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return "http://[" + std::string(text.data()) + "]:" + std::to_string(ntohs(v6.sin6_port)) + '/';
    }
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(at.all); // NOLINT
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return "http://" + std::string(text.data()) + ':' + std::to_string(ntohs(v4.sin_port)) + '/';
}

} // namespace

// Its own socket, and not libmicrohttpd's: the error has a reason, and the port is never shared
// (SO_REUSEPORT).
result<listener> listener::open(const std::string& where) {
    const auto address = parse_address(where);
    if (!address) return bad_address(where);
    const int fd = ::socket(address->all.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return error{errc::network, "--http " + where + ": " + std::strerror(errno)};
    listener made(fd, {});
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // only past connections of that port
    const auto* const at = reinterpret_cast<const sockaddr*>(&address->all); // NOLINT
    if (::bind(fd, at, address->size) != 0 || ::listen(fd, 64) != 0) {
        const int why = errno;
        if (why == EADDRINUSE) {
            return error{errc::address_in_use,
                         "--http " + where +
                             ": another process listens there; choose another port, or 0 for "
                             "any free one"};
        }
        const std::string hint = why == EADDRNOTAVAIL ? ": no interface of this machine has that address"
                                 : why == EACCES      ? ": ports below 1024 need root or CAP_NET_BIND_SERVICE"
                                                      : "";
        return error{errc::network, "--http " + where + ": " + std::strerror(why) + hint};
    }
    made.url_ = url_of(fd);
    return made;
}

result<void> listener::check(const std::string& where) {
    if (!parse_address(where)) return bad_address(where);
    return {};
}

listener::listener(listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1))
    , url_(std::move(other.url_)) {}
listener::~listener() {
    if (fd_ >= 0) ::close(fd_);
}
int listener::release() { return std::exchange(fd_, -1); }

// ---------------------------------------------------------------- web_server

struct web_server::body {
    using text_ptr = std::shared_ptr<const std::string>;
    struct stream {
        int channel = 0;
        MHD_Connection* connection = nullptr;
        text_ptr sending{}; ///< and from where
        std::size_t at = 0;
        text_ptr next{};
        bool asleep = false; ///< suspended, until there is a text
    };

    explicit body(terms given)
        : how(std::move(given))
        , table({.places = connections_max - probe_places}) {}

    terms how;
    connection_table table;
    MHD_Daemon* daemon = nullptr;
    mutable std::mutex mutex;
    std::list<stream> streams; // under the lock
    bool over = false;         // under the lock

    /// What a response of a stream is about.
    struct stream_of {
        body* server;
        std::list<stream>::iterator one;
    };
    // What libmicrohttpd calls, on its thread.
    static MHD_Result answer(void* self, MHD_Connection* connection, const char* url, const char* method,
                             const char*, const char*, std::size_t*, void** seen);
    static void note_connection(void* self, MHD_Connection* connection, void** context,
                                MHD_ConnectionNotificationCode what);
    static ssize_t read_stream(void* of, std::uint64_t, char* into, std::size_t most);
    static void end_stream(void* of);

    [[nodiscard]] reply reply_to(MHD_Connection* connection, std::string_view path, std::string_view method,
                                 std::uint64_t number);
    MHD_Result send(MHD_Connection* connection, const reply& what, std::uint64_t number);
    MHD_Response* response_of(MHD_Connection* connection, const reply& what, std::uint64_t number);
    void wake(stream& one) {
        if (std::exchange(one.asleep, false)) MHD_resume_connection(one.connection);
    }
};

namespace {

std::uint64_t number_of(MHD_Connection* connection) {
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == nullptr
               ? 0
               : reinterpret_cast<std::uintptr_t>(info->socket_context); // NOLINT: a number, no pointer
}

std::optional<std::string_view> header_of(MHD_Connection* connection, const char* name) {
    const auto* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value == nullptr ? std::nullopt : std::optional<std::string_view>(value);
}

web_server::reply refuse_with(unsigned status, std::string_view sentence) {
    return {.status = status, .body = std::make_shared<const std::string>(std::string(sentence) + '\n')};
}

} // namespace

void web_server::body::note_connection(void* self, MHD_Connection* connection, void** context,
                                       MHD_ConnectionNotificationCode what) {
    auto& table = static_cast<body*>(self)->table;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = reinterpret_cast<void*>(table.add(info->connect_fd)); // NOLINT: a number, no pointer
    } else {
        table.remove(reinterpret_cast<std::uintptr_t>(*context)); // NOLINT
    }
}

MHD_Result web_server::body::answer(void* self, MHD_Connection* connection, const char* url,
                                    const char* method, const char*, const char*, std::size_t*, void**) {
    auto& of = *static_cast<body*>(self);
    const auto number = number_of(connection);
    return of.send(connection, of.reply_to(connection, url, method, number), number);
}

web_server::reply web_server::body::reply_to(MHD_Connection* connection, std::string_view path,
                                             std::string_view method, std::uint64_t number) try {
    const bool only_probes = table.head_is_complete(number);
    const auto* const head = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (head != nullptr && head->header_size > head_bytes_max)
        return refuse_with(431, "the head of a request has at most 8 KiB");
    if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD) {
        auto refused = refuse_with(405, "only GET and HEAD are allowed: these pages change nothing");
        refused.extra_header = "Allow";
        refused.extra_value = "GET, HEAD";
        return refused;
    }
    const request asked{path,
                        {header_of(connection, "Host"), header_of(connection, "Origin"),
                         header_of(connection, "Sec-Fetch-Site"), header_of(connection, "Authorization")}};
    if (const auto* const fault = fault_of(asked.head, how.names))
        return refuse_with(asked.head.host ? 403 : 400, fault);
    if (only_probes && !how.is_probe(path)) {
        auto refused = refuse_with(503, "all 28 connections are in use; the last 4 serve /livez and /readyz");
        refused.extra_header = "Retry-After";
        refused.extra_value = "1";
        return refused;
    }
    auto made = how.handler(asked);
    // To HEAD libmicrohttpd 0.9.75 would send the last chunk of a body of unknown size, which there must not
    // be.
    if (method == MHD_HTTP_METHOD_HEAD) made.stream = -1;
    return made;
} catch (const std::exception& fault) {
    return refuse_with(500, fault.what());
}

MHD_Response* web_server::body::response_of(MHD_Connection* connection, const reply& what,
                                            std::uint64_t number) {
    if (what.stream < 0) {
        static const std::string nothing;
        const auto& text = what.body ? *what.body : nothing;
        return MHD_create_response_from_buffer(text.size(),
                                               const_cast<char*>(text.data()), // NOLINT: it is copied
                                               MHD_RESPMEM_MUST_COPY);
    }
    const std::lock_guard lock(mutex);
    streams.push_back({what.stream, connection, what.body, 0, {}, false});
    auto* const of = new stream_of{this, std::prev(streams.end())}; // NOLINT: end_stream() deletes it
    constexpr std::size_t piece = 4096;
    auto* const made =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, piece, &read_stream, of, &end_stream);
    if (made == nullptr) {
        streams.pop_back();
        delete of; // NOLINT
        return nullptr;
    }
    table.becomes_stream(number);
    return made;
}

MHD_Result web_server::body::send(MHD_Connection* connection, const reply& what, std::uint64_t number) {
    auto use = what;
    if (what.stream >= 0) {
        const std::lock_guard lock(mutex);
        if (streams.size() >= streams_max) {
            use = refuse_with(503, "8 streams are open: ask /state now and then instead");
            use.extra_header = "Retry-After";
            use.extra_value = "5";
        }
    }
    auto* const response = response_of(connection, use, number);
    if (response == nullptr) return MHD_NO;
    const std::string type(use.type);
    const std::array<std::pair<const char*, const char*>, 7> headers{{
        {"Connection", "close"},
        {"Content-Type", type.c_str()},
        {"Content-Security-Policy",
         "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    }};
    for (const auto& [name, value] : headers) MHD_add_response_header(response, name, value);
    if (!use.extra_header.empty()) {
        MHD_add_response_header(response, std::string(use.extra_header).c_str(),
                                std::string(use.extra_value).c_str());
    }
    const auto queued = MHD_queue_response(connection, use.status, response);
    MHD_destroy_response(response); // the connection keeps it
    return queued;
}

// The next bytes; or the connection sleeps until a text is published. libmicrohttpd asks only when the socket
// takes more, so a reader that is slow gets fewer texts.
ssize_t web_server::body::read_stream(void* of, std::uint64_t, char* into, std::size_t most) {
    auto& [server, one] = *static_cast<stream_of*>(of);
    const std::lock_guard lock(server->mutex);
    if (server->over) return MHD_CONTENT_READER_END_OF_STREAM;
    if (!one->sending || one->at == one->sending->size()) {
        one->sending = std::exchange(one->next, {});
        one->at = 0;
    }
    if (!one->sending || one->sending->empty()) {
        one->asleep = true;
        MHD_suspend_connection(one->connection);
        return 0;
    }
    const auto count = std::min(most, one->sending->size() - one->at);
    std::copy_n(one->sending->data() + one->at, count, into);
    one->at += count;
    return static_cast<ssize_t>(count);
}

void web_server::body::end_stream(void* of) {
    auto* const ended = static_cast<stream_of*>(of);
    {
        const std::lock_guard lock(ended->server->mutex);
        ended->server->streams.erase(ended->one);
    }
    delete ended; // NOLINT
}

web_server::web_server(listener where, terms how)
    : body_(std::make_unique<body>(std::move(how))) {
    constexpr unsigned idle_seconds = 10;
    constexpr std::size_t memory_bytes = 16384; // a connection's head and what is being sent of its reply
    const int fd = where.release();
    body_->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &body::answer,
        body_.get(), MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, unsigned{connections_max},
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory_bytes, MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
        MHD_OPTION_NOTIFY_CONNECTION, &body::note_connection, body_.get(), MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    if (body_->daemon == nullptr) {
        ::close(fd);
        throw std::runtime_error("the HTTP server cannot start: no descriptor or thread is available");
    }
}

web_server::~web_server() {
    {
        const std::lock_guard lock(body_->mutex);
        body_->over = true;
        for (auto& one : body_->streams) body_->wake(one); // libmicrohttpd cannot end sleeping connections
    }
    MHD_stop_daemon(body_->daemon);
}

void web_server::publish(int channel, const std::shared_ptr<const std::string>& text) {
    const std::lock_guard lock(body_->mutex);
    for (auto& one : body_->streams) {
        if (one.channel != channel) continue;
        one.next = text;
        body_->wake(one);
    }
}

std::size_t web_server::streams(int channel) const {
    const std::lock_guard lock(body_->mutex);
    return static_cast<std::size_t>(
        std::count_if(body_->streams.begin(), body_->streams.end(),
                      [&](const body::stream& one) { return one.channel == channel; }));
}

} // namespace baton::cli
