#include "crdt/ordered_keys.hpp"

#include "crdt/assert.hpp"

#include <algorithm>
#include <cstring>

namespace baton::crdt {

namespace {

constexpr std::size_t chunk_bytes_max = 1024; // a larger chunk is split, if it has more than one key
constexpr std::size_t chunk_bytes_low = 256;  // a smaller chunk is merged with a neighbour
constexpr std::size_t merged_bytes_max = 768;
constexpr std::size_t page_chunks_max = 256;
constexpr std::size_t room_step = 64;

// Numbers below 16384, seven bits a byte; the top bit marks that another byte follows.
void put_number(std::string& to, std::size_t number) {
    if (number >= 0x80) to += static_cast<char>(0x80 | (number >> 7));
    to += static_cast<char>(number & 0x7f);
}

std::size_t get_number(const char*& at) {
    const auto first = static_cast<unsigned char>(*at++);
    if (first < 0x80) return first;
    return std::size_t{first & 0x7fU} << 7 | static_cast<unsigned char>(*at++);
}

void put_entry(std::string& to, std::size_t shared, std::string_view rest) {
    put_number(to, shared);
    put_number(to, rest.size());
    to += rest;
}

std::size_t common(std::string_view a, std::string_view b) {
    const auto most = std::min(a.size(), b.size());
    std::size_t i = 0;
    while (i < most && a[i] == b[i]) ++i;
    return i;
}

} // namespace

bool ordered_keys::reader::next() {
    if (at == end) return false;
    entry = at;
    shared = get_number(at);
    const auto bytes = get_number(at);
    rest = {at, bytes};
    at += bytes;
    return true;
}

std::string_view ordered_keys::first_of(const chunk& c) {
    reader in(c);
    in.next();
    return in.rest;
}

std::string ordered_keys::last_of(const chunk& c) {
    std::string key;
    for (reader in(c); in.next();) {
        key.resize(in.shared);
        key += in.rest;
    }
    return key;
}

// No key is rebuilt. The length that an entry shares with its predecessor shows on which side of `key` it
// lies; only if `key` shares the same length, the remaining bytes are compared.
ordered_keys::spot ordered_keys::find(const chunk& c, std::string_view key) {
    std::size_t shared = 0;
    for (reader in(c); in.next();) {
        if (in.shared > shared) continue;
        if (in.shared < shared) return {in.entry, false, shared, in.shared};
        const auto wanted = key.substr(shared);
        const auto same = common(in.rest, wanted);
        if (same == in.rest.size() && same == wanted.size()) return {in.entry, true, shared, 0};
        const bool before =
            same == in.rest.size() || (same < wanted.size() && static_cast<unsigned char>(in.rest[same]) <
                                                                   static_cast<unsigned char>(wanted[same]));
        if (!before) return {in.entry, false, shared, shared + same};
        shared += same;
    }
    return {c.bytes.get() + c.used, false, shared, 0};
}

// The last chunk that begins at or before the key, or the first chunk.
ordered_keys::place ordered_keys::locate(std::string_view key) const {
    const auto after = [](std::string_view wanted, const chunk& c) { return wanted < first_of(c); };
    auto p =
        std::upper_bound(pages_.begin(), pages_.end(), key,
                         [&](std::string_view wanted, const page& in) { return after(wanted, in.front()); });
    if (p == pages_.begin()) return {0, 0};
    --p;
    const auto c = std::upper_bound(p->begin(), p->end(), key, after) - 1;
    return {static_cast<std::size_t>(p - pages_.begin()), static_cast<std::size_t>(c - p->begin())};
}

bool ordered_keys::contains(std::string_view key) const {
    if (pages_.empty()) return false;
    const auto [p, c] = locate(key);
    return find(pages_[p][c], key).found;
}

void ordered_keys::make_room(chunk& c, std::size_t bytes) {
    const auto room = (bytes + room_step - 1) / room_step * room_step;
    if (room == c.room) return;
    auto larger = std::make_unique_for_overwrite<char[]>(room);
    if (c.used != 0) std::memcpy(larger.get(), c.bytes.get(), std::min<std::size_t>(c.used, room));
    chunk_bytes_ += room;
    chunk_bytes_ -= c.room;
    c.bytes = std::move(larger);
    c.room = static_cast<std::uint16_t>(room);
}

void ordered_keys::replace(chunk& c, std::size_t from, std::size_t to, std::string_view with) {
    const auto used = c.used - (to - from) + with.size();
    if (used > c.room) make_room(c, used);
    std::memmove(c.bytes.get() + from + with.size(), c.bytes.get() + to, c.used - to);
    std::copy(with.begin(), with.end(), c.bytes.get() + from);
    c.used = static_cast<std::uint16_t>(used);
    if (c.room > used + 4 * room_step) make_room(c, used);
}

bool ordered_keys::insert(std::string_view key) {
    BATON_ASSERT(key.size() <= 4096);
    if (pages_.empty()) pages_.emplace_back().emplace_back();
    const auto where = locate(key);
    auto& c = pages_[where.page][where.chunk];
    const auto found = find(c, key);
    if (found.found) return false;
    const char* const start = c.bytes.get();
    const char* const end = start + c.used;
    edit_.clear();
    put_entry(edit_, found.shared, key.substr(found.shared));
    auto to = found.at;
    // The next entry is now stored relative to the new key, with which it may share more bytes.
    if (found.at != end) {
        reader in(c);
        in.at = found.at;
        in.next();
        const auto more = found.shared2 - in.shared;
        put_number(edit_, found.shared2);
        put_number(edit_, in.rest.size() - more);
        to = in.rest.data() + more;
    }
    const bool last =
        found.at == end && where.page + 1 == pages_.size() && where.chunk + 1 == pages_[where.page].size();
    replace(c, static_cast<std::size_t>(found.at - start), static_cast<std::size_t>(to - start), edit_);
    ++size_;
    if (c.used > chunk_bytes_max) split(where, last);
    return true;
}

// Splits a chunk in the middle. If keys arrive in order, it splits before the last key, so that chunks are
// full.
void ordered_keys::split(place at, bool at_end) {
    auto& in = pages_[at.page];
    const auto& c = in[at.chunk];
    const std::size_t half = c.used / 2;
    std::size_t cut = 0;
    std::string first;
    reader r(c);
    while (r.next()) {
        first.resize(r.shared);
        first += r.rest;
        cut = static_cast<std::size_t>(r.entry - c.bytes.get());
        if (cut != 0 && (at_end ? r.at == r.end : cut >= half)) break;
    }
    if (cut == 0) return; // the chunk has one key
    edit_.clear();
    put_entry(edit_, 0, first);
    edit_.append(r.at, static_cast<std::size_t>(r.end - r.at));
    chunk right;
    replace(right, 0, 0, edit_);
    replace(in[at.chunk], cut, c.used, {});
    in.insert(in.begin() + static_cast<std::ptrdiff_t>(at.chunk) + 1, std::move(right));
    if (in.size() <= page_chunks_max) return;
    const auto keep = at_end ? page_chunks_max : page_chunks_max / 2;
    page other(std::make_move_iterator(in.begin() + static_cast<std::ptrdiff_t>(keep)),
               std::make_move_iterator(in.end()));
    in.resize(keep);
    pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(at.page) + 1, std::move(other));
}

bool ordered_keys::erase(std::string_view key) {
    if (pages_.empty()) return false;
    const auto where = locate(key);
    auto& c = pages_[where.page][where.chunk];
    const auto found = find(c, key);
    if (!found.found) return false;
    const char* const start = c.bytes.get();
    reader in(c);
    in.at = found.at;
    in.next();
    const auto gone_shared = in.shared;
    const auto gone = in.rest;
    auto to = in.at;
    edit_.clear();
    if (in.next()) { // the next entry now stores the bytes that it shared with the erased one
        const auto shared = std::min(gone_shared, in.shared);
        put_number(edit_, shared);
        put_number(edit_, in.rest.size() + in.shared - shared);
        edit_ += gone.substr(0, in.shared - shared);
        to = in.rest.data();
    }
    replace(c, static_cast<std::size_t>(found.at - start), static_cast<std::size_t>(to - start), edit_);
    --size_;
    if (c.used < chunk_bytes_low) shrink(where);
    return true;
}

void ordered_keys::shrink(place at) {
    auto& in = pages_[at.page];
    if (in[at.chunk].used == 0) {
        chunk_bytes_ -= in[at.chunk].room;
        in.erase(in.begin() + static_cast<std::ptrdiff_t>(at.chunk));
    } else if (!(at.chunk + 1 < in.size() && merge(in, at.chunk)) && at.chunk != 0) {
        merge(in, at.chunk - 1);
    }
    if (in.empty()) pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(at.page));
}

// Merges a chunk with its right neighbour if both are small.
bool ordered_keys::merge(page& in, std::size_t left) {
    auto& a = in[left];
    auto& b = in[left + 1];
    if (a.used + b.used > merged_bytes_max) return false;
    reader r(b);
    r.next();
    const auto shared = common(last_of(a), r.rest);
    edit_.clear();
    put_entry(edit_, shared, r.rest.substr(shared));
    edit_.append(r.at, static_cast<std::size_t>(r.end - r.at));
    replace(a, a.used, a.used, edit_);
    chunk_bytes_ -= b.room;
    in.erase(in.begin() + static_cast<std::ptrdiff_t>(left) + 1);
    return true;
}

std::size_t ordered_keys::bytes() const {
    std::size_t sum = chunk_bytes_ + pages_.capacity() * sizeof(page);
    for (const auto& each : pages_) sum += each.capacity() * sizeof(chunk);
    return sum;
}

bool ordered_keys::shed() {
    if (pages_.empty()) return false;
    for (const auto& c : pages_.back()) {
        chunk_bytes_ -= c.room;
        for (reader in(c); in.next();) --size_;
    }
    pages_.pop_back();
    if (pages_.empty()) pages_.shrink_to_fit();
    return !pages_.empty();
}

} // namespace baton::crdt
