#include "people.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace baton::cli {
namespace {

std::string scalar(const json& value) {
    if (value.is_null()) return "none";
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_string()) return visible(value.get_ref<const std::string&>());
    if (value.is_number_float()) {
        std::array<char, 32> text{};
        std::snprintf(text.data(), text.size(), "%.3g", value.get<double>());
        return text.data();
    }
    if (value.is_object() && value.contains("base64")) return "base64:" + scalar(value["base64"]);
    return visible(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// The field of that name, or its bytes as they can be typed.
std::string bytes_of(const json& line, const std::string& field) {
    const auto coded = line.find(field + "_base64");
    if (coded != line.end()) return "base64:" + scalar(*coded);
    const auto plain = line.find(field);
    return plain != line.end() ? scalar(*plain) : std::string{};
}

/// A value, which may have several lines.
std::string value_text(const json& line) {
    const auto plain = line.find("value");
    if (!line.contains("value_base64") && plain != line.end() && plain->is_string())
        return visible_lines(plain->get_ref<const std::string&>());
    return bytes_of(line, "value");
}

/// "1 key", "2,000 keys".
std::string counted(std::uint64_t number, const std::string& what) {
    return with_commas(number) + ' ' + what + (number == 1 ? "" : "s");
}

std::string list_text(const json& list, const std::string& what) {
    std::string made;
    for (const auto& each : list) made += scalar(each) + '\n';
    return made + '(' + counted(list.size(), what) + ")\n";
}

std::string rest_text(const json& line) {
    std::string made;
    for (const auto& [name, value] : line.items()) {
        if (name == "reply" || name == "id" || value.is_array() || value.is_object()) continue;
        made += (made.empty() ? "" : "  ") + name + ' ' + scalar(value);
    }
    return made.empty() ? "ok\n" : made + '\n';
}

std::string pickup_text(const json& line, const screen& on) {
    const auto result = line.value("result", "");
    if (result == "found") {
        auto made = value_text(line) + '\n';
        if (const auto siblings = line.value("siblings", 0); siblings != 0)
            made += tinted("(" + std::to_string(siblings) + " other values were written at the same time)",
                           tint::doubtful, on) +
                    '\n';
        if (const auto owner = line.find("owner"); owner != line.end() && owner->is_string())
            made += tinted("(owned by " + scalar(*owner) + ')', tint::faint, on) + '\n';
        return made;
    }
    if (line.contains("type")) return "holds a " + scalar(line["type"]) + '\n';
    std::string made = result;
    for (const char* field : {"who", "seeds"}) {
        if (!line.contains(field)) continue;
        for (const auto& each : line[field]) made += ' ' + scalar(each);
    }
    return tinted(made, result == "absent_confirmed" ? tint::plain : tint::doubtful, on) + '\n';
}

std::string stats_text(const json& line, const screen& on) {
    if (line.contains("prometheus")) return visible_lines(line["prometheus"].get<std::string>());
    table all({{"counter"}, {"value", true}});
    for (const auto& [name, value] : line.items()) {
        if (value.is_number_unsigned() && value != 0)
            all.add({name, with_commas(value.get<std::uint64_t>())});
    }
    for (const auto& [reason, count] : line.value("refused_by_reason", json::object()).items())
        all.add({"refused: " + visible(reason), with_commas(count.get<std::uint64_t>())});
    return all.text(on) + tinted("(counters that are 0 are left out)", tint::faint, on) + '\n';
}

std::string leave_text(const json& line, const screen& on) {
    const auto outcome = line.value("outcome", "");
    auto made = "left: " + outcome + ", " + scalar(line.value("copies", json(0))) + " copies, " +
                scalar(line.value("seconds", json(0))) + " s";
    if (line.contains("spilled") && line["spilled"].is_string()) made += ", in " + scalar(line["spilled"]);
    if (line.contains("spill_error") && line["spill_error"].is_string())
        made += "; no file: " + scalar(line["spill_error"]);
    made = tinted(made,
                  outcome == "safe"     ? tint::good
                  : outcome == "unsafe" ? tint::bad
                                        : tint::doubtful,
                  on);
    if (const auto unsafe = line.value("unsafe_count", std::uint64_t{0}); unsafe != 0)
        made += '\n' + counted(unsafe, "key") + (unsafe == 1 ? " is" : " are") + " on no other node";
    return made + '\n';
}

std::string reply_text(const json& line, const screen& on) {
    const auto name = line.value("reply", "");
    if (line.contains("error"))
        return tinted("error: ", tint::bad, on) + bytes_of(line, "detail") + " (" + bytes_of(line, "error") +
               ")\n";
    if (name == "members") return members_text(line["members"], line.value("self", json()), on);
    if (name == "keys") return list_text(line["keys"], "key");
    if (name == "elements") return list_text(line["elements"], "element");
    if (name == "fields") return list_text(line["fields"], "field");
    if (name == "keys-installed") return list_text(line["key_ids"], "key");
    if (name == "pickup" || name == "field") return pickup_text(line, on);
    if (name == "count" || name == "add") return bytes_of(line, "value") + '\n';
    if (name == "stats") return stats_text(line, on);
    if (name == "leave") return leave_text(line, on);
    if (name == "help") {
        table all({{"command"}, {"does"}});
        for (const auto& each : line["commands"]) all.add({scalar(each["command"]), scalar(each["does"])});
        return all.text(on);
    }
    if (name == "stash") {
        const auto copies = scalar(line["copies"]) + (line["copies"] == 1 ? " copy" : " copies");
        return line.value("met", true)
                   ? "ok, " + copies + '\n'
                   : tinted("written, but only " + copies + " in time", tint::doubtful, on) + '\n';
    }
    return rest_text(line);
}

std::string event_text(const json& line, const screen& on) {
    const auto kind = line.value("event", "");
    auto made = tinted(kind, tint_of(kind), on);
    if (kind == "failed" && line.contains("detail")) return made + ": " + bytes_of(line, "detail") + '\n';
    if (const auto name = bytes_of(line, "name"); !name.empty()) made += ' ' + name;
    if (kind == "started") made += " at " + bytes_of(line, "endpoint");
    if (line.contains("http")) made += ", page at " + bytes_of(line, "http");
    if (line.contains("key")) made += " key " + bytes_of(line, "key");
    if (line.contains("count")) made += ' ' + scalar(line["count"]);
    if (const auto reason = bytes_of(line, "reason"); !reason.empty()) made += ": " + reason;
    return made + '\n';
}

std::string change_text(const json& line, const screen& on) {
    const auto kind = line.value("change", "");
    auto made = tinted(kind, kind == "lagged" ? tint::doubtful : tint::faint, on) + ' ';
    if (!line.contains("key")) return made + bytes_of(line, "watch") + '\n';
    made += bytes_of(line, "key");
    if (line.contains("value")) return made + " = " + bytes_of(line, "value") + '\n';
    if (line.contains("type")) made += " (" + scalar(line["type"]) + ')';
    return made + '\n';
}

} // namespace

tint tint_of(const std::string& name) {
    for (const auto* good : {"up", "joined", "synced", "started", "recovered"})
        if (name == good) return tint::good;
    for (const auto* plain : {"left", "contacting"})
        if (name == plain) return tint::faint;
    for (const auto* bad : {"crashed", "diverged", "full", "failed", "claim_lost", "refused"})
        if (name == bad) return tint::bad;
    return tint::doubtful;
}

std::string members_text(const json& members, const json& self, const screen& on) {
    table all({{"name"}, {"state"}, {"synced"}, {"lag", true}, {"endpoint"}, {"id"}});
    const auto add = [&](const json& who, const std::string& mark) {
        const auto state = who.value("state", "");
        all.add({mark + visible(who.value("name", "")),
                 {state, tint_of(state)},
                 who.value("synced", false) ? "yes" : "no",
                 with_commas(who.value("lag", std::uint64_t{0})),
                 visible(who.value("endpoint", "")),
                 visible(who.value("id", ""))});
    };
    if (self.is_object()) add(self, "* ");
    for (const auto& who : members) add(who, self.is_object() ? "  " : "");
    return all.text(on);
}

std::string text_of(const json& line, const screen& on) {
    if (line.contains("reply")) return reply_text(line, on);
    if (line.contains("event")) return event_text(line, on);
    if (line.contains("change")) return change_text(line, on);
    return {};
}

} // namespace baton::cli
