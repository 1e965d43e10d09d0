#include "discovery/beacon.hpp"

#include "wire/frame.hpp"

namespace baton::discovery {

namespace {
constexpr std::string_view magic = "baton";
}

// Version range and cluster come first, so that every later version can be told apart and refused by name.
std::string encode(const beacon& from) {
    std::string bytes;
    wire::frame_writer(bytes, 10)
        .text(magic)
        .number(from.version_min)
        .number(from.version_max)
        .text(from.cluster)
        .id(from.id)
        .number(from.sequence)
        .number(from.port)
        .number(from.publish_port)
        .text(from.hosts)
        .text(from.reach);
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
    if (in.more()) b.reach = in.bytes(wire::hosts_bytes_max);
    if (!in.ok() || b.port == 0 || b.publish_port == 0) return error{errc::malformed, "not a beacon"};
    return b;
}

} // namespace baton::discovery
