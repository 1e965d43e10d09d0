// rows: the rows of DELTA, STATE and FINGERPRINT, written and read one at a time, without allocation.
//
// Pure; a writer or reader belongs to one thread. Key and value follow the few bytes that describe them, so
// that a writer appends to one buffer and a reader makes one pass. Separate columns would cost the same bytes
// and a second pass.
#pragma once

#include "crdt/store.hpp"
#include "wire/codec.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace baton::wire {

/// Events that become visible together, at most.
constexpr std::uint64_t group_events_max = 1000;

/// The bounds of a row, in every mesh. A node's own limits apply only to its own writes.
struct row_limits {
    std::size_t key_bytes_max = crdt::key_bytes_max;
    std::size_t value_bytes_max = std::size_t{8} << 20;
};

/// Whether the value of such an entry may have been sent in parts before: a value of the user, or, from
/// version 5 on, the context of a scope removal.
[[nodiscard]] constexpr bool goes_in_parts(value_type type, block::kind what) {
    return what == block::kind::record ? has_siblings(type)
                                       : what == block::kind::removal && type == value_type::scope;
}

/// The replicas that rows name by index; 16 bytes each in the frame.
class replica_table {
  public:
    [[nodiscard]] std::uint64_t index_of(const replica_id& id);
    [[nodiscard]] std::string_view bytes() const { return bytes_; }

  private:
    std::map<replica_id, std::uint64_t> index_;
    std::string bytes_;
    replica_id last_{};
    std::uint64_t last_index_ = 0;
};

class event_writer {
  public:
    /// `room`: a buffer to write into, from release().
    explicit event_writer(timestamp base, std::string room = {})
        : base_(base)
        , last_(base)
        , rows_(std::move(room)) {
        rows_.clear();
    }
    void add(const event_view& event);
    /// The buffer, for another use.
    [[nodiscard]] std::string release() && { return std::move(rows_); }
    [[nodiscard]] std::size_t bytes() const { return rows_.size() + replicas_.bytes().size(); }
    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] timestamp base() const { return base_; }
    [[nodiscard]] std::string_view rows() const { return rows_; }
    [[nodiscard]] std::string_view replicas() const { return replicas_.bytes(); }

  private:
    timestamp base_, last_;
    std::uint64_t count_ = 0;
    std::string rows_;
    replica_table replicas_;
};

class event_reader {
  public:
    event_reader(timestamp base, std::string_view replicas, std::string_view rows, row_limits limits)
        : last_(base)
        , replicas_(replicas)
        , in_(rows)
        , limits_(limits) {}
    /// The next event; nullopt at the end, or if the rows are bad (see ok). `kills` backs event_view::kills.
    [[nodiscard]] std::optional<event_view> next(std::vector<dot>& kills);
    [[nodiscard]] bool ok() const { return in_.ok(); }

  private:
    timestamp last_;
    std::string_view replicas_;
    byte_reader in_;
    row_limits limits_;
    std::uint64_t joined_ = 0; ///< events of the group so far
};

/// A piece of a value that is too large for one chunk.
struct value_part {
    slot_name slot;
    dot id{};
    std::uint64_t total = 0, offset = 0;
    std::string_view bytes;
};

class state_writer {
  public:
    explicit state_writer(timestamp base)
        : base_(base)
        , last_(base) {}
    /// `in_parts`: these records' values have been sent by part() before.
    void chain(const slot_name& slot, const std::vector<staged_view>& entries,
               const std::vector<dot>& in_parts);
    void part(const value_part& piece);
    [[nodiscard]] std::size_t bytes() const { return rows_.size() + replicas_.bytes().size(); }
    [[nodiscard]] timestamp base() const { return base_; }
    [[nodiscard]] std::string_view rows() const { return rows_; }
    [[nodiscard]] std::string_view replicas() const { return replicas_.bytes(); }

  private:
    void entry(const staged_view& what, bool in_parts);
    timestamp base_, last_;
    std::uint64_t last_counter_ = 0;
    replica_id last_replica_{};
    std::string rows_;
    replica_table replicas_;
};

/// One row of a STATE: a part, or a chain (entries whose value came in parts have `total` set and an empty
/// value).
struct state_row {
    std::optional<value_part> part;
    slot_name slot;
    struct entry {
        staged_view what;
        std::optional<std::uint64_t> total;
    };
    std::vector<entry> entries;
};

class state_reader {
  public:
    state_reader(timestamp base, std::string_view replicas, std::string_view rows, row_limits limits)
        : last_(base)
        , replicas_(replicas)
        , in_(rows)
        , limits_(limits) {}
    /// Fills `row`, reusing its memory; false at the end or when the rows are bad (see ok).
    [[nodiscard]] bool next(state_row& row);
    [[nodiscard]] bool ok() const { return in_.ok(); }

  private:
    [[nodiscard]] dot read_dot();
    [[nodiscard]] state_row::entry read_entry(const slot_name& slot);
    timestamp last_;
    std::uint64_t last_counter_ = 0;
    replica_id last_replica_{};
    std::string_view replicas_;
    byte_reader in_;
    row_limits limits_;
};

/// What a server holds in a range: a few records one by one, many as a sum.
struct listed_range {
    dot_range range;
    bool whole = false;            ///< `records` has all of them
    range_sum sum{};               ///< otherwise
    std::vector<held_dot> records; ///< ascending
};

class listing_writer {
  public:
    void add(const listed_range& what);
    [[nodiscard]] std::size_t bytes() const { return rows_.size() + replicas_.bytes().size(); }
    [[nodiscard]] std::string_view rows() const { return rows_; }
    [[nodiscard]] std::string_view replicas() const { return replicas_.bytes(); }

  private:
    std::string rows_;
    replica_table replicas_;
};

class listing_reader {
  public:
    listing_reader(std::string_view replicas, std::string_view rows)
        : replicas_(replicas)
        , in_(rows) {}
    /// Fills `what`, reusing its memory; false at the end or when the rows are bad (see ok).
    [[nodiscard]] bool next(listed_range& what);
    [[nodiscard]] bool ok() const { return in_.ok(); }

  private:
    std::string_view replicas_;
    byte_reader in_;
};

/// What a receiver asks for in a range.
struct asked_range {
    dot_range range;
    bool ship = false; ///< the records themselves; otherwise their sums, in finer parts
};
void write_question(std::vector<asked_range> const& from, std::string& replicas, std::string& rows);
/// nullopt if the bytes are bad.
[[nodiscard]] std::optional<std::vector<asked_range>> read_question(std::string_view replicas,
                                                                    std::string_view rows);

} // namespace baton::wire
