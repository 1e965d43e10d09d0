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

// ---------------------------------------------------------------- the table

struct row {
    std::string_view name, wanted;
    bool (*set)(std::string_view text, options& into);
};

#define BATON_OPTION(name, member)                                                                           \
    row {                                                                                                    \
        name, wanted_for<decltype(options::member)>,                                                         \
            [](std::string_view text, options& into) { return read(text, into.member); }                     \
    }
#define BATON_OPTION_OF(name, group, member)                                                                 \
    row {                                                                                                    \
        name, wanted_for<decltype(std::declval<options>().group.member)>,                                    \
            [](std::string_view text, options& into) { return read(text, into.group.member); }               \
    }

const std::array known_options{
    row{"network", "lan, loopback or wan", set_network},
    row{"log", "debug, info, warning or error", set_log},
    BATON_OPTION("name", name),
    BATON_OPTION("cluster", cluster),
    BATON_OPTION("host", host),
    BATON_OPTION("port", port),
    BATON_OPTION("publish-port", publish_port),
    BATON_OPTION("seed", seeds),
    BATON_OPTION("advertise", advertise),
    BATON_OPTION("dns-server", dns_servers),
    row{"no-peer-exchange", "true or false",
        [](std::string_view text, options& into) { return set_off(text, into.exchange_peers); }},
    row{"no-beacon", "true or false",
        [](std::string_view text, options& into) { return set_off(text, into.beacon.enabled); }},
    BATON_OPTION_OF("beacon-port", beacon, port),
    BATON_OPTION_OF("group", beacon, group),
    BATON_OPTION_OF("group-ipv6", beacon, group_ipv6),
    BATON_OPTION_OF("interface", beacon, interfaces),
    BATON_OPTION_OF("exclude-interface", beacon, interfaces_excluded),
    BATON_OPTION("wait-for-interface", wait_for_interface),
    BATON_OPTION_OF("chunk-bytes", limits, chunk_bytes_max),
    BATON_OPTION_OF("redial-for", liveness, redial_for),
    BATON_OPTION("leave-within", leave_within),
    BATON_OPTION_OF("key-file", security, key_file),
    BATON_OPTION("spill-dir", spill_dir),
    BATON_OPTION("spill-dir-optional", spill_dir_optional),
    BATON_OPTION("keep-spills", keep_spills),
    BATON_OPTION("accept-keyless-spills", accept_keyless_spills),
    BATON_OPTION("alone-after", alone_after),
    BATON_OPTION("mesh-size", mesh_size),
    BATON_OPTION("founding", founding),
    BATON_OPTION("destructor-leave-within", destructor_leave_within),
    BATON_OPTION_OF("bytes-max", limits, bytes_max),
    BATON_OPTION_OF("events-max", limits, events_max),
};

#undef BATON_OPTION
#undef BATON_OPTION_OF

} // namespace

result<options> options_of(std::span<const named_value> all) {
    auto made = options::lan();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto name = all[i].first, value = all[i].second;
        const auto* const found = std::find_if(known_options.begin(), known_options.end(),
                                               [&](const row& each) { return each.name == name; });
        if (found == known_options.end())
            return error{errc::bad_option, '"' + std::string(name) + "\" is not an option of a node"};
        if (name == "network" && i != 0)
            return error{errc::bad_option, "network must be the first option: it sets all others"};
        if (!found->set(value, made))
            return error{errc::bad_option, std::string(name) + ": \"" + std::string(value) + "\" is not " +
                                               std::string(found->wanted)};
    }
    return made;
}

std::vector<std::string_view> option_names() {
    std::vector<std::string_view> all;
    all.reserve(std::size(known_options));
    for (const auto& each : known_options) all.push_back(each.name);
    return all;
}

} // namespace baton::c
