#include "discovery/address.hpp"

#include <algorithm>
#include <charconv>

namespace baton::discovery {

namespace {

bool is_number_up_to(std::string_view digits, unsigned most, int base) {
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return failure == std::errc{} && end == digits.data() + digits.size() && value <= most;
}

/// The number of groups in a text of up to four hexadecimal digits each; the last two may be written as IPv4.
/// nullopt if the text is anything else.
std::optional<std::size_t> groups_of(std::string_view text, bool may_end_in_ipv4) {
    std::size_t count = 0;
    while (!text.empty()) {
        const auto colon = text.find(':');
        const auto group = text.substr(0, colon);
        const bool last = colon == std::string_view::npos;
        if (last && may_end_in_ipv4 && is_ipv4(group)) return count + 2;
        if (group.empty() || group.size() > 4 || !is_number_up_to(group, 0xffff, 16)) return std::nullopt;
        ++count;
        if (last) break;
        text.remove_prefix(colon + 1);
        if (text.empty()) return std::nullopt; // a colon at the end
    }
    return count;
}

bool starts_as_link_local(std::string_view host) { // fe80::/10
    return host.size() >= 4 && (host[0] == 'f' || host[0] == 'F') && (host[1] == 'e' || host[1] == 'E') &&
           std::string_view("89abAB").find(host[2]) != std::string_view::npos && host.find(':') == 4;
}

} // namespace

std::optional<std::uint16_t> parse_port(std::string_view digits) {
    unsigned port = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure != std::errc{} || end != digits.data() + digits.size() || port == 0 || port > 65535)
        return std::nullopt;
    return static_cast<std::uint16_t>(port);
}

bool is_ipv4(std::string_view host) {
    for (int part = 0; part < 4; ++part) {
        const auto dot = host.find('.');
        if ((dot == std::string_view::npos) != (part == 3)) return false;
        const auto digits = host.substr(0, dot);
        if (digits.size() > 3 || (digits.size() > 1 && digits.front() == '0')) return false;
        if (!is_number_up_to(digits, 255, 10)) return false;
        host.remove_prefix(part == 3 ? host.size() : dot + 1);
    }
    return true;
}

bool is_ipv6(std::string_view host) {
    if (const auto percent = host.find('%'); percent != std::string_view::npos) {
        const auto zone = host.substr(percent + 1);
        if (zone.empty() || zone.size() > 15 || zone.find_first_of("%]/ ") != std::string_view::npos)
            return false;
        host = host.substr(0, percent);
        if (!starts_as_link_local(host)) return false;
    }
    const auto gap = host.find("::");
    if (gap == std::string_view::npos) return groups_of(host, true) == std::size_t{8};
    const auto before = groups_of(host.substr(0, gap), false);
    const auto after = groups_of(host.substr(gap + 2), true);
    return before && after && *before + *after <= 7;
}

bool is_link_local(std::string_view host) { return starts_as_link_local(host); }

bool is_loopback(std::string_view host) { return host.starts_with("127.") || host == "::1"; }

std::string_view zone_of(std::string_view host) {
    const auto percent = host.find('%');
    return percent == std::string_view::npos ? std::string_view{} : host.substr(percent + 1);
}

std::string_view without_zone(std::string_view host) { return host.substr(0, host.find('%')); }

std::string_view plain(std::string_view host) {
    constexpr std::string_view mapped = "::ffff:";
    const bool is_mapped = host.starts_with(mapped) && is_ipv4(host.substr(mapped.size()));
    return is_mapped ? host.substr(mapped.size()) : host;
}

std::string endpoint_of(std::string_view host, std::uint16_t port) {
    const bool brackets = host.find(':') != std::string_view::npos;
    std::string made = brackets ? "tcp://[" : "tcp://";
    made += host;
    made += brackets ? "]:" : ":";
    return made += std::to_string(port);
}

std::string host_in(std::string_view endpoint) {
    if (endpoint.starts_with("tcp://")) endpoint.remove_prefix(6);
    auto host = endpoint.substr(0, endpoint.rfind(':'));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return std::string(host);
}

std::optional<address> parse_address(std::string_view text, const address& other_ports) {
    address made{std::string(text), other_ports.port, other_ports.publish_port};
    if (is_numeric(text)) return made;
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const bool brackets = text.starts_with('[');
    if (brackets && (colon < 2 || text[colon - 1] != ']')) return std::nullopt;
    made.host = brackets ? text.substr(1, colon - 2) : text.substr(0, colon);
    if (!(brackets ? is_ipv6(made.host) : is_ipv4(made.host))) return std::nullopt;
    const auto ports = text.substr(colon + 1);
    const auto slash = ports.find('/');
    const auto port = parse_port(ports.substr(0, slash));
    if (!port) return std::nullopt;
    made.port = *port;
    if (slash == std::string_view::npos) return made;
    const auto publish_port = parse_port(ports.substr(slash + 1));
    if (!publish_port) return std::nullopt;
    made.publish_port = *publish_port;
    return made;
}

std::string to_text(const address& from) {
    if (from.port == 0) return from.host;
    auto made = endpoint_of(from.host, from.port).substr(6);
    if (from.publish_port != 0) made += '/' + std::to_string(from.publish_port);
    return made;
}

std::vector<address> parse_hosts(std::string_view text, const address& other_ports,
                                 std::string_view seen_at) {
    std::vector<address> all;
    while (!text.empty() && all.size() < addresses_max) {
        const auto blank = std::min(text.find(' '), text.size());
        auto one = parse_address(text.substr(0, blank), other_ports);
        text.remove_prefix(std::min(blank + 1, text.size()));
        if (!one) continue;
        if (is_link_local(one->host)) { // the zone in the text is that of another machine
            const auto zone = zone_of(seen_at);
            if (zone.empty()) continue;
            one->host = std::string(without_zone(one->host)) + '%' + std::string(zone);
        }
        if (std::find(all.begin(), all.end(), *one) == all.end()) all.push_back(std::move(*one));
    }
    return all;
}

} // namespace baton::discovery
