#include "discovery/names.hpp"

#include <algorithm>

namespace baton::discovery {

namespace {

bool is_label_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void add_new(std::vector<address>& into, const std::vector<address>& more) {
    for (const auto& each : more) {
        if (std::find(into.begin(), into.end(), each) == into.end()) into.push_back(each);
    }
}

} // namespace

bool is_name(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    if (text.empty() || text.size() > 253) return false;
    std::string_view label;
    while (true) {
        const auto dot = text.find('.');
        label = text.substr(0, dot);
        if (label.empty() || label.size() > 63 || label.front() == '-') return false;
        if (!std::all_of(label.begin(), label.end(), is_label_char)) return false;
        if (dot == std::string_view::npos) break;
        text.remove_prefix(dot + 1);
    }
    return label.find_first_not_of("0123456789") != std::string_view::npos;
}

std::optional<seed_name> parse_seed(std::string_view text) {
    if (text.starts_with("tcp://")) text.remove_prefix(6);
    constexpr std::string_view protocol = "._tcp.";
    const auto domain = text.find(protocol);
    const bool service =
        text.starts_with('_') && domain != std::string_view::npos && domain + protocol.size() < text.size();
    if (service && is_name(text)) return seed_name{std::string(text), std::string(text), 0};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    auto host = text.substr(0, colon);
    const auto port = parse_port(text.substr(colon + 1));
    if (!port) return std::nullopt;
    const bool brackets = host.starts_with('[') && host.ends_with(']');
    if (brackets) host = host.substr(1, host.size() - 2);
    const bool good = brackets ? is_ipv6(host) : is_ipv4(host) || is_name(host);
    if (!good) return std::nullopt;
    return seed_name{std::string(text), std::string(host), *port};
}

std::optional<address> parse_named(std::string_view text, const address& other_ports) {
    if (auto numeric = parse_address(text, other_ports)) return numeric;
    const auto colon = text.find(':');
    const auto host = text.substr(0, colon);
    if (!is_name(host)) return std::nullopt;
    if (colon == std::string_view::npos)
        return address{std::string(host), other_ports.port, other_ports.publish_port};
    // Only the ports matter here, so any address will do.
    auto made = parse_address("0.0.0.0" + std::string(text.substr(colon)), other_ports);
    if (made) made->host = host;
    return made;
}

std::uint32_t name_book::add(std::string name, bool service, instant now) {
    for (std::uint32_t number = 0; number < entries_.size(); ++number) {
        if (entries_[number].name == name && entries_[number].service == service) return number;
    }
    auto& made = entries_.emplace_back();
    made.name = std::move(name);
    made.service = service;
    made.ask_at = now;
    return static_cast<std::uint32_t>(entries_.size() - 1);
}

std::optional<name_book::question> name_book::next(instant now) {
    for (std::uint32_t number = 0; number < entries_.size(); ++number) {
        auto& e = entries_[number];
        if (e.asking || now < e.ask_at) continue;
        e.asking = true;
        e.asked_at = now;
        e.coming.clear();
        return question{number, e.name, e.service};
    }
    return std::nullopt;
}

bool name_book::answered(const name_answer& said, instant now, std::uint64_t chance) {
    if (said.number >= entries_.size() || !entries_[said.number].asking) return false;
    auto& e = entries_[said.number];
    add_new(e.coming, said.found);
    const auto before = e.addresses;
    // Known addresses keep their places, so that the limit always keeps the same ones.
    auto now_known = before;
    const bool whole = said.last && said.how != name_state::failed;
    if (whole) {
        std::erase_if(now_known, [&](const address& each) {
            return std::find(e.coming.begin(), e.coming.end(), each) == e.coming.end();
        });
    }
    add_new(now_known, e.coming);
    const bool too_many = now_known.size() > addresses_max;
    if (too_many) now_known.resize(addresses_max);
    const bool differs = now_known != before;
    e.addresses = std::move(now_known);
    if (!said.last) return differs;

    const auto was = e.how;
    e.asking = false;
    e.how = too_many && whole ? name_state::failed : said.how;
    e.why = too_many && whole ? "it has more addresses than this node tries" : said.why;
    const bool news = differs || e.how != was;
    e.every = news ? ask_first : std::min<mesh_clock::duration>(2 * e.every, ask_last);
    e.ask_at = now + e.every * static_cast<std::int64_t>(75 + chance % 50) / 100;
    return differs;
}

void name_book::hurry(instant now, std::uint64_t chance) {
    const auto soon = now + std::chrono::milliseconds{chance % hurried_within.count()};
    for (auto& e : entries_) {
        e.every = ask_first;
        const bool asked_before = e.asked_at != instant{};
        e.ask_at = std::min(e.ask_at, asked_before ? std::max<instant>(soon, e.asked_at + ask_first) : soon);
    }
}

instant name_book::due() const {
    auto when = instant::max();
    for (const auto& e : entries_) {
        if (!e.asking) when = std::min(when, e.ask_at);
    }
    return when;
}

} // namespace baton::discovery
