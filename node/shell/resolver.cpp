#include "shell/resolver.hpp"

#include "discovery/address.hpp"

#define CARES_NO_DEPRECATED // the c-ares of Debian 12 lacks the replacements of the deprecated calls
#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>

namespace baton::shell {

namespace {

using discovery::address;
using discovery::name_state;

constexpr int first_try_ms = 1000, tries = 3; // per server; each try takes twice as long
constexpr std::size_t targets_max = 32;       // records of one service
constexpr int class_in = 1, type_srv = 33;    // RFC 1035, RFC 2782

// RFC 6761, 6.3: a name service is never asked for this name.
bool is_localhost(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    constexpr std::string_view own = "localhost";
    if (name.size() < own.size()) return false;
    const auto end = name.substr(name.size() - own.size());
    const bool same =
        std::equal(end.begin(), end.end(), own.begin(), [](char a, char b) { return (a | 0x20) == b; });
    return same && (name.size() == own.size() || name[name.size() - own.size() - 1] == '.');
}

bool says_nobody(int status) { return status == ARES_ENOTFOUND || status == ARES_ENODATA; }

/// A c-ares channel. Its end ends pending requests with ARES_EDESTRUCTION.
class channel {
  public:
    channel(const char* lookups, ares_sock_state_cb on_socket, void* whose) {
        ares_options wanted{};
        wanted.timeout = first_try_ms;
        wanted.tries = tries;
        std::array<char, 2> where{lookups[0], '\0'};
        wanted.lookups = where.data();
        wanted.sock_state_cb = on_socket;
        wanted.sock_state_cb_data = whose;
        int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS;
        if (on_socket != nullptr) mask |= ARES_OPT_SOCK_STATE_CB;
        if (const int failed = ares_init_options(&made_, &wanted, mask); failed != ARES_SUCCESS) {
            made_ = nullptr;
            why_ = ares_strerror(failed);
        }
    }
    channel(const channel&) = delete;
    ~channel() {
        if (made_ != nullptr) ares_destroy(made_);
    }
    [[nodiscard]] ares_channel get() const { return made_; }
    [[nodiscard]] const char* why() const { return why_; } ///< null when it is there

  private:
    ares_channel made_ = nullptr;
    const char* why_ = nullptr;
};

std::optional<std::string> text_of(const sockaddr* from) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (from->sa_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, from, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    } else if (from->sa_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, from, sizeof in);
        inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
        if (IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr)) return std::nullopt; // useless without a zone
    } else {
        return std::nullopt;
    }
    return std::string(discovery::plain(text.data()));
}

std::vector<std::string> take_hosts(ares_addrinfo* all) {
    std::vector<std::string> hosts;
    if (all == nullptr) return hosts;
    for (const auto* each = all->nodes; each != nullptr; each = each->ai_next) {
        if (auto host = text_of(each->ai_addr)) hosts.push_back(*std::move(host));
    }
    ares_freeaddrinfo(all);
    return hosts;
}

ares_addrinfo_hints hints_of(int family) {
    ares_addrinfo_hints hints{};
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = ARES_AI_NOSORT; // the node dials all addresses, so their order does not matter
    return hints;
}

// Reads the hosts file; the answer is there at once.
std::vector<std::string> in_hosts_file(const std::string& name) {
    std::vector<std::string> found;
    const channel files("f", nullptr, nullptr);
    if (files.get() == nullptr) return found;
    const auto hints = hints_of(AF_UNSPEC);
    ares_getaddrinfo(
        files.get(), name.c_str(), nullptr, &hints,
        [](void* into, int status, int, ares_addrinfo* all) {
            auto hosts = take_hosts(all);
            if (status == ARES_SUCCESS) *static_cast<std::vector<std::string>*>(into) = std::move(hosts);
        },
        &found);
    return found;
}

} // namespace

// One question until it is answered.
class resolver::job {
  public:
    job(const core::resolve& what, const std::string& servers, int epoll)
        : what_(what)
        , epoll_(epoll)
        , channel_("b", &on_socket, this) {
        if (channel_.get() == nullptr) {
            fail(channel_.why());
            return;
        }
        if (!servers.empty() && ares_set_servers_ports_csv(channel_.get(), servers.c_str()) != ARES_SUCCESS) {
            fail("its servers cannot be read");
            return;
        }
        ++waits_;
        if (what_.service) {
            ++waits_;
            ares_search(channel_.get(), what_.name.c_str(), class_in, type_srv, &on_records, this);
        } else {
            look_up(what_.name, 0);
        }
        --waits_; // c-ares may have answered everything before the call returned
    }
    job(const job&) = delete;
    ~job() { over_ = true; }

    void process(int socket, std::uint32_t events) {
        const bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
        const bool reads = failed || (events & EPOLLIN) != 0, writes = failed || (events & EPOLLOUT) != 0;
        ares_process_fd(channel_.get(), reads ? socket : ARES_SOCKET_BAD, writes ? socket : ARES_SOCKET_BAD);
    }
    void process_time() {
        if (channel_.get() != nullptr) ares_process_fd(channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    [[nodiscard]] bool has(int socket) const {
        return std::find(sockets_.begin(), sockets_.end(), socket) != sockets_.end();
    }
    [[nodiscard]] bool is_done() const { return waits_ == 0; }
    /// The addresses found since the last call, if they are worth an answer.
    [[nodiscard]] std::optional<core::resolved> news() {
        if (!is_done() && found_.size() == told_) return std::nullopt;
        core::resolved made;
        made.said.number = what_.number;
        made.said.last = is_done();
        made.said.found = found_;
        made.said.why = why_;
        made.said.how = !why_.empty()    ? name_state::failed
                        : found_.empty() ? name_state::nobody
                                         : name_state::known;
        told_ = found_.size();
        return made;
    }
    [[nodiscard]] std::chrono::milliseconds left() const {
        timeval until{};
        if (channel_.get() == nullptr || ares_timeout(channel_.get(), nullptr, &until) == nullptr)
            return std::chrono::seconds{1};
        return std::chrono::milliseconds{until.tv_sec * 1000 + until.tv_usec / 1000 + 1};
    }

  private:
    /// The job and the port that an answer belongs to.
    struct part {
        job& of;
        std::uint16_t port;
    };

    void fail(const char* why) {
        if (why_.empty()) why_ = why;
    }
    void add(const std::string& host, std::uint16_t port) {
        address one{host, port, 0};
        if (std::find(found_.begin(), found_.end(), one) == found_.end()) found_.push_back(std::move(one));
    }
    void look_up(const std::string& name, std::uint16_t port) {
        if (is_localhost(name)) {
            add("127.0.0.1", port);
            return add("::1", port);
        }
        if (const auto hosts = in_hosts_file(name); !hosts.empty()) {
            for (const auto& each : hosts) add(each, port);
            return;
        }
        // One request per family: some servers never answer for AAAA.
        for (const int family : {AF_INET, AF_INET6}) {
            ++waits_;
            const auto hints = hints_of(family);
            ares_getaddrinfo(channel_.get(), name.c_str(), nullptr, &hints, &on_addresses,
                             parts_.emplace_back(std::make_unique<part>(part{*this, port})).get());
        }
    }
    static void on_addresses(void* whose, int status, int, ares_addrinfo* all) {
        auto& [self, port] = *static_cast<part*>(whose);
        const auto hosts = take_hosts(all);
        if (self.over_) return;
        for (const auto& each : hosts) self.add(each, port);
        if (status != ARES_SUCCESS && !says_nobody(status)) self.fail(ares_strerror(status));
        --self.waits_;
    }
    static void on_records(void* whose, int status, int, unsigned char* bytes, int size) {
        auto& self = *static_cast<job*>(whose);
        if (self.over_) return;
        ares_srv_reply* records = nullptr;
        if (status == ARES_SUCCESS) status = ares_parse_srv_reply(bytes, size, &records);
        if (status != ARES_SUCCESS && !says_nobody(status)) self.fail(ares_strerror(status));
        std::size_t count = 0;
        for (const auto* each = records; each != nullptr; each = each->next) {
            const std::string target = each->host == nullptr ? "" : each->host;
            // "." means that the domain does not offer the service
            if (each->port == 0 || target.empty() || target == ".") continue;
            if (++count > targets_max) {
                self.fail("it has more records than are followed");
                break;
            }
            self.look_up(target, each->port);
        }
        if (records != nullptr) ares_free_data(records);
        --self.waits_;
    }
    static void on_socket(void* whose, ares_socket_t socket, int readable, int writable) {
        auto& self = *static_cast<job*>(whose);
        if (readable == 0 && writable == 0) {
            epoll_event unused{};
            ::epoll_ctl(self.epoll_, EPOLL_CTL_DEL, socket, &unused);
            std::erase(self.sockets_, socket);
            return;
        }
        epoll_event wanted{};
        wanted.events = (readable != 0 ? EPOLLIN : 0U) | (writable != 0 ? EPOLLOUT : 0U);
        wanted.data.fd = socket;
        const bool known = self.has(socket);
        if (!known) self.sockets_.push_back(socket);
        ::epoll_ctl(self.epoll_, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &wanted);
    }

    core::resolve what_;
    int epoll_;
    std::size_t waits_ = 0; ///< answers that are to come
    std::vector<address> found_;
    std::size_t told_ = 0; ///< of these
    std::string why_;      ///< the first failure
    bool over_ = false;
    std::vector<int> sockets_;
    std::vector<std::unique_ptr<part>> parts_;
    channel channel_; ///< the last: it tells the others of its end
};

resolver::resolver(const std::vector<std::string>& servers, poller::name of)
    : name_(of) {
    static std::once_flag once;
    std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
    for (const auto& each : servers) servers_ += (servers_.empty() ? "" : ",") + each;
}

resolver::~resolver() = default;

void resolver::ask(const core::resolve& what, poller& sources) {
    sources.touched(name_); // the answer may be there already
    if (epoll_.get() < 0) {
        epoll_ = descriptor(::epoll_create1(EPOLL_CLOEXEC));
        if (epoll_.get() >= 0) sources.add(epoll_.get(), name_);
    }
    if (epoll_.get() < 0) {
        core::resolved none;
        none.said = {what.number, name_state::failed, true, {}, std::strerror(errno)};
        return answered_.push_back(std::move(none));
    }
    jobs_.push_back(std::make_unique<job>(what, servers_, epoll_.get()));
}

std::vector<core::resolved> resolver::collect(poller& sources) {
    constexpr int events_max = 32;
    std::array<epoll_event, events_max> events{};
    const int count = jobs_.empty() ? 0 : ::epoll_wait(epoll_.get(), events.data(), events_max, 0);
    for (int i = 0; i < count; ++i) {
        const auto& each = events.at(static_cast<std::size_t>(i));
        const int socket = each.data.fd;
        const auto whose =
            std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& j) { return j->has(socket); });
        if (whose != jobs_.end()) (*whose)->process(socket, each.events);
    }
    auto all = std::exchange(answered_, {});
    std::erase_if(jobs_, [&](const std::unique_ptr<job>& each) {
        each->process_time();
        if (auto said = each->news()) all.push_back(*std::move(said));
        return each->is_done();
    });
    if (count < events_max) sources.drained(name_);
    return all;
}

instant resolver::due(instant now) const {
    auto when = instant::max();
    for (const auto& each : jobs_) when = std::min(when, instant{now + each->left()});
    return when;
}

bool resolver::is_server(std::string_view text) {
    if (discovery::is_numeric(text)) return true;
    const auto parsed = discovery::parse_address(text);
    return parsed && parsed->port != 0 && parsed->publish_port == 0;
}

} // namespace baton::shell
