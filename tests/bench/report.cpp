// Medians, words and widths.
#include "report.hpp"

#include "measure.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace baton::bench {

namespace {

double ratio_of(double ours, double reference, target goal) {
    return goal.what == target::kind::faster_by ? reference / ours : ours / reference;
}

std::string words(const target& goal, const std::string& unit) {
    const auto bound = figure(goal.bound);
    switch (goal.what) {
    case target::kind::stated:
        return "-";
    case target::kind::ratio_at_most:
        return "≤ " + bound + " ×";
    case target::kind::ratio_at_least:
        return "≥ " + bound + " ×";
    case target::kind::faster_by:
        return "≥ " + bound + " × faster";
    case target::kind::at_most:
        return "≤ " + bound + " " + unit;
    }
    return {};
}

/// Columns that a terminal needs for UTF-8 text of single-width characters.
std::size_t width(const std::string& text) {
    std::size_t n = 0;
    for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return n;
}

using cells = std::array<std::string, 7>;

cells cells_of(const row& r) {
    const auto with_unit = [&](const std::optional<double>& v) {
        return v ? figure(*v) + " " + r.unit : std::string{"-"};
    };
    const auto met = r.met();
    return {r.name,
            with_unit(r.ours),
            r.reference ? with_unit(r.reference) + "  " + r.reference_name : r.reference_name,
            r.ratio ? figure(*r.ratio) + " ×" : "-",
            words(r.target, r.unit),
            !met   ? (r.failed ? "failed" : "-")
            : *met ? "met"
                   : "not met",
            r.note};
}

} // namespace

std::optional<bool> row::met() const {
    if (!ours || target.what == target::kind::stated) return std::nullopt;
    if (target.what == target::kind::at_most) return *ours <= target.bound;
    if (!ratio) return std::nullopt;
    return target.what == target::kind::ratio_at_most ? *ratio <= target.bound : *ratio >= target.bound;
}

row summarise(std::string name, std::string unit, const rounds& measured, std::string reference_name,
              target goal) {
    row r{.name = std::move(name), .unit = std::move(unit)};
    r.reference_name = std::move(reference_name);
    r.target = goal;
    r.ours = median(measured.ours);
    if (measured.reference.empty()) return r;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < measured.ours.size(); ++i) {
        ratios.push_back(ratio_of(measured.ours[i], measured.reference[i], goal));
    }
    r.reference = median(measured.reference);
    r.ratio = median(ratios);
    if (ratios.size() > 1) {
        r.note = "ratio " + figure(quantile(ratios, 0)) + " … " + figure(quantile(ratios, 1)) + " in " +
                 std::to_string(ratios.size()) + " rounds";
    }
    return r;
}

row failure(std::string name, std::string why) {
    row r{.name = std::move(name), .unit = ""};
    r.note = std::move(why);
    r.failed = true;
    return r;
}

std::string figure(double value) {
    const auto magnitude = std::abs(value);
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", magnitude < 10 ? 2 : magnitude < 100 ? 1 : 0, value);
    std::string out = text;
    if (const auto point = out.find('.'); point != std::string::npos) {
        out.erase(out.find_last_not_of('0') + 1);
        if (out.back() == '.') out.pop_back();
        return out;
    }
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3) {
        out.insert(static_cast<std::size_t>(at), 1, ' ');
    }
    return out;
}

std::string machine() {
    std::string model = "unknown processor", load;
    std::ifstream cpu{"/proc/cpuinfo"};
    for (std::string line; std::getline(cpu, line);) {
        if (line.starts_with("model name")) {
            model = line.substr(line.find(':') + 2);
            break;
        }
    }
    std::ifstream{"/proc/loadavg"} >> load;
    utsname system{};
    uname(&system);
    std::ostringstream out;
    out << model << ", " << sysconf(_SC_NPROCESSORS_ONLN) << " cores, " << system.sysname << ' '
        << system.release << ", load " << load << " at the start; build " << BATON_BENCH_BUILD_TYPE;
#ifdef NDEBUG
    out << ", assert() off, BATON_ASSERT on";
#else
    out << ", assert() on";
#endif
#ifndef __OPTIMIZE__
    out << ", NOT OPTIMISED: these figures mean nothing";
#endif
    return out.str();
}

std::string table(const std::vector<row>& rows) {
    std::vector<cells> lines{{"what", "ours", "reference", "ratio", "target", "met", ""}};
    for (const auto& r : rows) lines.push_back(cells_of(r));
    std::array<std::size_t, std::tuple_size_v<cells>> widest{};
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) widest[i] = std::max(widest[i], width(line[i]));
    }
    std::string out;
    for (const auto& line : lines) {
        for (std::size_t i = 0; i < line.size(); ++i) {
            out += line[i];
            out.append(widest[i] - width(line[i]) + 2, ' ');
        }
        out.erase(out.find_last_not_of(' ') + 1);
        out += '\n';
    }
    return out + "ratio: ours / reference; where the target says \"faster\", reference / ours.\n";
}

nlohmann::ordered_json to_json(const row& r) {
    using value = nlohmann::ordered_json;
    const auto maybe = [](const auto& v) { return v ? value(*v) : value(); };
    return {{"name", r.name},
            {"unit", r.unit},
            {"ours", maybe(r.ours)},
            {"reference", maybe(r.reference)},
            {"reference_name", r.reference_name},
            {"ratio", maybe(r.ratio)},
            {"target", words(r.target, r.unit)},
            {"met", maybe(r.met())},
            {"note", r.note}};
}

void progress(const std::string& name, std::size_t round, const std::string& what) {
    std::fprintf(stderr, "%s, round %zu: %s\n", name.c_str(), round + 1, what.c_str());
}

} // namespace baton::bench
