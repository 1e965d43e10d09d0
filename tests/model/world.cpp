// The scheduler: random steps, then healing.
#include "model.hpp"

#include <algorithm>
#include <stdexcept>

namespace model {

world::world(std::uint64_t seed, mutation broken, bool lines, bool trace)
    : random_(seed * 0x9e3779b97f4a7c15 + 1)
    , broken_(broken)
    , lines_(lines)
    , trace_(trace) {
    // Bounds are small and differ per seed: what is rare under one mixture of steps is common under another.
    regs_ = 1 + below(2);
    counters_ = below(3);
    elements_ = 1 + below(2);
    loss_ = below(2) * below(60);
    removes_ = 20 + below(50);
    burst_ = std::array{1, 3, 8}[static_cast<std::size_t>(below(3))];
    ranges_ = std::array{0, 5, 40}[static_cast<std::size_t>(below(3))];
    for (auto& weight : weights_) weight = std::array{1, 2, 5, 12}[static_cast<std::size_t>(below(4))];
    only_ =
        std::array{-1, -1, 0, 3}[static_cast<std::size_t>(below(4))]; // all in one slot: deaths are frequent
    if (only_ >= 0) regs_ = counters_ = 1;
    gossip_ = chance(
        50); // that a member has left is passed on; else it is known where it was said, and by the archive
    cascade_ = chance(40); // servers that are being served themselves
    keep_ = std::array{10, 70, 100}[static_cast<std::size_t>(below(3))];
    const int members = 2 + below(3);
    for (int i = 0; i < members; ++i) nodes_.emplace_back().self = i;
}

int world::below(int n) {
    auto z = (random_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<int>((z ^ (z >> 31)) % static_cast<std::uint64_t>(n));
}

// ---------------------------------------------------------------- the scheduler

node& world::any_alive() {
    while (true) {
        auto& x = nodes_[static_cast<std::size_t>(below(static_cast<int>(nodes_.size())))];
        if (x.alive) return x;
    }
}

void world::step() {
    ++step_;
    const auto count = static_cast<int>(nodes_.size());
    auto& x = any_alive();
    auto& y = nodes_[static_cast<std::size_t>(below(count))];
    int total = 0;
    for (const int weight : weights_) total += weight;
    int pick = below(total), what = 0;
    while (pick >= weights_[static_cast<std::size_t>(what)])
        pick -= weights_[static_cast<std::size_t>(what++)];
    const bool linked = y.alive && x.self != y.self && !cut_off_[x.self][y.self];
    switch (what) {
    case 0:
        return write(x);
    case 1:
        for (int i = below(burst_); i >= 0; --i) deliver(x);
        return;
    case 2:
        for (auto& to : nodes_) {
            if (to.alive && to.self != x.self && !cut_off_[x.self][to.self]) hello(x, to);
        }
        return;
    case 3:
        if (!linked || x.inbound || (cascade_ && !y.inbound && chance(80))) return;
        say("node " + std::to_string(x.self) + " pulls from " + std::to_string(y.self));
        return pull(x, y);
    case 4:
    case 5:
    case 6: { // sessions take most of the steps
        std::vector<int> busy;
        for (const auto& each : nodes_) {
            if (each.inbound) busy.push_back(each.self);
        }
        if (busy.empty()) return;
        auto& to = nodes_[static_cast<std::size_t>(
            busy[static_cast<std::size_t>(below(static_cast<int>(busy.size())))])];
        auto& server = nodes_[static_cast<std::size_t>(to.inbound->server)];
        const bool reachable = server.alive && !cut_off_[to.self][server.self];
        for (int i = below(burst_); i >= 0 && to.inbound; --i) {
            if (what == 6 || chance(30)) {
                receive(to);
            } else if (reachable) {
                to.inbound->accepted ? serve(server, *to.inbound) : accept(server, *to.inbound);
            }
        }
        return check(to);
    }
    case 7:
        return collect(x, 60);
    case 8: // silence: first out of the count, later taken for dead
        if (x.self == y.self || !chance(30)) return;
        if (x.peers[y.self].counted) {
            say("node " + std::to_string(x.self) + " evicts " + std::to_string(y.self));
            x.peers[y.self].counted = false;
        } else {
            x.peers[y.self].gone = true;
        }
        return;
    case 9:
        return try_archive(x);
    case 10:
        if (x.self != y.self && chance(40)) {
            cut_off_[x.self][y.self] = cut_off_[y.self][x.self] = !cut_off_[x.self][y.self];
        }
        return;
    default:
        break;
    }
    if (x.inbound && chance(30)) { // either end gives up
        say("node " + std::to_string(x.self) + " abandons its session");
        return abandon(x);
    }
    if (chance(75)) return;
    int alive = 0;
    for (const auto& each : nodes_) alive += each.alive ? 1 : 0;
    if (count < origins_max && (alive < 3 || chance(40))) {
        nodes_.emplace_back().self = count;
        say("node " + std::to_string(count) + " starts");
        return;
    }
    if (alive < 3) return;
    const bool leaves = linked && chance(50) && y.seen()[x.self] == x.counter[x.self];
    x.alive = false;
    x.inbound.reset();
    if (leaves) {
        y.peers[x.self].final = x.counter[x.self];
        y.peers[x.self].counted = false;
    }
    say("node " + std::to_string(x.self) + (leaves ? " leaves" : " crashes"));
}

bool world::said_goodbye(int origin) const {
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const node& x) {
        return x.alive && (x.peers[origin].final == x.seen()[origin] || x.closed[origin] != 0);
    });
}

// All living nodes can talk, nothing is lost, and only archive events are written.
void world::heal() {
    ++step_;
    cut_off_ = {};
    loss_ = 0;
    for (auto& x : nodes_) {
        if (x.inbound) abandon(x);
        for (int o = 0; o < origins_max; ++o) {
            if (o < static_cast<int>(nodes_.size()) && nodes_[static_cast<std::size_t>(o)].alive) continue;
            x.peers[o].counted = false;
            x.peers[o].gone = true;
        }
    }
    for (int round = 0; round < 80; ++round) {
        bool done = true;
        for (auto& x : nodes_) {
            for (auto& y : nodes_) {
                if (x.alive && y.alive && x.self != y.self) hello(x, y);
            }
        }
        const node* last = nullptr;
        for (auto& x : nodes_) {
            if (!x.alive) continue;
            if (last != nullptr && last->seen() != x.seen()) done = false;
            last = &x;
            auto& y = any_alive();
            if (y.self != x.self && !covers(x.seen(), y.seen())) {
                pull(x, y);
                accept(y, *x.inbound);
                for (int i = 0; x.inbound; ++i) {
                    serve(y, *x.inbound);
                    receive(x);
                    if (i > 10000) fail("a session does not end");
                }
                check(x);
            }
            collect(x, 100);
            try_archive(x);
            for (const auto& [where, blocks] : x.chains) {
                for (const auto& b : blocks) done &= !b.removal;
            }
            for (const auto& other : nodes_) done &= other.alive || x.cut()[other.self] == 0;
            // No residue is left of origins that have said goodbye, if any node has heard that; with lines,
            // of all that are gone.
            for (const auto& [where, blocks] : x.chains) {
                for (const auto& b : blocks) {
                    const int o = b.id.origin;
                    const bool gone = lines_ ? !nodes_[static_cast<std::size_t>(o)].alive : said_goodbye(o);
                    done &= !b.residue() || !gone;
                }
            }
        }
        if (done) return;
    }
    fail("the members do not converge, or removal records or dead origins stay");
}

void world::run() {
    for (const int steps = 60 + below(900); step_ < steps;) step();
    heal();
}

} // namespace model
