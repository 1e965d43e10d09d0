#include "http/guard.hpp"

#include <arpa/inet.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace baton::cli {
namespace {

bool is_same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_address(std::string_view host) {
    const std::string text(host); // inet_pton wants an end
    std::array<unsigned char, 16> bytes{};
    return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

} // namespace

std::optional<std::string_view> host_of(std::string_view host_header) {
    const bool bracketed = host_header.starts_with('[');
    const auto end = bracketed ? host_header.find(']') : host_header.find(':');
    if (bracketed && end == host_header.npos) return std::nullopt;
    const auto host = bracketed ? host_header.substr(1, end - 1) : host_header.substr(0, end);
    const auto rest =
        end == host_header.npos ? std::string_view{} : host_header.substr(end + (bracketed ? 1 : 0));
    if (host.empty() || (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))))
        return std::nullopt;
    return host;
}

const char* fault_of(const request_head& head, const std::vector<std::string>& names) {
    const auto host = head.host ? host_of(*head.host) : std::nullopt;
    if (!host) return "the Host header is missing or malformed";
    const bool known = is_address(*host) || is_same_name(*host, "localhost") ||
                       std::any_of(names.begin(), names.end(),
                                   [&](const std::string& name) { return is_same_name(*host, name); });
    if (!known) return "the Host is neither an IP address nor localhost: allow it by --http-host";
    if (head.origin && !is_same_name(*head.origin, "http://" + std::string(*head.host)))
        return "the request comes from another site (Origin)";
    if (head.fetch_site && *head.fetch_site != "same-origin" && *head.fetch_site != "none")
        return "the request comes from another site (Sec-Fetch-Site): type the address into the browser";
    return nullptr;
}

bool has_token(const request_head& head, std::string_view token) {
    constexpr std::string_view scheme = "Bearer ";
    if (token.empty() || !head.authorization ||
        !is_same_name(head.authorization->substr(0, scheme.size()), scheme))
        return false;
    const auto given = head.authorization->substr(scheme.size());
    std::array<unsigned char, crypto_generichash_BYTES> a{}, b{}; // of equal length, whatever was given
    const auto hash = [](std::string_view text, auto& into) {
        crypto_generichash(into.data(), into.size(),
                           reinterpret_cast<const unsigned char*>(text.data()), // NOLINT
                           text.size(), nullptr, 0);
    };
    hash(given, a);
    hash(token, b);
    return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace baton::cli
