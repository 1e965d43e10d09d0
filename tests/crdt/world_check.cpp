// Checks a store against the oracle: everything that can be read from it, and its counts of itself.
#include "world.hpp"

#include <algorithm>

namespace baton::test {

namespace {

std::string in_words(const slot_key& slot) {
    std::string text = std::to_string(static_cast<int>(slot.type)) + ' ' + slot.key;
    return slot.element.empty() ? text : text + '/' + slot.element;
}

std::string in_words(const cut& seen) {
    std::string text;
    for (const auto& id : seen.entries()) text += id.to_string() + ' ';
    return text;
}

std::string in_words(const slot_reading& reading) {
    std::string text = "{";
    for (const auto& [id, value] : reading.siblings) text += ' ' + id.to_string() + '=' + value;
    if (reading.count) text += " count " + std::to_string(*reading.count);
    return text + " }";
}

} // namespace

std::string world::check(std::size_t i, std::size_t phase) {
    auto& s = at(i);
    const auto all = seen(i);
    if (s.archived() != past_.closed(all))
        return "closed: " + in_words(s.archived()) + "instead of " + in_words(past_.closed(all));
    for (const auto& id : all.entries()) {
        if (s.counter_of(id.replica) != id.counter) return "counter_of " + id.to_string();
    }
    const auto expected = readings(past_.live(all));
    auto wrong = check_slots(s, expected, phase);
    if (wrong.empty() && !s.folding()) wrong = check_contests(node_at(i));
    if (wrong.empty() && !s.folding()) wrong = check_whole(s, expected);
    if (wrong.empty()) wrong = check_order(s, expected, phase);
    if (wrong.empty()) wrong = check_notes(node_at(i), expected);
    if (wrong.empty() && !s.folding()) {
        const auto [known, fresh] = digests_.emplace(in_words(all), *s.state_digest());
        if (known->second != *s.state_digest()) wrong = "equal cuts, different digests";
    }
    if (wrong.empty()) return {};
    return "node " + std::to_string(i % size()) + " that has seen " + in_words(all) + ": " + wrong;
}

std::string world::check_slots(store& s, const std::map<slot_key, slot_reading>& expected,
                               std::size_t phase) {
    std::vector<record_view> found;
    std::size_t number = 0;
    for (const auto& slot : past_.slots()) {
        if (s.folding() && number++ % 3 != phase % 3) continue;
        slot_reading got;
        s.siblings(slot.name(), found);
        for (const auto& each : found) {
            if (each.type != slot.type) return "type of " + in_words(slot);
            got.siblings.emplace(each.id, slot.type == value_type::counter ? std::string_view{} : each.value);
        }
        if (slot.type == value_type::counter) got.count = s.count(slot.key);
        const auto at = expected.find(slot);
        const auto wanted = at == expected.end() ? slot_reading{} : at->second;
        if (got != wanted) return in_words(slot) + " is " + in_words(got) + " instead of " + in_words(wanted);
        const auto read = s.read(slot.name());
        if (read.has_value() == found.empty() || s.sibling_count(slot.name()) != found.size())
            return in_words(slot) + " reads otherwise than its siblings";
        for (std::size_t n = 1; n < found.size(); ++n) {
            const auto rank = [](const record_view& r) { return std::tuple(r.epoch, r.stamp, r.id); };
            if (rank(found[n - 1]) < rank(found[n])) return in_words(slot) + " has its winner not first";
        }
        if (read && read->id != found.front().id)
            return in_words(slot) + " reads another than its first sibling";
    }
    return {};
}

// Checks that each slot with more siblings than at the last look is reported.
std::string world::check_contests(node& n) {
    auto& s = *n.held;
    std::vector<contest> contests;
    std::set<slot_key> named;
    const bool missed = s.take_contests(contests);
    for (const auto& each : contests) named.insert(s.slot_at(each.id));
    std::set<slot_key> found;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard)
        s.each_contested_of(shard, [&](const slot_name& slot) { found.insert(slot); });
    std::vector<std::string> gone;
    const bool more = s.take_disowned(gone);
    std::set<dot> own;
    for (std::uint64_t counter = 0; (counter = s.next_claim(s.self(), counter)) != 0;)
        own.insert({s.self(), counter});
    for (const auto& id : n.own_claims) { // this node has written nothing since, so others took the claim
        const auto& key = past_.find(id)->slot.key;
        const bool told = more || std::find(gone.begin(), gone.end(), key) != gone.end();
        if (!own.contains(id) && s.counter_of(s.self()) == id.counter && !told)
            return "the claim of " + key + " went unnoticed";
    }
    n.own_claims = std::move(own);
    for (const auto& slot : past_.slots()) {
        if (!has_siblings(slot.type)) continue;
        const auto count = s.sibling_count(slot.name());
        if ((count > 1) != found.contains(slot)) return in_words(slot) + " is not found by its siblings";
        if (count > 1 && count > n.siblings[slot] && !missed && !named.contains(slot))
            return in_words(slot) + " has siblings that nobody was told of";
        n.siblings[slot] = count;
    }
    return {};
}

std::string world::check_whole(store& s, const std::map<slot_key, slot_reading>& expected) {
    std::multiset<std::string> keys;
    std::map<std::string, unsigned> types;
    std::map<std::pair<value_type, std::string>, std::vector<std::string>> elements;
    for (const auto& [slot, reading] : expected) {
        if (slot.type == value_type::reg || (types[slot.key] & ~1U) == 0) keys.insert(slot.key);
        types[slot.key] |= 1U << static_cast<unsigned>(slot.type);
        if (has_element(slot.type)) elements[{slot.type, slot.key}].push_back(slot.element);
    }
    std::size_t records = 0, bytes = 0, removals = 0, residues = 0;
    digest sum;
    std::set<dot> claims, listed_claims;
    std::vector<record_view> siblings;
    std::vector<staged_view> chain;
    std::vector<std::string> names;
    for (const auto& slot : past_.slots(true)) {
        s.siblings(slot.name(), siblings);
        for (const auto& r : siblings) {
            sum += hash_record(
                {r.id.replica, r.id.counter, r.stamp.raw, r.epoch, static_cast<std::uint8_t>(r.type)},
                slot.key, slot.element, r.value);
            bytes += slot.key.size() + slot.element.size() + r.value.size();
            if (slot.type == value_type::reg && is_claim(r.epoch)) claims.insert(r.id);
        }
        records += siblings.size();
        s.chain_of(slot.name(), chain);
        std::size_t held = 0;
        for (const auto& entry : chain) (entry.what == block::kind::removal ? removals : held) += 1;
        residues += held - siblings.size();
        const auto known = elements.find({slot.type, slot.key});
        if (has_element(slot.type)) {
            s.elements(slot.type, slot.key, names);
            if (names != (known == elements.end() ? std::vector<std::string>{} : known->second))
                return "elements of " + slot.key;
        }
        const auto type = types.find(slot.key);
        if (s.types_of(slot.key) != (type == types.end() ? 0 : type->second)) return "types of " + slot.key;
    }
    if (sum != *s.state_digest()) return "the digest is not the sum of what is visible";
    if (s.keys() != keys.size()) return std::to_string(s.keys()) + " keys";
    if (s.records() != records) return std::to_string(s.records()) + " records";
    if (s.key_value_bytes() != bytes) return std::to_string(s.key_value_bytes()) + " bytes";
    if (s.removals() != removals) return std::to_string(s.removals()) + " removal records";
    if (s.residues() != residues) return std::to_string(s.residues()) + " residues";
    for (const auto& [owner, count] : s.claimants()) {
        for (std::uint64_t counter = 0; (counter = s.next_claim(owner, counter)) != 0;)
            listed_claims.insert({owner, counter});
    }
    if (listed_claims != claims) return "the list of claims";
    std::set<slot_key> visible;
    std::vector<std::string> listed;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) {
        s.keys_of(shard, {}, listed);
        s.each_slot_of(shard, [&](const slot_name& slot) { visible.insert(slot); });
    }
    if (std::multiset<std::string>(listed.begin(), listed.end()) != keys) return "the list of keys";
    const bool same = std::equal(visible.begin(), visible.end(), expected.begin(), expected.end(),
                                 [](const slot_key& a, const auto& b) { return a == b.first; });
    return same ? std::string{} : "the list of slots";
}

// Builds the index of keys in portions while the world continues, and drops it now and then.
std::string world::check_order(store& s, const std::map<slot_key, slot_reading>& expected,
                               std::size_t phase) {
    if (phase % 32 == 7) {
        s.drop_order();
        return s.has_order() ? "an order that was dropped" : "";
    }
    if (!s.order(50 + phase)) return {};
    if (s.folding()) return "an order while folding";
    std::set<std::string> keys;
    for (const auto& [slot, reading] : expected) keys.insert(slot.key);
    const std::string prefix = phase % 2 == 0 ? "" : "k1";
    if (!prefix.empty()) std::erase_if(keys, [&](const auto& key) { return !key.starts_with(prefix); });
    std::vector<std::string> listed;
    std::string from;
    while (auto next = s.keys_from(prefix, from, 1, listed)) from = *std::move(next);
    return std::equal(listed.begin(), listed.end(), keys.begin(), keys.end()) ? "" : "the order of keys";
}

// Whatever has become visible, invisible or different since the notes were taken last has been noted.
std::string world::check_notes(node& n, const std::map<slot_key, slot_reading>& expected) {
    auto& s = *n.held;
    if (s.folding()) return {};
    if (!s.notes().wanted()) {
        s.notes().want(true);
        n.shown = expected;
        return {};
    }
    std::set<std::string> noted;
    if (s.notes().take([&](std::string_view key) { noted.emplace(key); })) n.shown = expected;
    std::string missed;
    const auto compare = [&](const auto& some, const auto& others) {
        for (const auto& [slot, reading] : some) {
            const auto other = others.find(slot);
            if ((other == others.end() || other->second != reading) && !noted.contains(slot.key))
                missed = in_words(slot) + " has changed without a note";
        }
    };
    compare(n.shown, expected);
    compare(expected, n.shown);
    n.shown = expected;
    return missed;
}

} // namespace baton::test
