// A service that hands its state over when it is told to stop: start it twice, end one with ^C or SIGTERM,
// and the other goes on with the seconds that both have served.

// [readme]
#include <baton/signals.hpp>

#include <iostream>

int main() {
    auto stop = baton::stop_signals::block(); // SIGTERM and SIGINT; before the program's first thread
    auto settings = baton::options::loopback();
    settings.cluster = "service";
    auto node = baton::node::start(settings);
    if (!stop || !node) {
        std::cerr << (stop ? node.error() : stop.error()).what << std::endl;
        return 1;
    }

    while (!stop->wait(std::chrono::seconds{1})) { // an event loop would poll stop->fd()
        const auto added = node->add("seconds served");
        const auto served = node->count("seconds served"); // an optional: nullopt if there is no such counter
        if (added && served) std::cout << "served " << served->value_or(0) << " s" << std::endl;
    }

    auto report = baton::leave_on_signal(*node, *stop); // a second signal ends the leave at once
    if (report) std::cout << "left: " << to_string(report->outcome) << std::endl;
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
// [/readme]
