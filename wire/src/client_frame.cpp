#include "wire/client_frame.hpp"

#include "crdt/slot.hpp"

namespace baton::wire::client {

namespace {

constexpr std::uint64_t milliseconds_max = std::uint64_t{1} << 42; // 139 years

struct encoder {
    std::string& to;
    std::uint64_t version;

    [[nodiscard]] frame_writer begin(kind what, std::uint32_t fields) const {
        frame_writer out(to, fields + 2);
        out.number(version).number(static_cast<std::uint64_t>(what));
        return out;
    }
    static void put(frame_writer& out, const dot& id) {
        out.bytes(id.counter != 0 ? id.replica.view() : std::string_view{}).number(id.counter);
    }
    void operator()(const open& f) const {
        begin(kind::open, 8)
            .text(f.cluster)
            .number(f.versions.min)
            .number(f.versions.max)
            .id(f.id)
            .text(f.name)
            .bytes(f.token)
            .number(f.patience_ms)
            .bytes(encode_cut(f.seen));
    }
    void operator()(const welcome& f) const {
        begin(kind::welcome, 6)
            .id(f.id)
            .text(f.name)
            .number(f.flags)
            .number(f.credit_bytes)
            .number(f.silent_ms)
            .text(f.doors);
    }
    void operator()(const refused& f) const {
        begin(kind::refused, 5)
            .number(static_cast<std::uint64_t>(f.reason))
            .text(f.sentence)
            .text(f.cluster)
            .number(f.versions.min)
            .number(f.versions.max);
    }
    void operator()(const call& f) const {
        auto out = begin(kind::call, 14);
        out.number(f.number).number(static_cast<std::uint64_t>(f.what)).number(f.flags);
        out.number(f.within_ms).number(f.level).number(f.copies).number(f.ttl_ms);
        put(out, f.expected);
        out.number(f.amount).number(f.offset).bytes(f.key).bytes(f.element).bytes(f.value);
    }
    void operator()(const reply& f) const {
        auto out = begin(kind::reply, 13);
        out.number(f.number).text(f.failure).number(f.flags).number(f.outcome).bytes(f.text);
        put(out, f.written);
        out.number(f.copies).number(f.siblings).number(f.epoch).number(f.total).bytes(f.value);
        out.bytes(encode_cut(f.seen));
    }
    void operator()(const credit& f) const {
        begin(kind::credit, 2).number(f.taken).number(f.wants_answer ? 1 : 0);
    }
};

dot get_dot(frame_reader& in) {
    const auto replica = in.bytes(16);
    const auto counter = in.number_up_to(counter_max);
    if (counter == 0 && replica.empty()) return {};
    const auto id = replica_id::from_bytes(replica);
    if (!id || id->is_nil() || counter == 0) in.fail();
    return in.ok() ? dot{*id, counter} : dot{};
}

open get_open(frame_reader& in, std::uint64_t version) {
    open f;
    f.cluster = in.bytes(name_bytes_max);
    f.versions.min = in.number();
    f.versions.max = in.number();
    f.id = in.id();
    if (!f.versions.has(version)) in.fail();
    if (version < version_min || version > version_max) return f;
    f.name = in.bytes(name_bytes_max);
    f.token = in.bytes(text_bytes_max);
    f.patience_ms = in.number_up_to(milliseconds_max);
    f.seen = in.vector();
    return f;
}

welcome get_welcome(frame_reader& in, std::uint64_t version) {
    welcome f;
    f.version = version;
    f.id = in.id();
    f.name = in.bytes(name_bytes_max);
    f.flags = in.number();
    f.credit_bytes = in.number();
    f.silent_ms = in.number_up_to(milliseconds_max);
    f.doors = in.bytes(doors_bytes_max);
    return f;
}

refused get_refused(frame_reader& in) {
    refused f;
    const auto why = in.number();
    f.sentence = in.bytes(text_bytes_max);
    f.cluster = in.bytes(name_bytes_max);
    f.versions.min = in.number();
    f.versions.max = in.number();
    if (why == 0 || why > 255) in.fail(); // later versions may have further reasons
    f.reason = static_cast<refused::why>(why);
    return f;
}

call get_call(frame_reader& in) {
    call f;
    f.number = in.number();
    const auto what = in.number();
    f.flags = in.number();
    f.within_ms = in.number_up_to(milliseconds_max);
    f.level = in.number_up_to(3);
    f.copies = in.number_up_to(1'000'000);
    f.ttl_ms = in.number_up_to(milliseconds_max);
    f.expected = get_dot(in);
    f.amount = in.number();
    f.offset = in.number_up_to(whole_bytes_max);
    f.key = in.bytes(text_bytes_max);
    f.element = in.bytes(text_bytes_max);
    f.value = in.bytes(part_bytes);
    if (f.number == 0 || what == 0 || what > 255) in.fail();
    f.what = static_cast<verb>(what);
    return f;
}

reply get_reply(frame_reader& in) {
    reply f;
    f.number = in.number();
    f.failure = in.bytes(64);
    f.flags = in.number();
    f.outcome = in.number_up_to(3);
    f.text = in.bytes(text_bytes_max);
    f.written = get_dot(in);
    f.copies = in.number();
    f.siblings = in.number();
    f.epoch = in.number();
    f.total = in.number();
    f.value = in.bytes(part_bytes);
    f.seen = in.vector();
    return f;
}

credit get_credit(frame_reader& in) {
    credit f;
    f.taken = in.number();
    f.wants_answer = in.number_up_to(1) != 0;
    return f;
}

} // namespace

bool is_write(verb what) {
    switch (what) {
    case verb::stash:
    case verb::drop:
    case verb::add:
    case verb::insert:
    case verb::erase:
    case verb::set_field:
    case verb::erase_field:
    case verb::enable:
    case verb::disable:
    case verb::leave:
    case verb::resolve:
    case verb::stash_all:
    case verb::claim:
    case verb::commit:
    case verb::release:
        return true;
    default:
        return false;
    }
}

void encode(const frame& from, std::string& to, std::uint64_t version) {
    std::visit(encoder{to, version}, from);
}

result<frame> message_reader::next() {
    frame_reader in(bytes_, offset_);
    const auto version = in.number();
    const auto what = in.number();
    const auto refuse = [this](const char* reason) -> result<frame> {
        failed_ = true;
        return error{errc::malformed, reason};
    };
    if (!in.ok()) return refuse("not a frame of a client");
    const bool is_known = version >= version_min && version <= version_max;
    const bool has_head =
        what == static_cast<std::uint64_t>(kind::open) || what == static_cast<std::uint64_t>(kind::refused);
    if (!is_known && !has_head) return refuse("client version");
    frame read;
    switch (static_cast<kind>(what)) {
    case kind::open:
        read = get_open(in, version);
        break;
    case kind::welcome:
        read = get_welcome(in, version);
        break;
    case kind::refused:
        read = get_refused(in);
        break;
    case kind::call:
        read = get_call(in);
        break;
    case kind::reply:
        read = get_reply(in);
        break;
    case kind::credit:
        read = get_credit(in);
        break;
    default:
        in.fail();
    }
    if (!in.ok()) return refuse("bad field of a client's frame");
    return read;
}

void put_entry(std::string& to, std::string_view entry) {
    put_varint(to, entry.size());
    to += entry;
}

std::optional<std::vector<std::string>> read_entries(std::string_view bytes) {
    std::vector<std::string> all;
    byte_reader in(bytes);
    while (!in.done()) {
        const auto size = in.varint();
        all.emplace_back(in.bytes(size));
    }
    if (!in.ok()) return std::nullopt;
    return all;
}

std::string encode_sibling(const sibling_entry& from) {
    std::string to(from.written.replica.view());
    put_varint(to, from.written.counter);
    put_varint(to, from.epoch);
    put_varint(to, from.total);
    put_varint(to, from.value ? 1 : 0);
    if (from.value) to += *from.value;
    return to;
}

std::optional<sibling_entry> decode_sibling(std::string_view bytes) {
    byte_reader in(bytes);
    const auto id = replica_id::from_bytes(in.bytes(16));
    sibling_entry made;
    made.written.counter = in.varint();
    made.epoch = in.varint();
    made.total = in.varint();
    const auto has_value = in.varint();
    if (!in.ok() || !id || has_value > 1) return std::nullopt;
    made.written.replica = *id;
    if (has_value == 0) return in.done() ? std::optional(made) : std::nullopt;
    made.value = in.bytes(made.total);
    return in.ok() && in.done() ? std::optional(made) : std::nullopt;
}

std::string encode_resolution(const std::vector<dot>& replaced, std::string_view value) {
    std::string to;
    put_varint(to, replaced.size());
    for (const auto& each : replaced) {
        to += each.replica.view();
        put_varint(to, each.counter);
    }
    to += value;
    return to;
}

std::optional<resolution> decode_resolution(std::string_view bytes) {
    byte_reader in(bytes);
    resolution made;
    const auto count = in.varint();
    if (count > replaced_max) return std::nullopt;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto id = replica_id::from_bytes(in.bytes(16));
        const auto counter = in.varint();
        if (!in.ok() || !id) return std::nullopt;
        made.replaced.push_back({*id, counter});
    }
    if (!in.ok()) return std::nullopt;
    made.value = in.rest();
    return made;
}

} // namespace baton::wire::client
