#include "parse.hpp"

#include <nlohmann/json.hpp>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace baton::cli {
namespace {

constexpr std::string_view blanks = " \t";
constexpr std::string_view any_bytes = "base64:";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_leading_blanks(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text;
}

/// The JSON string that `text` begins with, quotes included.
std::string_view quoted_prefix(std::string_view text) {
    for (std::size_t at = 1; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"')
            return text.substr(0, at + 1);
    }
    throw refusal{"usage", "a text that begins with a double quote must end with one"};
}

std::string unquoted(std::string_view text) {
    const auto parsed = nlohmann::json::parse(text, nullptr, false);
    if (!parsed.is_string()) throw refusal{"usage", "a quoted text must be a JSON string"};
    return parsed.get<std::string>();
}

std::string checked(std::string word, std::string_view what) {
    if (word.size() <= words::bytes_max) return word;
    throw refusal{"usage", std::string{what} + " has " + std::to_string(word.size()) + " bytes; at most " +
                               std::to_string(words::bytes_max) + " are allowed"};
}

bool is_stash_option(std::string_view word) {
    return word.starts_with("copies=") || word.starts_with("within=") || word.starts_with("ttl=");
}

void apply(const std::string& option, stash_options& how) {
    const std::string_view value = std::string_view{option}.substr(option.find('=') + 1);
    if (option.starts_with("within=")) {
        how.within = duration_of(value);
    } else if (option.starts_with("ttl=")) {
        how.ttl = duration_of(value);
        if (how.ttl->count() == 0) throw refusal{"usage", "ttl= must be at least 1ms"};
    } else if (value == "majority") {
        how.ack = ack_level::majority();
    } else if (value == "all") {
        how.ack = ack_level::all_up();
    } else {
        const auto count = parse_number(value, std::numeric_limits<std::size_t>::max());
        if (!count || *count == 0)
            throw refusal{"usage", cited(option) + " is not copies=N, copies=majority or copies=all"};
        how.ack = ack_level::copies(*count);
    }
}

/// Takes the options off the end of `text`, and the blank before each.
std::vector<std::string> take_options(std::string_view& text) {
    std::vector<std::string> found;
    for (;;) {
        const auto blank = text.find_last_of(blanks);
        const auto begin = blank == text.npos ? 0 : blank + 1;
        if (!is_stash_option(text.substr(begin))) break;
        found.emplace(found.begin(), text.substr(begin));
        text = text.substr(0, begin == 0 ? 0 : begin - 1);
    }
    return found;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr double year_ms = 365.0 * 24 * 3600 * 1000;
    constexpr std::array<std::pair<std::string_view, double>, 4> units{
        {{"ms", 1.0}, {"s", 1000.0}, {"m", 60'000.0}, {"h", 3'600'000.0}}};

    double number = 0;
    if (text.empty() || !is_digit(text.front())) return std::nullopt; // no sign, no "inf"
    const auto [end, fault] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (fault != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    for (const auto& [unit, factor] : units)
        if (text == unit && number * factor <= year_ms)
            return std::chrono::milliseconds{std::llround(number * factor)};
    return std::nullopt;
}

std::chrono::milliseconds duration_of(std::string_view text) {
    if (const auto parsed = parse_duration(text)) return *parsed;
    throw refusal{"usage", cited(text) + " is not a duration such as 250ms, 1.5s or 1m"};
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, number);
    if (fault != std::errc{} || stop != end || number > most) return std::nullopt;
    return number;
}

std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += digits[byte >> 4];
        out += digits[byte & 15];
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view digits) {
    if (digits.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(digits.size() / 2);
    for (std::size_t at = 0; at < digits.size(); at += 2) {
        unsigned char byte = 0;
        const auto* last = digits.data() + at + 2;
        if (std::from_chars(digits.data() + at, last, byte, 16).ptr != last) return std::nullopt;
        out += static_cast<char>(byte);
    }
    return out;
}

std::string to_base64(std::string_view bytes) {
    std::string out(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                      bytes.size(), sodium_base64_VARIANT_ORIGINAL);
    out.pop_back(); // its zero byte
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string out(text.size(), '\0');
    for (const int variant : {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING}) {
        std::size_t size = 0;
        if (sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                              text.size(), nullptr, &size, nullptr, variant) != 0)
            continue;
        out.resize(size);
        return out;
    }
    return std::nullopt;
}

std::string cited(std::string_view typed) {
    constexpr std::size_t most = 80;
    if (typed.size() <= most) return "'" + std::string{typed} + "'";
    return "'" + std::string{typed.substr(0, most)} + "…' (" + std::to_string(typed.size()) + " bytes)";
}

std::string typed(std::string value, bool hex) {
    if (!hex) return value;
    if (auto bytes = from_hex(value)) return *std::move(bytes);
    throw refusal{"usage", "with --hex a value is an even number of hexadecimal digits"};
}

std::string bytes_named(std::string_view text) {
    if (!text.starts_with(any_bytes)) return std::string{text};
    if (auto bytes = from_base64(text.substr(any_bytes.size()))) return *std::move(bytes);
    throw refusal{"usage", cited(text) + " is not base64 after its colon; in double quotes it would be text"};
}

command_line parse_command(std::string_view line) {
    command_line parsed;
    line = without_leading_blanks(line);
    if (line.starts_with('#')) {
        const auto end = std::min(line.find_first_of(blanks), line.size());
        parsed.id = std::string{line.substr(1, end - 1)};
        line = without_leading_blanks(line.substr(end));
    }
    const auto end = std::min(line.find_first_of(blanks), line.size());
    parsed.name = std::string{line.substr(0, end)};
    parsed.rest = std::string{line.substr(end)};
    return parsed;
}

std::optional<std::string> words::maybe() {
    rest_ = without_leading_blanks(rest_);
    if (rest_.empty()) return std::nullopt;
    const bool in_quotes = rest_.front() == '"';
    const auto word = in_quotes ? quoted_prefix(rest_) : rest_.substr(0, rest_.find_first_of(blanks));
    rest_.remove_prefix(word.size());
    if (!in_quotes) return checked(bytes_named(word), "a word");
    if (!rest_.empty() && blanks.find(rest_.front()) == blanks.npos)
        throw refusal{"usage", "a blank must follow the closing quote"};
    return checked(unquoted(word), "a word");
}

std::string words::next(std::string_view what) {
    if (auto word = maybe()) return *std::move(word);
    throw refusal{"usage", std::string{what} + " is missing"};
}

std::string words::last(std::string_view what) {
    if (rest_.empty()) throw refusal{"usage", std::string{what} + " is missing; \"\" is the empty one"};
    rest_.remove_prefix(1);
    if (rest_.starts_with('"')) {
        const auto word = quoted_prefix(rest_);
        rest_.remove_prefix(word.size());
        end();
        return unquoted(word);
    }
    return std::string{std::exchange(rest_, {})};
}

std::string words::last_name(std::string_view what, bool hex) {
    if (rest_.size() > 1 && rest_.substr(1).starts_with(any_bytes))
        return checked(bytes_named(last(what)), what);
    return checked(typed(last(what), hex), what);
}

void words::end() const {
    const auto extra = without_leading_blanks(rest_);
    if (!extra.empty()) throw refusal{"usage", cited(extra) + " is one word too many"};
}

stash_arguments parse_stash(std::string_view text) {
    words args{text};
    stash_arguments parsed;
    parsed.key = args.next("KEY");
    auto rest = args.rest();
    if (rest.empty()) throw refusal{"usage", "VALUE is missing; \"\" is the empty one"};
    rest.remove_prefix(1);
    if (rest.starts_with("--") && rest.substr(2, 1).find_first_not_of(blanks) == rest.npos) {
        if (rest.size() == 2) throw refusal{"usage", "VALUE is missing after --; \"\" is the empty one"};
        parsed.value = std::string{rest.substr(3)};
    } else if (rest.starts_with('"')) {
        const auto value = quoted_prefix(rest);
        parsed.value = unquoted(value);
        words options{rest.substr(value.size())};
        while (auto option = options.maybe()) {
            if (!is_stash_option(*option))
                throw refusal{"usage", cited(*option) + " follows a quoted VALUE and is not an option"};
            parsed.options.push_back(*std::move(option));
        }
    } else {
        parsed.options = take_options(rest);
        parsed.value = std::string{rest};
    }
    for (const auto& option : parsed.options) apply(option, parsed.how);
    return parsed;
}

} // namespace baton::cli
