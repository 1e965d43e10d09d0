#include "wire/rows.hpp"

#include <algorithm>

namespace baton::wire {

namespace {

// First byte of an event: flags, and the value's type in the high half.
enum event_bit : std::uint8_t { event_removal = 1, event_kills = 2, event_epoch = 4 };
// First byte of a STATE row.
enum row_tag : std::uint8_t { row_part = 0, row_chain = 1, row_single = 2 };
// First byte of a chain entry: its kind in the low two bits, flags, and the value's type in the high half.
enum entry_bit : std::uint8_t { entry_epoch = 4, entry_in_parts = 8 };

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

value_type get_type(byte_reader& in, std::uint8_t first) {
    if (first >> 4 != static_cast<std::uint8_t>(value_type::reg)) in.fail();
    return static_cast<value_type>(first >> 4);
}

replica_id get_replica(byte_reader& in, std::string_view replicas) {
    const auto number = in.varint();
    if (number >= replicas.size() / 16) {
        in.fail();
        return {};
    }
    return *replica_id::from_bytes(replicas.substr(number * 16, 16));
}

timestamp get_stamp(byte_reader& in, timestamp& last) {
    return last = timestamp{last.raw + unzigzag(in.varint())};
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
    std::uint8_t first = static_cast<std::uint8_t>(static_cast<unsigned>(event.type) << 4);
    if (event.removal) first |= event_removal;
    if (!event.kills.empty()) first |= event_kills;
    if (event.epoch != 0) first |= event_epoch;
    rows_ += static_cast<char>(first);
    put_varint(rows_, zigzag(event.stamp.raw - last_.raw));
    last_ = event.stamp;
    put_text(rows_, event.key);
    if (!event.removal) put_text(rows_, event.value);
    if (event.epoch != 0) put_varint(rows_, event.epoch);
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
    if ((first & 0x08) != 0) in_.fail();
    event_view event;
    event.removal = (first & event_removal) != 0;
    event.type = get_type(in_, first);
    event.stamp = get_stamp(in_, last_);
    event.key = get_key(in_, limits_);
    if (!event.removal) event.value = get_text(in_, limits_.value_bytes_max);
    if ((first & event_epoch) != 0) event.epoch = in_.varint();
    if ((first & event_kills) != 0) {
        for (auto left = in_.varint(); left != 0 && in_.ok(); --left) {
            const auto replica = get_replica(in_, replicas_);
            kills.push_back({replica, in_.varint()});
        }
    }
    event.kills = kills;
    if (!in_.ok()) return std::nullopt;
    return event;
}

void state_writer::entry(const staged_view& what, bool in_parts) {
    std::uint8_t first =
        static_cast<std::uint8_t>(static_cast<unsigned>(what.what) | static_cast<unsigned>(what.type) << 4);
    if (what.epoch != 0) first |= entry_epoch;
    if (in_parts) first |= entry_in_parts;
    rows_ += static_cast<char>(first);
    put_varint(rows_, replicas_.index_of(what.id.replica));
    put_varint(rows_, zigzag(what.id.counter - last_counter_));
    last_counter_ = what.id.counter;
    if (what.what == staged_view::kind::reference) return;
    put_varint(rows_, zigzag(what.stamp.raw - last_.raw));
    last_ = what.stamp;
    if (what.epoch != 0) put_varint(rows_, what.epoch);
    if (what.what == staged_view::kind::removal) return;
    if (in_parts) {
        put_varint(rows_, what.value.size());
    } else {
        put_text(rows_, what.value);
    }
}

void state_writer::chain(std::string_view key, const std::vector<staged_view>& entries,
                         const std::vector<dot>& in_parts) {
    rows_ += static_cast<char>(entries.size() == 1 ? row_single : row_chain);
    put_text(rows_, key);
    if (entries.size() != 1) put_varint(rows_, entries.size());
    for (const auto& each : entries) {
        entry(each, std::find(in_parts.begin(), in_parts.end(), each.id) != in_parts.end());
    }
}

void state_writer::part(const value_part& piece) {
    rows_ += static_cast<char>(row_part);
    put_text(rows_, piece.key);
    put_varint(rows_, replicas_.index_of(piece.id.replica));
    put_varint(rows_, zigzag(piece.id.counter - last_counter_));
    last_counter_ = piece.id.counter;
    put_varint(rows_, piece.total);
    put_varint(rows_, piece.offset);
    put_text(rows_, piece.bytes);
}

dot state_reader::read_dot() {
    const auto replica = get_replica(in_, replicas_);
    last_counter_ += unzigzag(in_.varint());
    if (last_counter_ == 0) in_.fail();
    return {replica, last_counter_};
}

state_row::entry state_reader::read_entry() {
    state_row::entry entry;
    const auto first = in_.byte();
    if ((first & 3) > 2) in_.fail();
    entry.what.what = static_cast<staged_view::kind>(first & 3);
    entry.what.type = get_type(in_, first);
    entry.what.id = read_dot();
    if (entry.what.what == staged_view::kind::reference) return entry;
    entry.what.stamp = get_stamp(in_, last_);
    if ((first & entry_epoch) != 0) entry.what.epoch = in_.varint();
    if (entry.what.what == staged_view::kind::removal) return entry;
    if ((first & entry_in_parts) != 0) {
        entry.total = in_.varint();
        if (*entry.total > limits_.value_bytes_max) in_.fail();
    } else {
        entry.what.value = get_text(in_, limits_.value_bytes_max);
    }
    return entry;
}

bool state_reader::next(state_row& row) {
    row.part.reset();
    row.entries.clear();
    if (in_.done()) return false;
    const auto tag = in_.byte();
    row.key = get_key(in_, limits_);
    if (tag == row_part) {
        value_part piece;
        piece.key = row.key;
        piece.id = read_dot();
        piece.total = in_.varint();
        piece.offset = in_.varint();
        piece.bytes = get_text(in_, limits_.value_bytes_max);
        if (piece.total > limits_.value_bytes_max || piece.offset > piece.total ||
            piece.bytes.size() > piece.total - piece.offset) {
            in_.fail();
        }
        row.part = piece;
    } else if (tag == row_chain || tag == row_single) {
        const auto count = tag == row_single ? 1 : in_.varint();
        // An honest chain has one entry an origin at most.
        if (count == 0 || count > replicas_.size() / 16) in_.fail();
        for (std::uint64_t i = 0; i < count && in_.ok(); ++i) row.entries.push_back(read_entry());
    } else {
        in_.fail();
    }
    return in_.ok();
}

} // namespace baton::wire
