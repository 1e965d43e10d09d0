#include "show.hpp"

#include "parse.hpp"
#include "shell/text.hpp"

#include <utility>

namespace baton::cli {

void show(json& line, const std::string& field, std::string_view bytes) {
    if (shell::is_utf8(bytes)) {
        line[field] = bytes;
        return;
    }
    line[field] = nullptr;
    line[field + "_base64"] = to_base64(bytes);
}

json list_of(const std::vector<std::string>& all, bool hex) {
    json list = json::array();
    for (const auto& each : all) {
        if (hex) {
            list.push_back(to_hex(each));
        } else if (shell::is_utf8(each)) {
            list.push_back(each);
        } else {
            list.push_back({{"base64", to_base64(each)}});
        }
    }
    return list;
}

json about(std::string_view key) {
    json line = json::object();
    show(line, "key", key);
    return line;
}

namespace {
/// Nobody addresses a member by its name: it is shown as in the log.
std::string name_shown(const std::string& name) {
    return shell::is_utf8(name) ? name : shell::printable(name);
}
} // namespace

json to_json(const member& who) {
    json all{{"name", name_shown(who.name)}, {"id", who.id.to_string()}, {"state", to_string(who.state)},
             {"endpoint", who.endpoint},     {"synced", who.synced},     {"lag", who.lag}};
    if (!who.client_endpoint.empty()) all["client_endpoint"] = who.client_endpoint;
    return all;
}

json to_json(pickup_result got, bool hex) {
    json reply{{"result", to_string(got.outcome)}, {"value", nullptr}};
    if (got.found()) show(reply, "value", shown(std::move(got.value), hex));
    reply["siblings"] = got.siblings;
    show_owner(reply, got.epoch, got.owner());
    for (const auto& id : got.who) reply["who"].push_back(id.to_string());
    for (const auto& seed : got.seeds) reply["seeds"].push_back(seed);
    return reply;
}

// Of a key that has been claimed.
void show_owner(json& line, const std::optional<owner_epoch>& epoch, const std::optional<replica_id>& owner) {
    if (!epoch) return;
    line["epoch"] = epoch->number;
    line["owner"] = owner ? json(owner->to_string()) : json(nullptr);
}

json to_json(const event& happened) {
    json line{{"event", to_string(happened.kind)},
              {"name", name_shown(happened.name)},
              {"id", happened.id.to_string()},
              {"reason", happened.reason}};
    if (happened.count != 0) line["count"] = happened.count;
    if (!happened.key.empty()) show(line, "key", happened.key);
    return line;
}

json to_json(const change& what, const std::string& prefix, bool hex) {
    json line{{"change", to_string(what.kind)}};
    show(line, "watch", prefix);
    if (what.kind == change_kind::lagged) line["count"] = what.count;
    if (what.kind != change_kind::put && what.kind != change_kind::removed) return line;
    show(line, "key", what.key);
    if (what.kind == change_kind::removed) return line;
    line["type"] = to_string(what.type);
    if (what.type == value_kind::reg) {
        show(line, "value", shown(what.value, hex));
        line["siblings"] = what.siblings;
        show_owner(line, what.epoch, what.owner());
    }
    if (what.type == value_kind::counter) line["value"] = what.sum;
    return line;
}

std::string shown(std::string value, bool hex) { return hex ? to_hex(value) : std::move(value); }

} // namespace baton::cli
