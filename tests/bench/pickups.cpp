// The open loop of pickups.hpp.
#include "pickups.hpp"

#include "measure.hpp"

#include <sys/prctl.h>

#include <stdexcept>

namespace baton::bench {

namespace {
constexpr std::int64_t every_ns = 100'000;
}

pickups::pickups(const node& self, std::uint64_t keys) {
    samples_.reserve(600'000); // a minute; no growth while it measures
    thread_ = std::jthread{[this, &self, keys](const std::stop_token& stop) {
        prctl(PR_SET_TIMERSLACK, 1); // wake when due, not up to 50 µs later
        payload data;
        auto due = now_ns();
        for (std::uint64_t i = 0; !stop.stop_requested(); ++i) {
            due += every_ns;
            if (now_ns() < due) sleep_until_ns(due);
            const auto key = data.key(scramble(i) % keys);
            const auto begin = now_ns();
            const auto found = self.pickup(key);
            samples_.push_back({due, begin, now_ns()});
            if (!found || found->value.size() != value_bytes) missed_ = true;
        }
    }};
}

pickups::latencies pickups::end(std::int64_t from, std::int64_t to) {
    thread_.request_stop();
    thread_.join();
    if (missed_) throw std::runtime_error("a pickup did not find its key");
    latencies found;
    for (const auto& s : samples_) {
        if (s.due < from || s.due > to) continue;
        found.from_due.push_back(static_cast<double>(s.end - s.due));
        found.from_begin.push_back(static_cast<double>(s.end - s.begin));
    }
    return found;
}

} // namespace baton::bench
