// check-config: what `baton run --config FILE` would refuse, all of it, each with its line.
#include "actions.hpp"
#include "config.hpp"
#include "http/mesh_pages.hpp"
#include "parse.hpp"

#include <baton/option_files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <utility>

namespace baton::cli {
namespace {

/// Lines that have been read already, for CLI11.
class lines_read : public CLI::ConfigBase {
  public:
    explicit lines_read(std::vector<CLI::ConfigItem> read)
        : items_(std::move(read)) {}
    [[nodiscard]] std::vector<CLI::ConfigItem> from_config(std::istream&) const override { return items_; }

  private:
    std::vector<CLI::ConfigItem> items_;
};

void append_sentences(std::vector<std::string>& all, const result<void>& checked) {
    if (checked) return;
    std::string_view rest = checked.error().what;
    for (auto end = rest.find("; "); end != rest.npos; end = rest.find("; ")) {
        all.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end + 2);
    }
    all.emplace_back(rest);
}

result<void> without_value(const result<std::string>& token) {
    if (!token) return token.error();
    return {};
}

/// What a start would refuse of these options, before it opens a socket. `is_alone`: they are one line of
/// them.
std::vector<std::string> faults_of(const std::string& file, std::vector<CLI::ConfigItem> items,
                                   bool is_alone) {
    arguments given;
    checked_app app;
    add_options(app, given);
    app.config_formatter(std::make_shared<lines_read>(std::move(items)));
    app.parse(std::vector<std::string>{"--config=" + file});
    std::vector<std::string> all;
    append_sentences(all, given.node.validate());
    append_sentences(all, check_files(given.node));
    if (!given.http.listen.empty()) append_sentences(all, listener::check(given.http.listen));
    // Without http a start does not read it; a line alone cannot know.
    if (!given.http.token_file.empty() && (!given.http.listen.empty() || is_alone))
        append_sentences(all, without_value(read_token(given.http.token_file)));
    return all;
}

int report_fault(const std::string& sentence) {
    std::cerr << sentence << '\n';
    return 2;
}

} // namespace

int check_config(const arguments& given) try {
    const auto& file = given.key;
    std::ifstream input(file, std::ios::binary);
    std::string text(config_bytes_max + 1, '\0');
    if (!input.read(text.data(), static_cast<std::streamsize>(text.size())) && !input.eof())
        return report_fault("baton: " + cited(file) + " cannot be read: " + std::strerror(errno));
    text.resize(static_cast<std::size_t>(input.gcount()));
    if (text.size() > config_bytes_max)
        return report_fault(file + ": a file of options has at most " + std::to_string(config_bytes_max) +
                            " bytes");

    arguments unused;
    checked_app app;
    add_options(app, unused);
    auto lines = read_config(app, text);
    std::vector<CLI::ConfigItem> good;
    for (const auto& line : lines)
        if (!line.fault) add(good, line.item);
    auto rest = faults_of(file, good, false);
    int status = rest.empty() ? 0 : 2;
    for (auto& line : lines) { // a fault belongs to the line that has it alone, too
        if (!line.fault && !rest.empty()) {
            for (const auto& sentence : faults_of(file, {line.item}, true)) {
                const auto same = std::ranges::find(rest, sentence);
                if (same == rest.end()) continue;
                line.fault = line.fault ? *line.fault + "; " + sentence : sentence;
                rest.erase(same);
            }
        }
        if (line.fault) status = report_fault(file + ':' + std::to_string(line.number) + ": " + *line.fault);
    }
    const auto of_file = file + ": ";
    for (const auto& sentence : rest) report_fault(of_file + sentence); // of several lines together
    for (const auto& sentence : unknown_variables(app)) std::cerr << "baton: warning: " << sentence << '\n';
    if (status == 0)
        std::cout << file << ": ok, " << lines.size() << (lines.size() == 1 ? " line" : " lines") << '\n';
    return status;
} catch (const CLI::Error& fault) {
    return report_fault(given.key + ": " + fault.what());
}

} // namespace baton::cli
