// typed: stashes and picks up structs instead of bytes; handles for a counter, set, map or flag.
//
//     struct game {
//         int round = 0;
//         std::string map;
//         MSGPACK_DEFINE(round, map)
//     };
//     baton::result<baton::write_result> next_round(baton::node& node) {
//         const auto got = baton::pickup<game>(node, "game/7"); // result<std::optional<game>>
//         if (!got) return got.error();
//         auto now = got->value_or(game{0, "harbour"});
//         ++now.round;
//         if (const auto done = baton::stash(node, "game/7", now); !done) return done.error();
//         return baton::counter(node, "rounds").add();
//     }
//
// <baton/payload.hpp> describes the bytes of a value, the structs that are allowed, and how they may change.
//
// Source: Shapiro et al. 2011, "A comprehensive study of Convergent and Commutative Replicated Data Types":
// counters by replica, and the observed-remove set, here without tombstones, because the cut shows what a
// node has seen. A map is such a set of fields with registers, a flag such a set of one element.
//
// Thread contract: as node.hpp; no state of its own. A handle points to its node: the node must outlive the
// handle and must not be moved. Header-only; the program needs the headers of msgpack-cxx. Throws only
// std::bad_alloc.
#pragma once

#include <baton/node.hpp>
#include <baton/payload.hpp>
#include <baton/watch.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

namespace detail {

/// The object in a value that was read; nullopt if there is none.
template <class T>
result<std::optional<T>> unpack_some(std::string_view key, const stored_value* got) {
    if (got == nullptr) return std::optional<T>{};
    return unpack<T>(got->value, key).transform([](T object) { return std::optional<T>{std::move(object)}; });
}

} // namespace detail

/// The object that a watch reports. Errors: those of unpack; not_readable if the change is not the put of a
/// register.
template <class T>
[[nodiscard]] result<T> unpack(const change& reported) {
    if (reported.kind != change_kind::put)
        return detail::not_readable(reported.key,
                                    "is not there: the change is " + std::string(to_string(reported.kind)));
    if (reported.type != value_kind::reg)
        return detail::not_readable(reported.key, "is a " + std::string(to_string(reported.type)));
    return unpack<T>(reported.value, reported.key);
}

/// Packs `object` and stashes it under `key`. Errors: those of node::stash; malformed if the packing function
/// of the type throws. O(key + packed object).
template <class T>
result<write_result> stash(node& into, std::string_view key, const T& object, stash_options how = {}) {
    const auto payload = baton::pack(object, key);
    if (!payload) return payload.error();
    return into.stash(key, *payload, how);
}

/// The object under `key`; nullopt if the key is absent (node::pickup reports why). With `within` it waits
/// for the key. Errors: those of node::pickup; not_readable if the value has another payload version or is no
/// T. Then the sentence names the key and both versions, and node::pickup still returns the bytes. O(key +
/// value) without waiting.
template <class T>
[[nodiscard]] result<std::optional<T>> pickup(const node& from, std::string_view key,
                                              pickup_options how = {}) {
    const auto got = from.pickup(key, how);
    if (!got) return got.error();
    return detail::unpack_some<T>(key, got->found() ? &*got : nullptr);
}

/// The objects that a claim found: the one it took over, then its siblings. Errors: not_readable if one of
/// them is not a T.
template <class T>
[[nodiscard]] result<std::vector<T>> values_found(const claim_handle& owned) {
    std::vector<T> all;
    for (const auto& each : owned.values_found()) {
        auto object = unpack<T>(each.value, owned.key());
        if (!object) return object.error();
        all.push_back(*std::move(object));
    }
    return all;
}

/// Packs `object` and commits it. Errors: those of claim_handle::commit; malformed if the packing function of
/// the type throws. O(siblings + key + packed object).
template <class T>
result<write_result> commit(claim_handle& owned, const T& object, commit_options how = {}) {
    const auto payload = baton::pack(object, owned.key());
    if (!payload) return payload.error();
    return owned.commit(*payload, how);
}

// ---------------------------------------------------------------- handles

namespace detail {

/// A node and a key: what the four handles have in common. node.hpp documents the effect and the errors of
/// each call under "typed values".
class handle_base {
  public:
    handle_base(node& of, std::string key)
        : node_(&of)
        , key_(std::move(key)) {}

    /// The key of the handle.
    [[nodiscard]] const std::string& key() const { return key_; }
    /// Removes what the node has seen of the key, of any type: node::drop.
    result<write_result> drop(write_options how = {}) { return node_->drop(key_, how); }

  protected:
    node* node_;
    std::string key_;
};

} // namespace detail

/// The counter under a key: a number that every node may add to.
class counter : public detail::handle_base {
  public:
    using handle_base::handle_base;
    /// Adds `amount`, which may be negative: node::add.
    result<write_result> add(std::int64_t amount = 1, write_options how = {}) {
        return node_->add(key_, amount, how);
    }
    /// The sum; 0 if no node has added yet. See node::count.
    [[nodiscard]] result<std::int64_t> value() const {
        const auto sum = node_->count(key_);
        if (!sum) return sum.error();
        return sum->value_or(0);
    }
};

/// The set under a key: byte strings. An insertion wins over a concurrent erasure.
class set : public detail::handle_base {
  public:
    using handle_base::handle_base;
    /// Puts `element` into the set: node::insert.
    result<write_result> insert(std::string_view element, write_options how = {}) {
        return node_->insert(key_, element, how);
    }
    /// Takes `element` out of the set: node::erase.
    result<write_result> erase(std::string_view element, write_options how = {}) {
        return node_->erase(key_, element, how);
    }
    /// True if `element` is in the set.
    [[nodiscard]] result<bool> contains(std::string_view element) const {
        return node_->contains(key_, element);
    }
    /// All elements, sorted by bytes: node::elements.
    [[nodiscard]] result<std::vector<std::string>> elements() const { return node_->elements(key_); }
};

/// The map under a key, from field names to objects that MessagePack can pack. Each field is written and read
/// by itself; of concurrent values the last writer's is read. A field has the bytes that stash(node, key,
/// object) writes.
template <class T>
class map : public detail::handle_base {
  public:
    using handle_base::handle_base;
    /// Packs `object` and sets the field. Errors: those of node::set_field; malformed if the packing function
    /// of the type throws.
    result<write_result> set(std::string_view field, const T& object, write_options how = {}) {
        const auto payload = baton::pack(object, key_);
        if (!payload) return payload.error();
        return node_->set_field(key_, field, *payload, how);
    }
    /// The object in the field; nullopt if this node holds none. Errors: those of node::field; not_readable
    /// as with pickup(node, key).
    [[nodiscard]] result<std::optional<T>> get(std::string_view field) const {
        const auto got = node_->field(key_, field);
        if (!got) return got.error();
        return detail::unpack_some<T>(key_, *got ? &**got : nullptr);
    }
    /// Removes the field: node::erase_field.
    result<write_result> erase(std::string_view field, write_options how = {}) {
        return node_->erase_field(key_, field, how);
    }
    /// The names of all fields, sorted by bytes: node::fields.
    [[nodiscard]] result<std::vector<std::string>> fields() const { return node_->fields(key_); }
};

/// The flag under a key. Enabling it wins over a concurrent disabling.
class flag : public detail::handle_base {
  public:
    using handle_base::handle_base;
    /// Turns the flag on: node::enable.
    result<write_result> enable(write_options how = {}) { return node_->enable(key_, how); }
    /// Turns the flag off: node::disable.
    result<write_result> disable(write_options how = {}) { return node_->disable(key_, how); }
    /// True if the flag is on.
    [[nodiscard]] result<bool> enabled() const { return node_->enabled(key_); }
};

} // namespace baton
