// arguments: what the program was started with.
//
// Pure apart from reading --config FILE.
#pragma once

#include <baton/options.hpp>

#include <chrono>
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
    keygen
};

struct arguments {
    action what{};
    options node{};
    bool hex = false;
    bool verbose = false;
    bool leave_now = false; ///< run: a leave does not wait for a successor
    std::string key{};   ///< get, put; of watch and keys the prefix; of keygen the file; of leave the member
    std::string value{}; ///< put, insert; of add the number
    std::chrono::milliseconds within{5000}; ///< all but run: to join and be synced
};

/// The arguments; or the exit status if the program is done: 0 after help, 2 after an error message.
std::variant<arguments, int> parse_arguments(int argc, const char* const* argv);

} // namespace baton::cli
