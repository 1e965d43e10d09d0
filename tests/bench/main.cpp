// baton_bench: measures baton beside named references and prints a table. See README.md.
#include "bench.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <fstream>
#include <iostream>
#include <map>

namespace {

using namespace baton::bench;

const std::vector<benchmark> benchmarks{
    {{"visible_back_to_back", "visible_back_to_back_p99"}, false, run_visible_back_to_back},
    {{"visible_1ms", "visible_1ms_p99"}, false, run_visible_paced},
    {{"puts_100k", "puts_100k_zmq"}, false, run_puts, 100'000},
    {{"puts_1m", "puts_1m_zmq"}, true, run_puts, 1'000'000},
    {{"newcomer_100k"}, false, run_newcomer, 100'000},
    {{"newcomer_1m"}, true, run_newcomer, 1'000'000},
    {{"join", "join_max"}, false, run_join},
    {{"local_pickup_100k", "local_stash_100k"}, false, run_local, 100'000},
    {{"local_pickup_1m", "local_stash_1m"}, true, run_local, 1'000'000},
};

const std::map<std::string, void (*)(const json&, parent&)> roles{
    {"visible_writer", role_visible_writer},
    {"visible_reader", role_visible_reader},
    {"visible_zmq_writer", role_visible_zmq_writer},
    {"visible_zmq_reader", role_visible_zmq_reader},
    {"puts_writer", role_puts_writer},
    {"puts_reader", role_puts_reader},
    {"puts_zmq_writer", role_puts_zmq_writer},
    {"puts_zmq_reader", role_puts_zmq_reader},
    {"newcomer_holder", role_newcomer_holder},
    {"newcomer", role_newcomer},
    {"join_host", role_join_host},
    {"join_guest", role_join_guest},
    {"local_node", role_local_node},
    {"local_map", role_local_map},
};

int play(const std::string& role) {
    parent up;
    try {
        roles.at(role)(up.hear(), up);
        return 0;
    } catch (const std::exception& e) {
        up.tell({{"error", e.what()}});
        return 1;
    }
}

/// A name asks for every row that begins with it.
bool asked(const std::string& row_name, const std::vector<std::string>& names) {
    return names.empty() || std::any_of(names.begin(), names.end(),
                                        [&](const auto& name) { return row_name.starts_with(name); });
}

bool asked(const benchmark& b, const std::vector<std::string>& names) {
    return std::any_of(b.rows.begin(), b.rows.end(), [&](const auto& r) { return asked(r, names); });
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
    std::vector<std::string> names;
    std::string file, role, known = "Rows:";
    for (const auto& b : benchmarks) {
        for (const auto& name : b.rows) known += " " + name;
    }
    CLI::App app{"Measures baton beside named references. Leave the machine alone while it runs."};
    app.footer(known +
               "\nExit status: 0 measured (targets met or not), 1 something could not be measured, 2 usage.");
    app.add_option("NAME", names, "rows to measure; the beginning of a name is enough (default: all)");
    app.add_option("--json", file, "also write the rows to this file");
    app.add_option("--rounds", how.rounds, "rounds of (ours, reference)")->check(CLI::Range(1, 1000));
    app.add_flag("--quick", how.quick, "a look, not a figure: fewer samples, no 1 M keys unless named");
    app.add_option("--role", role)->group("")->check(CLI::IsMember(roles));
    try {
        app.parse(argc, argv);
        for (const auto& name : names) {
            if (std::none_of(benchmarks.begin(), benchmarks.end(),
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
    for (const auto& b : benchmarks) {
        if (!asked(b, names) || (names.empty() && how.quick && b.large)) continue;
        for (auto& r : run(b, how)) {
            if (r.failed || asked(r.name, names)) rows.push_back(std::move(r));
        }
    }
    std::cout << table(rows) << std::flush;
    if (!file.empty()) write_json(file, rows);
    return std::any_of(rows.begin(), rows.end(), [](const row& r) { return r.failed; }) ? 1 : 0;
}
