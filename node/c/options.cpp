#include "options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>

namespace baton::c {

namespace {

using std::chrono::milliseconds;

// ---------------------------------------------------------------- values

bool read(std::string_view text, std::string& into) {
    into = text;
    return true;
}

bool read(std::string_view text, std::vector<std::string>& into) {
    into.emplace_back(text);
    return true;
}

bool read(std::string_view text, bool& into) {
    into = text == "true" || text == "1" || text == "on" || text == "yes";
    return into || text == "false" || text == "0" || text == "off" || text == "no";
}

template <std::unsigned_integral Number>
bool read(std::string_view text, Number& into) {
    const auto* const end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, into);
    return fault == std::errc{} && stop == end;
}

template <class Number>
bool read(std::string_view text, std::optional<Number>& into) { // 0: none
    Number given{};
    if (!read(text, given)) return false;
    if (given != 0) into = given;
    return true;
}

template <class Period>
bool read(std::string_view text, std::chrono::duration<std::int64_t, Period>& into) {
    constexpr double year_ms = 365.0 * 24 * 3600 * 1000;
    constexpr std::array<std::pair<std::string_view, double>, 4> units{
        {{"ms", 1.0}, {"s", 1000.0}, {"m", 60'000.0}, {"h", 3'600'000.0}}};
    double number = 0;
    if (text.empty() || text.front() < '0' || text.front() > '9') return false; // no sign, no "inf"
    const auto [end, fault] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (fault != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    for (const auto& [unit, factor] : units) {
        if (text != unit || number * factor > year_ms) continue;
        into = std::chrono::ceil<std::chrono::duration<std::int64_t, Period>>(
            milliseconds{std::llround(number * factor)});
        return true;
    }
    return false;
}

constexpr std::string_view a_time = "a time such as 250ms, 1.5s, 1m or 2h";
template <class T>
constexpr std::string_view wanted_for = "text";
template <>
constexpr std::string_view wanted_for<bool> = "true or false";
template <std::unsigned_integral T>
constexpr std::string_view wanted_for<T> = "a whole number that is not too large";
template <class T>
constexpr std::string_view wanted_for<std::optional<T>> = "a whole number that is not too large";
template <class Period>
constexpr std::string_view wanted_for<std::chrono::duration<std::int64_t, Period>> = a_time;

// ---------------------------------------------------------------- special ones

bool set_network(std::string_view text, options& into) {
    if (text != "lan" && text != "loopback" && text != "wan") return false;
    into = text == "lan" ? options::lan() : text == "wan" ? options::wan() : options::loopback();
    return true;
}

bool set_off(std::string_view text, bool& into) {
    bool off = false;
    if (!read(text, off)) return false;
    into = !off;
    return true;
}

bool set_log(std::string_view text, options& into) {
    constexpr std::array<std::string_view, 4> levels{"debug", "info", "warning", "error"};
    const auto at = std::find(levels.begin(), levels.end(), text);
    if (at == levels.end()) return false;
    into.log = [least = static_cast<log_level>(at - levels.begin())](log_level level, std::string_view line) {
        if (level < least) return;
        const auto whole = "baton: " + std::string(line) + '\n';
        (void)std::fwrite(whole.data(), 1, whole.size(), stderr);
    };
    return true;
}

bool set_key(std::string_view text, client_options& into) {
    into.key = client_key::from_text(text);
    return into.key.has_value();
}

// ---------------------------------------------------------------- the tables

template <class Options>
struct row {
    std::string_view name, wanted;
    bool (*set)(std::string_view text, Options& into);
    bool is_secret = false; ///< the value is in no message
};
using node_row = row<options>;
using client_row = row<client_options>;

#define BATON_OPTION(of, name, member)                                                                       \
    row<of> {                                                                                                \
        name, wanted_for<decltype(of::member)>,                                                              \
            [](std::string_view text, auto& into) { return read(text, into.member); }                        \
    }
#define BATON_OPTION_OF(of, name, group, member)                                                             \
    row<of> {                                                                                                \
        name, wanted_for<decltype(std::declval<of>().group.member)>,                                         \
            [](std::string_view text, auto& into) { return read(text, into.group.member); }                  \
    }

const std::array known_options{
    node_row{"network", "lan, loopback or wan", set_network},
    node_row{"log", "debug, info, warning or error", set_log},
    BATON_OPTION(options, "name", name),
    BATON_OPTION(options, "cluster", cluster),
    BATON_OPTION(options, "host", host),
    BATON_OPTION(options, "port", port),
    BATON_OPTION(options, "publish-port", publish_port),
    BATON_OPTION(options, "seed", seeds),
    BATON_OPTION(options, "advertise", advertise),
    BATON_OPTION(options, "dns-server", dns_servers),
    node_row{"no-peer-exchange", "true or false",
             [](std::string_view text, options& into) { return set_off(text, into.exchange_peers); }},
    node_row{"no-beacon", "true or false",
             [](std::string_view text, options& into) { return set_off(text, into.beacon.enabled); }},
    BATON_OPTION_OF(options, "beacon-port", beacon, port),
    BATON_OPTION_OF(options, "group", beacon, group),
    BATON_OPTION_OF(options, "group-ipv6", beacon, group_ipv6),
    BATON_OPTION_OF(options, "interface", beacon, interfaces),
    BATON_OPTION_OF(options, "exclude-interface", beacon, interfaces_excluded),
    BATON_OPTION(options, "wait-for-interface", wait_for_interface),
    node_row{"clients", wanted_for<bool>,
             [](std::string_view text, options& into) { return read(text, into.clients.enabled.emplace()); }},
    node_row{
        "no-clients", wanted_for<bool>,
        [](std::string_view text, options& into) { return set_off(text, into.clients.enabled.emplace()); }},
    BATON_OPTION_OF(options, "clients-port", clients, port),
    BATON_OPTION_OF(options, "chunk-bytes", limits, chunk_bytes_max),
    BATON_OPTION_OF(options, "redial-for", liveness, redial_for),
    BATON_OPTION(options, "leave-within", leave_within),
    BATON_OPTION_OF(options, "key-file", security, key_file),
    BATON_OPTION(options, "spill-dir", spill_dir),
    BATON_OPTION(options, "spill-dir-optional", spill_dir_optional),
    BATON_OPTION(options, "keep-spills", keep_spills),
    BATON_OPTION(options, "accept-keyless-spills", accept_keyless_spills),
    BATON_OPTION(options, "alone-after", alone_after),
    BATON_OPTION(options, "mesh-size", mesh_size),
    BATON_OPTION(options, "founding", founding),
    BATON_OPTION(options, "destructor-leave-within", destructor_leave_within),
    BATON_OPTION_OF(options, "bytes-max", limits, bytes_max),
    BATON_OPTION_OF(options, "events-max", limits, events_max),
};

const std::array known_client_options{
    BATON_OPTION(client_options, "name", name),
    BATON_OPTION(client_options, "cluster", cluster),
    BATON_OPTION(client_options, "seed", seeds),
    client_row{"no-search", wanted_for<bool>,
               [](std::string_view text, client_options& into) { return set_off(text, into.search); }},
    BATON_OPTION(client_options, "host", host),
    BATON_OPTION_OF(client_options, "beacon-port", beacon, port),
    BATON_OPTION_OF(client_options, "group", beacon, group),
    BATON_OPTION_OF(client_options, "group-ipv6", beacon, group_ipv6),
    BATON_OPTION_OF(client_options, "interface", beacon, interfaces),
    BATON_OPTION_OF(client_options, "exclude-interface", beacon, interfaces_excluded),
    client_row{"key", "a client key, as client_key::to_text() writes it", set_key, true},
    BATON_OPTION(client_options, "key-file", key_file),
    BATON_OPTION(client_options, "reach-within", reach_within),
    BATON_OPTION(client_options, "patience", patience),
    BATON_OPTION(client_options, "search-within", search_within),
};

#undef BATON_OPTION
#undef BATON_OPTION_OF

/// Sets one option. Errors: bad_option.
template <class Options, std::size_t Count>
result<void> set(const std::array<row<Options>, Count>& table, std::string_view whose, const named_value& one,
                 Options& into) {
    const auto name = one.first, value = one.second;
    const auto* const found =
        std::find_if(table.begin(), table.end(), [&](const auto& each) { return each.name == name; });
    if (found == table.end())
        return error{errc::bad_option,
                     '"' + std::string(name) + "\" is not an option of a " + std::string(whose)};
    if (found->set(value, into)) return {};
    const auto shown = found->is_secret ? std::string("the value") : '"' + std::string(value) + '"';
    return error{errc::bad_option,
                 std::string(name) + ": " + shown + " is not " + std::string(found->wanted)};
}

} // namespace

result<options> options_of(std::span<const named_value> all) {
    auto made = options::lan();
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].first == "network" && i != 0)
            return error{errc::bad_option, "network must be the first option: it sets all others"};
        if (const auto good = set(known_options, "node", all[i], made); !good) return good.error();
    }
    return made;
}

result<client_options> client_options_of(std::span<const named_value> all) {
    client_options made;
    for (const auto& each : all)
        if (const auto good = set(known_client_options, "client", each, made); !good) return good.error();
    return made;
}

std::vector<std::string_view> option_names() {
    std::vector<std::string_view> all;
    all.reserve(std::size(known_options));
    for (const auto& each : known_options) all.push_back(each.name);
    return all;
}

} // namespace baton::c
