// baton: a node as a program, for people, shell scripts and tests in any language. `baton --help` describes
// it.
#include "actions.hpp"
#include "terminal.hpp"

#include <exception>
#include <iostream>

int main(int argc, char** argv) try {
    using namespace baton::cli;
    occupy_terminal();
    const auto parsed = parse_arguments(argc, argv);
    if (const auto* status = std::get_if<int>(&parsed)) return *status;
    const auto& given = std::get<arguments>(parsed);
    if (given.what == action::keygen) return keygen(given);
    if (given.what == action::check_config) return check_config(given);
    const int status = given.what == action::run   ? run(given)
                       : given.what == action::top ? top(given)
                                                   : run_once(given);
    static_cast<void>(standard_error().flush());
    return status;
} catch (const std::exception& fault) {
    std::cerr << "baton: " << fault.what() << '\n';
    return 1;
}
