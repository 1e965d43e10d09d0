// config: options from a file and from the environment, beside those of the command line, and what is wrong
// with them.
//
// The command line wins over the environment, and the environment over the file. A line of the file is
// `NAME = VALUE`, as the option `--NAME VALUE`. The variable of `--seed` is BATON_SEED. `baton check-config`
// and `baton run` judge by the same functions.
//
// One thread, before there is any other: it reads the environment.
#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// What is wrong with an option's value, or nothing. By the option's name, without its dashes.
using value_checks = std::map<std::string, std::function<std::optional<std::string>(const std::string&)>>;

class checked_app : public CLI::App {
  public:
    using CLI::App::App;
    value_checks checks{};
};

/// One line of the file, with the lines that its list goes on in.
struct config_line {
    std::size_t number = 0; ///< from 1
    CLI::ConfigItem item{}; ///< name and values
    std::optional<std::string> fault{};
};
constexpr std::size_t config_bytes_max = std::size_t{1} << 20;
/// Every line that says something, in order, and what is wrong with it.
std::vector<config_line> read_config(const checked_app& app, const std::string& text);

/// Adds the item, or its values to the item of that name.
void add(std::vector<CLI::ConfigItem>& all, CLI::ConfigItem item);

/// Gives each option its variable, and the file of --config its meaning. Call once all options are there.
void read_options_elsewhere(checked_app& app);
/// Removes variables that are not meant for this program, and says what is wrong with the others.
std::vector<std::string> faults_of_environment(const checked_app& app);
/// Variables that begin as those of options do and are none, each with the nearest one that is.
std::vector<std::string> unknown_variables(const checked_app& app);
/// "BATON_NO_BEACON" of "no-beacon".
std::string variable_of(std::string_view option);

/// Of `known` the one that is most like `typed`; nothing if none is like it.
std::optional<std::string> nearest(std::string_view typed, const std::vector<std::string>& known);

} // namespace baton::cli
