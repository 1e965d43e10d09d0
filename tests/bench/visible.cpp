// visible_back_to_back, visible_1ms: put on A → applied and readable on B, two processes.
//
// A notes the time before each stash; B's on_applied, on the thread that applies, notes the time after. Both
// clocks are CLOCK_MONOTONIC. Back to back: B's stash in answer is what A waits for before it goes on.
#include "visible.hpp"

#include "bench.hpp"
#include "mesh.hpp"
#include "redis.hpp"
#include "zmq_socket.hpp"

#include <sys/socket.h>

#include <atomic>
#include <optional>

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

/// A system whose puts are watched. Its processes have the roles <role>_writer and <role>_reader.
struct side {
    std::string role, label;
    std::vector<double> p50{}, p99{}, all{};

    /// One round, in µs. The first tenth warms up.
    void measure(json told) {
        child reader{role + "_reader", told};
        told.update(reader.hear());
        child writer{role + "_writer", told};
        writer.hear();
        reader.hear();
        std::optional<child> clients;
        if (told.value("has_clients", false)) { // they read meanwhile
            clients.emplace("client_crowd", told);
            clients->hear();
        }
        writer.tell("go");
        const std::vector<std::int64_t> sent = writer.hear()["sent"], seen = reader.hear()["seen"];
        std::vector<double> samples;
        for (std::size_t i = sent.size() / 10; i < sent.size(); ++i) {
            samples.push_back(static_cast<double>(seen.at(i) - sent[i]) / 1e3);
        }
        p50.push_back(quantile(samples, 0.5));
        p99.push_back(quantile(samples, 0.99));
        all.insert(all.end(), samples.begin(), samples.end());
    }
    [[nodiscard]] std::string latest() const {
        return label + ": " + figure(p50.back()) + "/" + figure(p99.back()) + " µs";
    }
};

std::vector<row> run(const benchmark& self, const settings& how, json told) {
    told.update(mesh_settings());
    told["puts"] = "tcp://127.0.0.1:" + std::to_string(free_port(SOCK_STREAM));
    side ours{"visible", "baton"}, zmq{"visible_zmq", zmq_name()}, redis{"visible_redis", ""};
    std::vector<side*> sides{&ours, &zmq};
    std::optional<redis_pair> servers;
    if (const auto name = redis_name()) {
        servers.emplace();
        told.update({{"master", servers->master.port()}, {"replica", servers->replica.port()}});
        redis.label = *name;
        sides.push_back(&redis);
    }
    for (std::size_t i = 0; i < how.rounds; ++i) {
        std::string said = "p50/p99";
        for (auto* each : sides) {
            each->measure(told);
            said += (each == &ours ? " " : ", ") + each->latest();
        }
        progress(self.rows[0], i, said);
    }
    for (const auto* each : sides) {
        for (const auto& p : distribution(each->all)) how.plots->add(self.rows[0], each->label, p);
    }
    const auto zmq_text = zmq.label + " PUB/SUB one way";
    const auto redis_text = servers ? redis.label + ", SET until its replica notifies, p50" : no_redis;
    return {
        summarise(self.rows[0], "µs", {ours.p50, zmq.p50}, zmq_text + ", p50",
                  {target::kind::ratio_at_most, 1.2}),
        summarise(self.rows[1], "µs", {ours.p99, zmq.p99}, zmq_text + ", p99", {}),
        summarise(self.rows[2], "µs", {ours.p50, redis.p50}, redis_text, {target::kind::ratio_at_most, 0.7})};
}

/// What is added to a plain mesh, and how much slower it may be.
struct addition {
    std::string name;
    double at_most;
};

/// Back to back, and beside it by turns the same without what `with` adds to the settings.
std::vector<row> run_beside_plain(const benchmark& self, const settings& how, json (*with)(json),
                                  const addition& added) {
    side ours{"visible", "with " + added.name}, plain{"visible", "without"};
    json told = mesh_settings();
    told.update({{"count", how.quick ? 1'000 : 5'000}, {"pace_ns", 0}});
    for (std::size_t i = 0; i < how.rounds; ++i) {
        ours.measure(with(told));
        plain.measure(told);
        progress(self.rows[0], i, "p50/p99 " + ours.latest() + ", " + plain.latest());
    }
    const auto reference = "baton without " + added.name;
    return {summarise(self.rows[0], "µs", {ours.p50, plain.p50}, reference + ", p50",
                      {target::kind::ratio_at_most, added.at_most}),
            summarise(self.rows[1], "µs", {ours.p99, plain.p99}, reference + ", p99", {})};
}

} // namespace

std::vector<row> run_visible_back_to_back(const benchmark& self, const settings& how) {
    return run(self, how, {{"count", how.quick ? 1'000 : 5'000}, {"pace_ns", 0}});
}

std::vector<row> run_visible_paced(const benchmark& self, const settings& how) {
    return run(self, how, {{"count", how.quick ? 500 : 2'500}, {"pace_ns", 1'000'000}});
}

// visible_secure: back to back in a mesh with a key, beside one without, by turns.
std::vector<row> run_visible_secure(const benchmark& self, const settings& how) {
    return run_beside_plain(self, how, with_key, {"a key", 1.3});
}

// visible_clients: back to back while 100 clients read through a member, beside a mesh without any, by turns.
std::vector<row> run_visible_clients(const benchmark& self, const settings& how) {
    const auto with_clients = [](json told) {
        told["has_clients"] = true;
        return told;
    };
    return run_beside_plain(self, how, with_clients, {"clients", 1.05});
}

void role_visible_writer(const json& told, parent& up) {
    tally answers;
    auto self = start_node(told, [&](std::size_t n) { answers.add(n); });
    await_synced(self);
    payload data;
    send_puts(
        told, up, [&](std::uint64_t i) { expect(self.stash(data.key(i), data.value(i))); },
        [&](std::uint64_t i) { answers.await(i + 1); });
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
    up.tell({{"seed", self.endpoint()}});
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
