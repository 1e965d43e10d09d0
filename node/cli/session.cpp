#include "session.hpp"

#include "shell/text.hpp"
#include "table.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

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
        throw refusal{"usage", std::string{what} + " " + cited(text) + " is not a whole number"};
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

constexpr std::size_t echo_bytes_max = 256;  // of what only names a reply
constexpr milliseconds explained_after{300}; // a leave that takes longer waits for somebody
constexpr std::string_view how_to_end = "^C (SIGINT or SIGTERM) ends this at once";

} // namespace

struct session::command {
    std::string_view name;
    std::string_view arguments;
    std::string_view meaning;
    json (session::*run)(std::string_view rest);
};

const session::command session::commands[] = {
    {"stash", " KEY VALUE [copies=N|majority|all] [within=DUR] [ttl=DUR]",
     "write; with copies= until so many members hold it. KEY -- VALUE: no options", &session::stash},
    {"load", " COUNT BYTES [PREFIX]", "stash COUNT generated values", &session::load},
    {"pickup", " KEY [within=DUR] [until=known]", "read; with within= wait for it", &session::pickup},
    {"claim", " KEY [within=DUR] [lease=DUR]", "take ownership until release", &session::claim},
    {"commit", " KEY VALUE", "write a claimed key", &session::commit},
    {"release", " KEY", "give up ownership", &session::release},
    {"drop", " KEY", "remove a key of any type", &session::drop},
    {"add", " KEY N", "counter: add N, which may be negative", &session::add},
    {"count", " KEY", "counter: the sum", &session::count},
    {"insert", " KEY ELEMENT", "set: put in", &session::insert},
    {"erase", " KEY ELEMENT", "set: take out", &session::erase},
    {"elements", " KEY", "set: all its elements", &session::elements},
    {"set-field", " KEY FIELD VALUE", "map: write one field", &session::set_field},
    {"erase-field", " KEY FIELD", "map: remove one field", &session::erase_field},
    {"field", " KEY FIELD", "map: read one field", &session::field},
    {"fields", " KEY", "map: the names of its fields", &session::fields},
    {"enable", " KEY", "flag: turn on", &session::enable},
    {"disable", " KEY", "flag: turn off", &session::disable},
    {"enabled", " KEY", "flag: is it on", &session::enabled},
    {"keys", " [PREFIX]", "all keys under the prefix, sorted", &session::keys},
    {"digest", "", "equal on nodes with equal state", &session::digest},
    {"members", "", "all nodes that this node knows", &session::members},
    {"stats", " [prometheus]", "counters and sizes", &session::stats},
    {"wait-synced", " DUR", "wait until this node has the state of all members", &session::wait_synced},
    {"watch", " PREFIX", "a line for each key and for each change", &session::watch},
    {"unwatch", " PREFIX", "end a watch", &session::unwatch},
    {"key-install", " KEY", "accept a further key of the mesh", &session::key_install},
    {"key-use", " ID", "seal with this key", &session::key_use},
    {"key-remove", " ID", "stop accepting this key", &session::key_remove},
    {"keys-installed", "", "ids of accepted keys, the one in use first", &session::keys_installed},
    {"leave", " [DUR] [now]", "hand over and end; now: do not wait for a successor", &session::leave},
    {"help", " [COMMAND]", "list the commands", &session::help},
};

std::string session::page() {
    constexpr std::size_t column = 34;
    std::string text;
    for (const auto& known : commands) {
        std::string line{"  "};
        line.append(known.name).append(known.arguments);
        line.append(line.size() < column ? std::string(column - line.size(), ' ')
                                         : '\n' + std::string(column, ' '));
        text.append(line).append(known.meaning).append("\n");
    }
    return text;
}

json session::help(std::string_view rest) {
    words args{rest};
    const auto wanted = args.maybe();
    args.end();
    json list = json::array();
    for (const auto& known : commands) {
        if (wanted && known.name != *wanted) continue;
        list.push_back(
            {{"command", std::string{known.name}.append(known.arguments)}, {"does", known.meaning}});
    }
    if (list.empty()) throw refusal{"unknown_command", cited(*wanted) + " is not a command of this version"};
    return {{"commands", std::move(list)}};
}

namespace {
/// The key as it has to be typed, so that it is read as this key.
std::string typeable(const std::string& key) {
    if (!shell::is_utf8(key)) return "base64:" + to_base64(key);
    const bool plain = !key.empty() && key.front() != '"' && !key.starts_with("base64:") &&
                       key.find_first_of(" \t") == key.npos && visible(key) == key;
    return plain ? key : json(key).dump();
}
} // namespace

std::vector<std::string> session::completions(std::string_view line) const {
    std::vector<std::string> all;
    const auto begin = line.find_last_of(" \t") + 1; // npos + 1 is 0
    const auto typed = line.substr(begin);
    const auto before = parse_command(line.substr(0, begin));
    if (before.name.empty() || (before.name == "help" && before.rest.find_first_not_of(" \t") == line.npos)) {
        for (const auto& known : commands)
            if (known.name.starts_with(typed)) all.emplace_back(known.name);
        std::ranges::sort(all);
        return all;
    }
    const auto* known = std::ranges::find(commands, before.name, &command::name);
    const bool first = before.rest.find_first_not_of(" \t") == before.rest.npos;
    if (known == std::end(commands) || !first) return all;
    const bool takes_key = known->arguments.starts_with(" KEY") || known->arguments.find("PREFIX") <= 2;
    if (!takes_key || known->name.starts_with("key-")) return all;
    const auto keys = node_.keys(typed);
    if (!keys) return all;
    for (const auto& key : *keys) all.push_back(typeable(key));
    return all;
}

json session::answer(std::string_view line) {
    const auto given = parse_command(line);
    if (given.name.empty() && !given.id) return json::object();
    json reply;
    show(reply, "reply", std::string_view{given.name}.substr(0, echo_bytes_max));
    if (given.id) show(reply, "id", std::string_view{*given.id}.substr(0, echo_bytes_max));
    try {
        if (given.id && given.id->size() > echo_bytes_max)
            throw refusal{"usage", "an ID has at most " + std::to_string(echo_bytes_max) + " bytes"};
        const auto* known = std::ranges::find(commands, given.name, &command::name);
        if (known == std::end(commands))
            throw refusal{"unknown_command",
                          cited(given.name) + " is not a command of this version; `help` lists them"};
        reply.update((this->*known->run)(given.rest));
    } catch (const refusal& no) {
        reply["error"] = no.error;
        reply["detail"] = no.detail;
    }
    return reply;
}

json session::stash(std::string_view rest) {
    const auto args = parse_stash(rest);
    auto pending = node_.stash_async(args.key, typed(args.value, how_.hex), args.how);
    write_result done{{}, 1, false}; // it is written
    bool known = false;
    while (!known && !ends()) known = pending.wait_for(slice) == std::future_status::ready;
    if (known) done = need(pending.get());
    auto reply = about(args.key);
    reply["copies"] = done.copies;
    reply["met"] = done.met;
    if (!args.options.empty())
        reply["options"] = args.options; // which were meant as part of the value, perhaps
    return reply;
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
    for (; stashed < count && !ends(); ++stashed) {
        const auto key = generated_key(prefix, stashed);
        need(node_.stash(key, generated_value(key, bytes)));
    }
    return {{"count", stashed}, {"seconds", seconds_since(start)}};
}

json session::pickup(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    pickup_options how;
    while (const auto option = args.maybe()) {
        if (option->starts_with("within=")) {
            how.within = duration_of(std::string_view{*option}.substr(7));
        } else if (*option == "until=known") {
            how.until = pickup_until::known;
        } else {
            throw refusal{"usage", cited(*option) + " is neither within=DUR nor until=known"};
        }
    }

    // In a thread of its own, so that a signal is noticed meanwhile; it ends when the node has left.
    auto pending = std::async(how.within ? std::launch::async : std::launch::deferred,
                              [this, key, how] { return node_.pickup(key, how); });
    while (pending.wait_for(slice) == std::future_status::timeout) {
        if (!ends()) continue;
        unfinished_.push_back(std::move(pending));
        if (!stop_.stopping()) throw refusal{"interrupted", "^C has ended the wait"};
        throw refusal{"leaving", "the program has been asked to end"};
    }
    auto got = need(pending.get());
    const bool found = got.found();
    auto reply = about(key);
    reply.update(to_json(std::move(got), how_.hex));
    if (found) return reply;
    for (const auto type : need(node_.types(key))) { // it is there, and no plain value
        if (type != value_kind::reg) reply["type"] = to_string(type);
    }
    return reply;
}

json session::drop(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    args.end();
    const bool was_there = need(node_.drop(key)).changed;
    auto reply = about(key);
    reply["dropped"] = was_there;
    return reply;
}

json session::keys(std::string_view rest) {
    words args{rest};
    const auto prefix = args.maybe().value_or("");
    args.end();
    return {{"keys", list_of(need(node_.keys(prefix)))}};
}

json session::digest(std::string_view rest) {
    words{rest}.end();
    json cut = json::array();
    for (const auto& entry : need(node_.cut())) cut.push_back(entry.to_string());
    return {{"keys", need(node_.stats()).keys}, {"digest", need(node_.digest())}, {"cut", std::move(cut)}};
}

json session::members(std::string_view rest) {
    words{rest}.end();
    json list = json::array();
    for (const auto& who : need(node_.members())) list.push_back(to_json(who));
    const member self{node_.id(), node_.name(), left_ ? member_state::left : member_state::up,
                      node_.endpoint(), node_.wait_synced(milliseconds{0}).has_value()};
    return {{"members", std::move(list)}, {"self", to_json(self)}};
}

json session::stats(std::string_view rest) {
    words args{rest};
    const auto form = args.maybe();
    args.end();
    const auto now = need(node_.stats());
    if (form == "prometheus") return {{"prometheus", to_prometheus(now, node_.name())}};
    if (form) throw refusal{"usage", cited(*form) + " is not prometheus"};
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
        synced = node_.wait_synced(std::clamp(left, milliseconds{0}, slice)).has_value();
        if (synced || left <= slice || ends()) break;
    }
    return {{"synced", synced}, {"seconds", seconds_since(start)}};
}

json session::leave(std::string_view rest) {
    words args{rest};
    leave_options how;
    how.nobody_stays = how_.leave_now;
    while (const auto word = args.maybe()) {
        if (*word == "now") {
            how.nobody_stays = true;
        } else if (!how.within) {
            how.within = duration_of(*word);
        } else {
            throw refusal{"usage", cited(*word) + " is one word too many"};
        }
    }
    auto leaving = std::async([this, how] { return node_.leave(how); });
    if (leaving.wait_for(explained_after) == std::future_status::timeout)
        explain_leave(how.within.value_or(how_.leave_within));
    while (how_.interrupted && leaving.wait_for(slice) == std::future_status::timeout)
        if (how_.interrupted()) node_.end_leave_now();
    const auto report = need(leaving.get());
    left_ = report.outcome;
    out_.hurry();     // or a reader that has stopped reading would hold the program for ever
    watches_.clear(); // the reply is the last word
    return {
        {"outcome", to_string(report.outcome)},
        {"copies", report.copies},
        {"unsafe", list_of(report.unsafe_keys)}, // the first 1,000
        {"unsafe_count", report.unsafe},
        {"spilled", report.path ? json(*report.path) : json(nullptr)},
        {"spill_error", report.spill_error ? json(*report.spill_error) : json(nullptr)},
        {"seconds", std::chrono::duration<double>(report.took).count()},
    };
}

void session::explain_leave(milliseconds within) const {
    std::string who;
    for (const auto& each : need(node_.members())) {
        const bool stays = each.state == member_state::up || each.state == member_state::suspect;
        if (stays) (who += who.empty() ? "" : ", ") += shell::printable(each.name);
    }
    const auto held = need(node_.stats()).keys;
    const auto keys = std::to_string(held) + (held == 1 ? " key" : " keys");
    std::ostringstream most;
    most << std::chrono::duration<double>(within).count() << " s";
    const auto end =
        (how_.interrupted ? "" : "One more ") + std::string(how_to_end); // a prompt heeds the first
    complain(who.empty()
                 ? "no member is here to take over " + keys + ": waiting up to " + most.str() +
                       " for a successor. " + end + "; `leave now` does not wait"
                 : "waiting up to " + most.str() + " until " + who + " has taken over " + keys + ". " + end);
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

} // namespace baton::cli
