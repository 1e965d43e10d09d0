#include "line.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace {

constexpr std::string_view digits = "0123456789abcdef";

char nibble(char digit) {
    const auto value = digits.find(digit);
    if (value == std::string_view::npos) throw std::runtime_error("not a hexadecimal digit");
    return static_cast<char>(value);
}

} // namespace

std::string to_hex(std::string_view bytes) {
    std::string text;
    for (const unsigned char byte : bytes) text += {digits[byte >> 4], digits[byte & 15]};
    return text;
}

std::string from_hex(std::string_view text) {
    if (text.size() % 2 != 0) throw std::runtime_error("half a byte");
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); at += 2)
        bytes += static_cast<char>(nibble(text[at]) * 16 + nibble(text[at + 1]));
    return bytes;
}

line line::with(const std::string& name, std::string value) && {
    for (auto& letter : value)
        if (letter == '\t' || letter == '\n') letter = ' ';
    values[name] = std::move(value);
    return std::move(*this);
}

line line::with(const std::string& name, std::uint64_t value) && {
    return std::move(*this).with(name, std::to_string(value));
}

const std::string& line::text(const std::string& name) const {
    const auto found = values.find(name);
    if (found == values.end()) throw std::runtime_error("\"" + word + "\" says no " + name);
    return found->second;
}

std::uint64_t line::number(const std::string& name) const { return std::stoull(text(name)); }

std::string line::print() const {
    auto text = word;
    for (const auto& [name, value] : values) text += '\t' + name + '=' + value;
    return text;
}

line line::parse(std::string_view text) {
    const auto cut = [&text] {
        const auto part = text.substr(0, text.find('\t'));
        text.remove_prefix(std::min(text.size(), part.size() + 1));
        return part;
    };
    line parsed{std::string(cut())};
    while (!text.empty()) {
        const auto part = cut();
        const auto equals = std::min(part.find('='), part.size());
        parsed.values[std::string(part.substr(0, equals))] = part.substr(std::min(equals + 1, part.size()));
    }
    return parsed;
}
