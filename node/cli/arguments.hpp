// arguments: what the program was started with.
//
// Pure apart from reading --config FILE and the environment.
#pragma once

#include "http/options.hpp"

#include <baton/options.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

namespace baton::cli {

enum class action {
    run,
    get,
    put,
    drop,
    keys,
    members,
    stats,
    count,
    add,
    insert,
    ping,
    leave,
    watch,
    top,
    check_config,
    keygen
};

struct arguments {
    action what{};
    options node{};
    bool hex = false;
    bool verbose = false;
    bool leave_now = false;                        ///< run: a leave does not wait for a successor
    bool no_input = false;                         ///< run: standard input has no commands
    http_options http{};                           ///< run: the pages for people, probes and scrapers
    std::chrono::milliseconds ready_within{60000}; ///< run: systemd is told READY then at the latest
    bool json = false;                             ///< run, top: JSON lines even on a terminal
    std::chrono::milliseconds every{1000};         ///< top: between two pictures
    std::uint64_t iterations = 0;                  ///< top: pictures; 0: until it is stopped
    bool once = false;                             ///< top: one picture of a node that is synced
    std::string key{};   ///< get, put; of watch and keys the prefix; of others the file; of leave the member
    std::string value{}; ///< put, insert; of add the number
    std::chrono::milliseconds within{5000}; ///< all but run: to join and be synced
};

class checked_app; // config.hpp
/// Adds every option that a file may have, and --config.
void add_options(checked_app& app, arguments& given);

/// The arguments; or the exit status if the program is done: 0 after help, 2 after an error message.
std::variant<arguments, int> parse_arguments(int argc, const char* const* argv);

} // namespace baton::cli
