// visible_back_to_back, visible_1ms: put on A → applied and readable on B, two processes.
//
// A notes the time before each stash; B's on_applied, on the thread that applies, notes the time after. Both
// clocks are CLOCK_MONOTONIC. Back to back: B's stash in answer is what A waits for before it goes on.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "zmq_socket.hpp"

#include <atomic>

namespace baton::bench {

namespace {

/// Events counted by one thread and awaited by another.
class tally {
  public:
    void add(std::uint64_t n) {
        count_.fetch_add(n, std::memory_order_release);
        count_.notify_one();
    }
    void await(std::uint64_t n) const {
        for (auto seen = count_.load(std::memory_order_acquire); seen < n;) {
            count_.wait(seen);
            seen = count_.load(std::memory_order_acquire);
        }
    }

  private:
    std::atomic<std::uint64_t> count_{0};
};

struct latency {
    double p50 = 0, p99 = 0;
};

latency in_us(std::vector<double> samples) {
    return {quantile(samples, 0.5) / 1e3, quantile(samples, 0.99) / 1e3};
}

/// The first tenth warms up.
latency ours(json told) {
    told.update(mesh_settings());
    child reader{"visible_reader", told};
    told["seed"] = reader.hear()["endpoint"];
    child writer{"visible_writer", told};
    writer.hear();
    reader.hear();
    writer.tell("go");
    const std::vector<std::int64_t> sent = writer.hear()["sent"], seen = reader.hear()["seen"];
    std::vector<double> samples;
    for (std::size_t i = sent.size() / 10; i < sent.size(); ++i) {
        samples.push_back(static_cast<double>(seen.at(i) - sent[i]));
    }
    return in_us(std::move(samples));
}

latency zmq(json told) {
    child writer{"visible_zmq_writer", told};
    told["endpoint"] = writer.hear()["endpoint"];
    child reader{"visible_zmq_reader", told};
    writer.tell(reader.hear());
    std::vector<double> samples = reader.hear()["latencies"];
    samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 10));
    return in_us(std::move(samples));
}

std::vector<row> run(const benchmark& self, const settings& how, const json& told) {
    rounds p50, p99;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        const auto a = ours(told), b = zmq(told);
        p50.ours.push_back(a.p50);
        p99.ours.push_back(a.p99);
        p50.reference.push_back(b.p50);
        p99.reference.push_back(b.p99);
        progress(self.rows[0], i,
                 "p50/p99 " + figure(a.p50) + "/" + figure(a.p99) + " µs, libzmq " + figure(b.p50) + "/" +
                     figure(b.p99) + " µs");
    }
    const auto name = zmq_name() + " PUB/SUB one way";
    return {summarise(self.rows[0], "µs", p50, name + ", p50", {target::kind::ratio_at_most, 1.5}),
            summarise(self.rows[1], "µs", p99, name + ", p99", {})};
}

} // namespace

std::vector<row> run_visible_back_to_back(const benchmark& self, const settings& how) {
    return run(self, how, {{"count", how.quick ? 1'000 : 5'000}, {"pace_ns", 0}});
}

std::vector<row> run_visible_paced(const benchmark& self, const settings& how) {
    return run(self, how, {{"count", how.quick ? 500 : 2'500}, {"pace_ns", 1'000'000}});
}

void role_visible_writer(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    const std::int64_t pace = told["pace_ns"];
    tally answers;
    auto self = start_node(told, [&](std::size_t n) { answers.add(n); });
    await_synced(self);
    up.tell("ready");
    up.hear();

    payload data;
    std::vector<std::int64_t> sent(count);
    auto next = now_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (pace > 0) sleep_until_ns(next += pace);
        const auto key = data.key(i), value = data.value(i);
        sent[i] = now_ns();
        expect(self.stash(key, value));
        if (pace == 0) answers.await(i + 1);
    }
    sleep_for_us(10'000); // the last put travels before this process gets busy with its report
    up.tell({{"sent", sent}});
    up.hear();
}

void role_visible_reader(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    const bool answer = told["pace_ns"] == 0;
    tally seen;
    std::vector<std::int64_t> stamps;
    stamps.reserve(count);
    auto self = start_node(told, [&](std::size_t n) {
        stamps.insert(stamps.end(), n, now_ns());
        if (answer || stamps.size() >= count)
            seen.add(answer ? n : count); // nobody is woken on the way otherwise
    });
    up.tell({{"endpoint", self.endpoint()}});
    await_synced(self);
    up.tell("ready");

    payload data;
    for (std::uint64_t i = 0; answer && i < count; ++i) {
        seen.await(i + 1);
        expect(self.stash(data.key(count + i), data.value(i)));
    }
    seen.await(count);
    up.tell({{"seen", stamps}});
    up.hear();
}

} // namespace baton::bench
