#include "http/mesh_text.hpp"

#include "shell/text.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace baton::cli {
namespace {

constexpr std::size_t members_max = 200; // those that are gone included

std::string plain(const std::string& text) { return shell::printable(text); }

bool is_present(const member& who) {
    return who.state != member_state::left && who.state != member_state::crashed;
}

/// Positions of members in the list by their ids, and what is known of their links.
struct index {
    std::map<replica_id, std::size_t> at;
    std::map<replica_id, const member_link*> links;
    std::map<replica_id, const std::vector<replica_id>*> named;
};

index index_of(const mesh_view& view, const std::vector<const member*>& shown) {
    index made;
    for (std::size_t i = 0; i < shown.size(); ++i) made.at.emplace(shown[i]->id, i);
    for (const auto& link : view.links) made.links.emplace(link.id, &link);
    for (const auto& each : view.views) made.named.emplace(each.id, &each.named);
    return made;
}

/// Members that are there and that `who` did not name; nothing while it has not answered.
json unheard_by(const member& who, const index& known, const std::vector<const member*>& shown) {
    json list = json::array();
    const auto found = known.named.find(who.id);
    if (found == known.named.end() || found->second->empty()) return list;
    std::vector<bool> named(shown.size());
    for (const auto& id : *found->second) {
        if (const auto at = known.at.find(id); at != known.at.end()) named[at->second] = true;
    }
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const bool up = shown[i]->state == member_state::up;
        if (up && !named[i] && shown[i]->id != who.id) list.push_back(i);
    }
    return list;
}

json members_of(const index& known, const std::vector<const member*>& shown) {
    json list = json::array();
    for (const auto* const who : shown) {
        json one{{"name", plain(who->name)},       {"id", who->id.to_string().substr(0, 8)},
                 {"state", to_string(who->state)}, {"endpoint", who->endpoint},
                 {"synced", who->synced},          {"lag", who->lag},
                 {"lag_ms", who->lag_age.count()}};
        if (who->round_trip) one["round_trip_us"] = who->round_trip->count();
        if (const auto link = known.links.find(who->id); link != known.links.end()) {
            one["hears"] = link->second->is_heard; // it hears this node
            one["heard"] = link->second->hears;
        }
        if (is_present(*who)) one["unheard"] = unheard_by(*who, known, shown);
        list.push_back(std::move(one));
    }
    return list;
}

json syncs_of(const mesh_view& view) {
    json list = json::array();
    for (const auto& sync : view.syncs) {
        json one{{"receives", sync.receives},
                 {"with", sync.name.empty() ? "a spill" : plain(sync.name)},
                 {"id", sync.with.to_string().substr(0, 8)},
                 {"done", sync.done()},
                 {"records", sync.receives ? sync.records : sync.records_expected},
                 {"records_expected", sync.records_expected},
                 {"bytes", sync.bytes},
                 {"compares", sync.compares}};
        if (const auto left = sync.left()) one["left_ms"] = left->count();
        list.push_back(std::move(one));
    }
    return list;
}

json claims_of(const shown_mesh& mesh) {
    json list = json::array();
    if (!mesh.with_keys) return list;
    for (const auto& claim : mesh.view.claims)
        list.push_back({{"key", plain(claim.key)}, {"owner", claim.owner.to_string().substr(0, 8)}});
    return list;
}

json events_of(const shown_mesh& mesh) {
    json list = json::array();
    for (const auto& [number, at_ms, what] : mesh.events) {
        json one{{"number", number},
                 {"at_ms", at_ms},
                 {"event", to_string(what.kind)},
                 {"name", plain(what.name)},
                 {"id", what.id.to_string().substr(0, 8)},
                 {"reason", plain(what.reason)}};
        if (what.count != 0) one["count"] = what.count;
        if (mesh.with_keys && !what.key.empty()) one["key"] = plain(what.key);
        list.push_back(std::move(one));
    }
    return list;
}

json numbers_of(const node_stats& stats) {
    return {{"keys", stats.keys},
            {"bytes", stats.key_value_bytes},
            {"store_bytes", stats.store_bytes},
            {"stashes", stats.stashes},
            {"applied", stats.events_applied},
            {"sent_bytes", stats.delta_bytes_sent + stats.state_bytes_sent},
            {"claims_made", stats.claims},
            {"claims_lost", stats.claims_lost},
            {"conflicts", stats.conflicts}};
}

void shorten(json& list) {
    const auto half = list.size() / 2;
    list.erase(list.begin(), list.begin() + static_cast<json::difference_type>(list.size() - half));
}

} // namespace

std::string to_text(const shown_mesh& mesh, std::size_t bytes_max) {
    std::vector<const member*> shown;
    for (const bool present : {true, false}) {
        for (const auto& who : mesh.view.members) {
            if (is_present(who) == present && shown.size() < members_max) shown.push_back(&who);
        }
    }
    const auto known = index_of(mesh.view, shown);
    json all{{"name", plain(std::string(mesh.name))},
             {"id", mesh.id.substr(0, 8)},
             {"endpoint", mesh.endpoint},
             {"now_ms", mesh.now_ms},
             {"ready", mesh.view.ready},
             {"reason", mesh.view.ready ? std::string{} : unready_reason(mesh.view)},
             {"numbers", numbers_of(mesh.stats)},
             {"members", members_of(known, shown)},
             {"members_known", mesh.view.members.size()},
             {"syncs", syncs_of(mesh.view)},
             {"claims", claims_of(mesh)},
             {"claims_known", mesh.view.claims_known},
             {"with_keys", mesh.with_keys},
             {"events", events_of(mesh)}};
    all["leaving"] = nullptr;
    if (const auto& leave = mesh.view.leaving)
        all["leaving"] = {{"copies", leave->copies}, {"staying", leave->staying}, {"met", leave->met}};
    for (;;) {
        auto text = to_line(all);
        text.pop_back(); // the newline
        if (text.size() <= bytes_max) return text;
        auto* const longest = !all["events"].empty()   ? &all["events"]
                              : !all["claims"].empty() ? &all["claims"]
                                                       : &all["members"];
        if (longest->empty()) return "{}";
        shorten(*longest);
    }
}

std::string unready_reason(const mesh_view& view) {
    if (view.leaving) {
        return "this node is leaving: " + std::to_string(view.leaving->copies) + " of " +
               std::to_string(view.leaving->staying) + " staying members hold everything";
    }
    std::string names;
    std::size_t count = 0;
    for (const auto& who : view.members) {
        const bool in_view = who.state == member_state::up || who.state == member_state::suspect;
        if (!in_view || who.synced) continue;
        if (++count <= 3) (names += names.empty() ? "" : ", ") += plain(who.name);
    }
    if (count > 3) names += " and " + std::to_string(count - 3) + " more";
    if (count != 0) return "this node is not synced with " + names;
    const bool met = std::any_of(view.members.begin(), view.members.end(), is_present);
    return met ? "this node is not synced: it still asks members which nodes they know, or reads a spill"
               : "this node has met no member, and does not know yet whether it is alone";
}

} // namespace baton::cli
