#include "table.hpp"

#include "shell/text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cwchar>
#include <numeric>
#include <utility>

namespace baton::cli {
namespace {

constexpr std::size_t gap = 2;                               // between columns
constexpr std::size_t cut_to_min = 8, first_cut_to_min = 16; // a column that is narrower tells nothing

/// The character that the text begins with, which is UTF-8, and its length.
std::pair<char32_t, std::size_t> first_of(std::string_view text) {
    const auto length = std::max<std::size_t>(shell::utf8_prefix(text), 1);
    const auto lead = static_cast<unsigned char>(text.front());
    if (length == 1) return {lead, 1};
    char32_t code = lead & (0xffU >> (length + 1));
    for (std::size_t at = 1; at < length; ++at)
        code = (code << 6) | (static_cast<unsigned char>(text[at]) & 0x3fU);
    return {code, length};
}

/// Marks and overrides of the bidirectional algorithm, separators of lines, and what is invisible.
bool is_hidden(char32_t c) {
    return (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
           c == 0x061c || c == 0x00ad || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

std::size_t cells_of(char32_t c) {
    const int cells = wcwidth(static_cast<wchar_t>(c));
    return cells < 0 ? 1 : static_cast<std::size_t>(cells);
}

std::string padding(std::size_t cells) { return std::string(cells, ' '); }

} // namespace

std::string tinted(std::string_view text, tint colour, const screen& on) {
    constexpr std::array<std::string_view, 6> codes{"", "32", "33", "31", "2", "1"};
    if (!on.colours || colour == tint::plain) return std::string(text);
    std::string made = "\x1b[";
    return made.append(codes[static_cast<std::size_t>(colour)]).append("m").append(text).append("\x1b[0m");
}

std::string visible(std::string_view bytes) {
    const auto safe = shell::printable(bytes);
    std::string made;
    for (std::string_view rest = safe; !rest.empty();) {
        const auto [code, length] = first_of(rest);
        if (is_hidden(code)) {
            std::array<char, 16> text{};
            std::snprintf(text.data(), text.size(), "\\u{%x}", static_cast<unsigned>(code));
            made += text.data();
        } else {
            made += rest.substr(0, length);
        }
        rest.remove_prefix(length);
    }
    return made;
}

std::string visible_lines(std::string_view bytes) {
    std::string made;
    for (;;) {
        const auto end = bytes.find('\n');
        made += visible(bytes.substr(0, end));
        if (end == bytes.npos) return made;
        made += '\n';
        bytes.remove_prefix(end + 1);
    }
}

std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const auto [code, length] = first_of(text);
        width += cells_of(code);
        text.remove_prefix(length);
    }
    return width;
}

std::string fitted(std::string_view text, std::size_t width) {
    if (width_of(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::string made;
    for (std::size_t used = 1; !text.empty();) { // 1: the mark
        const auto [code, length] = first_of(text);
        used += cells_of(code);
        if (used > width) break;
        made += text.substr(0, length);
        text.remove_prefix(length);
    }
    return made + "…";
}

std::string with_commas(std::uint64_t number) {
    auto text = std::to_string(number);
    for (auto at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> units{"B", "kB", "MB", "GB", "TB"};
    if (bytes < 1000) return std::to_string(bytes) + " B";
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < units.size(); ++unit) value /= 1000;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
    return text.data();
}

/// Of the columns that are shown.
std::vector<std::size_t> table::widths(std::size_t available) const {
    std::vector<std::size_t> all;
    for (std::size_t at = 0; at < columns_.size(); ++at) {
        auto most = width_of(columns_[at].title);
        for (const auto& row : rows_) most = std::max(most, width_of(row[at].text));
        all.push_back(most);
    }
    const auto total = [&](std::size_t first_max, std::size_t each_max) {
        auto sum = (all.size() - 1) * gap + std::min(all.front(), first_max);
        for (std::size_t at = 1; at < all.size(); ++at) sum += std::min(all[at], each_max);
        return sum;
    };
    while (all.size() > 1 && total(first_cut_to_min, cut_to_min) > available) all.pop_back();
    while (total(std::string::npos, std::string::npos) > available) {
        auto& widest = *std::ranges::max_element(all);
        if (widest <= 1) break;
        --widest;
    }
    return all;
}

std::string table::text(const screen& on) const {
    const auto all = widths(on.width);
    std::string made;
    const auto append = [&](std::size_t at, std::string_view shown, tint colour) {
        const auto text = fitted(shown, all[at]);
        const auto free = all[at] - std::min(width_of(text), all[at]);
        const bool last = at + 1 == all.size();
        if (columns_[at].right) made += padding(free);
        made += tinted(text, colour, on);
        if (!columns_[at].right && !last) made += padding(free);
        made += last ? "\n" : padding(gap);
    };
    for (std::size_t at = 0; at < all.size(); ++at) append(at, columns_[at].title, tint::strong);
    for (const auto& row : rows_)
        for (std::size_t at = 0; at < all.size(); ++at) append(at, row[at].text, row[at].colour);
    return made;
}

} // namespace baton::cli
