// The state of one node, and how an event changes it.
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
    for (const int part : {id.origin, id.counter, value, total, base_counter, base_sum, birth}) {
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

bool node::is_closed(const block& share) const {
    return std::any_of(fences.begin(), fences.end(), [&](const fence& f) {
        return f.origin == share.id.origin && share.birth <= f.final && !f.open.contains(share.birth);
    });
}

void node::fence_off(const block& event) {
    if (event.fences) fences.insert({event.where.key, event.value, event.open});
}

bool node::has_line(const slot& where, const block& share) const {
    const auto found = chains.find(where);
    return found != chains.end() &&
           std::any_of(found->second.begin(), found->second.end(), [&](const block& b) {
               return b.share() && b.id.origin == share.id.origin && b.birth == share.birth;
           });
}

// A line behaves as one element: its removal also takes what its archived origin had added and others had not
// heard. So no node needs to know any more how much that was.
void node::end_lines(mutation broken) {
    if (broken == mutation::touched_line_stays) return;
    for (auto at = chains.begin(); at != chains.end();) {
        auto& blocks = at->second;
        std::erase_if(blocks, [&](const block& b) { return b.touched() && is_closed(b); });
        at = blocks.empty() ? chains.erase(at) : std::next(at);
    }
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

void node::apply(const event& e, mutation broken) {
    auto made = e.what;
    const bool ended =
        made.share() && made.birth < made.id.counter && is_closed(made) && !has_line(made.where, made);
    if (ended && broken != mutation::line_returns) {
        counter[made.id.origin] = made.id.counter;
        return;
    }
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
    if (made.where.what == type::archive) fence_off(made);
    if (broken == mutation::fence_reopened)
        std::erase_if(fences, [&](const fence& f) { return f.origin == made.id.origin; });
    end_lines(broken);
}

} // namespace model
