// guard: which requests the HTTP pages answer. A browser on this machine or in this network visits foreign
// sites, and those must not read the mesh through it.
//
// Pure. Source: DNS rebinding (Jackson et al. 2007): only the Host header shows which name led the browser
// here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// The headers that decide; nullopt: not there.
struct request_head {
    std::optional<std::string_view> host{}, origin{}, fetch_site{}, authorization{};
};

/// The host of "HOST" or "HOST:PORT", without the brackets of an IPv6 address; nullopt: it is neither.
[[nodiscard]] std::optional<std::string_view> host_of(std::string_view host_header);

/// Why the request is refused; nullptr: it is not. The Host must be an IP address, `localhost` or one of
/// `names`. An Origin must be that of the Host, and Sec-Fetch-Site must be `same-origin` or `none`.
[[nodiscard]] const char* fault_of(const request_head& head, const std::vector<std::string>& names);

/// "Bearer TOKEN" with that token, compared in constant time.
[[nodiscard]] bool has_token(const request_head& head, std::string_view token);

} // namespace baton::cli
