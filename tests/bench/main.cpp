// baton_bench: measures baton beside named references and prints a table. See README.md.
#include "bench.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <fstream>
#include <iostream>

namespace {

using namespace baton::bench;

int play(const std::string& name) {
    parent up;
    try {
        roles().at(name)(up.hear(), up);
        return 0;
    } catch (const std::exception& e) {
        up.tell({{"error", e.what()}});
        return 1;
    }
}

/// A name asks for every row that begins with it; a row that must be named, only by all of its name.
bool asked(const benchmark& b, const std::string& row_name, const std::vector<std::string>& names) {
    return std::any_of(names.begin(), names.end(), [&](const auto& name) {
        return b.when == when::named ? row_name == name : row_name.starts_with(name);
    });
}

bool asked(const benchmark& b, const std::vector<std::string>& names) {
    return std::any_of(b.rows.begin(), b.rows.end(), [&](const auto& r) { return asked(b, r, names); });
}

bool wanted(const benchmark& b, const std::vector<std::string>& names, bool quick) {
    if (!names.empty()) return asked(b, names);
    return b.when == when::always || (b.when == when::not_quick && !quick);
}

std::vector<row> run(const benchmark& b, const settings& how) {
    try {
        return b.run(b, how);
    } catch (const std::exception& e) {
        std::cerr << b.rows.front() << ": " << e.what() << '\n';
        return {failure(b.rows.front(), e.what())};
    }
}

void write_json(const std::string& file, const std::vector<row>& rows) {
    std::ofstream out{file};
    for (std::size_t i = 0; i < rows.size(); ++i) out << (i == 0 ? "[" : ",\n ") << to_json(rows[i]).dump();
    out << (rows.empty() ? "[]\n" : "]\n");
    if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    settings how;
    plots drawn;
    how.plots = &drawn;
    std::vector<std::string> names;
    std::string file, plots_to, role, known = "Rows:", large;
    for (const auto& b : benchmarks()) {
        for (const auto& name : b.rows) (b.when == when::named ? large : known) += " " + name;
    }
    known += "; only when named in full:" + large;
    CLI::App app{"Measures baton beside named references. Leave the machine alone while it runs."};
    app.footer(known +
               "\nExit status: 0 measured (targets met or not), 1 something could not be measured, 2 usage.");
    app.add_option("NAME", names, "rows to measure; the beginning of a name is enough (default: all)");
    app.add_option("--json", file, "also write the rows to this file");
    app.add_option("--plots", plots_to, "also draw what was measured into this folder, as SVG, by gnuplot");
    app.add_option("--rounds", how.rounds, "rounds of (ours, reference)")->check(CLI::Range(1, 1000));
    app.add_flag("--quick", how.quick, "a look, not a figure: fewer samples, no 1 M keys unless named");
    app.add_option("--role", role)->group("")->check(CLI::IsMember(roles()));
    try {
        app.parse(argc, argv);
        for (const auto& name : names) {
            if (std::none_of(benchmarks().begin(), benchmarks().end(),
                             [&](const auto& b) { return asked(b, {name}); })) {
                throw CLI::ValidationError(name, "no row of that name. " + known);
            }
        }
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    if (!role.empty()) return play(role);
    if (how.quick && app.count("--rounds") == 0) how.rounds = 3;

    std::cout << machine() << '\n' << std::flush;
    std::vector<row> rows;
    for (const auto& b : benchmarks()) {
        if (!wanted(b, names, how.quick)) continue;
        for (auto& r : run(b, how)) {
            if (r.failed || names.empty() || asked(b, r.name, names)) rows.push_back(std::move(r));
        }
    }
    std::cout << table(rows) << std::flush;
    try {
        if (!file.empty()) write_json(file, rows);
        if (!plots_to.empty()) drawn.write(plots_to);
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
    return std::any_of(rows.begin(), rows.end(), [](const row& r) { return r.failed; }) ? 1 : 0;
}
