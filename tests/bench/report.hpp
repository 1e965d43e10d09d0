// What a benchmark found: rows, as a table for people and as JSON for programs.
//
// Plain values, one thread.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace baton::bench {

/// What a row is held to, and which way its ratio reads.
struct target {
    enum class kind {
        stated,         ///< no target; the ratio is ours / reference
        ratio_at_most,  ///< lower is better: ours / reference
        ratio_at_least, ///< higher is better: ours / reference
        faster_by,      ///< of two durations: reference / ours, "times faster"
        at_most,        ///< no reference: ours alone
    } what = kind::stated;
    double bound = 0;
};

struct row {
    std::string name, unit;
    std::optional<double> ours{}, reference{};
    std::string reference_name{};
    std::optional<double> ratio{};
    bench::target target{};
    std::string note{}; ///< the spread of the ratio, or why there is no figure
    bool failed = false;

    [[nodiscard]] std::optional<bool> met() const;
};

/// What the rounds gave: ours[i] and reference[i] were measured one after the other.
struct rounds {
    std::vector<double> ours{}, reference{};
};

/// Medians, and the median of the ratios taken round by round. No reference: `reference_name` says why.
row summarise(std::string name, std::string unit, const rounds& measured, std::string reference_name,
              target goal);

/// A row that could not be measured, and why.
row failure(std::string name, std::string why);

/// The machine and the build, one line.
std::string machine();
std::string table(const std::vector<row>& rows);
nlohmann::ordered_json to_json(const row& one);

/// One line on stderr while a benchmark runs.
void progress(const std::string& name, std::size_t round, const std::string& what);
/// Three significant digits, thousands apart by a space: "1 230 000", "74.2".
std::string figure(double value);

} // namespace baton::bench
