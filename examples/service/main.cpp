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
    if (!stop || !node) return 1;

    while (!stop->wait(std::chrono::seconds{1})) { // an event loop would poll stop->fd()
        if (!node->add("seconds served")) return 1;
        std::cout << "served " << node->count("seconds served")->value_or(0) << " s" << std::endl;
    }

    auto report = baton::leave_on_signal(*node, *stop); // one more signal ends it at once
    if (report) std::cout << "left: " << to_string(report->outcome) << std::endl;
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
// [/readme]
