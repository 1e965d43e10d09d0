// name_server: a name service on loopback, by UDP, whose answers a test sets. A thread of its own answers.
#pragma once

#include "mesh.hpp"
#include "support/catch.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace io {

class name_server {
  public:
    struct service {
        std::string target;
        std::uint16_t port;
    };
    struct records {
        std::vector<std::string> v4, v6;
        std::vector<service> services{};
        bool silent_v6 = false; ///< AAAA is never answered
    };

    name_server()
        : port_(free_port(SOCK_DGRAM))
        , socket_(SOCK_DGRAM, port_)
        , thread_([this] { answer(); }) {}
    name_server(const name_server&) = delete;
    ~name_server() {
        over_ = true;
        thread_.join();
    }
    /// The value for options::dns_servers.
    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// Names that are not set do not exist.
    void set(const std::string& name, records all) {
        const std::scoped_lock lock{mutex_};
        names_[name] = std::move(all);
    }
    void forget(const std::string& name) {
        const std::scoped_lock lock{mutex_};
        names_.erase(name);
    }
    void be_silent(bool on) { silent_ = on; }
    [[nodiscard]] std::size_t questions() const { return questions_; }

  private:
    enum type : std::uint16_t { a = 1, aaaa = 28, srv = 33 };

    void answer() {
        while (!over_) {
            pollfd wait{socket_.fd(), POLLIN, 0};
            if (poll(&wait, 1, 20) <= 0) continue;
            std::array<char, 1500> bytes{};
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const auto got = recvfrom(socket_.fd(), bytes.data(), bytes.size(), 0,
                                      reinterpret_cast<sockaddr*>(&from), &size);
            if (got < 17) continue;
            ++questions_;
            if (silent_) continue;
            const auto said = reply({bytes.data(), static_cast<std::size_t>(got)});
            if (said.empty()) continue;
            sendto(socket_.fd(), said.data(), said.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
        }
    }
    static void put(std::string& into, std::uint16_t number) {
        into += static_cast<char>(number >> 8);
        into += static_cast<char>(number & 0xff);
    }
    static std::string labels(std::string_view name) {
        std::string made;
        while (!name.empty()) {
            const auto label = name.substr(0, name.find('.'));
            made += static_cast<char>(label.size());
            made += label;
            name.remove_prefix(std::min(label.size() + 1, name.size()));
        }
        return made + '\0';
    }
    std::string reply(std::string_view question) {
        std::string name;
        std::size_t at = 12;
        for (std::size_t length = 0;
             at < question.size() && (length = static_cast<unsigned char>(question[at])) != 0;) {
            if (at + 1 + length >= question.size()) return {};
            name += (name.empty() ? "" : ".") + std::string(question.substr(at + 1, length));
            at += length + 1;
        }
        if (at + 5 > question.size()) return {};
        const auto wanted = static_cast<std::uint16_t>(static_cast<unsigned char>(question[at + 1]) << 8 |
                                                       static_cast<unsigned char>(question[at + 2]));
        std::vector<std::string> found;
        bool known = false;
        {
            const std::scoped_lock lock{mutex_};
            const auto one = names_.find(name);
            known = one != names_.end();
            if (known && wanted == aaaa && one->second.silent_v6) return {};
            if (known) found = data(wanted, one->second);
        }
        std::string made(question.substr(0, 2));
        put(made, known ? 0x8180 : 0x8183);
        put(made, 1), put(made, static_cast<std::uint16_t>(found.size())), put(made, 0), put(made, 0);
        made += question.substr(12, at + 5 - 12);
        for (const auto& each : found) {
            put(made, 0xc00c), put(made, wanted), put(made, 1), put(made, 0), put(made, 5); // five seconds
            put(made, static_cast<std::uint16_t>(each.size()));
            made += each;
        }
        return made;
    }
    static std::vector<std::string> data(std::uint16_t wanted, const records& of) {
        std::vector<std::string> all;
        const auto add = [&](int family, const std::vector<std::string>& texts, std::size_t bytes) {
            for (const auto& text : texts) {
                std::string raw(bytes, '\0');
                inet_pton(family, text.c_str(), raw.data());
                all.push_back(raw);
            }
        };
        if (wanted == a) add(AF_INET, of.v4, 4);
        if (wanted == aaaa) add(AF_INET6, of.v6, 16);
        for (const auto& each : of.services) {
            if (wanted != srv) break;
            std::string one;
            put(one, 0), put(one, 0), put(one, each.port);
            all.push_back(one + labels(each.target));
        }
        return all;
    }

    const std::uint16_t port_;
    const socket_holder socket_;
    std::mutex mutex_;
    std::map<std::string, records> names_;
    std::atomic<bool> over_{false}, silent_{false};
    std::atomic<std::size_t> questions_{0};
    std::thread thread_; ///< the last: it uses the others
};

} // namespace io
