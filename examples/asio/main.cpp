// A node in a program whose loop is asio's: the events of the mesh arrive in a handler like those of any
// socket, and a signal ends the loop. Boost.Asio is used alike, with `boost::asio` for `asio`.
//
// Run it in two terminals: asio ada, then asio bob; ^C ends one. Each prints
//     event: joined bob
//     2 nodes have counted 7 ticks

#include <baton/signals.hpp>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <iostream>

using namespace std::chrono_literals;

class service {
  public:
    service(baton::node& node, const baton::stop_signals& stop, int events)
        : node_(node)
        , events_(loop_, events)
        , stop_(loop_, stop.fd()) {}
    ~service() {
        events_.release(); // the node and the signals own these descriptors
        stop_.release();
    }
    service(const service&) = delete;

    void run() {
        wait_for_events();
        tick();
        stop_.async_wait(asio::posix::stream_descriptor::wait_read, [this](auto) { loop_.stop(); });
        loop_.run();
    }

  private:
    void wait_for_events() {
        events_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const asio::error_code& fault) {
            if (fault) return;
            while (const auto happened = node_.next_event()) // all: it stays readable until then
                std::cout << "event: " << to_string(happened->kind) << ' ' << happened->name << std::endl;
            wait_for_events();
        });
    }
    void tick() {
        const auto added = node_.add("ticks");
        const auto sum = node_.count("ticks");
        const auto members = node_.members();
        if (added && sum && members)
            std::cout << members->size() + 1 << " nodes have counted " << sum->value_or(0) << " ticks"
                      << std::endl;
        timer_.expires_after(200ms);
        timer_.async_wait([this](const asio::error_code& fault) {
            if (!fault) tick();
        });
    }

    baton::node& node_;
    asio::io_context loop_;
    asio::posix::stream_descriptor events_, stop_;
    asio::steady_timer timer_{loop_};
};

int main(int argc, char** argv) {
    auto stop = baton::stop_signals::block(); // before the program's first thread
    auto settings = baton::options::loopback();
    settings.name = argc > 1 ? argv[1] : "ada";
    settings.cluster = argc > 2 ? argv[2] : "asio";
    auto node = baton::node::start(settings);
    const auto events = node ? node->event_fd() : node.error();
    if (!stop || !node || !events) {
        std::cerr << (!stop ? stop.error() : events.error()).what << '\n';
        return 1;
    }
    service(*node, *stop, *events).run();
    const auto report = baton::leave_on_signal(*node, *stop);
    if (report) std::cout << "left: " << to_string(report->outcome) << std::endl;
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
