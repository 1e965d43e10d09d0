// table: text for a terminal: what bytes look like there, how many cells they take, and columns that fit.
//
// Pure, apart from the locale (LC_CTYPE decides how wide a character is); any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// What text may look like.
struct screen {
    std::size_t width = 80; ///< cells of a line
    std::size_t height = 24;
    bool colours = false;
    bool moves = false; ///< the cursor can move up, and lines can be erased
};

enum class tint : std::uint8_t { plain, good, doubtful, bad, faint, strong };

/// The text in that colour, if the screen has colours.
std::string tinted(std::string_view text, tint colour, const screen& on);

/// Bytes of others, for one line: control characters, bytes that are not UTF-8, and characters that reorder
/// or hide what follows are written as \xNN or \u{NNNN}.
std::string visible(std::string_view bytes);
/// The same for several lines: newlines stay.
std::string visible_lines(std::string_view bytes);
/// How many cells the text takes, which visible() has made.
std::size_t width_of(std::string_view text);
/// The text, or its beginning and "…", in at most `width` cells.
std::string fitted(std::string_view text, std::size_t width);

/// Numbers as people read them: "1,234,567", and "12.3 MB".
std::string with_commas(std::uint64_t number);
std::string bytes_text(std::uint64_t bytes);

/// Columns under titles. The first is the most important: on a narrow screen the last ones are left out, and
/// then the widest ones are cut.
class table {
  public:
    struct column {
        std::string title;
        bool right = false; ///< of numbers
    };
    struct cell {
        cell(std::string shown, tint wanted = tint::plain) // NOLINT: from what a row is made of
            : text(std::move(shown))
            , colour(wanted) {}
        cell(const char* shown) // NOLINT: as above
            : cell(std::string(shown)) {}
        std::string text; ///< of others: through visible()
        tint colour;
    };

    explicit table(std::vector<column> columns)
        : columns_(std::move(columns)) {}
    /// As many cells as there are columns.
    void add(std::vector<cell> row) { rows_.push_back(std::move(row)); }
    /// Lines, each no wider than the screen.
    [[nodiscard]] std::string text(const screen& on) const;

  private:
    [[nodiscard]] std::vector<std::size_t> widths(std::size_t available) const;

    std::vector<column> columns_;
    std::vector<std::vector<cell>> rows_;
};

} // namespace baton::cli
