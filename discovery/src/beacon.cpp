#include "discovery/beacon.hpp"

#include "wire/frame.hpp"

#include <algorithm>

namespace baton::discovery {

namespace {
constexpr std::string_view magic = "baton";
}

// The version range and the cluster come first, so that a node can recognise any later version and name the
// reason for refusing it.
std::string encode(const beacon& from, std::size_t bytes_min) {
    std::string bytes;
    const bool padded = bytes_min != 0;
    wire::frame_writer out(bytes, 14U + (from.door != 0 ? 1U : 0U) + (padded ? 1U : 0U));
    out.text(magic)
        .number(from.version_min)
        .number(from.version_max)
        .text(from.cluster)
        .id(from.id)
        .number(from.sequence)
        .number(from.port)
        .number(from.publish_port)
        .text(from.hosts)
        .text(from.reach)
        .number(from.time_ms)
        .bytes(from.key.is_none() ? std::string_view{} : from.key.view())
        .bytes(from.nonce)
        .bytes(from.echo);
    if (from.door != 0) out.number(from.door);
    if (!padded) return bytes;
    const auto missing = std::max(bytes_min, bytes.size() + 2) - bytes.size();
    const std::size_t head = missing <= 257 ? 2 : 3; // the header of a MessagePack bin
    out.bytes(std::string(missing - head, '\0'));
    return bytes;
}

result<beacon> decode_beacon(std::string_view bytes) {
    if (bytes.size() > beacon_bytes_max) return error{errc::malformed, "oversized beacon"};
    wire::frame_reader in(bytes);
    if (in.bytes() != magic) in.fail();
    beacon b;
    b.version_min = in.number();
    b.version_max = in.number();
    b.cluster = in.bytes(wire::name_bytes_max);
    b.id = in.id();
    b.sequence = in.number();
    b.port = static_cast<std::uint16_t>(in.number_up_to(65535));
    b.publish_port = static_cast<std::uint16_t>(in.number_up_to(65535));
    b.hosts = in.bytes(wire::hosts_bytes_max);
    if (in.more()) b.reach = in.bytes(wire::hosts_bytes_max); // early beacons of version 3 lack the field
    if (in.more()) {
        b.time_ms = in.number();
        const auto key = in.bytes(32);
        b.key = link_key::from_bytes(key);
        b.nonce = in.bytes(nonce_bytes);
        b.echo = in.bytes(nonce_bytes);
        const auto whole = [](std::string_view field, std::size_t size) {
            return field.empty() || field.size() == size;
        };
        if (in.more_numbers()) b.door = static_cast<std::uint16_t>(in.number_up_to(65535)); // or the padding
        if (!whole(key, 32) || !whole(b.nonce, nonce_bytes) || !whole(b.echo, nonce_bytes)) in.fail();
    }
    if (!in.ok() || b.port == 0 || b.publish_port == 0) return error{errc::malformed, "not a beacon"};
    return b;
}

} // namespace baton::discovery
