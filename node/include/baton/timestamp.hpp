// timestamp: teaches msgpack-cxx to pack and unpack time points of the system clock without Boost. With Boost
// msgpack-cxx does this itself. The bytes are the same: MessagePack's timestamp extension, type -1, with
// seconds and nanoseconds since 1970.
//
//     // A struct with a time: <baton/typed.hpp> packs it as any other.
//     struct reservation {
//         std::string guest;
//         std::chrono::system_clock::time_point until;
//         MSGPACK_DEFINE(guest, until)
//     };
//     std::size_t packed_bytes(const reservation& of) {
//         msgpack::sbuffer bytes;
//         msgpack::pack(bytes, of);
//         return bytes.size();
//     }
//
// Thread contract: no state. <baton/payload.hpp> includes this header; programs do not need it. A time that
// the duration type cannot hold throws msgpack::type_error.
#pragma once

#include <msgpack.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <type_traits>

namespace baton::detail {

inline std::uint64_t big_endian(const char* bytes, std::size_t count) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}
inline void put_big_endian(char* bytes, std::size_t count, std::uint64_t value) {
    for (std::size_t i = count; i-- > 0; value >>= 8) bytes[i] = static_cast<char>(value & 0xff);
}

/// Since the epoch.
template <class Duration>
Duration unpacked_time(std::int64_t whole, std::int64_t nanoseconds) {
    using std::chrono::seconds;
    if (nanoseconds > 999'999'999) throw msgpack::type_error();
    if (whole < 0 && nanoseconds > 0) ++whole, nanoseconds -= 1'000'000'000; // both towards the epoch
    if constexpr (std::ratio_less_v<typename Duration::period, std::ratio<1>>) {
        if (whole > std::chrono::duration_cast<seconds>(Duration::max()).count() ||
            whole < std::chrono::duration_cast<seconds>(Duration::min()).count())
            throw msgpack::type_error();
    }
    const auto base = std::chrono::duration_cast<Duration>(seconds{whole});
    const auto rest = std::chrono::duration_cast<Duration>(std::chrono::nanoseconds{nanoseconds});
    if (rest.count() > 0 ? base > Duration::max() - rest : base < Duration::min() - rest)
        throw msgpack::type_error();
    return base + rest;
}

} // namespace baton::detail

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
    namespace adaptor {

    template <class Duration>
    requires std::is_integral_v<typename Duration::rep>
    struct convert<std::chrono::time_point<std::chrono::system_clock, Duration>> {
        const msgpack::object&
        operator()(const msgpack::object& from,
                   std::chrono::time_point<std::chrono::system_clock, Duration>& into) const {
            if (from.type != msgpack::type::EXT || from.via.ext.type() != -1) throw msgpack::type_error();
            const char* const bytes = from.via.ext.data();
            std::int64_t whole = 0, nanoseconds = 0;
            if (from.via.ext.size == 4) {
                whole = static_cast<std::int64_t>(baton::detail::big_endian(bytes, 4));
            } else if (from.via.ext.size == 8) {
                const auto both = baton::detail::big_endian(bytes, 8);
                whole = static_cast<std::int64_t>(both & 0x3'ffff'ffff);
                nanoseconds = static_cast<std::int64_t>(both >> 34);
            } else if (from.via.ext.size == 12) {
                nanoseconds = static_cast<std::int64_t>(baton::detail::big_endian(bytes, 4));
                whole = static_cast<std::int64_t>(baton::detail::big_endian(bytes + 4, 8));
            } else {
                throw msgpack::type_error();
            }
            into = std::chrono::time_point<std::chrono::system_clock, Duration>(
                baton::detail::unpacked_time<Duration>(whole, nanoseconds));
            return from;
        }
    };

    template <class Duration>
    requires std::is_integral_v<typename Duration::rep>
    struct pack<std::chrono::time_point<std::chrono::system_clock, Duration>> {
        template <class Stream>
        msgpack::packer<Stream>&
        operator()(msgpack::packer<Stream>& into,
                   const std::chrono::time_point<std::chrono::system_clock, Duration>& when) const {
            using std::chrono::seconds;
            const auto since = when.time_since_epoch();
            auto rest = since % seconds{1};
            auto whole = std::chrono::duration_cast<seconds>(since).count();
            if (rest.count() < 0) rest += seconds{1}, --whole;
            const auto nanoseconds = static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::nanoseconds>(rest).count());
            const auto unsigned_whole = static_cast<std::uint64_t>(whole);
            std::array<char, 12> bytes{};
            std::uint32_t size = 12;
            if (nanoseconds == 0 && unsigned_whole >> 32 == 0) {
                size = 4;
                baton::detail::put_big_endian(bytes.data(), 4, unsigned_whole);
            } else if (unsigned_whole >> 34 == 0) {
                size = 8;
                baton::detail::put_big_endian(bytes.data(), 8, nanoseconds << 34 | unsigned_whole);
            } else {
                baton::detail::put_big_endian(bytes.data(), 4, nanoseconds);
                baton::detail::put_big_endian(bytes.data() + 4, 8, unsigned_whole);
            }
            into.pack_ext(size, -1);
            into.pack_ext_body(bytes.data(), size);
            return into;
        }
    };

    } // namespace adaptor
}
} // namespace msgpack
