#include "discovery/search.hpp"

#include "discovery/beacon.hpp"
#include "wire/frame.hpp"

namespace baton::discovery {

namespace {
constexpr std::string_view asks = "baton?", answers = "baton!";
constexpr std::uint64_t port_max = 65535;
} // namespace

bool is_search(std::string_view bytes) {
    return bytes.size() >= search_bytes && bytes.substr(2).starts_with(asks); // array, str, text
}

std::string encode(const search_question& from) {
    std::string bytes;
    wire::frame_writer out(bytes, 7);
    out.text(asks).number(from.version_min).number(from.version_max).text(from.cluster).bytes(from.nonce);
    out.number(from.port);
    out.bytes(std::string(search_bytes - bytes.size() - 2, '\0'));
    return bytes;
}

std::string encode(const search_answer& from) {
    std::string bytes;
    wire::frame_writer out(bytes, 7);
    out.text(answers).number(from.version_min).number(from.version_max).text(from.cluster).bytes(from.nonce);
    out.id(from.id).number(from.door);
    return bytes;
}

result<search_question> decode_question(std::string_view bytes) {
    if (bytes.size() < search_bytes || bytes.size() > beacon_bytes_max)
        return error{errc::malformed, "a search of another size"};
    wire::frame_reader in(bytes);
    if (in.bytes() != asks) in.fail();
    search_question q;
    q.version_min = in.number();
    q.version_max = in.number();
    q.cluster = in.bytes(wire::name_bytes_max);
    q.nonce = in.bytes(nonce_bytes);
    q.port = static_cast<std::uint16_t>(in.number_up_to(port_max));
    if (!in.ok() || q.nonce.size() != nonce_bytes) return error{errc::malformed, "not a search"};
    return q;
}

result<search_answer> decode_answer(std::string_view bytes) {
    wire::frame_reader in(bytes);
    if (bytes.size() > beacon_bytes_max || in.bytes() != answers) in.fail();
    search_answer a;
    a.version_min = in.number();
    a.version_max = in.number();
    a.cluster = in.bytes(wire::name_bytes_max);
    a.nonce = in.bytes(nonce_bytes);
    a.id = in.id();
    a.door = static_cast<std::uint16_t>(in.number_up_to(port_max));
    if (!in.ok() || a.nonce.size() != nonce_bytes || a.door == 0)
        return error{errc::malformed, "not the answer to a search"};
    return a;
}

} // namespace baton::discovery
