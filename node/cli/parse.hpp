// parse: what a person or a script types, as values.
//
// Pure; any thread. An invalid line throws `refusal`, which becomes the error reply to that line.
#pragma once

#include <baton/node.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// A command that is not carried out: `error` is a name for scripts, `detail` a sentence for people.
struct refusal {
    std::string error;
    std::string detail;
};

/// "250ms", "2s", "1.5s", "1m", "1h", rounded to milliseconds; nothing for anything else or over a year.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The same; throws a `usage` refusal that quotes `text`.
std::chrono::milliseconds duration_of(std::string_view text);

/// Decimal digits alone, at most `most`; nothing for anything else. "010" is ten.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most);

std::string to_hex(std::string_view bytes);
/// Nothing unless `digits` is an even number of hexadecimal digits.
std::optional<std::string> from_hex(std::string_view digits);

std::string to_base64(std::string_view bytes);
/// With or without padding; nothing for anything else.
std::optional<std::string> from_base64(std::string_view text);

/// The typed text in quotes, for a message; of a long text its beginning and its length.
std::string cited(std::string_view typed);

/// `[#ID ]NAME[ REST]`; REST is kept as it is, from the first blank after NAME on.
struct command_line {
    std::optional<std::string> id;
    std::string name;
    std::string rest;
};
command_line parse_command(std::string_view line);

/// Reads words separated by blanks. A word in double quotes is a JSON string, so that it can be empty or hold
/// blanks. A word that begins with `base64:`, without quotes, stands for any bytes, as in replies.
class words {
  public:
    explicit words(std::string_view text)
        : rest_(text) {}

    static constexpr std::size_t bytes_max = 4096; ///< of a word; no key or name is half as long

    /// The next word, called `what` in the refusal when there is none.
    std::string next(std::string_view what);
    std::optional<std::string> maybe();
    /// The last one: all text after one blank, or a JSON string.
    std::string last(std::string_view what);
    /// The same for a name among the last words: also `base64:…`, and hexadecimal digits with `hex`.
    std::string last_name(std::string_view what, bool hex);
    /// The text that has not been read yet.
    [[nodiscard]] std::string_view rest() const { return rest_; }
    /// Throws unless everything was read.
    void end() const;

  private:
    std::string_view rest_;
};

/// `KEY VALUE [copies=…] [within=…] [ttl=…]`. VALUE is all text after one blank up to the options, or a JSON
/// string. `KEY -- VALUE`: all text, whatever it looks like.
struct stash_arguments {
    std::string key;
    std::string value;
    std::vector<std::string> options;
    stash_options how{}; ///< what they say
};
stash_arguments parse_stash(std::string_view rest);

/// A value as typed: text, or with `hex` hexadecimal digits. Throws a `usage` refusal when it is none.
std::string typed(std::string value, bool hex);
/// A KEY, PREFIX or FIELD as given to the program: text, or `base64:…`.
std::string bytes_named(std::string_view text);

} // namespace baton::cli
