// Proves that signals that come all the time, as a profiler's do, make no call of libzmq fail: nodes of a
// mesh with a key start, join and leave in a storm of them.
#include "insider.hpp"
#include "nodes.hpp"
#include "thread_signals.hpp"

#include <sys/time.h>

#include <csignal>
#include <thread>

using namespace io;

namespace {

std::atomic<std::uint64_t> signals_taken{0};
void take_signal(int) { signals_taken.fetch_add(1, std::memory_order_relaxed); }

/// Sends SIGPROF by the CPU clock of the process, and to each of its threads in turn.
class storm {
  public:
    storm() {
        struct sigaction how {};
        how.sa_handler = take_signal;
        how.sa_flags = SA_RESTART;
        sigaction(SIGPROF, &how, &before_);
        const itimerval often{{0, 200}, {0, 200}};
        setitimer(ITIMER_PROF, &often, nullptr);
        thread_ = std::thread([this] {
            while (!ends_) {
                signal_threads(SIGPROF, true);
                std::this_thread::sleep_for(std::chrono::microseconds(200));
            }
        });
    }
    storm(const storm&) = delete;
    ~storm() {
        ends_ = true;
        thread_.join();
        const itimerval never{};
        setitimer(ITIMER_PROF, &never, nullptr);
        std::this_thread::sleep_for(10ms); // one may be on its way
        sigaction(SIGPROF, &before_, nullptr);
    }

  private:
    struct sigaction before_ {};
    std::atomic<bool> ends_ = false;
    std::thread thread_;
};

} // namespace

TEST_CASE("storm: nodes with a key start, join and leave while signals never stop", "[io][storm]") {
    const mesh net;
    const auto settings = [&](const std::string& name) {
        auto made = net.options(name);
        made.security.keys = {key(1)};
        return made;
    };
    auto stays = started(settings("stays"));
    {
        const storm around;
        for (int round = 0; round < 25; ++round) {
            CAPTURE(round);
            auto made = baton::node::start(settings("round"));
            INFO((made ? std::string() : made.error().what));
            REQUIRE(made);
            CHECK(made->wait_synced(patience(5s)));
            CHECK(made->stash("round", std::to_string(round)));
            CHECK(made->leave({.within = patience(2s), .copies = 1})->outcome == baton::leave_outcome::safe);
        }
        CHECK(signals_taken > 100);
    }
    CHECK(stays.pickup("round")->value == "24");
}
