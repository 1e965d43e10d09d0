// codec: bytes in and out. Variable-length integers and cuts inside `bin` columns; flat MessagePack arrays
// around them.
//
// Pure; values only; any thread. A reader never trusts a length. Once it has failed it stays failed, and
// returns empty values.
#pragma once

#include "crdt/cut.hpp"
#include "crdt/digest.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::wire {

// --- columns: little-endian base 128, 7 bits a byte, at most 10 bytes ---

inline void put_varint(std::string& to, std::uint64_t value) {
    while (value >= 0x80) {
        to += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    to += static_cast<char>(value);
}
/// Signed difference folded so that small ones of either sign are short.
[[nodiscard]] constexpr std::uint64_t zigzag(std::uint64_t difference) {
    return (difference << 1) ^ (0 - (difference >> 63));
}
[[nodiscard]] constexpr std::uint64_t unzigzag(std::uint64_t folded) {
    return (folded >> 1) ^ (0 - (folded & 1));
}

class byte_reader {
  public:
    explicit byte_reader(std::string_view bytes)
        : rest_(bytes) {}
    [[nodiscard]] std::uint64_t varint() {
        const auto first = byte();
        return first < 0x80 ? first : long_varint(first);
    }
    [[nodiscard]] std::uint8_t byte() {
        if (rest_.empty()) {
            fail();
            return 0;
        }
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    [[nodiscard]] std::string_view bytes(std::uint64_t count) {
        if (count > rest_.size()) {
            fail();
            return {};
        }
        const auto taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    /// What has not been read yet.
    [[nodiscard]] std::string_view rest() const { return rest_; }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool done() const { return rest_.empty(); }
    void fail() {
        ok_ = false;
        rest_ = {};
    }

  private:
    /// What follows a first byte with its high bit set.
    [[nodiscard]] std::uint64_t long_varint(std::uint8_t first);
    std::string_view rest_;
    bool ok_ = true;
};

constexpr std::size_t cut_entries_max = 16384;

/// Per entry 16 bytes of replica and a varint counter, sorted by replica.
[[nodiscard]] std::string encode_cut(const cut& from);
/// nullopt unless strictly sorted, with counters ≥ 1 and no byte left over.
[[nodiscard]] std::optional<cut> decode_cut(std::string_view bytes);
[[nodiscard]] std::string encode_digest(const digest& from);
[[nodiscard]] std::optional<digest> decode_digest(std::string_view bytes);

// --- frames: one MessagePack array of unsigned integers and byte strings ---

class frame_writer {
  public:
    /// `fields` counts what the calls below will add. Appends to `to`.
    frame_writer(std::string& to, std::uint32_t fields);
    frame_writer& number(std::uint64_t value);
    frame_writer& text(std::string_view value);
    frame_writer& bytes(std::string_view value);
    frame_writer& id(const replica_id& value) { return bytes(value.view()); }

  private:
    std::string* to_;
};

/// Reads the fields in order; a missing or mistyped one makes the whole frame bad. Fields after the last one
/// read are skipped, whatever they hold, so that later versions may append fields.
class frame_reader {
  public:
    static constexpr std::size_t fields_max = 32;
    explicit frame_reader(std::string_view bytes);
    /// Reads the first of several arrays that follow one another, and raises `offset` to its end.
    frame_reader(std::string_view bytes, std::size_t& offset) { parse(bytes, offset); }
    [[nodiscard]] std::uint64_t number();
    [[nodiscard]] std::uint64_t number_up_to(std::uint64_t limit);
    [[nodiscard]] std::string_view bytes(std::size_t bytes_max = SIZE_MAX); ///< a MessagePack bin or str
    [[nodiscard]] replica_id id();
    [[nodiscard]] cut vector();
    [[nodiscard]] digest sum();
    [[nodiscard]] bool ok() const { return ok_; }
    /// Whether there is another field: one that earlier versions do not send may be missing.
    [[nodiscard]] bool more() const { return ok_ && next_ < count_; }
    /// Whether there is another field, and it is a number.
    [[nodiscard]] bool more_numbers() const { return more() && fields_[next_].what == field::kind::number; }
    void fail() { ok_ = false; }

    struct field {
        enum class kind : std::uint8_t { number, bytes, other } what = kind::other;
        std::uint64_t number = 0;
        std::string_view bytes;
    };

  private:
    void parse(std::string_view bytes, std::size_t& offset);
    [[nodiscard]] const field* take(field::kind wanted);
    std::array<field, fields_max> fields_;
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    bool ok_ = false;
};

} // namespace baton::wire
