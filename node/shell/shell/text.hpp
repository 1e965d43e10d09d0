// text: tests for UTF-8, makes names fit for a log line or a label, and has the sentence of an error number.
// Names and keys may be any bytes.
//
// Pure; any thread. Header-only, since the program uses it, too.
// Source: the Unicode Standard 15, table 3-7.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace baton::shell {

/// The length of the UTF-8 sequence that `text` begins with; 0: it begins with none.
inline std::size_t utf8_prefix(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    if (text.empty()) return 0;
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (length == 0 || text.size() < length) return 0;
    // Not in more bytes than needed, no surrogates, nothing above U+10FFFF.
    const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < least || byte(1) > most) return 0;
    for (std::size_t at = 2; at < length; ++at) {
        if (byte(at) < 0x80 || byte(at) > 0xbf) return 0;
    }
    return length;
}

inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = utf8_prefix(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

/// Writes control characters and bytes that are not UTF-8 as \xNN, and \ as \\: nothing in it ends a line,
/// moves a terminal's cursor or makes a file of text unreadable.
inline std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string made;
    while (!text.empty()) {
        const auto length = utf8_prefix(text);
        const auto byte = static_cast<unsigned char>(text.front());
        const bool c1 = length == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0;
        if (length == 0 || byte < ' ' || byte == 0x7f || c1) {
            for (const char c : text.substr(0, c1 ? 2 : 1)) {
                const auto each = static_cast<unsigned char>(c);
                ((made += "\\x") += digits[each >> 4]) += digits[each & 15];
            }
            text.remove_prefix(c1 ? 2 : 1);
            continue;
        }
        if (byte == '\\') made += '\\';
        made += text.substr(0, length);
        text.remove_prefix(length);
    }
    return made;
}

/// The value of a `key=value` word of the log: in double quotes if it is empty or has a blank or a quote.
inline std::string log_word(std::string_view name) {
    auto made = printable(name);
    if (!made.empty() && made.find_first_of(" \"\\") == made.npos) return made;
    std::string quoted = "\"";
    for (const char c : made) {
        if (c == '"') quoted += '\\';
        quoted += c;
    }
    return quoted += '"';
}

/// What the system call that failed last on this thread says of it, as a sentence.
inline std::string message_of_errno() { return std::generic_category().message(errno); }

} // namespace baton::shell
