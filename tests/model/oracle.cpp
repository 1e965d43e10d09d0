// Computes what must be visible from the events that a node has seen, and nothing else; and words for faults.
#include "model.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

namespace model {

void world::say(const std::string& line) {
    if (trace_) std::cout << step_ << ": " << line << '\n';
}

void world::fail(const std::string& why) {
    throw std::runtime_error(why + ", step " + std::to_string(step_));
}

std::string name(dot d) { return std::to_string(d.origin) + ":" + std::to_string(d.counter); }

std::string name(const slot& s) {
    return std::string{"rces@"[static_cast<std::size_t>(s.what)]} + std::to_string(s.key) +
           (s.what == type::element ? "." + std::to_string(s.part) : "");
}

std::string name(const vec& v) {
    std::string all;
    for (int o = 0; o < origins_max; ++o) {
        if (v[o] != 0) all += " " + name(dot{o, v[o]});
    }
    return "[" + all + " ]";
}

void world::check(const node& x) {
    const auto seen = x.seen();
    const auto by = [this](int origin) { return broken_ == mutation::shares_folded ? 0 : origin; };
    std::map<std::pair<slot, int>, std::set<int>> here, due; // values; a counter's by origin
    std::map<std::pair<slot, int>, int> sums_here, sums_due;
    std::uint64_t digest = 0;
    for (const auto& [where, blocks] : x.chains) {
        for (const auto& b : blocks) {
            if (!covers(seen, b.id)) fail("node " + std::to_string(x.self) + " holds unseen " + name(b.id));
            if (b.removal || b.residue()) continue;
            digest += b.hash();
            if (where.what == type::counter) {
                sums_here[{where, by(b.id.origin)}] += b.total - b.base_sum;
            } else {
                here[{where, 0}].insert(b.value);
            }
        }
    }
    std::vector<block> fences;              // where origins have been closed, whether they went on or not
    std::set<std::pair<slot, dot>> touched; // lines, by their first addition
    for (int o = 0; o < origins_max; ++o) {
        for (const auto& e : events_[o]) {
            if (!covers(seen, e.what.id)) break;
            if (e.what.where.what == type::archive) {
                if (e.what.fences) fences.push_back(e.what);
            }
            if (e.amount != 0 &&
                std::any_of(e.killers.begin(), e.killers.end(), [&](dot k) { return covers(seen, k); }))
                touched.insert({e.what.where, {o, e.what.birth}});
        }
    }
    for (int o = 0; o < origins_max; ++o) {
        for (const auto& e : events_[o]) {
            if (!covers(seen, e.what.id)) break;
            if (!covers(seen, e.past)) fail("node " + std::to_string(x.self) + " has an open past");
            if (e.what.removal || e.rewrite) continue;
            if (std::any_of(e.killers.begin(), e.killers.end(), [&](dot k) { return covers(seen, k); }))
                continue;
            if (e.what.where.what == type::counter) {
                // In an ended line the removed part takes the rest.
                const auto behind = [&](const block& f) {
                    return f.where.key == o && e.what.birth <= f.value && !f.open.contains(e.what.birth);
                };
                if (touched.contains({e.what.where, {o, e.what.birth}}) &&
                    std::any_of(fences.begin(), fences.end(), behind))
                    continue;
                sums_due[{e.what.where, by(o)}] += e.amount;
            } else {
                due[{e.what.where, 0}].insert(e.what.value);
            }
        }
    }
    if (here != due || sums_here != sums_due) {
        std::string what;
        for (const auto& [at, values] : here) {
            for (const int v : values) {
                if (!due[at].contains(v)) what += " shows " + name(at.first) + "=" + std::to_string(v);
            }
        }
        for (const auto& [at, values] : due) {
            for (const int v : values) {
                if (!here[at].contains(v)) what += " lacks " + name(at.first) + "=" + std::to_string(v);
            }
        }
        for (const auto& [at, sum] : sums_here) {
            if (sums_due[at] != sum) what += " counts " + name(at.first) + " of " + std::to_string(at.second);
        }
        for (const auto& [at, sum] : sums_due) {
            if (!sums_here.contains(at)) what += " counts nothing in " + name(at.first);
        }
        fail("node " + std::to_string(x.self) + what + ", seen " + name(seen));
    }
    const auto state = states_.emplace(seen, std::pair{digest, x.archive()}).first->second;
    if (state.first != digest) fail("equal seen, other digest at node " + std::to_string(x.self));
    if (state.second != x.archive()) fail("equal seen, other archive at node " + std::to_string(x.self));
    if (cuts_.emplace(x.cut(), seen).first->second != seen) fail("equal cuts, other seen");
}

} // namespace model
