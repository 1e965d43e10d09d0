#include "top_picture.hpp"

#include "people.hpp"
#include "show.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <sstream>

namespace baton::cli {
namespace {

/// In one second, since then.
struct rates {
    double writes = 0, frames = 0, sync_bytes = 0;
};
rates rates_of(const mesh_sample& now, const std::optional<mesh_sample>& before) {
    if (!before) return {};
    const auto seconds = std::chrono::duration<double>(now.at - before->at).count();
    if (seconds <= 0) return {};
    const auto rate = [&](std::uint64_t later, std::uint64_t earlier) {
        return later < earlier ? 0 : static_cast<double>(later - earlier) / seconds;
    };
    return {rate(now.writes, before->writes), rate(now.frames, before->frames),
            rate(now.sync_bytes, before->sync_bytes)};
}

std::uint64_t rounded(double number) { return static_cast<std::uint64_t>(std::llround(number)); }
std::string whole(double number) { return with_commas(rounded(number)); }

std::string time_of_day(std::chrono::system_clock::time_point when) {
    const auto seconds = std::chrono::system_clock::to_time_t(when);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    std::array<char, 16> text{};
    std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
    return text.data();
}

std::string milliseconds_text(double ms) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), ms < 10 ? "%.2f ms" : "%.0f ms", ms);
    return text.data();
}

std::string member_rows(const mesh_sample& now, const screen& on) {
    table all({{"member"},
               {"state"},
               {"synced"},
               {"lag", true},
               {"age", true},
               {"round trip", true},
               {"endpoint"}});
    const auto add = [&](const member& who, const std::string& mark) {
        const std::string state{to_string(who.state)};
        all.add({mark + visible(who.name),
                 {state, tint_of(state)},
                 who.synced ? "yes" : "no",
                 with_commas(who.lag),
                 who.lag == 0 ? "" : milliseconds_text(static_cast<double>(who.lag_age.count())),
                 who.round_trip ? milliseconds_text(static_cast<double>(who.round_trip->count()) / 1000) : "",
                 visible(who.endpoint)});
    };
    add(now.self, "* ");
    for (const auto& who : now.members) add(who, "  ");
    return all.text(on);
}

std::size_t up_in(const mesh_sample& now) {
    return static_cast<std::size_t>(std::ranges::count(now.members, member_state::up, &member::state));
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) all.push_back(std::move(line));
    return all;
}

std::string event_line(const dated_event& each, const screen& on) {
    const std::string kind{to_string(each.what.kind)};
    auto rest = ' ' + visible(each.what.name);
    if (!each.what.key.empty()) rest += " key " + visible(each.what.key);
    if (each.what.count != 0) rest += ' ' + with_commas(each.what.count);
    if (!each.what.reason.empty()) rest += ": " + visible(each.what.reason);
    const auto head = time_of_day(each.at) + "  ";
    const auto used = width_of(head) + width_of(kind);
    return head + tinted(kind, tint_of(kind), on) + fitted(rest, on.width - std::min(on.width, used));
}

} // namespace

std::string picture_of(const mesh_sample& now, const std::optional<mesh_sample>& before, const screen& on) {
    const auto rate = rates_of(now, before);
    const auto up = up_in(now);
    std::vector<std::string> lines;
    lines.push_back(
        tinted(fitted("baton top  " + time_of_day(now.date) + "  cluster " + visible(now.cluster) + "  " +
                          std::to_string(up) + (up == 1 ? " member up" : " members up"),
                      on.width),
               tint::strong, on));
    lines.push_back(fitted("seen from " + visible(now.seen_from) +
                               (now.is_member ? ", which is a member itself and holds a copy" : "") +
                               (now.synced ? "" : "; not synced yet"),
                           on.width));
    lines.push_back(fitted("keys " + with_commas(now.keys) + "  values " + bytes_text(now.key_value_bytes) +
                               "  memory " + bytes_text(now.store_bytes),
                           on.width));
    lines.push_back(fitted("writes " + whole(rate.writes) + "/s  frames " + whole(rate.frames) +
                               "/s  syncs " + bytes_text(rounded(rate.sync_bytes)) + "/s",
                           on.width));
    lines.emplace_back();
    const auto height = std::max<std::size_t>(on.height, 8) - 1;
    // Events get what members leave, and a few lines in any case unless there is little room.
    auto members = lines_of(member_rows(now, on));
    const auto events_min =
        height < 16 || now.events.empty() ? 0 : std::min<std::size_t>(now.events.size() + 2, height / 3);
    const auto members_max = height - std::min(height, lines.size() + events_min);
    if (members.size() > members_max) {
        const auto hidden = members.size() - members_max + 1;
        members.resize(members_max - 1);
        members.push_back(tinted("and " + std::to_string(hidden) + " more", tint::faint, on));
    }
    for (auto& line : members) lines.push_back(std::move(line));
    if (const auto free = height - std::min(height, lines.size()); free > 2 && !now.events.empty()) {
        lines.emplace_back();
        lines.push_back(tinted("last events", tint::strong, on));
        const auto shown = std::min(free - 2, now.events.size());
        for (std::size_t at = now.events.size() - shown; at < now.events.size(); ++at)
            lines.push_back(event_line(now.events[at], on));
    }
    std::string text;
    for (const auto& line : lines) text += line + '\n';
    return text;
}

json to_json(const mesh_sample& now, const std::optional<mesh_sample>& before) {
    const auto rate = rates_of(now, before);
    const auto described = [](const member& who) {
        auto line = to_json(who);
        line["lag_ms"] = who.lag_age.count();
        line["round_trip_us"] = who.round_trip ? json(who.round_trip->count()) : json(nullptr);
        return line;
    };
    json line;
    show(line, "top", now.cluster);
    show(line, "seen_from", now.seen_from);
    line["synced"] = now.synced;
    line["members_up"] = up_in(now);
    line["keys"] = now.keys;
    line["key_value_bytes"] = now.key_value_bytes;
    line["store_bytes"] = now.store_bytes;
    line["writes_per_second"] = rate.writes;
    line["frames_per_second"] = rate.frames;
    line["sync_bytes_per_second"] = rate.sync_bytes;
    line["self"] = described(now.self);
    line["members"] = json::array();
    for (const auto& who : now.members) line["members"].push_back(described(who));
    line["events"] = json::array();
    for (const auto& each : now.events) line["events"].push_back(to_json(each.what));
    return line;
}

} // namespace baton::cli
