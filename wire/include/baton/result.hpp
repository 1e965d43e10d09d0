// result: a value or an error, the subset of std::expected that baton's calls use.
//
// Plain values; any thread. An error is about the world (a port is in use) or about the caller's arguments (a
// key is too long). The public API throws nothing but std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace baton {

/// The kind of an error. `error::what` names the thing, the value and the limit.
enum class errc : std::uint8_t {
    bad_option,        ///< the value of an option cannot work; the sentence names the option
    bad_seed,          ///< a seed is not HOST:PORT
    unknown_interface, ///< no network interface has that name, or no interface has the address `host`
    address_in_use,    ///< the port is taken
    network,           ///< another refusal of the operating system
    key_empty,         ///< the key is empty; a key has at least one byte
    key_too_long,      ///< the key is over limits.key_bytes_max
    value_too_long,    ///< the value is over limits.value_bytes_max
    wrong_type,        ///< the key holds a value of another type
    full,              ///< the store has reached limits.bytes_max
    leaving,           ///< the node leaves or has left: it accepts no more writes
    forked,            ///< the call is made in a forked child: a node stays with the parent
    absent,            ///< the key is not here
    claim_lost,        ///< the handle no longer owns the key
    conflict,          ///< the key is not in the state that the call expects: read it again
    timeout,           ///< reserved; no call returns it
    bad_argument,      ///< the arguments contradict each other or the options; the sentence says how
    unknown_version,   ///< this node has not seen that write
    busy,              ///< members lag too far behind; nothing was written
    malformed,         ///< the bytes do not have the form that they should have
    not_readable,      ///< a typed value has another type or payload version
    too_many_watches,  ///< the node has limits.watches_max watches already
    bad_key,           ///< a mesh key, or a file of keys, cannot be used; the sentence says why
};

/// The name of a kind as scripts see it, for example "key_too_long". Valid for ever.
[[nodiscard]] std::string_view to_string(errc code);

/// Why a call failed.
struct error {
    errc code{};      ///< the kind, for programs
    std::string what; ///< one sentence for people: the thing, the value, the limit
};

namespace detail {
/// End the program (std::terminate) with a line on standard error: of the error that was there instead of a
/// value, or that there was none.
[[noreturn]] void end_for_missing_value(const error& instead) noexcept;
[[noreturn]] void end_for_missing_error() noexcept;
} // namespace detail

/// A value or an error. Check it before you read it: to read the value of an error, or the error of a value,
/// ends the program with a sentence on standard error.
template <class T>
class [[nodiscard]] result {
  public:
    /// Holds a value.
    result(T value)
        : data_(std::in_place_index<0>, std::move(value)) {}
    /// Holds an error.
    result(baton::error failure)
        : data_(std::in_place_index<1>, std::move(failure)) {}

    /// True if there is a value.
    [[nodiscard]] bool has_value() const noexcept { return data_.index() == 0; }
    /// True if there is a value.
    explicit operator bool() const noexcept { return has_value(); }

    /// The value; only if has_value().
    [[nodiscard]] T& value() & noexcept { return *there(); }
    /// The value; only if has_value().
    [[nodiscard]] const T& value() const& noexcept { return const_cast<result*>(this)->value(); }
    /// The value; only if has_value().
    [[nodiscard]] T&& value() && noexcept { return std::move(*there()); }
    /// As value().
    T& operator*() & noexcept { return value(); }
    /// As value().
    const T& operator*() const& noexcept { return value(); }
    /// As value().
    T&& operator*() && noexcept { return std::move(*this).value(); }
    /// As value().
    T* operator->() noexcept { return &value(); }
    /// As value().
    const T* operator->() const noexcept { return &value(); }

    /// The error; only if there is no value.
    [[nodiscard]] const baton::error& error() const noexcept {
        if (has_value()) [[unlikely]]
            detail::end_for_missing_error();
        return *std::get_if<1>(&data_);
    }
    /// The value, or `other` if there is none.
    [[nodiscard]] T value_or(T other) const& { return has_value() ? value() : std::move(other); }

  private:
    T* there() noexcept {
        if (!has_value()) [[unlikely]]
            detail::end_for_missing_value(error());
        return std::get_if<0>(&data_);
    }
    std::variant<T, baton::error> data_;
};

/// Success, or an error.
template <>
class [[nodiscard]] result<void> {
  public:
    /// Success.
    result() = default;
    /// Holds an error.
    result(baton::error failure)
        : data_(std::in_place_index<1>, std::move(failure)) {}
    /// True if the call succeeded.
    [[nodiscard]] bool has_value() const noexcept { return data_.index() == 0; }
    /// True if the call succeeded.
    explicit operator bool() const noexcept { return has_value(); }
    /// The error; only if the call failed.
    [[nodiscard]] const baton::error& error() const noexcept {
        if (has_value()) [[unlikely]]
            detail::end_for_missing_error();
        return *std::get_if<1>(&data_);
    }

  private:
    std::variant<std::monostate, baton::error> data_;
};

} // namespace baton
