#include "session.hpp"

#include <algorithm>
#include <charconv>

namespace baton::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

double seconds_since(steady_clock::time_point start) {
    return std::chrono::duration<double>(steady_clock::now() - start).count();
}

std::uint64_t number(std::string_view what, std::string_view text) {
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value);
    if (fault != std::errc{} || stop != end)
        throw refusal{"usage", std::string{what} + " '" + std::string{text} + "' is not a whole number"};
    return value;
}

/// Printable text that depends on `key` alone (splitmix64 from an FNV-1a hash of it), so that digests mean
/// something.
std::string generated_value(std::string_view key, std::size_t bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::uint64_t state = 0xcbf29ce484222325;
    for (const char c : key) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    std::string value(bytes, '\0');
    std::uint64_t random = 0;
    for (std::size_t at = 0; at < bytes; ++at, random >>= 6) {
        if (at % 10 == 0) { // ten digits of six bits
            state += 0x9e3779b97f4a7c15;
            random = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9;
            random = (random ^ (random >> 27)) * 0x94d049bb133111eb;
            random ^= random >> 31;
        }
        value[at] = alphabet[random & 63];
    }
    return value;
}

std::string generated_key(std::string_view prefix, std::uint64_t index) {
    constexpr std::size_t digits = 16; // with the default prefix: keys of 20 bytes
    auto text = std::to_string(index);
    return std::string{prefix} + std::string(digits - std::min(digits, text.size()), '0') + text;
}

} // namespace

struct session::command {
    std::string_view name;
    std::string_view arguments;
    json (session::*run)(std::string_view rest);
};

const session::command session::commands[] = {
    {"stash", " KEY VALUE [copies=N|majority|all] [within=DUR] [ttl=DUR]", &session::stash},
    {"load", " COUNT BYTES [PREFIX]", &session::load},
    {"pickup", " KEY [within=DUR] [until=known]", &session::pickup},
    {"claim", " KEY [within=DUR] [lease=DUR]", &session::claim},
    {"commit", " KEY VALUE", &session::commit},
    {"release", " KEY", &session::release},
    {"drop", " KEY", &session::drop},
    {"add", " KEY N", &session::add},
    {"count", " KEY", &session::count},
    {"insert", " KEY ELEMENT", &session::insert},
    {"erase", " KEY ELEMENT", &session::erase},
    {"elements", " KEY", &session::elements},
    {"set-field", " KEY FIELD VALUE", &session::set_field},
    {"erase-field", " KEY FIELD", &session::erase_field},
    {"field", " KEY FIELD", &session::field},
    {"fields", " KEY", &session::fields},
    {"enable", " KEY", &session::enable},
    {"disable", " KEY", &session::disable},
    {"enabled", " KEY", &session::enabled},
    {"keys", " [PREFIX]", &session::keys},
    {"digest", "", &session::digest},
    {"members", "", &session::members},
    {"stats", " [prometheus]", &session::stats},
    {"wait-synced", " DUR", &session::wait_synced},
    {"watch", " PREFIX", &session::watch},
    {"unwatch", " PREFIX", &session::unwatch},
    {"key-install", " KEY", &session::key_install},
    {"key-use", " ID", &session::key_use},
    {"key-remove", " ID", &session::key_remove},
    {"keys-installed", "", &session::keys_installed},
    {"leave", " [DUR]", &session::leave},
};

std::string session::help() {
    std::string text;
    for (const auto& known : commands)
        text.append("  ").append(known.name).append(known.arguments).append("\n");
    return text;
}

json session::answer(std::string_view line) {
    const auto given = parse_command(line);
    if (given.name.empty() && !given.id) return json::object();
    json reply{{"reply", given.name}};
    if (given.id) reply["id"] = *given.id;
    try {
        const auto* known = std::ranges::find(commands, given.name, &command::name);
        if (known == std::end(commands))
            throw refusal{"unknown_command", "'" + given.name + "' is not a command of this version"};
        reply.update((this->*known->run)(given.rest));
    } catch (const refusal& no) {
        reply["error"] = no.error;
        reply["detail"] = no.detail;
    }
    return reply;
}

json session::stash(std::string_view rest) {
    const auto args = parse_stash(rest);
    auto pending = node_.stash_async(args.key, typed(args.value, hex_), args.how);
    while (pending.wait_for(slice) != std::future_status::ready) {
        if (stop_.stopping()) return {{"key", args.key}, {"copies", 1}, {"met", false}}; // it is written
    }
    const auto done = need(pending.get());
    return {{"key", args.key}, {"copies", done.copies}, {"met", done.met}};
}

json session::load(std::string_view rest) {
    words args{rest};
    const auto count = number("COUNT", args.next("COUNT"));
    const auto bytes = number("BYTES", args.next("BYTES"));
    const auto prefix = args.maybe().value_or("key-");
    args.end();
    constexpr std::uint64_t bytes_max = std::uint64_t{64} << 20; // the node's own limit answers below it
    if (bytes > bytes_max)
        throw refusal{"value_too_long", "BYTES " + std::to_string(bytes) + " is over 64 MiB"};

    const auto start = steady_clock::now();
    std::uint64_t stashed = 0;
    for (; stashed < count && !stop_.stopping(); ++stashed) {
        const auto key = generated_key(prefix, stashed);
        need(node_.stash(key, generated_value(key, bytes)));
    }
    return {{"count", stashed}, {"seconds", seconds_since(start)}};
}

json session::pickup(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    milliseconds within{0};
    auto until = pickup_until::found;
    while (const auto option = args.maybe()) {
        if (option->starts_with("within=")) {
            within = duration_of(std::string_view{*option}.substr(7));
        } else if (*option == "until=known") {
            until = pickup_until::known;
        } else {
            throw refusal{"usage", "'" + *option + "' is neither within=DUR nor until=known"};
        }
    }

    // In a thread of its own, so that a signal is noticed meanwhile; it ends when the node has left.
    auto pending =
        std::async(within.count() == 0 ? std::launch::deferred : std::launch::async,
                   [this, key, how = pickup_options{within, until}] { return node_.pickup(key, how); });
    while (pending.wait_for(slice) == std::future_status::timeout) {
        if (!stop_.stopping()) continue;
        unfinished_.push_back(std::move(pending));
        throw refusal{"leaving", "the program is asked to end"};
    }
    json reply{{"key", key}};
    reply.update(to_json(need(pending.get()), hex_));
    return reply;
}

json session::drop(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    args.end();
    const bool was_there = need(node_.drop(key));
    return {{"key", key}, {"dropped", was_there}};
}

json session::keys(std::string_view rest) {
    words args{rest};
    const auto prefix = args.maybe().value_or("");
    args.end();
    return {{"keys", node_.keys(prefix)}};
}

json session::digest(std::string_view rest) {
    words{rest}.end();
    json cut = json::array();
    for (const auto& entry : node_.cut()) cut.push_back(entry.to_string());
    json reply{{"keys", node_.stats().keys}, {"digest", nullptr}, {"cut", std::move(cut)}};
    if (auto digest = node_.digest()) reply["digest"] = *std::move(digest);
    return reply;
}

json session::members(std::string_view rest) {
    words{rest}.end();
    json list = json::array();
    for (const auto& who : node_.members()) list.push_back(to_json(who));
    return {{"members", std::move(list)}};
}

json session::stats(std::string_view rest) {
    words args{rest};
    const auto form = args.maybe();
    args.end();
    const auto now = node_.stats();
    if (form == "prometheus") return {{"prometheus", to_prometheus(now, node_.name())}};
    if (form) throw refusal{"usage", "'" + *form + "' is not prometheus"};
    json all;
    for (const auto& each : all_stats()) all[std::string(each.name)] = now.*each.value;
    json by_reason = json::object();
    for (const auto& [reason, count] : now.refused_by_reason) by_reason[reason] = count;
    all["refused_by_reason"] = std::move(by_reason);
    return all;
}

json session::wait_synced(std::string_view rest) {
    words args{rest};
    const auto within = duration_of(args.next("DUR"));
    args.end();
    const auto start = steady_clock::now();
    bool synced = false;
    for (;;) {
        const auto left = std::chrono::ceil<milliseconds>(start + within - steady_clock::now());
        synced = node_.wait_synced(std::clamp(left, milliseconds{0}, slice));
        if (synced || left <= slice || stop_.stopping()) break;
    }
    return {{"synced", synced}, {"seconds", seconds_since(start)}};
}

json session::leave(std::string_view rest) {
    words args{rest};
    leave_options how;
    if (const auto within = args.maybe()) how.within = duration_of(*within);
    args.end();
    const auto report = need(node_.leave(how));
    left_ = report.outcome;
    watches_.clear(); // the reply is the last word
    return {
        {"outcome", to_string(report.outcome)},
        {"copies", report.copies},
        {"unsafe", report.unsafe_keys}, // the first 1,000
        {"unsafe_count", report.unsafe},
        {"spilled", report.path.empty() ? json(nullptr) : json(report.path)},
        {"spill_error", report.spill_error.empty() ? json(nullptr) : json(report.spill_error)},
        {"seconds", std::chrono::duration<double>(report.took).count()},
    };
}

json to_json(const member& who) {
    return {{"name", who.name},         {"id", who.id.to_string()}, {"state", to_string(who.state)},
            {"endpoint", who.endpoint}, {"synced", who.synced},     {"lag", who.lag}};
}

json to_json(picked got, bool hex) {
    json reply{{"result", to_string(got.outcome)}, {"value", nullptr}, {"siblings", got.siblings}};
    if (got.found()) reply["value"] = shown(std::move(got.value), hex);
    show_owner(reply, got.epoch, got.owner());
    for (const auto& id : got.who) reply["who"].push_back(id.to_string());
    return reply;
}

json to_json(const event& happened) {
    json line{{"event", to_string(happened.kind)},
              {"name", happened.name},
              {"id", happened.id.to_string()},
              {"reason", happened.reason}};
    if (happened.count != 0) line["count"] = happened.count;
    if (!happened.key.empty()) line["key"] = happened.key;
    return line;
}

int exit_status(leave_outcome outcome) {
    switch (outcome) {
    case leave_outcome::safe:
        return 0;
    case leave_outcome::safe_degraded:
    case leave_outcome::spilled:
        return 3;
    case leave_outcome::unsafe:
        return 4;
    }
    return 4;
}

std::string shown(std::string value, bool hex) { return hex ? to_hex(value) : std::move(value); }

std::string typed(std::string value, bool hex) {
    if (!hex) return value;
    if (auto bytes = from_hex(value)) return *std::move(bytes);
    throw refusal{"usage", "with --hex a value is an even number of hexadecimal digits"};
}

} // namespace baton::cli
