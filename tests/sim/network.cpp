#include "sim/network.hpp"

#include <algorithm>

namespace baton::sim {

using namespace std::chrono_literals;

std::string host_of(slot_number slot) { return "10.0.0." + std::to_string(slot + 1); }
std::string endpoint_of(slot_number slot) {
    return "tcp://" + host_of(slot) + ':' + std::to_string(router_port);
}

discovery::link_key link_key_of(const replica_id& id) {
    discovery::link_key key;
    key.bytes[0] = 1;
    std::copy(id.bytes.begin(), id.bytes.end(), key.bytes.begin() + 1);
    return key;
}

namespace {
slot_number slot_of(const std::string& endpoint) {
    const auto dot = endpoint.rfind('.');
    return std::stoul(endpoint.substr(dot + 1)) - 1;
}
} // namespace

// ---------------------------------------------------------------- processes and paths

void network::arrive(process_number who, slot_number slot, const replica_id& id,
                     const discovery::link_key& key) {
    processes_.resize(std::max(processes_.size(), who + 1));
    processes_[who] = {slot, id, true, false, {}, {}, key, {}};
    at_[slot] = who;
    // The machine is back: frames for the former incarnation are answered by a reset.
    for (auto& c : connections_) {
        if (c.with && c.to == slot && !c.hung_up) look_after(c, luck_.between(0ms, 300ms));
    }
}

void network::depart(process_number who, bool noticed_at_once) {
    processes_[who].alive = false;
    const auto patience = [&] {
        return noticed_at_once ? luck_.between(0ms, 20ms)
                               : luck_.between(faults_.detect_min, faults_.detect_max);
    };
    for (auto& c : connections_) {
        if (c.hung_up) continue;
        if (c.from == who) {
            c.hung_up = true;
            if (c.with)
                clock_.after(patience(), [this, &c, generation = c.generation] {
                    if (c.generation == generation) broken(c);
                });
        } else if (c.with == who) {
            look_after(c, patience());
        }
    }
}

void network::freeze(process_number who, bool frozen) {
    auto& p = processes_[who];
    p.frozen = frozen;
    if (frozen) {
        for (auto& c : connections_) {
            if (c.with && (c.from == who || c.with == who))
                look_after(c, luck_.between(faults_.detect_min, faults_.detect_max));
        }
        return;
    }
    while (!p.missed_links.empty()) {
        deliver_(who, p.missed_links.front());
        p.missed_links.pop_front();
    }
    while (!p.missed_subscribers.empty()) {
        deliver_(who, p.missed_subscribers.front());
        p.missed_subscribers.pop_front();
    }
    for (std::size_t i = 0; i < connections_.size(); ++i) { // what is heard may open more
        if (auto& c = connections_[i]; c.from == who || c.with == who) flush(c);
    }
}

bool network::blocked(slot_number from, slot_number to) const {
    const auto at = blocks_.find({from, to});
    return at != blocks_.end() && at->second > 0;
}

void network::block(slot_number from, slot_number to, bool on) {
    blocks_[{from, to}] += on ? 1 : -1;
    for (std::size_t i = 0; i < connections_.size(); ++i) { // what is heard may open more
        auto& c = connections_[i];
        if (!c.with) continue;
        const auto near = processes_[c.from].slot;
        if (!((near == from && c.to == to) || (near == to && c.to == from))) continue;
        if (on) {
            look_after(c, luck_.between(faults_.detect_min, faults_.detect_max));
        } else {
            flush(c);
        }
    }
}

void network::bar(slot_number from, slot_number to, bool on) {
    if (on) {
        barred_.insert({from, to});
    } else {
        barred_.erase({from, to});
    }
}

void network::reset(slot_number a, slot_number b) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
        auto& c = connections_[i];
        const auto near = processes_[c.from].slot;
        if (c.with && ((near == a && c.to == b) || (near == b && c.to == a))) broken(c);
    }
}

std::optional<process_number> network::alive_at(slot_number slot) const {
    const auto at = at_.find(slot);
    if (at == at_.end() || !processes_[at->second].alive) return std::nullopt;
    return at->second;
}

// ---------------------------------------------------------------- connections

network::connection& network::open_link(process_number from, core::link_id link, bool is_sub,
                                        const std::string& endpoint, const discovery::link_key& key,
                                        bool once) {
    auto& c = connections_.emplace_back();
    c.once = once;
    c.from = from;
    c.link = link;
    c.is_sub = is_sub;
    c.to = slot_of(endpoint);
    c.key = key;
    c.backoff = 50ms;
    clock_.after(delay(), [this, &c] { attempt(c); });
    return c;
}

// A handshake needs both directions, and a node that answers.
void network::attempt(connection& c) {
    if (c.hung_up || c.with) return;
    const auto& from = processes_[c.from];
    note_dial(c.from);
    const auto target = alive_at(c.to);
    if (from.frozen || !target || processes_[*target].frozen || blocked(from.slot, c.to) ||
        blocked(c.to, from.slot) || barred_.contains({from.slot, c.to}) || !let_in(c, *target)) {
        return retry(c);
    }
    clock_.after(delay() + delay(), [this, &c, target] {
        if (c.hung_up && !c.is_sub && alive_at(c.to) == target && !processes_[*target].frozen)
            usurp(c.from, *target);
        if (c.hung_up) return;
        if (c.with) return;
        if (alive_at(c.to) != target || processes_[*target].frozen || processes_[c.from].frozen)
            return retry(c);
        c.with = target;
        established(c);
    });
}

// As CURVE and the ZAP handler do: the client must know the key of the node there, and that node must have
// admitted the key of the client.
bool network::let_in(const connection& c, process_number target) const {
    const auto& server = processes_[target];
    if (server.key != c.key) return false;
    return server.key.is_none() || server.admitted.contains(processes_[c.from].id);
}

void network::retry(connection& c) {
    if (c.once) return;
    clock_.after(c.backoff + luck_.between(0ms, 20ms), [this, &c] { attempt(c); });
    c.backoff = std::min<duration>(c.backoff * 2, 1s);
}

void network::established(connection& c) {
    ++c.generation;
    c.once = false;
    c.backoff = 50ms;
    c.way[0] = c.way[1] = {};
    if (c.is_sub) {
        subscribers_[*c.with].push_back(&c);
        notify(*c.with, &process::missed_subscribers, core::subscriber_changed{processes_[c.from].id, true});
    } else {
        routes_[*c.with][processes_[c.from].id] = &c; // router_handover: the latest with an identity has it
        notify(c.from, &process::missed_links, core::link_changed{c.link, true});
    }
}

void network::usurp(process_number from, process_number at) { routes_[at].erase(processes_[from].id); }

void network::broken(connection& c) {
    if (!c.with) return;
    const auto with = *c.with;
    const auto id = processes_[c.from].id;
    ++c.generation;
    c.with.reset();
    c.way[0].held.clear();
    c.way[1].held.clear();
    if (c.is_sub) {
        auto& all = subscribers_[with];
        std::erase(all, &c);
        const bool another = std::any_of(all.begin(), all.end(), [&](auto* o) { return o->from == c.from; });
        if (!another) notify(with, &process::missed_subscribers, core::subscriber_changed{id, false});
    } else {
        auto& all = routes_[with];
        if (const auto at = all.find(id); at != all.end() && at->second == &c) all.erase(at);
        if (!c.hung_up) notify(c.from, &process::missed_links, core::link_changed{c.link, false});
    }
    if (!c.hung_up) retry(c);
}

// Gives the connection up if it is still blocked, or its other end gone or frozen, when `patience` is over.
void network::look_after(connection& c, duration patience) {
    clock_.after(patience, [this, &c, generation = c.generation] {
        if (c.generation != generation || !c.with) return;
        if (!processes_[*c.with].alive || !passable(c, 0) || !passable(c, 1)) broken(c);
    });
}

template <class Input>
void network::notify(process_number who, std::deque<Input> process::*missed, Input what) {
    auto& p = processes_[who];
    if (!p.alive) return;
    if (p.frozen) {
        (p.*missed).push_back(what);
    } else {
        deliver_(who, what);
    }
}

// ---------------------------------------------------------------- messages

void network::note_dial(process_number who) {
    constexpr std::uint64_t opening_bytes = 74 + 54; // Ethernet, IP, TCP: SYN and what refuses it
    ++spent_[who].dials;
    spent_[who].bytes += opening_bytes;
}

std::size_t network::connections_of(process_number who) const {
    return static_cast<std::size_t>(
        std::count_if(connections_.begin(), connections_.end(),
                      [&](const auto& c) { return c.from == who && !c.hung_up; }));
}

// A listening port accepts the connection even if its process is frozen; a machine without one refuses; a
// path that is cut is silent.
void network::knock(process_number who, const core::knock& at) {
    note_dial(who);
    const auto slot = slot_of(at.endpoint);
    const auto near = processes_[who].slot;
    const bool cut = blocked(near, slot) || blocked(slot, near) || barred_.contains({near, slot});
    const auto how = cut              ? core::knock_outcome::silent
                     : alive_at(slot) ? core::knock_outcome::open
                                      : core::knock_outcome::refused;
    const auto took = cut ? duration{1s} : delay() + delay();
    clock_.after(took, [this, who, in = core::knocked{at.who, at.endpoint, how}] { deliver_(who, in); });
}

void network::resolve(process_number who, const core::resolve& what) {
    ++asked_[who];
    core::resolved in;
    in.said.number = what.number;
    const auto known = names_.find(what.name);
    if (known == names_.end()) {
        in.said.why = "timed out";
    } else {
        in.said.how = known->second.empty() ? discovery::name_state::nobody : discovery::name_state::known;
        in.said.found = known->second;
    }
    clock_.after(known == names_.end() ? duration{5s} : delay() + delay(),
                 [this, who, in] { deliver_(who, in); });
}

void network::perform(process_number who, core::action& what) {
    if (const auto* const asked = std::get_if<core::resolve>(&what)) return resolve(who, *asked);
    if (const auto* const k = std::get_if<core::knock>(&what)) return knock(who, *k);
    if (auto* const a = std::get_if<core::send_beacon>(&what)) {
        for (const auto& [slot, other] : at_) {
            if (slot == processes_[who].slot || luck_.chance(faults_.loss)) continue;
            clock_.after(delay(), [this, who, other = other, bytes = a->bytes]() mutable {
                const auto &from = processes_[who], &to = processes_[other];
                if (!to.alive || to.frozen || blocked(from.slot, to.slot)) return;
                if (passes_ && !passes_(who, other, channel::beacon, bytes)) return;
                spoil(bytes);
                const auto host = host_of(from.slot);
                deliver_(other, core::beacon_arrived{host, bytes});
            });
        }
    } else if (auto* const g = std::get_if<core::send_datagram>(&what)) {
        ++spent_[who].datagrams;
        spent_[who].bytes += g->bytes.size() + 42;
        const auto target = alive_at(slot_of(g->endpoint));
        if (!target || luck_.chance(faults_.loss)) return;
        clock_.after(delay(), [this, who, target, bytes = g->bytes]() mutable {
            const auto &from = processes_[who], &to = processes_[*target];
            if (!to.alive || to.frozen || blocked(from.slot, to.slot)) return;
            if (barred_.contains({from.slot, to.slot})) return;
            if (passes_ && !passes_(who, *target, channel::datagram, bytes)) return;
            spoil(bytes);
            const auto host = host_of(from.slot);
            deliver_(*target, core::datagram_arrived{host, endpoint_of(from.slot), bytes});
        });
    } else if (auto* const v = std::get_if<core::admit>(&what)) {
        processes_[who].admitted.insert(v->id);
    } else if (auto* const e = std::get_if<core::expel>(&what)) {
        processes_[who].admitted.erase(e->id);
    } else if (auto* const b = std::get_if<core::send_broadcast>(&what)) {
        for (auto* const c : subscribers_[who]) send(*c, 1, b->bytes);
    } else if (auto* const r = std::get_if<core::send_request>(&what)) {
        const auto at = dealers_.find({who, r->link});
        if (at != dealers_.end() && at->second->with) send(*at->second, 0, std::move(r->bytes));
    } else if (auto* const s = std::get_if<core::send_reply>(&what)) {
        const auto& all = routes_[who];
        if (const auto at = all.find(s->to); at != all.end()) send(*at->second, 1, std::move(s->bytes));
    } else if (auto* const d = std::get_if<core::dial>(&what)) {
        dealers_[{who, d->link}] = &open_link(who, d->link, false, d->endpoint, d->key, d->once);
    } else {
        const auto* const subscription = std::get_if<core::subscribe>(&what);
        const auto link = subscription != nullptr ? subscription->link : std::get<core::hang_up>(what).link;
        for (auto* const table : {&dealers_, &subs_}) {
            if (subscription != nullptr && table == &dealers_) continue;
            const auto at = table->find({who, link});
            if (at == table->end()) continue;
            auto& c = *at->second;
            table->erase(at);
            c.hung_up = true;
            clock_.after(delay(), [this, &c] { broken(c); });
        }
        if (subscription != nullptr)
            subs_[{who, link}] = &open_link(who, link, true, subscription->endpoint, subscription->key);
    }
}

void network::send(connection& c, int way, std::string bytes) {
    const auto copies = luck_.chance(faults_.duplicate) ? 2 : 1;
    if (copies == 2) counted_(fault::duplicate);
    for (int copy = 0; copy < copies; ++copy) {
        if (luck_.chance(faults_.loss)) {
            counted_(fault::loss);
            continue;
        }
        auto due = clock_.now() + delay();
        auto& last = c.way[way].last_due;
        if (luck_.chance(faults_.reorder)) {
            counted_(fault::reorder);
        } else {
            due = last = std::max(due, last) + passage(bytes.size());
        }
        clock_.at(due, [this, &c, way, generation = c.generation, bytes] {
            if (c.generation == generation) land(c, way, bytes);
        });
    }
}

bool network::passable(const connection& c, int way) const {
    const auto near = processes_[c.from].slot;
    const auto to = way == 0 ? *c.with : c.from;
    return !processes_[to].frozen && !(way == 0 ? blocked(near, c.to) : blocked(c.to, near));
}

void network::land(connection& c, int way, std::string bytes) {
    auto& held = c.way[way].held;
    if (!held.empty() || !passable(c, way)) {
        if (c.is_sub && held.size() >= faults_.high_water) {
            counted_(fault::high_water);
        } else {
            held.push_back(std::move(bytes));
        }
        return;
    }
    spoil(bytes);
    hand_over(c, way, bytes);
}

void network::hand_over(connection& c, int way, std::string_view bytes) {
    const auto from = way == 0 ? c.from : *c.with, to = way == 0 ? *c.with : c.from;
    const auto kind = c.is_sub ? channel::broadcast : way == 0 ? channel::request : channel::reply;
    if (!processes_[to].alive || (passes_ && !passes_(from, to, kind, bytes))) return;
    const auto host = host_of(processes_[from].slot);
    switch (kind) {
    case channel::request:
        if (const auto at = routes_[to].find(processes_[from].id);
            at == routes_[to].end() || at->second != &c)
            return;
        return deliver_(to, core::request_arrived{processes_[from].id, host, bytes});
    case channel::reply:
        return deliver_(to, core::reply_arrived{c.link, host, bytes});
    default:
        return deliver_(to, core::broadcast_arrived{bytes});
    }
}

void network::flush(connection& c) {
    const auto generation = c.generation;
    for (const int way : {0, 1}) {
        while (c.generation == generation && c.with && !c.way[way].held.empty() && passable(c, way)) {
            const auto bytes = std::move(c.way[way].held.front());
            c.way[way].held.pop_front();
            hand_over(c, way, bytes);
        }
    }
}

// How long the connection is taken by so much.
duration network::passage(std::size_t bytes) const {
    if (faults_.bytes_per_second == 0) return {};
    return duration{bytes * std::uint64_t{1'000'000'000} / faults_.bytes_per_second};
}

duration network::delay() {
    if (luck_.chance(faults_.late)) {
        counted_(fault::late);
        return luck_.between(faults_.delay_min, faults_.late_max);
    }
    return luck_.between(faults_.delay_min, faults_.delay_max);
}

// Cuts a frame short, replaces it, or breaks its first two bytes (array header, version). The result never
// decodes: a frame that does could say anything, and only a MAC could tell.
bool network::spoil(std::string& bytes) {
    if (bytes.size() < 3 || !luck_.chance(faults_.garbage)) return false;
    counted_(fault::garbage);
    switch (luck_.below(3)) {
    case 0:
        bytes.resize(luck_.below(bytes.size()));
        break;
    case 1:
        for (auto& byte : bytes) byte = static_cast<char>(luck_.next());
        bytes[0] = static_cast<char>(0xc1); // the one byte MessagePack never uses
        break;
    default:
        bytes[1] = static_cast<char>(bytes[1] ^ (2 << luck_.below(6)));
        break;
    }
    return true;
}

} // namespace baton::sim
