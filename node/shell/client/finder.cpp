#include "shell/client/finder.hpp"

#include "discovery/address.hpp"
#include "discovery/seal.hpp"
#include "discovery/search.hpp"
#include "shell/interfaces.hpp"
#include "shell/security.hpp"
#include "wire/client_frame.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t candidates_max = 64;
constexpr auto ask_first = 20ms, ask_at_most = 500ms;
/// A seed that neither answers nor refuses by UDP may be a door behind a firewall.
constexpr auto search_alone_for = 250ms;

struct list_owner {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// Connected, and asked; none if the name has no address, or the system refuses at once.
descriptor ask_seed(const std::string& endpoint, std::string_view question) {
    const auto colon = endpoint.rfind(':');
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_DGRAM;
    if (::getaddrinfo(discovery::host_in(endpoint).c_str(), endpoint.substr(colon + 1).c_str(), &hints,
                      &list) != 0)
        return descriptor();
    const std::unique_ptr<addrinfo, list_owner> owner(list);
    descriptor made(::socket(list->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.get() < 0 || ::connect(made.get(), list->ai_addr, list->ai_addrlen) != 0 ||
        ::send(made.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0)
        return descriptor();
    return made;
}

/// Nobody listens there by UDP: it is no member, so it may be a door.
bool is_refused(const descriptor& asked) {
    if (asked.get() < 0) return true;
    char byte = 0;
    return ::recv(asked.get(), &byte, 1, MSG_DONTWAIT) < 0 && errno == ECONNREFUSED;
}

std::uint16_t port_of(int fd) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&bound);
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&bound);
    return ntohs(bound.ss_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

} // namespace

result<finder> finder::open(const client_options& settings, const std::optional<client_key>& key) {
    finder made;
    made.settings_ = settings;
    if (key) made.seal_ = key->search();
    made.nonce_ = random_bytes(16);
    for (auto each : settings.seeds) {
        if (each.starts_with("tcp://")) each.erase(0, 6);
        const auto parsed = discovery::parse_named(each);
        if (!parsed || parsed->port == 0)
            return error{errc::bad_seed, "seed '" + each + "' is not HOST:PORT"};
        made.seeds_.push_back({discovery::endpoint_of(parsed->host, parsed->port), descriptor(), false});
    }
    if (auto opened = unicast_socket::open(settings.host, 0)) {
        made.port_ = port_of(opened->fd());
        made.answers_.emplace(std::move(*opened));
    }
    if (settings.seeds.empty() && settings.search) {
        options like;
        like.host = settings.host;
        like.beacon = settings.beacon;
        auto usable = usable_interfaces(like);
        if (!usable) return usable.error();
        if (auto opened = beacon_socket::open(settings.beacon, *usable))
            made.beacons_.emplace(std::move(*opened));
    }
    made.since_ = clock::now();
    return made;
}

std::vector<int> finder::descriptors() const {
    std::vector<int> all;
    if (answers_) all.push_back(answers_->fd());
    for (const auto& each : seeds_) {
        if (!each.tried && each.asked.get() >= 0) all.push_back(each.asked.get());
    }
    return all;
}

void finder::ask(clock::time_point now) {
    const auto wait =
        std::min<std::chrono::milliseconds>(ask_first * (1U << std::min(asked_, 6U)), ask_at_most);
    ask_at_ = now + wait;
    ++asked_;
    auto question = discovery::encode(discovery::search_question{settings_.cluster, wire::client::version_min,
                                                                 wire::client::version_max, nonce_, port_});
    if (seal_) discovery::seal(question, discovery::purpose::search, *seal_);
    if (beacons_) (void)beacons_->send(question);
    for (auto& each : seeds_) {
        if (!each.tried) each.asked = ask_seed(each.endpoint, question);
    }
}

void finder::look(clock::time_point now) {
    if (answers_) {
        answers_->receive(64, [this](std::string_view host, const std::string&, std::string_view bytes) {
            read(host, bytes);
        });
    }
    if (beacons_) beacons_->receive(64, [](std::string_view, std::string_view) {}); // what others say to all
    if (now >= ask_at_) ask(now);
    for (auto& each : seeds_) {
        if (each.tried || (!is_refused(each.asked) && now < since_ + search_alone_for)) continue;
        each.tried = true;
        each.asked = descriptor();
        offer(each.endpoint);
    }
}

void finder::read(std::string_view host, std::string_view bytes) {
    if (seal_) {
        const discovery::keyring ring({*seal_});
        const auto opened = discovery::unseal(bytes, discovery::purpose::found, ring);
        if (opened.why != discovery::unsealed::fault::none) return;
        bytes = opened.payload;
    }
    const auto said = discovery::decode_answer(bytes);
    if (!said || said->nonce != nonce_ || said->cluster != settings_.cluster) return;
    for (auto& each : seeds_) { // it was a member
        if (discovery::host_in(each.endpoint) == host && !is_refused(each.asked)) each.tried = true;
    }
    offer(discovery::endpoint_of(host, said->door));
}

void finder::offer(const std::string& endpoint) {
    found_ = true;
    if (std::find(doors_.begin(), doors_.end(), endpoint) != doors_.end() || doors_.size() >= candidates_max)
        return;
    doors_.push_back(endpoint);
    untried_.push_back(endpoint);
}

void finder::learn(std::string_view doors) {
    while (!doors.empty()) {
        const auto end = std::min(doors.find(' '), doors.size());
        const auto each = doors.substr(0, end);
        if (each.starts_with("tcp://")) offer(std::string(each));
        doors.remove_prefix(std::min(end + 1, doors.size()));
    }
}

std::optional<std::string> finder::next() {
    if (untried_.empty()) return std::nullopt;
    auto one = std::move(untried_.front());
    untried_.pop_front();
    return one;
}

bool finder::knows_others(const std::string& than) const {
    return std::any_of(doors_.begin(), doors_.end(), [&](const auto& each) { return each != than; });
}

void finder::forget(const std::string& door) { std::erase(doors_, door); }

void finder::begin_again(const std::string& first) {
    untried_.assign(doors_.begin(), doors_.end());
    const auto at = std::find(untried_.begin(), untried_.end(), first);
    if (at != untried_.end()) std::rotate(untried_.begin(), at, at + 1);
    since_ = clock::now();
    asked_ = 0;
    ask_at_ = since_; // before the next look at what the seeds have answered
    for (auto& each : seeds_) each.tried = false;
}

} // namespace baton::shell
