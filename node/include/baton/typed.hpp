// typed: stash and pick up structs instead of bytes; and handles of a counter, set, map or flag.
//
// Any type that MessagePack can pack will do, e.g. one with MSGPACK_DEFINE(fields…). The value of the key is
// the MessagePack array [payload_version, object], so old and new programs can run side by side during an
// update: each says which version it writes, and refuses by name what it cannot read.
//
// Thread contract: as in node.hpp; no state of its own. A handle points to its node, which has to outlive it
// and stay where it is. Header-only; the using program needs msgpack-cxx's headers. Only std::bad_alloc is
// thrown. What is picked up may come from anybody on the network: it is checked whole, its nesting is
// bounded, and unpacking it takes memory proportional to its length.
#pragma once

#include <baton/node.hpp>

// msgpack-cxx wants Boost unless told otherwise; whoever has included it before has decided already.
#if !defined(MSGPACK_VERSION) && !defined(MSGPACK_NO_BOOST)
#define MSGPACK_NO_BOOST
#endif
#include <msgpack.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

/// The version of T's packed form. Specialise it when the fields change, and keep the old struct where the
/// old form must still be read:  template <> inline constexpr std::uint32_t baton::payload_version<game> = 2;
template <class T>
inline constexpr std::uint32_t payload_version = 1;

/// Arrays and maps inside one another in a payload, the outermost array included.
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
    return {errc::not_readable, "the value of \"" + std::string(key) + "\" " + why};
}

/// The object inside a payload. Errors: not_readable.
template <class T>
result<T> unpack(std::string_view key, std::string_view payload) try {
    if (!is_whole(payload)) return not_readable(key, "is not a whole MessagePack object of bounded depth");
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
    return outer.via.array.ptr[1].as<T>();
} catch (const std::bad_alloc&) {
    throw;
} catch (const std::exception& failure) {
    return not_readable(key, "says payload version " + std::to_string(payload_version<T>) +
                                 " but has another shape (" + failure.what() + ")");
}

/// The object inside what was picked; nothing if nothing was.
template <class T>
result<std::optional<T>> unpack(std::string_view key, const result<picked>& got) {
    if (!got) return got.error();
    if (!got->found()) return std::optional<T>{};
    auto object = unpack<T>(key, std::string_view{got->value});
    if (!object) return object.error();
    return std::optional<T>{*std::move(object)};
}

/// [payload version, object] as bytes. Errors: malformed, if the type's own packing throws.
template <class T>
result<std::string> pack(std::string_view key, const T& object) try {
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
                 "the object for \"" + std::string(key) + "\" could not be packed (" + failure.what() + ")"};
}

} // namespace detail

/// Packs `object` and stashes it under `key`; see node::stash for effect and errors. Also: malformed, if the
/// type's own packing throws. O(key + packed object).
template <class T>
result<stashed> stash(node& into, std::string_view key, const T& object, stash_options how = {}) {
    const auto payload = detail::pack(key, object);
    if (!payload) return payload.error();
    return into.stash(key, *payload, how);
}

/// The object under `key`; nothing if it is not here (node::pickup tells how absent it is). With `within`,
/// waits for it to arrive. Errors: those of node::pickup; not_readable, if the value was written in another
/// payload version or is not a T: the sentence names the key and both versions, and node::pickup still gives
/// the bytes.
template <class T>
[[nodiscard]] result<std::optional<T>> pickup(const node& from, std::string_view key,
                                              pickup_options how = {}) {
    return detail::unpack<T>(key, from.pickup(key, how));
}

/// The objects that a claim was shown: the one taken over, then its siblings. Errors: not_readable, if one of
/// them is.
template <class T>
[[nodiscard]] result<std::vector<T>> shown(const claim_handle& owned) {
    std::vector<T> all;
    for (const auto& each : owned.shown()) {
        auto object = detail::unpack<T>(owned.key(), std::string_view{each.value});
        if (!object) return object.error();
        all.push_back(*std::move(object));
    }
    return all;
}

/// Packs `object` and commits it; see claim_handle::commit for effect and errors, and stash above.
template <class T>
result<version> commit(claim_handle& owned, const T& object, std::chrono::milliseconds ttl = {}) {
    const auto payload = detail::pack(owned.key(), object);
    if (!payload) return payload.error();
    return owned.commit(*payload, ttl);
}

// ---------------------------------------------------------------- handles

namespace detail {

/// A key of a node, kept. What the four handles have in common; what their calls promise and which errors
/// they answer is said in node.hpp, under typed values.
class handle_base {
  public:
    handle_base(node& of, std::string key)
        : node_(&of)
        , key_(std::move(key)) {}

    [[nodiscard]] const std::string& key() const { return key_; }
    /// Removes what the node has seen of the key; see node::drop.
    result<bool> drop() { return node_->drop(key_); }

  protected:
    node* node_;
    std::string key_;
};

} // namespace detail

/// A number that anybody may add to.
class counter : public detail::handle_base {
  public:
    using handle_base::handle_base;
    result<version> add(std::int64_t amount = 1) { return node_->add(key_, amount); }
    /// The sum; 0 where nobody has added yet.
    [[nodiscard]] result<std::int64_t> value() const {
        const auto sum = node_->count(key_);
        if (!sum) return sum.error();
        return sum->value_or(0);
    }
};

/// A set of byte strings; an insertion wins over a concurrent erasure.
class set : public detail::handle_base {
  public:
    using handle_base::handle_base;
    result<version> insert(std::string_view element) { return node_->insert(key_, element); }
    result<bool> erase(std::string_view element) { return node_->erase(key_, element); }
    [[nodiscard]] result<bool> contains(std::string_view element) const {
        return node_->contains(key_, element);
    }
    [[nodiscard]] result<std::vector<std::string>> elements() const { return node_->elements(key_); }
};

/// A map from field names to objects that MessagePack can pack. Each field is written and read by itself, the
/// last writer wins; its bytes are those that stash(node, key, object) would write.
template <class T>
class map : public detail::handle_base {
  public:
    using handle_base::handle_base;
    /// Also: malformed, if the type's own packing throws.
    result<version> set(std::string_view field, const T& object) {
        const auto payload = detail::pack(key_, object);
        if (!payload) return payload.error();
        return node_->set_field(key_, field, *payload);
    }
    /// The object; nothing if the field is not there. Also: not_readable, as pickup(node, key).
    [[nodiscard]] result<std::optional<T>> get(std::string_view field) const {
        return detail::unpack<T>(key_, node_->field(key_, field));
    }
    result<bool> erase(std::string_view field) { return node_->erase_field(key_, field); }
    [[nodiscard]] result<std::vector<std::string>> fields() const { return node_->fields(key_); }
};

/// A switch; turning it on wins over a concurrent turning off.
class flag : public detail::handle_base {
  public:
    using handle_base::handle_base;
    result<version> enable() { return node_->enable(key_); }
    result<bool> disable() { return node_->disable(key_); }
    [[nodiscard]] result<bool> enabled() const { return node_->enabled(key_); }
};

} // namespace baton
