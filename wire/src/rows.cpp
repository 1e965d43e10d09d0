#include "wire/rows.hpp"

#include <algorithm>

namespace baton::wire {

namespace {

// First byte of an event: flags; bits 4 to 6 hold the type of the value.
enum event_bit : std::uint8_t {
    event_removal = 1,
    event_kills = 2,
    event_epoch = 4,
    event_ttl = 8,
    event_joined = 128
};
// First byte of a STATE row: the kind of row; the high half holds the type of the slot.
enum row_tag : std::uint8_t { row_part = 0, row_chain = 1, row_single = 2, row_next = 3 };
// First byte of a chain entry: its kind in the low two bits, then flags.
enum entry_bit : std::uint8_t { entry_epoch = 4, entry_in_parts = 8, entry_ttl = 16 };

void put_text(std::string& to, std::string_view text) {
    put_varint(to, text.size());
    to += text;
}

std::string_view get_text(byte_reader& in, std::size_t bytes_max) {
    const auto size = in.varint();
    if (size > bytes_max) in.fail();
    return in.bytes(size);
}

std::string_view get_key(byte_reader& in, const row_limits& limits) {
    const auto key = get_text(in, limits.key_bytes_max);
    if (key.empty()) in.fail();
    return key;
}

std::uint8_t tag_of(value_type type, unsigned low) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4 | low);
}

void put_slot(std::string& to, const slot_name& slot) {
    put_text(to, slot.key);
    if (has_element(slot.type)) put_text(to, slot.element);
}

slot_name get_slot(byte_reader& in, std::uint8_t first, const row_limits& limits) {
    if (first >> 4 >= value_types) in.fail();
    slot_name slot{static_cast<value_type>(first >> 4), {}, {}};
    slot.key = get_key(in, limits);
    if (has_element(slot.type)) slot.element = get_text(in, element_bytes_max);
    return slot;
}

/// Removals of these types carry what their writer has seen.
bool removal_has_value(value_type type) {
    return type == value_type::counter || type == value_type::scope || type == value_type::archive;
}

replica_id get_replica(byte_reader& in, std::string_view replicas) {
    const auto number = in.varint();
    if (number >= replicas.size() / 16) {
        in.fail();
        return {};
    }
    const auto id = *replica_id::from_bytes(replicas.substr(number * 16, 16));
    if (id.is_nil()) in.fail();
    return id;
}

timestamp get_stamp(byte_reader& in, timestamp& last) {
    return last = timestamp{last.raw + unzigzag(in.varint())};
}

// The time that a record of a register has left to live.
void put_ttl(std::string& to, std::chrono::milliseconds ttl) {
    put_varint(to, static_cast<std::uint64_t>(ttl.count()));
}

std::chrono::milliseconds get_ttl(byte_reader& in, value_type type, bool removal) {
    const auto ttl = in.varint();
    if (removal || type != value_type::reg || ttl > static_cast<std::uint64_t>(ttl_max.count())) in.fail();
    return std::chrono::milliseconds{in.ok() ? ttl : 0};
}

} // namespace

std::uint64_t replica_table::index_of(const replica_id& id) {
    if (!bytes_.empty() && id == last_) return last_index_;
    const auto [at, added] = index_.try_emplace(id, index_.size());
    if (added) bytes_ += id.view();
    last_ = id;
    last_index_ = at->second;
    return last_index_;
}

void event_writer::add(const event_view& event) {
    auto first = tag_of(event.slot.type, 0);
    if (event.removal) first |= event_removal;
    if (!event.kills.empty()) first |= event_kills;
    if (event.epoch != 0) first |= event_epoch;
    if (event.ttl) first |= event_ttl;
    if (event.joined) first |= event_joined;
    rows_ += static_cast<char>(first);
    put_varint(rows_, zigzag(event.stamp.raw - last_.raw));
    last_ = event.stamp;
    put_slot(rows_, event.slot);
    if (!event.removal || removal_has_value(event.slot.type)) put_text(rows_, event.value);
    if (event.epoch != 0) put_varint(rows_, event.epoch);
    if (event.ttl) put_ttl(rows_, *event.ttl);
    if (!event.kills.empty()) {
        put_varint(rows_, event.kills.size());
        for (const auto& id : event.kills) {
            put_varint(rows_, replicas_.index_of(id.replica));
            put_varint(rows_, id.counter);
        }
    }
    ++count_;
}

std::optional<event_view> event_reader::next(std::vector<dot>& kills) {
    kills.clear();
    if (in_.done()) return std::nullopt;
    const auto first = in_.byte();
    event_view event;
    event.removal = (first & event_removal) != 0;
    event.joined = (first & event_joined) != 0;
    event.stamp = get_stamp(in_, last_);
    event.slot = get_slot(in_, first & 0x7f, limits_);
    if (!event.removal || removal_has_value(event.slot.type))
        event.value = get_text(in_, limits_.value_bytes_max);
    if (in_.ok() && !is_well_formed(event.slot, event.removal, event.value)) in_.fail();
    if ((first & event_epoch) != 0) event.epoch = in_.varint();
    if ((first & event_ttl) != 0) event.ttl = get_ttl(in_, event.slot.type, event.removal);
    if ((first & event_kills) != 0) {
        for (auto left = in_.varint(); left != 0 && in_.ok(); --left) {
            const auto replica = get_replica(in_, replicas_);
            kills.push_back({replica, in_.varint()});
            if (kills.back().counter == 0 || kills.back().counter > counter_max) in_.fail();
        }
    }
    event.kills = kills;
    joined_ = event.joined ? joined_ + 1 : 0;
    // a group must end within the frame
    if (joined_ == group_events_max || (event.joined && in_.done())) in_.fail();
    if (!in_.ok()) return std::nullopt;
    return event;
}

void state_writer::entry(const staged_view& what, bool in_parts) {
    auto first = static_cast<std::uint8_t>(what.what);
    if (what.epoch != 0) first |= entry_epoch;
    if (in_parts) first |= entry_in_parts;
    if (what.ttl && what.what != block::kind::reference) first |= entry_ttl;
    rows_ += static_cast<char>(first);
    put_varint(rows_, replicas_.index_of(what.id.replica));
    put_varint(rows_, zigzag(what.id.counter - last_counter_));
    last_counter_ = what.id.counter;
    last_replica_ = what.id.replica;
    if (what.what == block::kind::reference) return;
    put_varint(rows_, zigzag(what.stamp.raw - last_.raw));
    last_ = what.stamp;
    if (what.epoch != 0) put_varint(rows_, what.epoch);
    if (what.ttl) put_ttl(rows_, *what.ttl);
    if (in_parts) {
        put_varint(rows_, what.value.size());
    } else {
        put_text(rows_, what.value);
    }
}

void state_writer::chain(const slot_name& slot, const std::vector<staged_view>& entries,
                         const std::vector<dot>& in_parts) {
    const auto& first = entries.front();
    const bool next = entries.size() == 1 && in_parts.empty() && first.what == block::kind::record &&
                      first.epoch == 0 && !first.ttl && first.id.replica == last_replica_ &&
                      first.id.counter == last_counter_ + 1;
    if (next) { // the usual case: the server walks a log in the order of its counters
        rows_ += static_cast<char>(tag_of(slot.type, row_next));
        put_slot(rows_, slot);
        put_varint(rows_, zigzag(first.stamp.raw - last_.raw));
        last_ = first.stamp;
        last_counter_ = first.id.counter;
        put_text(rows_, first.value);
        return;
    }
    rows_ += static_cast<char>(tag_of(slot.type, entries.size() == 1 ? row_single : row_chain));
    put_slot(rows_, slot);
    if (entries.size() != 1) put_varint(rows_, entries.size());
    for (const auto& each : entries) {
        const bool sent = std::find(in_parts.begin(), in_parts.end(), each.id) != in_parts.end();
        entry(each, sent && goes_in_parts(slot.type, each.what));
    }
}

void state_writer::part(const value_part& piece) {
    rows_ += static_cast<char>(tag_of(piece.slot.type, row_part));
    put_slot(rows_, piece.slot);
    put_varint(rows_, replicas_.index_of(piece.id.replica));
    put_varint(rows_, zigzag(piece.id.counter - last_counter_));
    last_counter_ = piece.id.counter;
    last_replica_ = piece.id.replica;
    put_varint(rows_, piece.total);
    put_varint(rows_, piece.offset);
    put_text(rows_, piece.bytes);
}

dot state_reader::read_dot() {
    const auto replica = get_replica(in_, replicas_);
    last_counter_ += unzigzag(in_.varint());
    if (last_counter_ == 0 || last_counter_ > counter_max) in_.fail();
    last_replica_ = replica;
    return {replica, last_counter_};
}

state_row::entry state_reader::read_entry(const slot_name& slot) {
    state_row::entry entry;
    const auto first = in_.byte();
    if ((first & 3) > 2 || first >> 5 != 0) in_.fail();
    entry.what.what = static_cast<block::kind>(first & 3);
    entry.what.id = read_dot();
    if (entry.what.what == block::kind::reference) {
        if ((first & entry_ttl) != 0) in_.fail();
        return entry;
    }
    entry.what.stamp = get_stamp(in_, last_);
    if ((first & entry_epoch) != 0) entry.what.epoch = in_.varint();
    const bool removal = entry.what.what == block::kind::removal;
    if ((first & entry_ttl) != 0) entry.what.ttl = get_ttl(in_, slot.type, removal);
    if ((first & entry_in_parts) != 0) {
        entry.total = in_.varint();
        if (*entry.total > limits_.value_bytes_max || !goes_in_parts(slot.type, entry.what.what)) in_.fail();
    } else {
        entry.what.value = get_text(in_, limits_.value_bytes_max);
        if (in_.ok() && !is_well_formed(slot, removal, entry.what.value)) in_.fail();
    }
    return entry;
}

bool state_reader::next(state_row& row) {
    row.part.reset();
    row.entries.clear();
    if (in_.done()) return false;
    const auto tag = in_.byte();
    row.slot = get_slot(in_, tag, limits_);
    if ((tag & 15) == row_part) {
        if (!has_siblings(row.slot.type) && row.slot.type != value_type::scope) in_.fail();
        value_part piece;
        piece.slot = row.slot;
        piece.id = read_dot();
        piece.total = in_.varint();
        piece.offset = in_.varint();
        piece.bytes = get_text(in_, limits_.value_bytes_max);
        if (piece.total > limits_.value_bytes_max || piece.offset > piece.total ||
            piece.bytes.size() > piece.total - piece.offset || piece.bytes.empty()) {
            in_.fail();
        }
        row.part = piece;
    } else if ((tag & 15) == row_next) {
        auto& one = row.entries.emplace_back();
        if (last_replica_.is_nil() || ++last_counter_ > counter_max) in_.fail();
        one.what.id = {last_replica_, last_counter_};
        one.what.stamp = get_stamp(in_, last_);
        one.what.value = get_text(in_, limits_.value_bytes_max);
        if (in_.ok() && !is_well_formed(row.slot, false, one.what.value)) in_.fail();
    } else if ((tag & 15) == row_chain || (tag & 15) == row_single) {
        const auto count = (tag & 15) == row_single ? 1 : in_.varint();
        // A correct chain has at most one entry per origin.
        if (count == 0 || count > replicas_.size() / 16) in_.fail();
        for (std::uint64_t i = 0; i < count && in_.ok(); ++i) row.entries.push_back(read_entry(row.slot));
    } else {
        in_.fail();
    }
    return in_.ok();
}

// ---------------------------------------------------------------- ranges

namespace {

void put_range(std::string& to, replica_table& replicas, const dot_range& range) {
    put_varint(to, replicas.index_of(range.origin));
    put_varint(to, range.after);
    put_varint(to, range.last - range.after);
}

dot_range get_range(byte_reader& in, std::string_view replicas) {
    dot_range range;
    range.origin = get_replica(in, replicas);
    range.after = in.varint();
    const auto length = in.varint();
    if (range.after > counter_max || length == 0 || length > counter_max - range.after) in.fail();
    range.last = range.after + length;
    return range;
}

// The low four bytes of a hash are enough to tell records apart, since their dots must agree too.
constexpr unsigned listed_hash_bytes = 4;

} // namespace

// Encodes a sum as its count and hash. Encodes a list as 0, the number of records, and for each record: the
// distance from the counter before it with a bit that marks counters, and four bytes of its hash.
void listing_writer::add(const listed_range& what) {
    put_range(rows_, replicas_, what.range);
    if (!what.whole) {
        put_varint(rows_, what.sum.count);
        for (unsigned byte = 0; byte < 8; ++byte) rows_ += static_cast<char>(what.sum.hash >> (8 * byte));
        return;
    }
    put_varint(rows_, 0);
    put_varint(rows_, what.records.size());
    auto last = what.range.after;
    for (const auto& each : what.records) {
        put_varint(rows_, (each.counter - last) << 1 | (each.counts ? 1 : 0));
        last = each.counter;
        for (unsigned byte = 0; byte < listed_hash_bytes; ++byte)
            rows_ += static_cast<char>(each.hash >> (8 * byte));
    }
}

bool listing_reader::next(listed_range& what) {
    what.records.clear();
    if (in_.done()) return false;
    what.range = get_range(in_, replicas_);
    what.sum = {in_.varint(), 0};
    what.whole = what.sum.count == 0;
    if (!what.whole) {
        for (unsigned byte = 0; byte < 8; ++byte) what.sum.hash |= std::uint64_t{in_.byte()} << (8 * byte);
        return in_.ok();
    }
    auto last = what.range.after;
    for (auto left = in_.varint(); left != 0 && in_.ok(); --left) {
        const auto step = in_.varint();
        held_dot one{last + (step >> 1), 0, (step & 1) != 0};
        if (step >> 1 == 0 || step >> 1 > what.range.last - last) in_.fail();
        for (unsigned byte = 0; byte < listed_hash_bytes; ++byte)
            one.hash |= std::uint64_t{in_.byte()} << (8 * byte);
        last = one.counter;
        what.records.push_back(one);
    }
    return in_.ok();
}

void write_question(std::vector<asked_range> const& from, std::string& replicas, std::string& rows) {
    replica_table table;
    for (const auto& each : from) {
        put_range(rows, table, each.range);
        put_varint(rows, each.ship ? 1 : 0);
    }
    replicas = table.bytes();
}

std::optional<std::vector<asked_range>> read_question(std::string_view replicas, std::string_view rows) {
    std::vector<asked_range> all;
    byte_reader in(rows);
    while (!in.done()) {
        asked_range one;
        one.range = get_range(in, replicas);
        const auto ship = in.varint();
        if (ship > 1) in.fail();
        one.ship = ship == 1;
        all.push_back(one);
    }
    if (!in.ok()) return std::nullopt;
    return all;
}

} // namespace baton::wire
