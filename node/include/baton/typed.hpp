// typed: stash and pick up structs instead of bytes; and handles of a counter, set, map or flag.
//
// What a value looks like, which structs will do and how they may change is said in <baton/payload.hpp>.
//
// Thread contract: as in node.hpp; no state of its own. A handle points to its node, which has to outlive it
// and stay where it is. Header-only; the using program needs msgpack-cxx's headers. Only std::bad_alloc is
// thrown.
#pragma once

#include <baton/node.hpp>
#include <baton/payload.hpp>
#include <baton/watch.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

namespace detail {

/// The object inside what was picked; nothing if nothing was.
template <class T>
result<std::optional<T>> unpack_picked(std::string_view key, const result<picked>& got) {
    if (!got) return got.error();
    if (!got->found()) return std::optional<T>{};
    auto object = unpack<T>(got->value, key);
    if (!object) return object.error();
    return std::optional<T>{*std::move(object)};
}

} // namespace detail

/// The object that a watch was told of. Errors: not_readable, also if nothing was put, or no register.
template <class T>
[[nodiscard]] result<T> unpack(const change& told) {
    if (told.kind != change_kind::put)
        return detail::not_readable(told.key,
                                    "is not there: the change is " + std::string(to_string(told.kind)));
    if (told.type != value_kind::reg)
        return detail::not_readable(told.key, "is a " + std::string(to_string(told.type)));
    return unpack<T>(told.value, told.key);
}

/// Packs `object` and stashes it under `key`; see node::stash for effect and errors. Also: malformed, if the
/// type's own packing throws. O(key + packed object).
template <class T>
result<stashed> stash(node& into, std::string_view key, const T& object, stash_options how = {}) {
    const auto payload = baton::pack(object, key);
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
    return detail::unpack_picked<T>(key, from.pickup(key, how));
}

/// The objects that a claim was shown: the one taken over, then its siblings. Errors: not_readable, if one of
/// them is.
template <class T>
[[nodiscard]] result<std::vector<T>> shown(const claim_handle& owned) {
    std::vector<T> all;
    for (const auto& each : owned.shown()) {
        auto object = unpack<T>(each.value, owned.key());
        if (!object) return object.error();
        all.push_back(*std::move(object));
    }
    return all;
}

/// Packs `object` and commits it; see claim_handle::commit for effect and errors, and stash above.
template <class T>
result<version> commit(claim_handle& owned, const T& object, std::chrono::milliseconds ttl = {}) {
    const auto payload = baton::pack(object, owned.key());
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
        const auto payload = baton::pack(object, key_);
        if (!payload) return payload.error();
        return node_->set_field(key_, field, *payload);
    }
    /// The object; nothing if the field is not there. Also: not_readable, as pickup(node, key).
    [[nodiscard]] result<std::optional<T>> get(std::string_view field) const {
        return detail::unpack_picked<T>(key_, node_->field(key_, field));
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
