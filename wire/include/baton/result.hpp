// result<T>: a value or an error, the subset of std::expected that baton's calls use.
//
// Plain values; any thread. Errors are about the world (a port in use) or about the caller's arguments (a key
// too long); nothing in the public API throws but std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace baton {

/// What went wrong, by kind. `error::what` says which thing and by how much.
enum class errc : std::uint8_t {
    bad_option,        ///< an option's value cannot work; the sentence names the option
    bad_seed,          ///< a seed is not HOST:PORT
    unknown_interface, ///< no network interface of that name, or no local address `host`
    address_in_use,    ///< the port is taken
    network,           ///< another refusal of the operating system
    key_empty,         ///< a key has at least one byte
    key_too_long,      ///< over limits::key_bytes_max
    value_too_long,    ///< over limits::value_bytes_max
    wrong_type,        ///< the key holds a value of another type
    full,              ///< limits::bytes_max is reached
    leaving,           ///< the node is leaving or has left: it accepts no more writes
    forked,            ///< called in a child process: a node does not survive fork()
    absent,            ///< the key is not here
    claim_lost,        ///< the handle does not own the key any more
    conflict,          ///< what is there is not what the call was made for: look again
    timeout,           ///< the deadline passed first
    bad_argument,      ///< what was asked for makes no sense; the sentence says why
    unknown_version,   ///< this node has not seen that write
    busy,              ///< members lag too far behind: nothing was written
    malformed,         ///< bytes that are not what they claim to be
    not_readable,      ///< a typed value of another type or version
    too_many_watches,  ///< limits::watches_max are there already
    bad_key,           ///< a key, or a file of keys, cannot be used; the sentence says why
};

/// The name of a kind as scripts see it, e.g. "key_too_long".
[[nodiscard]] std::string_view to_string(errc code);

struct error {
    errc code{};
    std::string what; ///< one sentence that names the thing, the value and the limit
};

namespace detail {
/// End the program (std::terminate) with a line on standard error: of the error that was there instead of a
/// value, or that there was none.
[[noreturn]] void end_for_missing_value(const error& instead) noexcept;
[[noreturn]] void end_for_missing_error() noexcept;
} // namespace detail

/// A value or an error. Reading the one that is not there is a bug of the caller: the program ends with the
/// error's sentence on standard error.
template <class T>
class [[nodiscard]] result {
  public:
    result(T value)
        : data_(std::in_place_index<0>, std::move(value)) {}
    result(baton::error failure)
        : data_(std::in_place_index<1>, std::move(failure)) {}

    [[nodiscard]] bool has_value() const noexcept { return data_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& value() & noexcept { return *there(); }
    [[nodiscard]] const T& value() const& noexcept { return const_cast<result*>(this)->value(); }
    [[nodiscard]] T&& value() && noexcept { return std::move(*there()); }
    T& operator*() & noexcept { return value(); }
    const T& operator*() const& noexcept { return value(); }
    T&& operator*() && noexcept { return std::move(*this).value(); }
    T* operator->() noexcept { return &value(); }
    const T* operator->() const noexcept { return &value(); }

    [[nodiscard]] const baton::error& error() const noexcept {
        if (has_value()) [[unlikely]]
            detail::end_for_missing_error();
        return *std::get_if<1>(&data_);
    }
    [[nodiscard]] T value_or(T other) const& { return has_value() ? value() : std::move(other); }

  private:
    T* there() noexcept {
        if (!has_value()) [[unlikely]]
            detail::end_for_missing_value(error());
        return std::get_if<0>(&data_);
    }
    std::variant<T, baton::error> data_;
};

template <>
class [[nodiscard]] result<void> {
  public:
    result() = default;
    result(baton::error failure)
        : data_(std::in_place_index<1>, std::move(failure)) {}
    [[nodiscard]] bool has_value() const noexcept { return data_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] const baton::error& error() const noexcept {
        if (has_value()) [[unlikely]]
            detail::end_for_missing_error();
        return *std::get_if<1>(&data_);
    }

  private:
    std::variant<std::monostate, baton::error> data_;
};

} // namespace baton
