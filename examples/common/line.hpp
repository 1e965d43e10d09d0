// line: what a child process tells the director, and what it is asked: a word and named values, tabs between
// them.
//
// Plain values. Objects travel as the hexadecimal digits of their MessagePack.
#pragma once

#include <baton/typed.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

/// Bytes as hexadecimal digits and back; throws std::runtime_error on anything else.
[[nodiscard]] std::string to_hex(std::string_view bytes);
[[nodiscard]] std::string from_hex(std::string_view digits);

struct line {
    std::string word;
    std::map<std::string, std::string> values{};

    [[nodiscard]] line with(const std::string& name, std::string value) &&;
    [[nodiscard]] line with(const std::string& name, std::uint64_t value) &&;
    template <class T>
    [[nodiscard]] line with_object(const std::string& name, const T& object) && {
        msgpack::sbuffer packed;
        msgpack::pack(packed, object);
        return std::move(*this).with(name, to_hex({packed.data(), packed.size()}));
    }

    /// The value called `name`; throws std::runtime_error if there is none or it is not of that kind.
    [[nodiscard]] const std::string& text(const std::string& name) const;
    [[nodiscard]] std::uint64_t number(const std::string& name) const;
    template <class T>
    [[nodiscard]] T object(const std::string& name) const {
        const auto packed = from_hex(text(name));
        return msgpack::unpack(packed.data(), packed.size()).get().as<T>();
    }

    /// One line of text, without its end; parse(print(l)) is l.
    [[nodiscard]] std::string print() const;
    [[nodiscard]] static line parse(std::string_view text);
};
