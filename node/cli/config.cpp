#include "config.hpp"

#include "parse.hpp"
#include "shell/text.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <sstream>
#include <utility>

namespace baton::cli {
namespace {

constexpr std::string_view variable_prefix = "BATON_";

bool is_switch(const std::string& value) {
    constexpr std::array<std::string_view, 10> known{"true", "false",  "on",      "off", "yes",
                                                     "no",   "enable", "disable", "1",   "0"};
    return std::find(known.begin(), known.end(), value) != known.end();
}

bool is_flag(const CLI::Option& known) { return known.get_expected_min() == 0; }

/// Options that a file or the environment may set, by their names without dashes.
std::vector<std::string> names_of(const checked_app& app) {
    std::vector<std::string> names;
    for (const auto* each : app.get_options()) {
        if (each->get_configurable() && !each->get_lnames().empty())
            names.push_back(each->get_lnames().front());
    }
    return names;
}

std::optional<std::string> fault_of_value(const checked_app& app, const CLI::Option& known,
                                          const std::string& name, const std::string& value) {
    if (is_flag(known) && !is_switch(value)) return cited(value) + " is neither true nor false";
    const auto check = app.checks.find(name);
    return check != app.checks.end() ? check->second(value) : std::nullopt;
}

std::optional<std::string> fault_of(const checked_app& app, const CLI::ConfigItem& item, bool has_value) {
    const auto* const known = app.get_option_no_throw((item.name.size() == 1 ? "-" : "--") + item.name);
    if (known == nullptr || !known->get_configurable()) {
        const auto meant = nearest(item.name, names_of(app));
        return cited(shell::printable(item.name)) + " is not an option" +
               (meant ? "; the nearest is " + *meant : std::string{});
    }
    if (!is_flag(*known) && !has_value)
        return item.name + ": its value is missing: " + item.name + " = VALUE";
    const bool repeatable = known->get_expected_max() > 1;
    if (!repeatable && item.inputs.size() > 1)
        return item.name + " takes one value; quote it if it has blanks or commas";
    for (const auto& value : item.inputs) {
        if (const auto wrong = fault_of_value(app, *known, item.name, value))
            return item.name + ": " + *wrong;
    }
    return std::nullopt;
}

/// A list that begins with [ goes on until a line ends with ].
bool is_open_list(const std::string& line) {
    const auto at = line.find('=');
    if (at == line.npos) return false;
    auto value = CLI::detail::trim_copy(line.substr(at + 1));
    value = CLI::detail::trim_copy(value.substr(0, value.find('#')));
    return value.size() > 1 ? value.front() == '[' && value.back() != ']' : value == "[";
}

/// CLI11 2.1 takes a # for a comment wherever it stands: the value would be cut without a word.
bool has_hash_in_quotes(const std::string& line) {
    const auto quotes =
        std::count(line.begin(), line.begin() + std::ssize(line.substr(0, line.find('#'))), '"');
    return line.find('#') != line.npos && quotes % 2 != 0;
}

/// The file of --config, for CLI11.
class options_file : public CLI::ConfigBase {
  public:
    explicit options_file(const checked_app& app)
        : app_(app) {}

    [[nodiscard]] std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
        const auto file = app_.get_config_ptr()->as<std::string>();
        std::string text(config_bytes_max + 1, '\0');
        input.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(input.gcount()));
        if (text.size() > config_bytes_max)
            throw CLI::ConfigError(file + ": a file of options has at most " +
                                   std::to_string(config_bytes_max) + " bytes");
        std::vector<CLI::ConfigItem> all;
        std::string faults;
        for (auto& line : read_config(app_, text)) {
            if (line.fault)
                faults += (faults.empty() ? "" : "\nbaton: ") + file + ':' + std::to_string(line.number) +
                          ": " + *line.fault;
            // CLI11 looks at the environment last: what is set there must not be known yet.
            else if (std::getenv(variable_of(line.item.name).c_str()) == nullptr)
                add(all, std::move(line.item));
        }
        if (!faults.empty()) throw CLI::ConfigError(faults);
        return all;
    }

  private:
    const checked_app& app_;
};

} // namespace

void add(std::vector<CLI::ConfigItem>& all, CLI::ConfigItem item) {
    const auto same = std::ranges::find(all, item.name, &CLI::ConfigItem::name);
    if (same == all.end())
        all.push_back(std::move(item));
    else
        same->inputs.insert(same->inputs.end(), item.inputs.begin(), item.inputs.end());
}

std::vector<config_line> read_config(const checked_app& app, const std::string& text) {
    std::vector<config_line> all;
    std::istringstream input(text);
    std::size_t number = 0;
    for (std::string line; std::getline(input, line);) {
        config_line read;
        read.number = ++number;
        CLI::detail::trim(line);
        if (line.empty() || line.front() == '#' || line.front() == ';') continue;
        if (line.front() == '[') {
            read.fault = "sections are not allowed: " + cited(shell::printable(line));
            all.push_back(std::move(read));
            continue;
        }
        const bool has_value = line.find('=') != line.npos;
        if (has_hash_in_quotes(line)) read.fault = "a value cannot have a #, which begins a comment";
        if (is_open_list(line)) {
            for (std::string more; std::getline(input, more);) {
                ++number;
                CLI::detail::trim(more);
                line += more; // no line but the first may have a comment
                if (more.ends_with(']')) break;
            }
            if (!line.ends_with(']')) read.fault = "the list that begins here does not end";
        }
        std::istringstream alone(line);
        auto items = CLI::ConfigBase{}.from_config(alone);
        if (items.empty()) {
            read.fault = cited(shell::printable(line)) + " is not an option"; // too short for any
        } else {
            read.item = std::move(items.front());
            if (!read.item.parents.empty()) read.item.name = read.item.fullname();
            if (!read.fault) read.fault = fault_of(app, read.item, has_value);
        }
        all.push_back(std::move(read));
    }
    return all;
}

std::string variable_of(std::string_view option) {
    std::string name{variable_prefix};
    for (const char c : option)
        name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return name;
}

void read_options_elsewhere(checked_app& app) {
    for (auto* each : app.get_options()) {
        const bool settable = each->get_configurable() || each == app.get_config_ptr();
        if (!settable || each->get_lnames().empty()) continue;
        each->envname(variable_of(each->get_lnames().front()));
        if (each->get_expected_max() > 1) each->delimiter(',');
    }
    app.config_formatter(std::make_shared<options_file>(app));
}

std::vector<std::string> faults_of_environment(const checked_app& app) {
    std::vector<std::string> all;
    for (const auto& name : names_of(app)) {
        const auto variable = variable_of(name);
        const char* const set = std::getenv(variable.c_str());
        if (set == nullptr) continue;
        const std::string value = set;
        // Kubernetes sets BATON_PORT=tcp://… in every pod beside a service that is called baton.
        const bool of_service =
            value.starts_with("tcp://") || value.starts_with("udp://") || value.starts_with("sctp://");
        if (value.empty() || (of_service && name.ends_with("port"))) {
            unsetenv(variable.c_str());
            continue;
        }
        const auto* const known = app.get_option("--" + name);
        if (const auto wrong = fault_of_value(app, *known, name, value))
            all.push_back(variable + ": " + *wrong);
    }
    return all;
}

std::vector<std::string> unknown_variables(const checked_app& app) {
    std::vector<std::string> known{"CONFIG"}, all;
    for (const auto& name : names_of(app)) known.push_back(variable_of(name).substr(variable_prefix.size()));
    for (char** at = environ; *at != nullptr; ++at) {
        std::string_view name{*at};
        name = name.substr(0, name.find('='));
        if (!name.starts_with(variable_prefix)) continue;
        const auto meant = nearest(name.substr(variable_prefix.size()), known);
        if (meant && *meant != name.substr(variable_prefix.size()))
            all.push_back(shell::printable(name) + " is no option's variable; the nearest is " +
                          std::string(variable_prefix) + *meant);
    }
    return all;
}

// Source: Wagner and Fischer 1974, the distance of Levenshtein with one row kept.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& known) {
    constexpr std::size_t longest = 64;
    if (typed.size() > longest) return std::nullopt;
    std::optional<std::string> best;
    auto least = std::max<std::size_t>(2, typed.size() / 3) + 1;
    for (const auto& each : known) {
        std::vector<std::size_t> row(each.size() + 1);
        std::iota(row.begin(), row.end(), std::size_t{0});
        for (std::size_t i = 1; i <= typed.size(); ++i) {
            auto diagonal = std::exchange(row[0], i);
            for (std::size_t j = 1; j <= each.size(); ++j) {
                const auto changed = diagonal + (typed[i - 1] == each[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
            }
        }
        if (row.back() >= least) continue;
        least = row.back();
        best = each;
    }
    return best;
}

} // namespace baton::cli
