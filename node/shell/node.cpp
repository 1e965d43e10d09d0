#include "discovery/names.hpp"
#include "shell/door/desk.hpp"
#include "shell/interfaces.hpp"
#include "shell/node_impl.hpp"
#include "shell/security.hpp"
#include "shell/text.hpp"

#include <pthread.h>

#include <algorithm>
#include <random>

namespace baton {

namespace {

// Counts forks in every child: threads and sockets stay with the parent.
std::atomic<int> fork_count{0};

replica_id fresh_id(std::random_device& entropy) {
    replica_id id;
    do {
        for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(entropy());
    } while (id.is_nil());
    return id;
}

core::mesh_options mesh_options_of(const options& o, const replica_id& id, const shell::sockets& bound,
                                   const std::vector<shell::interface>& usable, bool beacon,
                                   std::random_device& entropy) {
    core::mesh_options m;
    m.self = id;
    m.name = o.name;
    m.cluster = o.cluster;
    // A link-local address has a meaning only on the link where it is seen.
    if (!shell::is_every_host(o.host) && !discovery::is_link_local(o.host)) m.hosts = o.host;
    if (!o.advertise.empty()) m.hosts.clear();
    for (const auto& each : o.advertise) {
        auto one = *discovery::parse_named(each);
        if (one.port != 0 && one.publish_port == 0) one.publish_port = bound.publish_port();
        m.advertise.push_back(discovery::to_text(one));
    }
    if (o.advertise.empty() && shell::is_every_host(o.host)) m.reach = shell::hosts_of(usable);
    m.own_hosts = shell::all_hosts_of(usable);
    m.attached = shell::is_attached(o, usable, beacon);
    m.exchanges_peers = o.exchange_peers;
    m.port = bound.port();
    m.publish_port = bound.publish_port();
    m.seeds = o.seeds;
    m.beacon = beacon;
    m.beacon_every = o.beacon.every;
    m.liveness = o.liveness;
    m.limits = o.limits;
    m.clock_skew_max = o.clock_skew_max;
    m.mesh_size = o.mesh_size.value_or(0);
    m.founding = o.founding;
    m.spills = !o.spill_dir.empty();
    m.keep_spills = o.keep_spills;
    m.alone_after = o.alone_after;
    m.random_seed = o.random_seed.value_or(std::uint64_t{entropy()} << 32 | entropy());
    return m;
}

} // namespace

void shell::count_forks() {
    static const bool registered = [] {
        pthread_atfork(nullptr, nullptr, [] { fork_count.fetch_add(1, std::memory_order_relaxed); });
        return true;
    }();
    (void)registered;
}

int shell::forks() noexcept { return fork_count.load(std::memory_order_relaxed); }

result<node> node::start(options settings) {
    const shell::undisturbed whole; // the threads of libzmq, which this thread starts, inherit the mask
    try {
        return open(std::move(settings));
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& failure) { // no thread, descriptor or entropy is available
        return error{errc::network, std::string("start: ") + failure.what()};
    }
}

result<node> node::open(options settings) {
    if (const auto good = settings.validate(); !good) return good.error();
    // Descriptors come first: libzmq needs some to start.
    auto share = shell::descriptor_share::take(settings.limits.peers_max);
    if (!share) return share.error();
    auto interfaces = shell::usable_interfaces(settings, settings.wait_for_interface);
    if (!interfaces) return interfaces.error();
    shell::count_forks();

    auto body = std::make_unique<impl>(std::move(*share));
    const auto wanted_peers = std::exchange(settings.limits.peers_max, body->share.members());
    std::random_device entropy;
    body->id = fresh_id(entropy);
    if (settings.name.empty()) settings.name = "node-" + body->id.to_string().substr(0, 8);
    std::optional<std::string> spill_doubt;
    if (!settings.spill_dir.empty()) {
        const auto usable = shell::try_spill_dir(settings.spill_dir, body->id);
        if (!usable && !settings.spill_dir_optional) return usable.error();
        spill_doubt = usable ? shell::doubt_about(settings.spill_dir) : std::optional(usable.error().what);
    }
    auto keys = shell::keys_of(settings);
    if (!keys) return keys.error();
    const auto security = shell::security_of(*keys);
    auto bound = shell::open_ports(settings, body->id, security);
    if (!bound) return bound.error();

    const auto port = bound->links->port();
    const auto host = shell::is_every_host(settings.host) ? shell::best_host(*interfaces) : settings.host;
    const auto named = settings.advertise.empty()
                           ? discovery::address{host, port, 0}
                           : *discovery::parse_named(settings.advertise.front(), {{}, port, 0});
    body->endpoint = discovery::endpoint_of(named.host, named.port);
    if (settings.advertise.empty() && shell::is_every_host(settings.host)) body->moving_port = port;

    const auto log = [&](log_level level, const std::string& line) {
        if (settings.log) settings.log(level, line);
    };
    log(log_level::info, "event=started name=" + shell::log_word(settings.name) +
                             " id=" + body->id.to_string() + " endpoint=" + body->endpoint +
                             " cluster=" + shell::log_word(settings.cluster));
    if (keys->empty()) {
        log(log_level::warning,
            "event=open_mesh reason=\"no key: every process that reaches this network can join\"");
    }
    if (settings.wait_for_interface && !shell::usable_interfaces(settings)) {
        log(log_level::warning,
            "event=waiting_for_interface reason=\"" + shell::usable_interfaces(settings).error().what + '"');
    }
    if (spill_doubt) log(log_level::warning, "event=spill_dir reason=\"" + *spill_doubt + '"');
    if (wanted_peers != body->share.members()) {
        log(log_level::warning,
            "event=few_descriptors reason=\"the hard limit of " + std::to_string(body->share.limit()) +
                " open files suffices for " + std::to_string(body->share.members()) +
                " members, not for limits.peers_max, " + std::to_string(wanted_peers) + "\"");
    }
    const bool is_local = !settings.host.empty() && discovery::is_loopback(settings.host);
    std::unique_ptr<shell::door_socket> door;
    if (settings.clients.enabled.value_or(is_local)) {
        auto opened = shell::door_socket::open(settings, keys->empty() ? nullptr : &keys->front());
        if (!opened && settings.clients.enabled) return opened.error();
        if (opened) {
            door = *std::move(opened);
        } else { // nobody has asked for it
            log(log_level::info, "event=no_door reason=\"" + opened.error().what + '"');
        }
    }
    std::optional<shell::beacon_socket> beacon;
    if (settings.beacon.enabled) {
        auto opened = shell::beacon_socket::open(settings.beacon, *interfaces);
        if (opened) {
            beacon.emplace(std::move(*opened));
        } else {
            log(log_level::warning,
                "event=no_beacon reason=\"" + opened.error().what + "; seeds still work\"");
        }
    }
    auto mesh_settings =
        mesh_options_of(settings, body->id, *bound->links, *interfaces, beacon.has_value(), entropy);
    mesh_settings.door = door ? door->port() : 0;
    if (security) {
        mesh_settings.keys = std::move(*keys);
        mesh_settings.link_key = security->own.public_key;
        mesh_settings.nonce_seed = shell::random_bytes(32);
        mesh_settings.beacon_window = settings.security.beacon_window;
    }
    body->fork_generation = shell::forks();
    body->engine = std::make_unique<shell::io_thread>(settings, std::move(mesh_settings),
                                                      std::move(bound->links), std::move(beacon),
                                                      std::move(*interfaces), std::move(bound->unicast));
    body->handles = std::make_shared<shell::engine_link>(*body->engine);
    body->watches = std::make_shared<shell::dispatcher>(*body->engine, settings.limits);
    if (door) {
        body->clients =
            std::make_shared<shell::desk>(*body->engine, settings, body->id, body->endpoint, std::move(door));
    }
    body->settings = std::move(settings);
    return node(std::move(body));
}

node::node(std::unique_ptr<impl> body)
    : impl_(std::move(body)) {}
node::node(node&&) noexcept = default;
node& node::operator=(node&&) noexcept = default;
node::~node() {
    if (impl_) impl_->stop_watches();
}

// ---------------------------------------------------------------- the mesh

result<std::vector<member>> node::members() const {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->members();
}

result<event> node::next_event(std::chrono::milliseconds within) {
    if (impl_->forked()) return shell::forked_error();
    if (auto happened = impl_->engine->next_event(within)) return *std::move(happened);
    return error{errc::timeout, "no event came within " + std::to_string(within.count()) + " ms"};
}

result<int> node::event_fd() {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->event_fd();
}

result<void> node::wait_synced(std::chrono::milliseconds within) const {
    if (impl_->forked()) return shell::forked_error();
    impl_->engine->with([](core::mesh& mesh) { mesh.catch_up(shell::io_thread::now()); });
    impl_->engine->look();
    if (impl_->engine->wait_for(within, [](core::mesh& mesh) { return mesh.is_caught_up(); })) return {};
    return shell::not_synced_error(within);
}

result<leave_report> node::leave(leave_options how) {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->leave(how.within.value_or(impl_->settings.leave_within), how.copies,
                                how.nobody_stays);
}

void node::end_leave_now() {
    if (!impl_->forked()) impl_->engine->hurry();
}

result<node_stats> node::stats() const {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->stats();
}

const std::string& node::name() const { return impl_->settings.name; }
replica_id node::id() const { return impl_->id; }
std::string node::endpoint() const {
    if (impl_->moving_port == 0 || impl_->forked()) return impl_->endpoint;
    return discovery::endpoint_of(impl_->engine->host(), impl_->moving_port);
}

result<std::string> node::digest() const {
    if (impl_->forked()) return shell::forked_error();
    return impl_->when_folded([](core::mesh& mesh) { return mesh.state().state_digest()->to_string(); });
}

result<std::vector<dot>> node::cut() const {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->with([](core::mesh& mesh) {
        const auto seen = mesh.state().seen();
        return std::vector<dot>(seen.entries().begin(), seen.entries().end());
    });
}

} // namespace baton
