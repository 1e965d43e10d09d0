// client_*: what a client takes that reads through a member: from nothing to its first value, and then one
// value after another, many at a time, and beside the mesh's own traffic.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "remote_node.hpp"
#include "resident.hpp"
#include "zmq_socket.hpp"

#include <baton/client.hpp>

#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <memory>
#include <thread>

namespace baton::bench {

namespace {

/// As many as the library has on their way; the echo has the same number.
constexpr std::size_t window = 512;
constexpr std::uint64_t crowd = 100, crowd_gets_per_second = 1000;

client_options options_of(const json& told) {
    client_options made;
    made.cluster = told.at("cluster");
    made.host = "127.0.0.1";
    if (told.contains("seed")) made.seeds = {told.at("seed")};
    made.beacon.port = told.value("beacon_port", made.beacon.port);
    return made;
}

void expect_value(const result<pickup_result>& got) {
    if (!got) throw std::runtime_error(got.error().what);
    if (!got->found()) throw std::runtime_error("a client does not find a key that its member holds");
}

} // namespace

// client_get: in a process of its own, from before connect() until the value is there.
std::vector<row> run_client_get(const benchmark& self, const settings& how) {
    auto told = mesh_settings();
    told["beacon_port"] = free_port(SOCK_DGRAM);
    remote_node holder{told};
    holder.load(self.keys);
    rounds by_seed, by_search, memory;
    for (std::size_t i = 0; i < 4 * how.rounds; ++i) {
        auto seeded = told;
        seeded["seed"] = holder.neighbour()["seed"];
        for (auto* each : {&seeded, &told}) {
            (*each)["keys"] = self.keys;
            child one{"client_get", *each};
            const auto said = one.hear();
            (each == &seeded ? by_seed : by_search).ours.push_back(said["ms"]);
            if (each == &seeded) memory.ours.push_back(said["grown"].get<double>() / 1e6);
        }
        if (i % 4 == 0)
            progress(self.rows[0], i / 4,
                     figure(by_seed.ours.back()) + " ms, by search " + figure(by_search.ours.back()) +
                         " ms, " + figure(memory.ours.back()) + " MB");
    }
    return {summarise(self.rows[0], "ms", by_seed, "-", {target::kind::at_most, 10}),
            summarise(self.rows[1], "ms", by_search, "-", {target::kind::at_most, 30}),
            summarise(self.rows[2], "MB", memory, "-", {target::kind::at_most, 10})};
}

void role_client_get(const json& told, parent& up) {
    payload data;
    const auto before = resident_now();
    const auto from = now_ns();
    auto self = expect(client::connect(options_of(told)));
    expect_value(self.pickup(data.key(now_ns() % told["keys"].get<std::int64_t>())));
    const auto at = now_ns();
    up.tell({{"ms", static_cast<double>(at - from) / 1e6}, {"grown", resident_now().peak - before.bytes}});
    up.hear();
}

// client_gets, client_get_one: beside an echo of raw libzmq, in the same two processes' places.
std::vector<row> run_client_gets(const benchmark& self, const settings& how) {
    auto told = mesh_settings();
    remote_node holder{told};
    holder.load(self.keys);
    told["seed"] = holder.neighbour()["seed"];
    told["keys"] = self.keys;
    told["many"] = how.quick ? 50'000 : 300'000;
    told["one"] = how.quick ? 2'000 : 10'000;
    child echo{"client_echo", told};
    auto of_echo = told;
    of_echo["endpoint"] = echo.hear()["endpoint"];
    rounds rate, one;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        child ours{"client_gets", told};
        const auto a = ours.hear();
        ours.finish();
        child theirs{"client_echoed", of_echo};
        const auto b = theirs.hear();
        theirs.finish();
        rate.ours.push_back(a["rate"]), rate.reference.push_back(b["rate"]);
        one.ours.push_back(a["one"]), one.reference.push_back(b["one"]);
        progress(self.rows[0], i,
                 figure(rate.ours.back()) + "/s, echo " + figure(rate.reference.back()) + "/s; one " +
                     figure(one.ours.back()) + " µs, echo " + figure(one.reference.back()) + " µs");
    }
    const auto reference = zmq_name() + " DEALER/ROUTER echo";
    return {summarise(self.rows[0], "gets/s", rate, reference, {target::kind::ratio_at_least, 0.5}),
            summarise(self.rows[1], "µs", one, reference + ", p50", {target::kind::ratio_at_most, 1.3})};
}

void role_client_gets(const json& told, parent& up) {
    auto self = expect(client::connect(options_of(told)));
    const std::uint64_t keys = told["keys"], many = told["many"], one = told["one"];
    payload data;
    std::deque<std::future<result<pickup_result>>> under_way;
    const auto from = now_ns();
    for (std::uint64_t i = 0; i < many; ++i) {
        if (under_way.size() >= window) {
            expect_value(under_way.front().get());
            under_way.pop_front();
        }
        under_way.push_back(self.pickup_async(data.key(scramble(i) % keys)));
    }
    for (auto& each : under_way) expect_value(each.get());
    const auto took = static_cast<double>(now_ns() - from);
    std::vector<double> samples;
    for (std::uint64_t i = 0; i < one; ++i) {
        const auto begin = now_ns();
        expect_value(self.pickup(data.key(scramble(i) % keys)));
        samples.push_back(static_cast<double>(now_ns() - begin) / 1e3);
    }
    up.tell({{"rate", static_cast<double>(many) * 1e9 / took}, {"one", quantile(samples, 0.5)}});
    up.hear();
}

// As large as a get and its answer: a key there, a value back.
void role_client_echoed(const json& told, parent& up) {
    const std::uint64_t keys = told["keys"], many = told["many"], one = told["one"];
    zmq_socket self{ZMQ_DEALER};
    self.connect(told["endpoint"]);
    payload data;
    const auto send = [&](std::uint64_t i) {
        const auto key = data.key(scramble(i) % keys);
        self.send(key.data(), key.size());
    };
    send(0);
    self.receive();
    const auto from = now_ns();
    for (std::uint64_t i = 0; i < many + window; ++i) {
        if (i >= window) self.receive();
        if (i < many) send(i);
    }
    const auto took = static_cast<double>(now_ns() - from);
    std::vector<double> samples;
    for (std::uint64_t i = 0; i < one; ++i) {
        const auto begin = now_ns();
        send(i);
        self.receive();
        samples.push_back(static_cast<double>(now_ns() - begin) / 1e3);
    }
    up.tell({{"rate", static_cast<double>(many) * 1e9 / took}, {"one", quantile(samples, 0.5)}});
    up.hear();
}

void role_client_echo(const json&, parent& up) {
    zmq_socket self{ZMQ_ROUTER};
    up.tell({{"endpoint", self.bind()}});
    std::thread([&self] { // until the process ends
        payload data;
        for (std::uint64_t i = 0;; ++i) {
            const std::string route(self.receive());
            self.receive();
            const auto value = data.value(i);
            self.send(route.data(), route.size(), ZMQ_SNDMORE);
            self.send(value.data(), value.size());
        }
    })
        .detach();
    up.hear();
}

// The clients of visible_clients: each reads a key in turn.
void role_client_crowd(const json& told, parent& up) {
    std::vector<client> all;
    for (std::uint64_t i = 0; i < crowd; ++i) all.push_back(expect(client::connect(options_of(told))));
    std::atomic<bool> stop{false};
    std::uint64_t gets = 0;
    std::thread reader([&] {
        payload data;
        for (auto due = now_ns(); !stop; ++gets) {
            due += 1'000'000'000 / crowd_gets_per_second;
            sleep_until_ns(due);
            (void)all[gets % crowd].pickup(data.key(0));
        }
    });
    up.tell("ready");
    up.hear();
    stop = true;
    reader.join();
    up.tell({{"gets", gets}});
    up.hear();
}

} // namespace baton::bench
