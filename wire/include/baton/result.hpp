// result: a value or an error, with the names of std::expected.
//
//     baton::result<int> half(int of) {
//         if (of % 2 != 0) return baton::error{baton::errc::bad_argument, "the number is odd"};
//         return of / 2;
//     }
//     int quarter_or_nothing(int of) {
//         const auto quarter = half(of).and_then(half);      // an error of either call
//         if (!quarter) return 0;                            // quarter.error().what says why
//         return *quarter;
//     }
//     int half_or_nothing(int of) { return half(of).value_or(0); }
//
// Plain values; any thread. An error is about the world (a port is in use) or about the caller's arguments (a
// key is too long). The public API throws nothing but std::bad_alloc.
//
// Source: std::expected of C++23, with three differences. The error is always a baton::error, and converts to
// a result without std::unexpected. To read what is not there ends the program instead of throwing. A value
// that is read of a temporary result is moved out of it, so `for (auto& each : *node.members())` and
// `for (auto& each : (*node.stats()).members)` are safe. `->` is not: see there.
#pragma once

#include <baton/api.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
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
    bad_argument,      ///< the arguments contradict each other or the options; the sentence says how
    unknown_version,   ///< this node has not seen that write
    busy,              ///< members lag too far behind; nothing was written
    timeout,           ///< what the call waits for did not happen within the given time
    malformed,         ///< the bytes do not have the form that they should have
    not_readable,      ///< a typed value has another type or payload version
    too_many_watches,  ///< the node has limits.watches_max watches already
    bad_key,           ///< a mesh key, or a file of keys, cannot be used; the sentence says why
    refused,           ///< the member does not accept this client; the sentence says why
    unreachable,       ///< the client has no member to talk to at present
    unknown,           ///< the write may have been made or not: the connection broke before its answer
    behind,  ///< the member lacks what this client has seen already; the sentence names whose writes
    lost,    ///< nobody in view has what this client has seen; the client decides how to go on
    claimed, ///< another client owns the key by a claim at this member
};

/// The name of a kind as scripts see it, for example "key_too_long". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(errc code);

/// Why a call failed.
struct error {
    errc code{};      ///< the kind, for programs
    std::string what; ///< one sentence for people: the thing, the value, the limit

    friend bool operator==(const error&, const error&) = default;
};

template <class T>
class result;

namespace detail {
/// End the program (std::terminate) with a line on standard error: of the error that was there instead of a
/// value, or that there was none.
[[noreturn]] BATON_API void end_for_missing_value(const error& instead) noexcept;
[[noreturn]] BATON_API void end_for_missing_error() noexcept;

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

/// What `function` makes of a value, as a result.
template <class Function, class... Value>
auto transformed(Function&& function, Value&&... value)
    -> result<std::remove_cv_t<std::invoke_result_t<Function, Value...>>> {
    if constexpr (std::is_void_v<std::invoke_result_t<Function, Value...>>) {
        std::invoke(std::forward<Function>(function), std::forward<Value>(value)...);
        return {};
    } else {
        return std::invoke(std::forward<Function>(function), std::forward<Value>(value)...);
    }
}
} // namespace detail

/// A value or an error. Check it before you read it: to read the value of an error, or the error of a value,
/// ends the program (std::terminate) with the error's sentence on standard error.
template <class T>
class [[nodiscard]] result {
  public:
    using value_type = T;            ///< as std::expected's
    using error_type = baton::error; ///< as std::expected's

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
    [[nodiscard]] T& value() & noexcept { return *held(); }
    /// The value; only if has_value().
    [[nodiscard]] const T& value() const& noexcept { return const_cast<result*>(this)->value(); }
    /// The value, moved out; only if has_value().
    [[nodiscard]] T value() && { return std::move(*held()); }
    /// As value().
    T& operator*() & noexcept { return value(); }
    /// As value().
    const T& operator*() const& noexcept { return value(); }
    /// As value().
    T operator*() && { return std::move(*this).value(); }
    /// As value(). Of a temporary result the pointer is valid until the end of the full expression only, as
    /// std::expected's: `node.stats()->keys` is fine; in `for (auto& each : node.stats()->members)` it
    /// dangles.
    T* operator->() noexcept { return &value(); }
    /// As value(); for a temporary, see above.
    const T* operator->() const noexcept { return &value(); }

    /// The error; only if there is no value.
    [[nodiscard]] const baton::error& error() const noexcept {
        if (has_value()) [[unlikely]]
            detail::end_for_missing_error();
        return *std::get_if<1>(&data_);
    }

    /// The value, or `other` if there is none.
    template <std::convertible_to<T> Other = T>
    [[nodiscard]] T value_or(Other&& other) const& {
        return has_value() ? value() : static_cast<T>(std::forward<Other>(other));
    }
    /// The value, moved out, or `other` if there is none.
    template <std::convertible_to<T> Other = T>
    [[nodiscard]] T value_or(Other&& other) && {
        return has_value() ? std::move(*this).value() : static_cast<T>(std::forward<Other>(other));
    }

    /// The result of `next(value)`, which is a result itself; or this error.
    template <class Next>
    auto and_then(Next&& next) const& -> std::remove_cvref_t<std::invoke_result_t<Next, const T&>> {
        static_assert(detail::is_result<std::remove_cvref_t<std::invoke_result_t<Next, const T&>>>,
                      "and_then() needs a function that returns a result; transform() takes any other");
        if (!has_value()) return error();
        return std::invoke(std::forward<Next>(next), value());
    }
    /// The same of a temporary: `next` gets the value itself.
    template <class Next>
    auto and_then(Next&& next) && -> std::remove_cvref_t<std::invoke_result_t<Next, T>> {
        static_assert(detail::is_result<std::remove_cvref_t<std::invoke_result_t<Next, T>>>,
                      "and_then() needs a function that returns a result; transform() takes any other");
        if (!has_value()) return error();
        return std::invoke(std::forward<Next>(next), std::move(*this).value());
    }
    /// A result that holds `make(value)`; or this error.
    template <class Make>
    auto transform(Make&& make) const& -> result<std::remove_cv_t<std::invoke_result_t<Make, const T&>>> {
        if (!has_value()) return error();
        return detail::transformed(std::forward<Make>(make), value());
    }
    /// The same of a temporary: `make` gets the value itself.
    template <class Make>
    auto transform(Make&& make) && -> result<std::remove_cv_t<std::invoke_result_t<Make, T>>> {
        if (!has_value()) return error();
        return detail::transformed(std::forward<Make>(make), std::move(*this).value());
    }
    /// This value; or the result of `recover(error)`, which is a result of the same type.
    template <class Recover>
    result or_else(Recover&& recover) const& {
        if (has_value()) return *this;
        return std::invoke(std::forward<Recover>(recover), error());
    }
    /// The same of a temporary.
    template <class Recover>
    result or_else(Recover&& recover) && {
        if (has_value()) return std::move(*this);
        return std::invoke(std::forward<Recover>(recover), error());
    }
    /// This value; or the error `change(error)`.
    template <class Change>
    result transform_error(Change&& change) const& {
        if (has_value()) return *this;
        return baton::error(std::invoke(std::forward<Change>(change), error()));
    }
    /// The same of a temporary.
    template <class Change>
    result transform_error(Change&& change) && {
        if (has_value()) return std::move(*this);
        return baton::error(std::invoke(std::forward<Change>(change), error()));
    }

    /// Equal values, or equal errors.
    friend bool operator==(const result& a, const result& b) requires std::equality_comparable<T> {
        return a.data_ == b.data_;
    }
    /// True if there is a value and it equals `b`.
    friend bool operator==(const result& a, const T& b) requires std::equality_comparable<T> {
        return a.has_value() && a.value() == b;
    }

  private:
    T* held() noexcept {
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
    using value_type = void;         ///< as std::expected's
    using error_type = baton::error; ///< as std::expected's

    /// Success.
    result() = default;
    /// Holds an error.
    result(baton::error failure)
        : data_(std::in_place_index<1>, std::move(failure)) {}
    /// True if the call succeeded.
    [[nodiscard]] bool has_value() const noexcept { return data_.index() == 0; }
    /// True if the call succeeded.
    explicit operator bool() const noexcept { return has_value(); }
    /// Ends the program if the call failed.
    void value() const noexcept {
        if (!has_value()) [[unlikely]]
            detail::end_for_missing_value(error());
    }
    /// As value().
    void operator*() const noexcept { value(); }
    /// The error; only if the call failed.
    [[nodiscard]] const baton::error& error() const noexcept {
        if (has_value()) [[unlikely]]
            detail::end_for_missing_error();
        return *std::get_if<1>(&data_);
    }

    /// The result of `next()`, which is a result itself; or this error.
    template <class Next>
    auto and_then(Next&& next) const -> std::remove_cvref_t<std::invoke_result_t<Next>> {
        static_assert(detail::is_result<std::remove_cvref_t<std::invoke_result_t<Next>>>,
                      "and_then() needs a function that returns a result; transform() takes any other");
        if (!has_value()) return error();
        return std::invoke(std::forward<Next>(next));
    }
    /// A result that holds `make()`; or this error.
    template <class Make>
    auto transform(Make&& make) const -> result<std::remove_cv_t<std::invoke_result_t<Make>>> {
        if (!has_value()) return error();
        return detail::transformed(std::forward<Make>(make));
    }
    /// Success; or the result of `recover(error)`.
    template <class Recover>
    result or_else(Recover&& recover) const {
        if (has_value()) return {};
        return std::invoke(std::forward<Recover>(recover), error());
    }
    /// Success; or the error `change(error)`.
    template <class Change>
    result transform_error(Change&& change) const {
        if (has_value()) return {};
        return baton::error(std::invoke(std::forward<Change>(change), error()));
    }
    /// Both succeeded, or both have the same error.
    friend bool operator==(const result&, const result&) = default;

  private:
    std::variant<std::monostate, baton::error> data_;
};

} // namespace baton
