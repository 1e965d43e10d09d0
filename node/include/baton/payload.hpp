// payload: packs an object into the bytes of a value, and unpacks it. <baton/typed.hpp> uses these functions;
// call them for bytes from another source, such as a watch.
//
//     struct game {
//         int round = 0;
//         std::string map;
//         MSGPACK_DEFINE(round, map)
//     };
//     baton::result<std::string> bytes_of(const game& of) { return baton::pack(of); }
//     int round_in(std::string_view bytes) {
//         const auto back = baton::unpack<game>(bytes); // errc::not_readable: no game of this version
//         return back ? back->round : 0;
//     }
//
// A payload is the MessagePack array [payload_version, object]. Every type that MessagePack can pack is
// allowed, for example a struct with MSGPACK_DEFINE(fields…). A std::chrono::time_point of the system_clock
// becomes a MessagePack timestamp; time points of other clocks do not compile, since they have no meaning on
// another machine.
//
// Old and new programs at the same time. A struct may grow during a rolling update: *append* the new field to
// MSGPACK_DEFINE, give it a default, and leave payload_version as it is. The new program reads the old form
// and gives the field its default. The old program reads the new form and ignores the field; when it writes
// the value, the field is gone. examples/typed_values shows this. Any other change (a field is removed, moves
// or changes its meaning) needs a new payload_version. Then a program refuses a form that it cannot read,
// with both versions in the error, unless it keeps the old struct for the old form.
//
// Thread contract: no state. Header-only; the program needs the headers of msgpack-cxx. Throws only
// std::bad_alloc. A payload may come from anybody on the network: it is checked as a whole, its nesting is
// bounded, and unpacking takes memory in proportion to its length.
#pragma once

#include <baton/result.hpp>

// msgpack-cxx wants Boost unless told otherwise; whoever has included it before has decided already.
#if !defined(MSGPACK_VERSION) && !defined(MSGPACK_NO_BOOST)
#define MSGPACK_NO_BOOST
#endif
#include <msgpack.hpp>

#if defined(MSGPACK_NO_BOOST)
#include <baton/timestamp.hpp> // with Boost, msgpack-cxx has its own
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace baton {

/// The version of the packed form of T; the head of this header lists the changes that need a new one.
/// Specialise it, and keep the old struct if the old form must still be read: `template <> inline constexpr
/// std::uint32_t baton::payload_version<game> = 2;`
template <class T>
inline constexpr std::uint32_t payload_version = 1;

/// How deep arrays and maps may be nested in a payload; the outermost array counts.
inline constexpr std::size_t payload_depth_max = 64;

namespace detail {

/// Walks a payload without allocating for its contents; stops where nesting is deeper than payload_depth_max.
class depth_check : public msgpack::null_visitor {
  public:
    bool start_array(std::uint32_t) { return ++depth_ <= payload_depth_max; }
    bool end_array() { return leave(); }
    bool start_map(std::uint32_t) { return ++depth_ <= payload_depth_max; }
    bool end_map() { return leave(); }

  private:
    bool leave() {
        --depth_;
        return true;
    }
    std::size_t depth_ = 0;
};

/// True if `payload` is exactly one MessagePack object. Lengths it claims but does not have are found here,
/// so that unpacking it afterwards allocates for no element that is not there.
inline bool is_whole(std::string_view payload) {
    depth_check visitor;
    std::size_t end = 0;
    return msgpack::parse(payload.data(), payload.size(), end, visitor) && end == payload.size();
}

inline error not_readable(std::string_view key, const std::string& why) {
    return {errc::not_readable,
            (key.empty() ? "the value " : "the value of \"" + std::string(key) + "\" ") + why};
}

/// Whole numbers that were packed as floats, as JavaScript's msgpackr does from 2^32 on, become integers.
/// Fields of floating point read both alike. True if there was one.
inline bool make_integers(msgpack::object& of) {
    bool any = false;
    if (of.type == msgpack::type::FLOAT32 || of.type == msgpack::type::FLOAT64) {
        const double number = of.via.f64;
        any = number == std::trunc(number) && number >= -0x1p63 && number < 0x1p64;
        if (any && number < 0) {
            of.type = msgpack::type::NEGATIVE_INTEGER;
            of.via.i64 = static_cast<std::int64_t>(number);
        } else if (any) {
            of.type = msgpack::type::POSITIVE_INTEGER;
            of.via.u64 = static_cast<std::uint64_t>(number);
        }
    } else if (of.type == msgpack::type::ARRAY) {
        for (std::uint32_t i = 0; i < of.via.array.size; ++i) any = make_integers(of.via.array.ptr[i]) || any;
    } else if (of.type == msgpack::type::MAP) {
        for (std::uint32_t i = 0; i < of.via.map.size; ++i) any = make_integers(of.via.map.ptr[i].val) || any;
    }
    return any;
}

template <class T>
bool takes(const msgpack::object& whole) try {
    static_cast<void>(whole.as<T>());
    return true;
} catch (const std::bad_alloc&) {
    throw;
} catch (const std::exception&) {
    return false;
}

inline std::string_view kind_of(const msgpack::object& value) {
    switch (value.type) {
    case msgpack::type::NIL:
        return "nil";
    case msgpack::type::BOOLEAN:
        return "a boolean";
    case msgpack::type::POSITIVE_INTEGER:
    case msgpack::type::NEGATIVE_INTEGER:
        return "an integer";
    case msgpack::type::FLOAT32:
    case msgpack::type::FLOAT64:
        return "a number with a fraction or beyond 64 bits";
    case msgpack::type::STR:
        return "a string";
    case msgpack::type::BIN:
        return "bytes";
    case msgpack::type::ARRAY:
        return "an array";
    case msgpack::type::MAP:
        return "a map";
    case msgpack::type::EXT:
        return "an extension type";
    }
    return "something else";
}

/// Where `whole` is not a T, as far as that can be known: types that take fewer elements than they have, as
/// those of MSGPACK_DEFINE do, are asked with ever fewer. `whole` is of no use afterwards. O(length × depth ×
/// log elements).
template <class T>
std::string misfit(msgpack::object& whole) {
    std::string path;
    auto* at = &whole;
    for (std::size_t depth = 0; depth < payload_depth_max; ++depth) {
        const bool named = at->type == msgpack::type::MAP;
        if (!named && at->type != msgpack::type::ARRAY) break;
        auto& size = named ? at->via.map.size : at->via.array.size;
        std::uint32_t good = 0, bad = size;
        size = good;
        if (bad == 0 || !takes<T>(whole)) {
            size = bad;
            break;
        }
        while (bad - good > 1) {
            size = good + (bad - good) / 2;
            (takes<T>(whole) ? good : bad) = size;
        }
        size = bad; // what is wrong is its last element
        path += path.empty() ? "field " : ", field ";
        if (!named) {
            path += std::to_string(bad);
            at = &at->via.array.ptr[bad - 1];
            continue;
        }
        const auto& name = at->via.map.ptr[bad - 1].key;
        path += name.type == msgpack::type::STR ? '"' + std::string(name.via.str.ptr, name.via.str.size) + '"'
                                                : std::to_string(bad);
        at = &at->via.map.ptr[bad - 1].val;
    }
    return path.empty() ? "it is " + std::string(kind_of(*at)) : path + " is " + std::string(kind_of(*at));
}

} // namespace detail

/// The object in a payload. A field of integer type accepts a float with exactly the value of an integer.
/// `key` appears in the error only. Errors: not_readable if the payload has another payload version (the
/// sentence names both) or is no T (the sentence names the field, counted from 1, if that can be known).
/// O(length); after an error O(length × depth × log fields).
template <class T>
[[nodiscard]] result<T> unpack(std::string_view payload, std::string_view key = {}) {
    using detail::not_readable;
    if (!detail::is_whole(payload))
        return not_readable(key, "is not a whole MessagePack object of bounded depth");
    bool referenced = false;
    std::size_t end = 0;
    // Strings stay where they are until T copies them.
    const auto in_place = [](msgpack::type::object_type, std::size_t, void*) { return true; };
    const auto unpacked = msgpack::unpack(payload.data(), payload.size(), end, referenced, in_place);
    const msgpack::object& outer = unpacked.get();
    if (outer.type != msgpack::type::ARRAY || outer.via.array.size != 2 ||
        outer.via.array.ptr[0].type != msgpack::type::POSITIVE_INTEGER)
        return not_readable(key, "is not a typed value, [payload version, object]");
    if (const auto found = outer.via.array.ptr[0].via.u64; found != payload_version<T>)
        return not_readable(key, "has payload version " + std::to_string(found) +
                                     ", this program reads version " + std::to_string(payload_version<T>));
    msgpack::object& object = outer.via.array.ptr[1];
    for (bool again = true; again;) {
        try {
            return object.as<T>();
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const std::exception&) {
            again = detail::make_integers(object);
        }
    }
    return not_readable(key,
                        "has payload version " + std::to_string(payload_version<T>) +
                            ", which this program reads, but another shape: " + detail::misfit<T>(object));
}

/// The bytes of [payload version, object]. `key` appears in the error only. Errors: malformed if the packing
/// function of the type throws. O(length).
template <class T>
[[nodiscard]] result<std::string> pack(const T& object, std::string_view key = {}) try {
    msgpack::sbuffer bytes;
    msgpack::packer<msgpack::sbuffer> packer(bytes);
    packer.pack_array(2);
    packer.pack(payload_version<T>);
    packer.pack(object);
    return std::string(bytes.data(), bytes.size());
} catch (const std::bad_alloc&) {
    throw;
} catch (const std::exception& failure) {
    return error{errc::malformed,
                 (key.empty() ? "the object" : "the object for \"" + std::string(key) + '"') +
                     " could not be packed (" + failure.what() + ")"};
}

} // namespace baton
