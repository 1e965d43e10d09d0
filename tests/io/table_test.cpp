// Proves that what a person reads fits the terminal, whatever names and keys hold: pure code of the program.
#include "support/catch.hpp"
#include "table.hpp"

#include <clocale>
#include <sstream>

using namespace baton::cli;

namespace {
std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) all.push_back(line);
    return all;
}

table members() {
    table all({{"name"}, {"state"}, {"lag", true}, {"endpoint"}, {"id"}});
    all.add({"ada", "up", "0", "tcp://127.0.0.1:40213", "5c0e0000000000000000000000000000"});
    all.add(
        {"日本語のノード", "suspect", "1,234", "tcp://[fd00::5]:5000", "91d20000000000000000000000000000"});
    return all;
}
} // namespace

TEST_CASE("table: columns line up, and numbers stand on the right", "[io][program]") {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    const auto lines = lines_of(members().text({.width = 120}));
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "name            state      lag  endpoint               id");
    CHECK(lines[1] ==
          "ada             up           0  tcp://127.0.0.1:40213  5c0e0000000000000000000000000000");
    CHECK(lines[2] ==
          "日本語のノード  suspect  1,234  tcp://[fd00::5]:5000   91d20000000000000000000000000000");
}

TEST_CASE("table: no line is wider than the screen, and the first column is the last to go",
          "[io][program]") {
    std::setlocale(LC_CTYPE, "C.UTF-8");
    for (std::size_t width = 1; width < 100; ++width) {
        CAPTURE(width);
        for (const auto& line : lines_of(members().text({.width = width}))) CHECK(width_of(line) <= width);
    }
    CHECK(lines_of(members().text({.width = 30}))[0] == "name            state      lag");
    CHECK(lines_of(members().text({.width = 10}))[1] == "ada");
}

TEST_CASE("table: bytes of others neither move the cursor nor reorder text", "[io][program]") {
    CHECK(visible("a\x1b[2Jb\n\t\x7f") == "a\\x1b[2Jb\\x0a\\x09\\x7f");
    CHECK(visible("\xc2\x9b"
                  "2J") == "\\xc2\\x9b2J"); // CSI in one character
    CHECK(visible("\xff\xfe") == "\\xff\\xfe");
    CHECK(visible("abc\u202e\u2066\u200b\u2028\ufeffdef") ==
          "abc\\u{202e}\\u{2066}\\u{200b}\\u{2028}\\u{feff}def");
    CHECK(visible("Grüße 日本") == "Grüße 日本");
    CHECK(visible_lines("one\ntwo\x1b\n") == "one\ntwo\\x1b\n");
}

TEST_CASE("table: colours surround the text and take no room", "[io][program]") {
    table all({{"state"}, {"name"}});
    all.add({{"up", tint::good}, "ada"});
    CHECK(all.text({.width = 80, .colours = true}).find("\x1b[32mup\x1b[0m     ada\n") != std::string::npos);
    CHECK(all.text({.width = 80}) == "state  name\nup     ada\n");
}

TEST_CASE("table: numbers as people read them", "[io][program]") {
    CHECK(with_commas(0) == "0");
    CHECK(with_commas(999) == "999");
    CHECK(with_commas(1'234'567) == "1,234,567");
    CHECK(bytes_text(999) == "999 B");
    CHECK(bytes_text(12'345'678) == "12.3 MB");
    CHECK(bytes_text(999'999) == "1.0 MB");
    CHECK(fitted("abcdef", 4) == "abc…");
    CHECK(fitted("abcd", 4) == "abcd");
    CHECK(fitted("abcd", 0).empty());
}
