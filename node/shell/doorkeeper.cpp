#include "shell/doorkeeper.hpp"

#include "shell/threads.hpp"
#include "shell/uninterrupted.hpp"

#include <sodium.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <vector>

namespace baton::shell {

link_pair link_pair::fresh() {
    std::array<char, 41> shown{}, hidden{};
    if (zmq_curve_keypair(shown.data(), hidden.data()) != 0) throw zmq::error_t();
    link_pair made;
    const bool good = zmq_z85_decode(made.public_key.bytes.data(), shown.data()) != nullptr &&
                      zmq_z85_decode(made.secret.data(), hidden.data()) != nullptr;
    sodium_memzero(hidden.data(), hidden.size());
    if (!good) throw zmq::error_t();
    return made;
}

link_pair::~link_pair() { sodium_memzero(secret.data(), secret.size()); }

void guest_list::admit(const replica_id& id, const discovery::link_key& key) {
    const std::lock_guard lock(guard_);
    keys_[id] = key;
    owners_[key] = id;
}

void guest_list::expel(const replica_id& id) {
    const std::lock_guard lock(guard_);
    const auto at = keys_.find(id);
    if (at == keys_.end()) return;
    owners_.erase(at->second);
    keys_.erase(at);
}

replica_id guest_list::owner_of(const discovery::link_key& key) const {
    const std::lock_guard lock(guard_);
    const auto at = owners_.find(key);
    return at == owners_.end() ? replica_id{} : at->second;
}

doorkeeper::doorkeeper(zmq::context_t& context)
    : requests_(context, zmq::socket_type::router) {
    requests_.set(zmq::sockopt::linger, 0);
    uninterrupted([&] { requests_.bind("inproc://zeromq.zap.01"); });
    thread_ = start_thread([this] { run(); });
}

doorkeeper::~doorkeeper() { thread_.join(); }

void doorkeeper::open(const std::string& domain, std::shared_ptr<const guest_list> guests) {
    const std::lock_guard lock(guard_);
    domains_[domain] = std::move(guests);
}

void doorkeeper::close(const std::string& domain) {
    const std::lock_guard lock(guard_);
    domains_.erase(domain);
}

replica_id doorkeeper::judge(std::string_view domain, std::string_view key) const {
    std::shared_ptr<const guest_list> guests;
    {
        const std::lock_guard lock(guard_);
        const auto at = domains_.find(domain);
        if (at == domains_.end()) return {};
        guests = at->second;
    }
    const auto wanted = discovery::link_key::from_bytes(key);
    return wanted.is_none() ? replica_id{} : guests->owner_of(wanted);
}

// A request has an envelope of two parts and seven parts of its own: version, request id, domain, address,
// identity, mechanism, key. The socket is a ROUTER: a REP could receive nothing more after a fault in the
// middle of an answer. With a ROUTER one request is lost at most, and its client asks again.
bool doorkeeper::serve_one() {
    constexpr std::size_t envelope = 2, most = envelope + 8;
    std::vector<std::string> parts;
    for (bool more = true; more;) {
        zmq::message_t part;
        uninterrupted([&] { (void)requests_.recv(part); });
        more = part.more();
        if (parts.size() < most) parts.push_back(part.to_string());
    }
    if (parts.size() < envelope + 2) return false;
    const auto* const request = &parts[envelope];
    const bool sound = parts.size() == envelope + 7 && request[0] == "1.0" && request[5] == "CURVE";
    const auto who = sound ? judge(request[2], request[6]) : replica_id{};
    const bool in = !who.is_nil();
    const std::array<std::string, envelope + 6> reply{parts[0],
                                                      parts[1],
                                                      "1.0",
                                                      request[1],
                                                      in ? "200" : "300",
                                                      in ? "OK" : "no beacon vouches for this key",
                                                      in ? who.to_string() : std::string{},
                                                      ""};
    for (std::size_t i = 0; i < reply.size(); ++i) {
        const auto flags = i + 1 < reply.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        uninterrupted([&] { (void)requests_.send(zmq::buffer(reply[i]), flags); });
    }
    return true;
}

// Only the end of the context ends this loop: without it no new peer is admitted, and nothing would show why.
void doorkeeper::run() {
    constexpr auto rest = std::chrono::milliseconds{10}; // after a fault that may repeat at once
    for (;;) {
        try {
            (void)serve_one();
            continue;
        } catch (const zmq::error_t& failure) {
            if (failure.num() == ETERM) break;
        } catch (const std::exception&) { // out of memory
        }
        std::this_thread::sleep_for(rest);
    }
    requests_.close();
}

} // namespace baton::shell
