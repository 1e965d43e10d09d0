#include "actor.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>

namespace actor {

void say(const line& what) { std::cout << what.print() << std::endl; }

void questions::append() {
    std::array<char, 256> bytes{};
    const auto count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count == 0) stop_asked = true; // the director is gone
    if (count > 0) unfinished_.append(bytes.data(), static_cast<std::size_t>(count));
}

baton::options begin(const settings& given) {
    std::signal(SIGTERM, [](int) { stop_asked = true; });
    auto options = baton::options::loopback();
    options.name = given.name;
    options.cluster = given.cluster;
    options.beacon.port = given.beacon_port;
    if (given.verbose)
        options.log = [name = given.name](baton::log_level, std::string_view text) {
            std::clog << (name + ": " + std::string(text) + '\n');
        };
    return options;
}

int exit_status(baton::leave_outcome outcome) {
    switch (outcome) {
    case baton::leave_outcome::safe:
        return 0;
    case baton::leave_outcome::unsafe:
        return 4;
    default:
        return 3;
    }
}

int failed(const std::exception& why) {
    say(line{"failed"}.with("why", why.what()));
    return 1;
}

} // namespace actor
