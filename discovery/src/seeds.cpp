#include "discovery/seeds.hpp"

#include <algorithm>
#include <utility>

namespace baton::discovery {

namespace {

std::vector<std::string> endpoints_of(const seed_table::seed& of, const name_book& names) {
    if (!of.name) return {endpoint_of(of.as.host, of.as.port)};
    std::vector<std::string> all;
    for (const auto& each : names.at(*of.name).addresses)
        all.push_back(endpoint_of(each.host, of.as.is_service() ? each.port : of.as.port));
    return all;
}

bool is_nobody(sign last) { return last == sign::own || last == sign::refused; }
bool is_well_there(sign last) { return last == sign::own || last == sign::answered; }

std::string_view text_of(sign last, bool by_udp) {
    switch (last) {
    case sign::refused:
        return " refuses the connection (no process listens there, or a firewall refuses)";
    case sign::unreachable:
        return " cannot be reached (no route, or a firewall refuses)";
    case sign::strange:
        return by_udp
                   ? " accepts TCP connections, but does not answer an introduction by UDP at the same port"
                   : " accepts connections, but does not answer as a member";
    case sign::none:
    case sign::silent:
    case sign::own:
    case sign::answered:
        break;
    }
    return " does not answer (no host is there, or a firewall drops packets)";
}

} // namespace

void seed_table::begin(const std::vector<std::string>& texts, name_book& names, instant now) {
    for (const auto& text : texts) {
        auto as = parse_seed(text);
        if (!as) continue;
        seed made{std::move(*as), {}, now, {}};
        if (!is_numeric(made.as.host)) made.name = names.add(made.as.host, made.as.is_service(), now);
        seeds_.push_back(std::move(made));
    }
    (void)follow(names, now);
}

std::vector<std::string> seed_table::follow(const name_book& names, instant now) {
    std::vector<place> former;
    former.swap(places_);
    for (const auto& each : seeds_) {
        for (auto& endpoint : endpoints_of(each, names)) {
            if (contains(endpoint)) continue;
            const auto known = std::find_if(former.begin(), former.end(),
                                            [&](const place& one) { return one.endpoint == endpoint; });
            if (known != former.end()) {
                places_.push_back(std::move(*known));
                former.erase(known);
            } else {
                places_.push_back({std::move(endpoint), sign::none, now + knock_first, knock_again, {}});
            }
        }
    }
    std::vector<std::string> gone;
    gone.reserve(former.size());
    for (auto& each : former) gone.push_back(std::move(each.endpoint));
    return gone;
}

bool seed_table::contains(std::string_view endpoint) const { return find(endpoint) != nullptr; }

const seed_table::place* seed_table::find(std::string_view endpoint) const {
    const auto at = std::find_if(places_.begin(), places_.end(),
                                 [&](const place& each) { return each.endpoint == endpoint; });
    return at == places_.end() ? nullptr : &*at;
}

seed_table::place* seed_table::find(std::string_view endpoint) {
    return const_cast<place*>(std::as_const(*this).find(endpoint));
}

void seed_table::is_well(place& of, sign how, instant now) {
    of.last = how;
    of.knock_at = now + knock_first;
    of.knock_every = knock_again;
}

bool seed_table::knocks_now(place& of, instant now) {
    if (is_well_there(of.last)) of.last = sign::none; // the place has stopped answering
    if (now < of.knock_at) return false;
    of.knock_at = now + of.knock_every;
    of.knock_every = std::min<mesh_clock::duration>(2 * of.knock_every, knock_last);
    return true;
}

void seed_table::knocked(place& of, sign how) {
    if (!is_well_there(of.last)) of.last = how;
}

std::vector<const seed_table::place*> seed_table::places_of(const seed& of, const name_book& names) const {
    std::vector<const place*> all;
    for (const auto& endpoint : endpoints_of(of, names)) {
        if (const auto* const at = find(endpoint)) all.push_back(at);
    }
    return all;
}

std::vector<std::string> seed_table::standing(const name_book& names) const {
    std::vector<std::string> all;
    for (const auto& each : seeds_) {
        const auto there = places_of(each, names);
        const bool resolved = !each.name || names.at(*each.name).how == name_state::known;
        const bool nobody =
            resolved && !there.empty() &&
            std::all_of(there.begin(), there.end(), [](const place* one) { return is_nobody(one->last); });
        if (!nobody) all.push_back(each.as.text);
    }
    return all;
}

std::vector<std::string> seed_table::troubles(const name_book& names, instant now, bool by_udp) {
    std::vector<std::string> lines;
    for (auto& each : seeds_) {
        const auto there = places_of(each, names);
        if (std::any_of(there.begin(), there.end(),
                        [](const place* one) { return is_well_there(one->last); })) {
            each.well_at = now;
            each.told_at.reset();
            continue;
        }
        if (now - each.well_at < trouble_after || (each.told_at && now - *each.told_at < told_every))
            continue;
        each.told_at = now;
        std::string reason;
        if (there.empty() && each.name) {
            const auto& e = names.at(*each.name);
            lines.push_back("event=seed_unresolved seed=" + each.as.text + " reason=\"" +
                            (e.how == name_state::nobody ? "the name service has no address for it"
                             : e.why.empty()             ? "the name service does not answer"
                                                         : "the name service: " + e.why) +
                            "; it is asked again\"");
            continue;
        }
        constexpr std::size_t named_max = 4;
        for (std::size_t i = 0; i < std::min(there.size(), named_max); ++i) {
            reason += (reason.empty() ? "" : "; ") + there[i]->endpoint.substr(6) +
                      std::string(text_of(there[i]->last, by_udp));
        }
        if (there.size() > named_max)
            reason += "; and so on for " + std::to_string(there.size() - named_max) + " more";
        lines.push_back("event=seed_unreachable seed=" + each.as.text +
                        " reason=\"no member answers: " + reason + ". TCP" + (by_udp ? " and UDP" : "") +
                        " from here to that port must pass; the node tries again\"");
    }
    return lines;
}

instant seed_table::due() const {
    auto when = instant::max();
    for (const auto& each : seeds_)
        when = std::min(when, each.told_at ? *each.told_at + told_every : each.well_at + trouble_after);
    return when;
}

} // namespace baton::discovery
