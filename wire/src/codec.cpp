#define MSGPACK_NO_BOOST
#include "wire/codec.hpp"

#include <msgpack.hpp>

#include <span>

namespace baton::wire {

std::uint64_t byte_reader::long_varint(std::uint8_t first) {
    std::uint64_t value = first & 0x7fU;
    for (unsigned shift = 7; shift < 64; shift += 7) {
        const auto next = byte();
        if (shift == 63 && next > 1) break;
        value |= std::uint64_t{next & 0x7fU} << shift;
        if (next < 0x80) return ok_ ? value : 0;
    }
    fail();
    return 0;
}

std::string encode_cut(const cut& from) {
    std::string bytes;
    bytes.reserve(from.size() * 20);
    for (const auto& id : from.entries()) {
        bytes += id.replica.view();
        put_varint(bytes, id.counter);
    }
    return bytes;
}

std::optional<cut> decode_cut(std::string_view bytes) {
    cut all;
    byte_reader in(bytes);
    replica_id last{};
    while (!in.done()) {
        if (all.size() == cut_entries_max) return std::nullopt;
        const auto replica = replica_id::from_bytes(in.bytes(16));
        const auto counter = in.varint();
        if (!in.ok() || !replica || counter == 0 || counter > counter_max || *replica <= last)
            return std::nullopt;
        all.push_back({*replica, counter});
        last = *replica;
    }
    if (!in.ok()) return std::nullopt;
    return all;
}

std::string encode_digest(const digest& from) {
    std::string bytes;
    for (const auto half : {from.high, from.low}) {
        for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(half >> shift);
    }
    return bytes;
}

std::optional<digest> decode_digest(std::string_view bytes) {
    if (bytes.size() != 16) return std::nullopt;
    digest sum;
    for (std::size_t i = 0; i < 16; ++i) {
        auto& half = i < 8 ? sum.high : sum.low;
        half = half << 8 | static_cast<std::uint8_t>(bytes[i]);
    }
    return sum;
}

namespace {

struct string_sink {
    std::string* to;
    void write(const char* data, std::size_t size) { to->append(data, size); }
};

// Stores the elements of the outermost array and skips nested ones.
struct flat_visitor : msgpack::null_visitor {
    std::span<frame_reader::field> into;
    std::size_t count = 0;
    unsigned depth = 0;
    bool good = true, is_array = false;

    static constexpr unsigned depth_max = 8;

    bool note(frame_reader::field field) {
        if (depth == 0) return good = false; // the frame itself must be an array
        if (depth == 1) {
            if (count < into.size()) into[count] = field;
            ++count;
        }
        return true;
    }
    bool visit_nil() { return note({}); }
    bool visit_boolean(bool) { return note({}); }
    bool visit_negative_integer(std::int64_t) { return note({}); }
    bool visit_float32(float) { return note({}); }
    bool visit_float64(double) { return note({}); }
    bool visit_positive_integer(std::uint64_t value) {
        return note({frame_reader::field::kind::number, value, {}});
    }
    bool visit_str(const char* data, std::uint32_t size) {
        return note({frame_reader::field::kind::bytes, 0, {data, size}});
    }
    bool visit_bin(const char* data, std::uint32_t size) { return visit_str(data, size); }
    bool visit_ext(const char*, std::uint32_t) { return note({}); }
    bool enter() { return ++depth <= depth_max || (good = false); }
    bool start_array(std::uint32_t) {
        if (depth == 0) is_array = true;
        return (depth == 0 || note({})) && enter();
    }
    bool end_array() { return --depth, true; }
    bool start_map(std::uint32_t) { return note({}) && enter(); }
    bool end_map() { return --depth, true; }
    void parse_error(std::size_t, std::size_t) { good = false; }
    void insufficient_bytes(std::size_t, std::size_t) { good = false; }
};

} // namespace

frame_writer::frame_writer(std::string& to, std::uint32_t fields)
    : to_(&to) {
    string_sink sink{to_};
    msgpack::packer<string_sink>(sink).pack_array(fields);
}

frame_writer& frame_writer::number(std::uint64_t value) {
    string_sink sink{to_};
    msgpack::packer<string_sink>(sink).pack_uint64(value);
    return *this;
}

frame_writer& frame_writer::text(std::string_view value) {
    string_sink sink{to_};
    const auto size = static_cast<std::uint32_t>(value.size());
    msgpack::packer<string_sink>(sink).pack_str(size).pack_str_body(value.data(), size);
    return *this;
}

frame_writer& frame_writer::bytes(std::string_view value) {
    string_sink sink{to_};
    const auto size = static_cast<std::uint32_t>(value.size());
    msgpack::packer<string_sink>(sink).pack_bin(size).pack_bin_body(value.data(), size);
    return *this;
}

frame_reader::frame_reader(std::string_view bytes) {
    std::size_t offset = 0;
    parse(bytes, offset);
    ok_ = ok_ && offset == bytes.size();
}

void frame_reader::parse(std::string_view bytes, std::size_t& offset) {
    flat_visitor visitor;
    visitor.into = fields_;
    try {
        ok_ = msgpack::parse(bytes.data(), bytes.size(), offset, visitor) && visitor.good && visitor.is_array;
    } catch (const std::exception&) { // msgpack-cxx throws on some malformed input
        ok_ = false;
    }
    count_ = std::min(visitor.count, fields_.size());
}

const frame_reader::field* frame_reader::take(field::kind wanted) {
    if (!ok_ || next_ >= count_ || fields_[next_].what != wanted) {
        ok_ = false;
        return nullptr;
    }
    return &fields_[next_++];
}

std::uint64_t frame_reader::number() {
    const auto* const taken = take(field::kind::number);
    return taken == nullptr ? 0 : taken->number;
}

std::uint64_t frame_reader::number_up_to(std::uint64_t limit) {
    const auto value = number();
    if (value > limit) ok_ = false;
    return ok_ ? value : 0;
}

std::string_view frame_reader::bytes(std::size_t bytes_max) {
    const auto* const taken = take(field::kind::bytes);
    if (taken == nullptr) return {};
    if (taken->bytes.size() > bytes_max) ok_ = false;
    return ok_ ? taken->bytes : std::string_view{};
}

replica_id frame_reader::id() {
    const auto id = replica_id::from_bytes(bytes());
    if (!id || id->is_nil()) ok_ = false;
    return ok_ ? *id : replica_id{};
}

cut frame_reader::vector() {
    auto all = decode_cut(bytes());
    if (!all) ok_ = false;
    return ok_ ? std::move(*all) : cut{};
}

digest frame_reader::sum() {
    const auto value = decode_digest(bytes());
    if (!value) ok_ = false;
    return ok_ ? *value : digest{};
}

} // namespace baton::wire
