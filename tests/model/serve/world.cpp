// The scheduler: virtual time, links that lose and delay, faults from the seed, and the end without faults.
#include "model.hpp"

#include <algorithm>
#include <iostream>

namespace serving {

world::world(std::uint64_t seed, kind in, mutation broken_rule, bool traced)
    : random(seed * 0x9e3779b97f4a7c15 + 1)
    , of(in)
    , broken(broken_rule)
    , trace(traced) {
    loss_ = std::array{0, 0, 5, 20}[static_cast<std::size_t>(below(4))];
    base_ = std::array{1, 5, 15}[static_cast<std::size_t>(below(3))];
    spike_ = std::array{0, 2, 10}[static_cast<std::size_t>(below(3))];
    spike_ms_ = std::array{50, 200, 300}[static_cast<std::size_t>(below(3))];
    pace_ = std::array{150, 300, 700}[static_cast<std::size_t>(below(3))];
    snapshots = chance(35);
    discovers = chance(75) || of == kind::hash || of == kind::sticky;
    pause = of == kind::pause;
    if (pause) spike_ms_ = 50; // shorter than the lease
    by_hash = of == kind::hash;
    keys = chance(25) ? 2 : 1;
    if (of == kind::many) keys = 8;
    if (of == kind::hash || of == kind::sticky) keys = keys_max;
    for (auto& each : score) {
        for (auto& s : each) s = below(999'998);
    }
}

int world::below(int n) {
    auto z = (random += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<int>((z ^ (z >> 31)) % static_cast<std::uint64_t>(n));
}

void world::at(int delay, std::function<void()> f) {
    queue_.push({now + delay, ++order_, std::make_shared<std::function<void()>>(std::move(f))});
}

void world::send(int from, int to, message m, bool lossy) {
    if (cuts.contains({from, to}) || (lossy && chance(loss_))) return;
    const int delay = between(1, base_) + (chance(spike_) ? below(spike_ms_ + 1) : 0);
    auto& last = fifo_[{{from, to}, lossy}];
    last = std::max(now + delay, last);
    at(last - now, [this, from, to, m = std::move(m)] {
        auto& x = *all[to];
        if (cuts.contains({from, to}) || !x.alive || x.left) return;
        if (x.suspended) return x.inbox.push_back({from, m});
        x.get(from, m);
    });
}

std::vector<member*> world::live() {
    std::vector<member*> some;
    for (auto& m : all) {
        if (m->alive && !m->left && !m->draining) some.push_back(m.get());
    }
    return some;
}

int world::join(int name) {
    const int id = static_cast<int>(all.size());
    if (id >= members_max) return -1;
    all.push_back(std::make_unique<member>(*this, id, name < 0 ? id : name));
    if (of == kind::sticky && chance(30)) all.back()->weight = 2;
    if (const auto at = spilled.find(all.back()->name); at != spilled.end()) {
        for (int o = 0; o < members_max; ++o) {
            for (int c = 1; c <= at->second[o]; ++c) all.back()->buffer.insert({o, c});
        }
        all.back()->drain_buffer();
        spilled.erase(at);
        ++counts["spill read"];
    }
    say("member " + std::to_string(id) + " starts");
    at(between(1, 30), [this, id] { seek(id); });
    at(between(1, heartbeat), [this, id] { beat(id); });
    return id;
}

void world::seek(int id) {
    auto& m = *all[id];
    if (!m.alive || m.left || (m.met && !discovers)) return;
    auto others = live();
    std::erase(others, &m);
    if (!others.empty() && !m.suspended) m.meet(others[below(static_cast<int>(others.size()))]->self);
    at(m.met ? 1500 : 300, [this, id] { seek(id); });
}

void world::beat(int id) {
    auto& m = *all[id];
    if (!m.alive || m.left) return;
    if (!m.suspended) m.tick();
    at(heartbeat + between(-5, 5), [this, id] { beat(id); });
}

void world::crash(member& m) {
    say("member " + std::to_string(m.self) + " crashes");
    m.alive = false;
    ++counts["crashes"];
    for (auto& x : all) {
        if (x->p[m.self].is != state::none && !cuts.contains({x->self, m.self})) x->p[m.self].closed = now;
    }
}

void world::suspend(member& m, int how_long) {
    say("member " + std::to_string(m.self) + " stops for " + std::to_string(how_long));
    m.suspended = true;
    for (auto& k : m.keys) {
        if (k.running) k.running->slept = true;
    }
    at(how_long, [this, &m] {
        m.suspended = false;
        if (pause) m.check_lease();
        check_runs();
        at(chance(50) ? 0 : 5, [&m] {
            const auto box = std::exchange(m.inbox, {});
            for (const auto& [from, what] : box) m.get(from, what);
        });
    });
}

void world::spill(const member& m) {
    spilled[m.name] = m.seen;
    ++counts["spilled"];
}

void world::cut_links(const std::string& how) {
    const auto some = live();
    if (some.size() < 2) return;
    std::vector<std::pair<int, int>> links;
    const int a = below(static_cast<int>(some.size()));
    const int b = (a + 1 + below(static_cast<int>(some.size()) - 1)) % static_cast<int>(some.size());
    links.push_back({some[a]->self, some[b]->self});
    if (how != "one way" && how != "for good") links.push_back({some[b]->self, some[a]->self});
    if (how == "for good") {
        if (!cuts.empty()) return;
        links.push_back({some[b]->self, some[a]->self});
    }
    if (how == "island") {
        mask group = 0;
        for (const auto* m : some) group |= chance(50) ? bit(m->self) : 0;
        links.clear();
        for (int x = 0; x < members_max; ++x) {
            for (int y = 0; y < members_max; ++y) {
                if (has(group, x) != has(group, y)) links.push_back({x, y});
            }
        }
    }
    say("cut: " + how + " " + std::to_string(some[a]->self) + " " + std::to_string(some[b]->self));
    cuts.insert(links.begin(), links.end());
    if (how == "for good") return;
    at(std::array{150, 600, 1600, 3000}[static_cast<std::size_t>(below(4))], [this, links] {
        for (const auto& each : links) cuts.erase(each);
    });
}

void world::inject() {
    static const std::map<kind, std::vector<std::string>> faults_of{
        {kind::calm, {"join", "leave", "join", "leave", "both"}},
        {kind::crash, {"crash", "join", "leave", "crash", "restart"}},
        {kind::burst, {"burst"}},
        {kind::drop, {"drop", "drop", "join", "leave"}},
        {kind::suspend, {"suspend", "suspend", "join", "leave"}},
        {kind::cut, {"cut", "island", "one way", "join", "leave", "crash"}},
        {kind::triangle, {"for good", "join", "leave", "leave"}},
        {kind::mixed,
         {"join", "leave", "crash", "restart", "suspend", "cut", "one way", "drop", "island", "join", "stash",
          "full"}},
        {kind::stash, {"stash", "stash", "stash", "join", "leave", "crash"}},
        {kind::full, {"full", "full", "cut", "join", "leave", "restart"}},
        {kind::spill, {"spill", "join", "restart", "stash"}},
        {kind::poison, {"join", "leave", "stash"}},
        {kind::pause, {"cut", "island", "one way", "join", "leave", "restart", "suspend"}},
        {kind::many, {"join", "leave", "both", "crash"}},
    };
    const auto& some = faults_of.at(of);
    auto what = some[below(static_cast<int>(some.size()))];
    auto present = live();
    if (present.empty()) return;
    std::vector<member*> own;
    for (auto* m : present) {
        for (const auto& k : m->keys) {
            if (k.running || k.claimed) own.push_back(m);
        }
    }
    auto& pick =
        !own.empty() && chance(70) ? *own.front() : *present[below(static_cast<int>(present.size()))];
    const int most = pause ? alive_most : 5;
    int alive = 0;
    for (const auto& m : all) alive += m->alive && !m->left ? 1 : 0;
    const bool room = all.size() < members_max - 4 && alive < most;
    last_fault = now;
    if (what == "burst") {
        for (int i = between(1, 3); i > 0 && all.size() < members_max - 4; --i)
            at(below(61), [this] { join(); });
        const auto later = [this](member& m, int delay) {
            at(delay, [&m] {
                if (m.alive && !m.draining) m.leave();
            });
        };
        later(pick, between(20, 300));
        auto& other = *present[below(static_cast<int>(present.size()))];
        if (present.size() > 3 && &other != &pick) later(other, below(400));
        return;
    }
    if (what == "both") {
        if (room) join();
        what = "leave";
    }
    if (what == "join" && room) join();
    if (what == "leave" && present.size() > 2) {
        say("member " + std::to_string(pick.self) + " leaves");
        pick.leave();
    }
    if (what == "crash" && present.size() > 2) crash(pick);
    if (what == "restart" && present.size() > 2) {
        crash(pick);
        if (room || pause) {
            at(between(60, 1500), [this, name = pick.name, most] {
                const auto count =
                    std::count_if(all.begin(), all.end(), [](const auto& m) { return m->alive && !m->left; });
                if (count < most) join(name);
            });
        }
    }
    if (what == "suspend")
        suspend(pick, std::array{200, 700, 1500, 2500}[static_cast<std::size_t>(below(4))]);
    if (what == "cut" || what == "one way" || what == "island" || what == "for good") cut_links(what);
    if (what == "stash") present[below(static_cast<int>(present.size()))]->stash(below(keys));
    if (what == "full") {
        auto& m = *present[below(static_cast<int>(present.size()))];
        m.full = true;
        say("member " + std::to_string(m.self) + " is full");
        at(between(300, 2500), [&m] { m.full = false; });
    }
    if (what == "spill" && present.size() > 2) {
        say("member " + std::to_string(pick.self) +
            " is cut off and leaves"); // a leave that reaches nobody, and its successor
        for (auto& m : all) {
            for (const auto& link : {std::pair{m->self, pick.self}, std::pair{pick.self, m->self}})
                cuts.insert(link);
        }
        pick.leave();
        at(3600, [this, &pick] {
            for (auto at = cuts.begin(); at != cuts.end();)
                at = at->first == pick.self || at->second == pick.self ? cuts.erase(at) : std::next(at);
            join(pick.name);
        });
    }
    if (what == "drop") {
        auto& m = *present[below(static_cast<int>(present.size()))];
        const int key = below(keys);
        if (m.suspended || m.full || m.keys[key].records.empty()) return;
        m.write(key, std::nullopt, m.dots(key));
        root[key] = static_cast<int>(parents.size()); // greater than every value
        std::erase_if(promises, [&](const promise& each) { return each.key == key; });
        at(between(1, 60), [this, &m, key] {
            if (!m.alive || m.drained || m.suspended) return;
            record put;
            put.value = root[key] = value({});
            m.write(key, put, m.dots(key));
        });
    }
}

void world::go() {
    constexpr int faults_end = 6200, healed = 6500, over = 17000;
    const bool placed = of == kind::hash || of == kind::sticky;
    const int first = placed ? between(3, 5) : std::array{2, 3, 3, 4}[static_cast<std::size_t>(below(4))];
    alive_most = first + 1;
    if (pause) mesh_size = is(mutation::mesh_too_small) ? first : alive_most;
    if (of == kind::poison) {
        poison = 0;
        poison_kills = chance(50);
    }
    for (int i = 0; i < first; ++i) join();
    at(between(150, 500), [this] {
        for (int key = 0; key < keys; ++key) {
            record put;
            put.value = root[key] = value({});
            all[0]->write(key, put, {});
        }
    });
    const auto probe = std::make_shared<std::function<void()>>();
    *probe = [this, step = probe.get()] {
        check_runs();
        acknowledged();
        check_routes();
        at(13, *step);
    };
    at(10, *probe);
    const auto fault = std::make_shared<std::function<void()>>();
    *fault = [this, step = fault.get()] {
        inject();
        if (now < faults_end) at(between(1, 2 * pace_), *step);
    };
    const auto lease = std::make_shared<std::function<void()>>();
    *lease = [this, step = lease.get()] {
        for (auto& m : all) m->check_lease();
        at(5, *step);
    };
    if (pause) at(5, *lease);
    if (placed) {
        at(6000, [this] { begin_move(); });
        at(11000, [this] {
            end_move();
            begin_move();
        });
        at(16500, [this] { end_move(); });
    } else {
        at(between(600, 900), *fault);
        at(healed, [this] {
            if (of != kind::triangle) cuts.clear();
            const auto some = live();
            const auto* stays = of == kind::full && some.size() > 2 && chance(40) ? some.back() : nullptr;
            for (auto& m : all) m->full = m.get() == stays;
        });
    }
    while (!queue_.empty() && queue_.top().at <= over) {
        const auto next = queue_.top();
        queue_.pop();
        now = next.at;
        (*next.f)();
    }
    check_end();
}

void world::say(const std::string& line) const {
    if (trace) std::cout << now << ": " << line << '\n';
}

} // namespace serving
