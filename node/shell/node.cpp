#include "shell/interfaces.hpp"
#include "shell/io_thread.hpp"
#include "shell/seeds.hpp"

#include <baton/node.hpp>

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <random>

namespace baton {

namespace {

// Set in every child of a fork: threads and sockets stayed with the parent.
std::atomic<int> forks{0};

void count_forks() {
    static const bool registered = [] {
        pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
        return true;
    }();
    (void)registered;
}

error forked_error() {
    return {errc::forked, "the node belongs to the parent process: start one here after fork()"};
}

// A peer takes about seven descriptors, and libzmq spins when there are none left.
void raise_descriptor_limit() {
    constexpr rlim_t wanted = 65536;
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted) return;
    files.rlim_cur = std::min(files.rlim_max, wanted);
    setrlimit(RLIMIT_NOFILE, &files);
}

replica_id fresh_id(std::random_device& entropy) {
    replica_id id;
    do {
        for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(entropy());
    } while (id.is_nil());
    return id;
}

core::mesh_options mesh_options_of(const options& o, const replica_id& id, const shell::sockets& bound,
                                   bool beacon, std::random_device& entropy) {
    core::mesh_options m;
    m.self = id;
    m.name = o.name;
    m.cluster = o.cluster;
    m.hosts = o.host == "0.0.0.0" ? std::string{} : o.host;
    m.port = bound.port();
    m.publish_port = bound.publish_port();
    for (const auto& seed : o.seeds) m.seeds.push_back(*shell::seed_endpoint(seed));
    m.beacon = beacon;
    m.beacon_every = o.beacon.every;
    m.liveness = o.liveness;
    m.limits = o.limits;
    m.clock_skew_max = o.clock_skew_max;
    m.random_seed = o.random_seed.value_or(std::uint64_t{entropy()} << 32 | entropy());
    return m;
}

} // namespace

struct node::impl {
    options settings;
    replica_id id{};
    std::string endpoint;
    int fork_generation = 0;
    std::unique_ptr<shell::io_thread> engine;

    /// A committed sync is folded in slice by slice; what looks at all keys does the rest itself.
    void finish_folding() const {
        while (engine->with([](core::mesh& mesh) { return mesh.state().fold(256); })) {
        }
    }
    [[nodiscard]] bool forked() const { return forks.load(std::memory_order_relaxed) != fork_generation; }
    ~impl() {
        if (forked()) (void)engine.release(); // its thread and sockets are the parent's
    }
};

result<node> node::start(options settings) {
    try {
        return open(std::move(settings));
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& failure) { // no thread, descriptor or entropy to be had
        return error{errc::network, std::string("start: ") + failure.what()};
    }
}

result<node> node::open(options settings) {
    if (const auto good = settings.validate(); !good) return good.error();
    auto interfaces = shell::usable_interfaces(settings);
    if (!interfaces) return interfaces.error();
    count_forks();
    raise_descriptor_limit();

    auto body = std::make_unique<impl>();
    std::random_device entropy;
    body->id = fresh_id(entropy);
    if (settings.name.empty()) settings.name = "node-" + body->id.to_string().substr(0, 8);
    auto bound = shell::sockets::open(settings, body->id);
    if (!bound) return bound.error();

    std::string host = settings.host;
    if (host.empty() || host == "0.0.0.0") {
        const auto lan =
            std::find_if(interfaces->begin(), interfaces->end(), [](const auto& i) { return !i.loopback; });
        host = lan == interfaces->end() ? "127.0.0.1" : shell::address_text(lan->address);
    }
    body->endpoint = "tcp://" + host + ':' + std::to_string((*bound)->port());

    const auto log = [&](log_level level, const std::string& line) {
        if (settings.log) settings.log(level, line);
    };
    log(log_level::info, "event=started name=" + settings.name + " id=" + body->id.to_string() +
                             " endpoint=" + body->endpoint + " cluster=" + settings.cluster);
    log(log_level::warning, "event=open_mesh reason=\"no key: anybody who reaches this network may join\"");
    std::optional<shell::beacon_socket> beacon;
    if (settings.beacon.enabled) {
        auto opened = shell::beacon_socket::open(settings.beacon, std::move(*interfaces));
        if (opened) {
            beacon.emplace(std::move(*opened));
        } else {
            log(log_level::warning,
                "event=no_beacon reason=\"" + opened.error().what + "; seeds still work\"");
        }
    }
    auto mesh_settings = mesh_options_of(settings, body->id, **bound, beacon.has_value(), entropy);
    body->fork_generation = forks.load(std::memory_order_relaxed);
    body->engine = std::make_unique<shell::io_thread>(settings, std::move(mesh_settings), std::move(*bound),
                                                      std::move(beacon));
    body->settings = std::move(settings);
    return node(std::move(body));
}

node::node(std::unique_ptr<impl> body)
    : impl_(std::move(body)) {}
node::node(node&&) noexcept = default;
node& node::operator=(node&&) noexcept = default;
node::~node() = default;

result<version> node::stash(std::string_view key, std::string_view value) {
    if (impl_->forked()) return forked_error();
    return impl_->engine->write(
        [&](core::mesh& mesh, const moment& at) { return mesh.stash(at, key, value); });
}

result<bool> node::drop(std::string_view key) {
    if (impl_->forked()) return forked_error();
    return impl_->engine->write([&](core::mesh& mesh, const moment& at) { return mesh.drop(at, key); });
}

result<picked> node::pickup(std::string_view key, pickup_options how) const {
    if (impl_->forked()) return forked_error();
    picked answer;
    answer.outcome = pickup_outcome::absent_unsynced;
    error bad{};
    bool wrong = false;
    const auto look = [&](core::mesh& mesh) {
        if (const auto good = mesh.check_key(key); !good) {
            bad = good.error();
            return wrong = true;
        }
        const auto found = mesh.state().read(key);
        if (!found) return false;
        answer = {pickup_outcome::found, std::string(found->value), version{found->id}, 0};
        answer.siblings = mesh.state().sibling_count(key) - 1;
        return true;
    };
    if (!impl_->engine->with(look) && how.within.count() > 0) impl_->engine->wait_for(how.within, look);
    if (wrong) return bad;
    return answer;
}

result<std::vector<picked>> node::siblings(std::string_view key) const {
    if (impl_->forked()) return forked_error();
    return impl_->engine->with([&](core::mesh& mesh) -> result<std::vector<picked>> {
        if (const auto good = mesh.check_key(key); !good) return good.error();
        std::vector<record_view> records;
        mesh.state().siblings(key, records);
        std::vector<picked> all;
        for (const auto& each : records) {
            all.push_back(
                {pickup_outcome::found, std::string(each.value), version{each.id}, records.size() - 1});
        }
        return all;
    });
}

std::vector<std::string> node::keys(std::string_view prefix) const {
    std::vector<std::string> all;
    if (impl_->forked()) return all;
    // A sync that is being folded in would be listed half: wait for it, it is a matter of milliseconds.
    while (impl_->engine->with([](core::mesh& mesh) { return mesh.state().fold(256); })) {
    }
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) {
        impl_->engine->with([&](core::mesh& mesh) { mesh.state().keys_of(shard, prefix, all); });
    }
    std::sort(all.begin(), all.end());
    return all;
}

std::vector<member> node::members() const {
    if (impl_->forked()) return {};
    return impl_->engine->with([](core::mesh& mesh) { return mesh.members(); });
}

std::optional<event> node::next_event(std::chrono::milliseconds timeout) {
    if (impl_->forked()) return std::nullopt;
    return impl_->engine->next_event(timeout);
}

bool node::wait_synced(std::chrono::milliseconds within) const {
    if (impl_->forked()) return false;
    return impl_->engine->wait_for(within, [](core::mesh& mesh) { return mesh.synced(); });
}

result<leave_report> node::leave(leave_options how) {
    if (impl_->forked()) return forked_error();
    return impl_->engine->leave(how.within.value_or(impl_->settings.leave_within), how.copies);
}

void node::hurry() {
    if (!impl_->forked()) impl_->engine->hurry();
}

node_stats node::stats() const {
    if (impl_->forked()) return {};
    auto all = impl_->engine->with([](core::mesh& mesh) { return mesh.stats(); });
    all.sends_refused += impl_->engine->sends_refused();
    return all;
}

const std::string& node::name() const { return impl_->settings.name; }
replica_id node::id() const { return impl_->id; }
std::string node::endpoint() const { return impl_->endpoint; }

std::optional<std::string> node::digest() const {
    if (impl_->forked()) return std::nullopt;
    impl_->finish_folding();
    impl_->finish_folding();
    return impl_->engine->with([](core::mesh& mesh) -> std::optional<std::string> {
        const auto sum = mesh.state().state_digest();
        if (!sum) return std::nullopt;
        return sum->to_string();
    });
}

std::vector<dot> node::cut() const {
    if (impl_->forked()) return {};
    return impl_->engine->with([](core::mesh& mesh) {
        const auto seen = mesh.state().seen();
        return std::vector<dot>(seen.entries().begin(), seen.entries().end());
    });
}

} // namespace baton
