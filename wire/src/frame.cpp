#include "wire/frame.hpp"

#include "crdt/slot.hpp"

#include <algorithm>

namespace baton::wire {

namespace {

constexpr std::uint64_t port_max = 65535;

void put(frame_writer& out, const standing& s) {
    out.bytes(encode_cut(s.seen)).bytes(encode_digest(s.archive));
    out.bytes(s.has_state ? encode_digest(s.state) : std::string{});
}

standing get_standing(frame_reader& in) {
    standing s;
    s.seen = in.vector();
    s.archive = in.sum();
    const auto state = in.bytes(16);
    if (!state.empty()) {
        const auto sum = decode_digest(state);
        if (!sum) in.fail();
        s.state = sum.value_or(digest{});
        s.has_state = true;
    }
    return s;
}

struct encoder {
    std::string& to;
    std::uint64_t version;
    std::uint32_t later = version >= 5 ? 1 : 0; ///< fields at the end that version 4 does not have

    [[nodiscard]] frame_writer begin(kind what, std::uint32_t fields) const {
        frame_writer out(to, fields + 2);
        out.number(version).number(static_cast<std::uint64_t>(what));
        return out;
    }

    void operator()(const hello& f) const {
        const std::uint32_t door = later != 0 && f.door != 0 ? 1 : 0;
        auto out = begin(kind::hello, 15 + later + door);
        out.text(f.cluster).number(f.versions.min).number(f.versions.max).id(f.id).number(f.flags);
        out.text(f.name).text(f.hosts).number(f.port).number(f.publish_port);
        out.number(f.latest).number(f.clock.raw);
        put(out, f.at);
        out.text(f.reach);
        if (later != 0) out.number(f.live ? *f.live + 1 : 0);
        if (door != 0) out.number(f.door);
    }
    void operator()(const brief& f) const {
        begin(kind::brief, 4).id(f.id).number(f.standing_hash).number(f.state_low).number(f.latest);
    }
    void operator()(const delta& f) const {
        begin(kind::delta, 8)
            .id(f.origin)
            .number(f.first)
            .number(f.count)
            .number(f.base.raw)
            .bytes(encode_cut(f.depends))
            .bytes(f.replicas)
            .bytes(f.rows)
            .number(f.wants_ack ? 1 : 0);
    }
    void operator()(const pull& f) const {
        begin(kind::pull, 9)
            .number(f.session)
            .id(f.id)
            .number(f.chunk_bytes)
            .number(f.credit_bytes)
            .number(f.flags)
            .number(f.told)
            .bytes(encode_cut(f.seen))
            .bytes((f.flags & pull::since_told) != 0 ? std::string{} : encode_digest(f.archive))
            .bytes(encode_cut(f.closed));
    }
    void operator()(const state& f) const {
        const bool last = (f.flags & state::commit) != 0;
        auto out = begin(kind::state, (last ? 12U : 7U) + 2 * later);
        out.number(f.session).number(f.chunk).number(f.flags).number(f.records).number(f.base.raw);
        out.bytes(f.replicas).bytes(f.rows);
        if (last) put(out, f.at);
        if (last) out.id(f.server).bytes(encode_cut(f.floor));
        if (later != 0) out.number(f.walk).number(f.bytes);
    }
    void operator()(const fingerprint& f) const {
        auto out = begin(kind::fingerprint, 7 + later);
        out.number(f.session).number(f.number).number(f.flags).number(f.chunks);
        out.bytes(encode_cut(f.seen)).bytes(f.replicas).bytes(f.rows);
        if (later != 0) out.number(f.walk);
    }
    void operator()(const credit& f) const {
        auto out = begin(kind::credit, 3 + later);
        out.number(f.session).number(f.next).number(f.done ? 1 : 0);
        if (later != 0) out.number(f.walk);
    }
    void operator()(const ack& f) const {
        auto out = begin(kind::ack, 5 + 2 * later);
        out.id(f.id).number((f.staying ? 1U : 0U) | (f.whole ? 2U : 0U)).number(f.answers);
        out.bytes(encode_cut(f.seen)).number(f.asked);
        if (later == 0) return;
        out.number((f.view_cut_short ? 1U : 0U) | (f.unread_spill ? 2U : 0U) | (f.has_view ? 4U : 0U));
        out.bytes(f.view);
    }
    void operator()(const ask& f) const {
        begin(kind::ask, 3).id(f.id).number(f.number).bytes(encode_cut(f.want));
    }
    void operator()(const inquiry& f) const { begin(kind::inquiry, 2).id(f.id).id(f.about); }
    void operator()(const word& f) const { begin(kind::word, 3).id(f.id).id(f.about).number(f.age); }
    void operator()(const leaving& f) const {
        begin(kind::leaving, 5)
            .id(f.id)
            .number(f.number)
            .number(f.final_counter)
            .bytes(encode_cut(f.seen))
            .bytes(f.keys);
    }
    void operator()(const left& f) const {
        begin(kind::left, 4)
            .id(f.id)
            .number(f.final_counter)
            .number((f.wants_answer ? 1U : 0U) | (f.is_answer ? 2U : 0U))
            .id(f.about);
    }
    void operator()(const peers& f) const {
        std::string rows;
        for (const auto& each : f.all) {
            rows += each.id.view();
            put_varint(rows, each.hosts.size());
            rows += each.hosts;
        }
        begin(kind::peers, 2).id(f.id).bytes(rows);
    }
};

// A field that version 5 added at the end of a frame. It may be missing; then it is 0.
std::uint64_t get_later(frame_reader& in, std::uint64_t version) {
    return version >= 5 && in.more() ? in.number() : 0;
}

// The first fields of a HELLO are the same in every version. They show whether the rest can be read.
hello get_hello(frame_reader& in, std::uint64_t version, const versions& spoken) {
    hello f;
    f.cluster = in.bytes(name_bytes_max);
    f.versions.min = in.number();
    f.versions.max = in.number();
    f.id = in.id();
    if (!f.versions.has(version)) in.fail();
    if (!spoken.has(version)) {
        f.head_only = true;
        return f;
    }
    f.flags = in.number();
    f.name = in.bytes(name_bytes_max);
    f.hosts = in.bytes(hosts_bytes_max);
    f.port = static_cast<std::uint16_t>(in.number_up_to(port_max));
    f.publish_port = static_cast<std::uint16_t>(in.number_up_to(port_max));
    f.latest = in.number_up_to(counter_max);
    f.clock = timestamp{in.number()};
    f.at = get_standing(in);
    if (in.more()) f.reach = in.bytes(hosts_bytes_max);
    if (const auto live = get_later(in, version); live != 0) f.live = live - 1;
    if (version >= 5 && in.more()) f.door = static_cast<std::uint16_t>(in.number_up_to(port_max));
    if (f.port == 0 || f.publish_port == 0) in.fail();
    // A node has applied all its own events. If it was archived by mistake, its own cut may lack it.
    if (const auto own = f.at.seen.of(f.id); own != f.latest && own != 0) in.fail();
    return f;
}

delta get_delta(frame_reader& in) {
    delta f;
    f.origin = in.id();
    f.first = in.number();
    f.count = in.number();
    f.base = timestamp{in.number()};
    f.depends = in.vector();
    f.replicas = in.bytes();
    f.rows = in.bytes();
    f.wants_ack = in.number_up_to(1) != 0;
    if (f.first == 0 || f.first > counter_max || f.count == 0 || f.count > f.rows.size() ||
        f.count > counter_max - f.first + 1)
        in.fail();
    if (f.replicas.size() % 16 != 0 || f.depends.of(f.origin) != 0) in.fail();
    return f;
}

pull get_pull(frame_reader& in) {
    pull f;
    f.session = in.number();
    f.id = in.id();
    f.chunk_bytes = in.number();
    f.credit_bytes = in.number();
    f.flags = in.number();
    f.told = in.number();
    f.seen = in.vector();
    if ((f.flags & pull::since_told) == 0) {
        f.archive = in.sum();
    } else if (!in.bytes(0).empty()) {
        in.fail();
    }
    f.closed = in.vector();
    return f;
}

state get_state(frame_reader& in, std::uint64_t version) {
    state f;
    f.session = in.number();
    f.chunk = in.number();
    f.flags = in.number();
    f.records = in.number();
    f.base = timestamp{in.number()};
    f.replicas = in.bytes();
    f.rows = in.bytes();
    if ((f.flags & state::commit) != 0) {
        f.at = get_standing(in);
        f.server = in.id();
        f.floor = in.vector();
    }
    f.walk = get_later(in, version);
    f.bytes = get_later(in, version);
    if (f.replicas.size() % 16 != 0) in.fail();
    return f;
}

bool is_list_of_keys(std::string_view keys) {
    byte_reader in(keys);
    while (!in.done()) {
        const auto size = in.varint();
        if (size == 0 || size > key_bytes_max) return false;
        (void)in.bytes(size);
    }
    return in.ok();
}

peers get_peers(frame_reader& in) {
    peers f;
    f.id = in.id();
    byte_reader rows(in.bytes());
    while (!rows.done() && f.all.size() < peers_told_max) {
        const auto id = replica_id::from_bytes(rows.bytes(16));
        const auto size = rows.varint();
        if (!id || id->is_nil() || size > peer_hosts_bytes_max) rows.fail();
        const auto hosts = rows.bytes(size);
        if (rows.ok()) f.all.push_back({*id, std::string(hosts)});
    }
    if (!rows.ok() || !rows.done()) in.fail();
    return f;
}

bool is_ascending(std::string_view ids) {
    for (std::size_t at = 16; at < ids.size(); at += 16) {
        if (ids.substr(at - 16, 16) >= ids.substr(at, 16)) return false;
    }
    return ids.size() % 16 == 0;
}

void get_view(frame_reader& in, ack& f) {
    const auto flags = in.number_up_to(7);
    f.view_cut_short = (flags & 1) != 0;
    f.unread_spill = (flags & 2) != 0;
    f.has_view = (flags & 4) != 0;
    f.view = in.bytes(16 * view_ids_max);
    if (!is_ascending(f.view)) in.fail();
}

frame get_body(frame_reader& in, std::uint64_t what, std::uint64_t version) {
    switch (static_cast<kind>(what)) {
    case kind::hello: // read by get_hello
        break;
    case kind::brief: {
        brief f;
        f.id = in.id();
        f.standing_hash = in.number();
        f.state_low = in.number();
        f.latest = in.number_up_to(counter_max);
        return f;
    }
    case kind::delta:
        return get_delta(in);
    case kind::pull:
        return get_pull(in);
    case kind::state:
        return get_state(in, version);
    case kind::fingerprint: {
        fingerprint f;
        f.session = in.number();
        f.number = in.number();
        f.flags = in.number();
        f.chunks = in.number();
        f.seen = in.vector();
        f.replicas = in.bytes();
        f.rows = in.bytes();
        f.walk = get_later(in, version);
        if (f.replicas.size() % 16 != 0) in.fail();
        return f;
    }
    case kind::credit: {
        credit f;
        f.session = in.number();
        f.next = in.number();
        f.done = in.number_up_to(1) != 0;
        f.walk = get_later(in, version);
        return f;
    }
    case kind::ack: {
        ack f;
        f.id = in.id();
        const auto flags = in.number_up_to(3);
        f.staying = (flags & 1) != 0;
        f.whole = (flags & 2) != 0;
        f.answers = in.number();
        f.seen = in.vector();
        f.asked = in.number();
        if (version >= 5 && in.more()) get_view(in, f);
        return f;
    }
    case kind::ask: {
        ask f;
        f.id = in.id();
        f.number = in.number();
        f.want = in.vector();
        return f;
    }
    case kind::inquiry: {
        inquiry f;
        f.id = in.id();
        f.about = in.id();
        return f;
    }
    case kind::word: {
        word f;
        f.id = in.id();
        f.about = in.id();
        f.age = in.number();
        return f;
    }
    case kind::leaving: {
        leaving f;
        f.id = in.id();
        f.number = in.number();
        f.final_counter = in.number_up_to(counter_max);
        f.seen = in.vector();
        f.keys = in.bytes();
        if (f.number == 0 || !is_list_of_keys(f.keys)) in.fail(); // 0 is no request number
        if (const auto own = f.seen.of(f.id); own != f.final_counter && own != 0) in.fail();
        return f;
    }
    case kind::left: {
        left f;
        f.id = in.id();
        f.final_counter = in.number_up_to(counter_max);
        const auto flags = in.number_up_to(3);
        f.wants_answer = (flags & 1) != 0;
        f.is_answer = (flags & 2) != 0;
        f.about = in.id();
        return f;
    }
    case kind::peers:
        return get_peers(in);
    }
    in.fail();
    return brief{};
}

} // namespace

std::uint64_t hash_of(const standing& s) {
    std::string bytes = encode_cut(s.seen);
    bytes += encode_digest(s.archive);
    return hash_bytes(bytes, 0);
}

std::uint64_t versions::common(const versions& other) const {
    const auto newest = std::min(max, other.max);
    return newest >= std::max(min, other.min) ? newest : 0;
}

std::string versions::to_string() const { return std::to_string(min) + " to " + std::to_string(max); }

std::string encode(const frame& from, std::uint64_t version) {
    std::string to;
    std::visit(encoder{to, version}, from);
    return to;
}

result<frame> decode(std::string_view bytes, const versions& spoken) {
    frame_reader in(bytes);
    const auto version = in.number();
    const auto what = in.number();
    if (!in.ok()) return error{errc::malformed, "not a frame"};
    const bool is_hello = what == static_cast<std::uint64_t>(kind::hello);
    if (!spoken.has(version) && !is_hello) return error{errc::malformed, "wire version"};
    if (what < 1 || what > 14) return error{errc::malformed, "unknown kind"};
    auto body = is_hello ? get_hello(in, version, spoken) : get_body(in, what, version);
    if (!in.ok()) return error{errc::malformed, "bad field"};
    return body;
}

} // namespace baton::wire
