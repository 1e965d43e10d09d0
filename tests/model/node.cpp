// What one node holds, and how an event changes it.
#include "model.hpp"

#include <algorithm>

namespace model {

bool covers(const vec& a, const vec& b) {
    for (int o = 0; o < origins_max; ++o) {
        if (a[o] < b[o]) return false;
    }
    return true;
}

vec join(vec a, const vec& b) {
    for (int o = 0; o < origins_max; ++o) a[o] = std::max(a[o], b[o]);
    return a;
}

vec meet(vec a, const vec& b) {
    for (int o = 0; o < origins_max; ++o) a[o] = std::min(a[o], b[o]);
    return a;
}

std::uint64_t block::hash() const {
    std::uint64_t h = 0x9e3779b97f4a7c15;
    for (const int part : {id.origin, id.counter, value, total, base_counter, base_sum}) {
        h = (h ^ static_cast<std::uint64_t>(part)) * 0xbf58476d1ce4e5b9;
        h ^= h >> 29;
    }
    return h;
}

vec node::archive() const {
    vec all = archived;
    for (int o = 0; o < origins_max; ++o) {
        if (archived[o] < counter[o]) all[o] = 0;
    }
    return all;
}

vec node::cut() const {
    vec all = counter;
    for (int o = 0; o < origins_max; ++o) {
        if (archived[o] >= counter[o]) all[o] = 0;
    }
    return all;
}

void node::archive_to(int origin, int final) {
    archived[origin] = std::max(archived[origin], final);
    floor[origin] = std::max(floor[origin], archived[origin]);
}

const block* node::find(dot id) const {
    for (const auto& [where, blocks] : chains) {
        for (const auto& b : blocks) {
            if (b.id == id) return &b;
        }
    }
    return nullptr;
}

void settle(chain& blocks) {
    for (const auto& removal : blocks) {
        for (const auto& t : removal.takes) {
            for (auto& b : blocks) {
                if (b.removal || b.id.origin != t.origin || b.base_counter >= t.counter) continue;
                b.base_counter = t.counter;
                b.base_sum = t.total;
                b.residue_at.reset();
            }
        }
    }
}

void node::kill_scope(int key, const vec& context) {
    for (auto at = chains.begin(); at != chains.end();) {
        auto& [where, blocks] = *at;
        if (where.what == type::element && where.key == key) {
            std::erase_if(blocks, [&](const block& b) { return covers(context, b.id); });
        }
        at = blocks.empty() ? chains.erase(at) : std::next(at);
    }
}

void node::apply(const event& e) {
    auto made = e.what;
    auto& blocks = chains[made.where];
    for (const auto& b : blocks) {
        const bool former = !made.removal && !b.removal && b.id.origin == made.id.origin;
        if (former && b.base_counter > made.base_counter) {
            made.base_counter = b.base_counter;
            made.base_sum = b.base_sum;
        }
    }
    std::erase_if(blocks, [&](const block& b) {
        return b.id.origin == made.id.origin ||
               std::find(e.kills.begin(), e.kills.end(), b.id) != e.kills.end();
    });
    blocks.push_back(made);
    if (made.where.what == type::counter) settle(blocks);
    if (made.where.what == type::scope) kill_scope(made.where.key, made.context);
    if (made.where.what == type::archive) archive_to(made.where.key, made.value);
    if (made.closed) closed[made.where.key] = made.value;
    counter[made.id.origin] = made.id.counter;
}

} // namespace model
