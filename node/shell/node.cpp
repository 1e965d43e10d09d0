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

using strings = std::vector<std::string>;
constexpr std::size_t keys_slice = 256;

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
    m.mesh_size = o.mesh_size;
    m.founding = o.founding;
    m.alone_after = o.alone_after;
    m.random_seed = o.random_seed.value_or(std::uint64_t{entropy()} << 32 | entropy());
    return m;
}

/// Reads and removals ask this; writes are checked by the mesh.
result<void> check(const core::mesh& mesh, const slot_name& slot) {
    if (const auto good = mesh.check_key(slot.key); !good) return good.error();
    if (slot.element.size() > element_bytes_max) {
        return error{errc::key_too_long, "the element or field has " + std::to_string(slot.element.size()) +
                                             " bytes; at most " + std::to_string(element_bytes_max) +
                                             " are allowed"};
    }
    return {};
}

picked pick(store& state, const slot_name& slot) {
    std::size_t live = 0;
    const auto found = state.read(slot, &live);
    if (!found) return {pickup_outcome::absent_unsynced, {}, {}, 0};
    return {pickup_outcome::found, std::string(found->value), version{found->id}, live - 1};
}

// Why it is not here.
void explain(picked& answer, core::mesh& mesh, std::string_view key, std::uint64_t question) {
    if (const auto leaver = mesh.on_its_way(key)) {
        answer = {pickup_outcome::pending_handoff, {}, {}, 0, {*leaver}};
        return;
    }
    if (mesh.state().types_of(key) != 0) { // of another type
        answer = {pickup_outcome::absent_unsynced, {}, {}, 0, {}};
        return;
    }
    auto known = mesh.judge_absence(question);
    answer = {known.confirmed ? pickup_outcome::absent_confirmed : pickup_outcome::absent_unsynced,
              {},
              {},
              0,
              std::move(known.who)};
}

std::vector<picked> pick_all(store& state, const slot_name& slot) {
    std::vector<record_view> records;
    state.siblings(slot, records);
    std::vector<picked> all;
    for (const auto& each : records) {
        all.push_back({pickup_outcome::found, std::string(each.value), version{each.id}, records.size() - 1});
    }
    return all;
}

} // namespace

struct node::impl {
    options settings;
    replica_id id{};
    std::string endpoint;
    int fork_generation = 0;
    std::unique_ptr<shell::io_thread> engine;

    /// A committed sync is folded in slice by slice; what looks at many keys does the rest itself.
    void finish_folding() const {
        while (engine->with([](core::mesh& mesh) { return mesh.state().fold(256); })) {
        }
    }
    /// As engine->with(), while nothing is being folded in.
    template <class Use>
    auto when_folded(Use use) const {
        for (;;) {
            auto answer = engine->with([&](core::mesh& mesh) {
                return mesh.state().folding() ? std::nullopt : std::make_optional(use(mesh));
            });
            if (answer) return *std::move(answer);
            finish_folding();
        }
    }
    /// `look(store&)` under the lock, if that is a slot that can be read.
    template <class Look>
    auto read(const slot_name& slot, Look look) const -> result<std::invoke_result_t<Look, store&>> {
        if (forked()) return forked_error();
        return engine->with([&](core::mesh& mesh) -> result<std::invoke_result_t<Look, store&>> {
            if (const auto good = check(mesh, slot); !good) return good.error();
            return look(mesh.state());
        });
    }
    [[nodiscard]] result<strings> members(value_type type, std::string_view key) const {
        if (forked()) return forked_error();
        return when_folded([&](core::mesh& mesh) -> result<strings> {
            if (const auto good = mesh.check_key(key); !good) return good.error();
            strings all;
            mesh.state().elements(type, key, all);
            return all;
        });
    }
    result<version> put(const slot_name& slot, std::string_view value) {
        if (forked()) return forked_error();
        return engine->write([&](core::mesh& mesh, const moment& at) { return mesh.put(at, slot, value); });
    }
    result<bool> remove(const slot_name& slot) {
        if (forked()) return forked_error();
        return engine->write([&](core::mesh& mesh, const moment& at) -> result<bool> {
            if (const auto good = check(mesh, slot); !good) return good.error();
            return mesh.remove(at, slot);
        });
    }
    /// A write whose holders somebody wants to know.
    struct pending {
        core::proof wanted;
        std::uint64_t ticket = 0;
    };
    static pending await(core::mesh& mesh, const moment& at, const version& written, ack_level level) {
        pending p{{written.id, level, {}}, 0};
        if (level == ack_level::local()) return p;
        if (level == ack_level::all_up()) p.wanted.all = mesh.members_up();
        p.ticket = mesh.await_holders(at, written.id);
        return p;
    }
    [[nodiscard]] result<void> check_level(ack_level level) const {
        if (level == ack_level::majority() && settings.mesh_size == 0)
            return error{errc::bad_argument, "majority of what? options::mesh_size is not set"};
        return {};
    }
    /// Writes; in the same hold of the lock members are asked to acknowledge it.
    template <class Write>
    result<pending> begin(const stash_options& how, Write write) {
        if (forked()) return forked_error();
        if (const auto good = check_level(how.ack); !good) return good.error();
        return engine->write(
            [&](core::mesh& mesh, const moment& at) -> result<pending> {
                const auto written = write(mesh, at);
                if (!written) return written.error();
                return await(mesh, at, *written, how.ack);
            },
            how.within);
    }
    [[nodiscard]] result<stashed> prove(const result<pending>& begun, const stash_options& how) const {
        if (!begun) return begun.error();
        const version written{begun->wanted.id};
        if (how.ack == ack_level::local()) return stashed{written};
        const auto held = engine->wait_held(begun->wanted, begun->ticket, how.within);
        return stashed{written, held.copies, held.met};
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

// ---------------------------------------------------------------- registers, and keys of every type

result<stashed> node::stash(std::string_view key, std::string_view value, stash_options how) {
    const auto pending = impl_->begin(
        how, [&](core::mesh& mesh, const moment& at) { return mesh.stash(at, key, value, how.if_version); });
    return impl_->prove(pending, how);
}

result<stashed> node::stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                            stash_options how) {
    if (how.if_version) return error{errc::bad_argument, "if_version names one key, not several"};
    const auto pending =
        impl_->begin(how, [&](core::mesh& mesh, const moment& at) { return mesh.stash_all(at, all); });
    return impl_->prove(pending, how);
}

std::future<result<stashed>> node::stash_async(std::string_view key, std::string_view value,
                                               stash_options how) {
    auto promised = std::make_shared<std::promise<result<stashed>>>();
    auto answer = promised->get_future();
    auto pending = impl_->begin(
        how, [&](core::mesh& mesh, const moment& at) { return mesh.stash(at, key, value, how.if_version); });
    if (!pending) {
        promised->set_value(pending.error());
    } else if (how.ack == ack_level::local()) {
        promised->set_value(stashed{version{pending->wanted.id}});
    } else {
        const version written{pending->wanted.id};
        impl_->engine->when_held(std::move(pending->wanted), pending->ticket, how.within,
                                 [promised, written](const holding& held) {
                                     promised->set_value(stashed{written, held.copies, held.met});
                                 });
    }
    return answer;
}

result<stashed> node::confirm(version written, ack_level level, std::chrono::milliseconds within) const {
    if (impl_->forked()) return forked_error();
    if (const auto good = impl_->check_level(level); !good) return good.error();
    auto pending = impl_->engine->with([&](core::mesh& mesh) -> result<impl::pending> {
        if (!mesh.state().has_seen(written.id) || written.id.counter == 0)
            return error{errc::unknown_version, "this node has not seen " + written.id.to_string()};
        return impl::await(mesh, shell::io_thread::now(), written, level);
    });
    return impl_->prove(pending, {level, within, {}});
}

// A set or map goes as a whole: all of it has to be there first.
result<bool> node::drop(std::string_view key) {
    if (impl_->forked()) return forked_error();
    for (;;) {
        const auto dropped =
            impl_->engine->write([&](core::mesh& mesh, const moment& at) -> result<std::optional<bool>> {
                if (mesh.state().folding() && mesh.state().has_typed_keys()) return std::optional<bool>{};
                const auto done = mesh.drop(at, key);
                if (!done) return done.error();
                return std::optional(*done);
            });
        if (!dropped) return dropped.error();
        if (*dropped) return **dropped;
        impl_->finish_folding();
    }
}

result<picked> node::pickup(std::string_view key, pickup_options how) const {
    if (impl_->forked()) return forked_error();
    const slot_name slot{value_type::reg, key, {}};
    std::optional<error> bad;
    picked answer;
    const auto look = [&](core::mesh& mesh) {
        if (const auto good = check(mesh, slot); !good) {
            bad = good.error();
            return true;
        }
        answer = pick(mesh.state(), slot);
        return answer.found();
    };
    const auto judge = [&](core::mesh& mesh, std::uint64_t question) {
        if (look(mesh)) return true;
        explain(answer, mesh, key, question);
        return how.until == pickup_until::known && answer.outcome == pickup_outcome::absent_confirmed;
    };
    if (how.within.count() <= 0) {
        impl_->engine->with([&](core::mesh& mesh) { return judge(mesh, 0); });
    } else if (!impl_->engine->with(look)) {
        impl_->engine->ask(how.within, judge);
    }
    if (bad) return *bad;
    return answer;
}

result<std::vector<picked>> node::siblings(std::string_view key) const {
    const slot_name slot{value_type::reg, key, {}};
    return impl_->read(slot, [&](store& state) { return pick_all(state, slot); });
}

strings node::keys(std::string_view prefix) const {
    strings all;
    if (impl_->forked()) return all;
    if (!prefix.empty()) {
        std::string from;
        const auto slice = [&](core::mesh& mesh) {
            if (!mesh.order(shell::io_thread::now())) return true; // not all of it is built yet
            const bool more = mesh.state().keys_from(prefix, from, keys_slice, all);
            if (!all.empty()) from = all.back() + '\0';
            return more;
        };
        while (impl_->when_folded(slice)) {
        }
        return all;
    }
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) {
        impl_->when_folded([&](core::mesh& mesh) {
            mesh.state().keys_of(shard, prefix, all);
            return true;
        });
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end()); // of two types
    return all;
}

// ---------------------------------------------------------------- typed values

result<version> node::add(std::string_view key, std::int64_t amount) {
    if (impl_->forked()) return forked_error();
    return impl_->engine->write(
        [&](core::mesh& mesh, const moment& at) { return mesh.add(at, key, amount); });
}
result<std::optional<std::int64_t>> node::count(std::string_view key) const {
    return impl_->read({value_type::counter, key, {}}, [&](store& state) { return state.count(key); });
}

result<version> node::insert(std::string_view key, std::string_view element) {
    return impl_->put({value_type::set, key, element}, {});
}
result<bool> node::erase(std::string_view key, std::string_view element) {
    return impl_->remove({value_type::set, key, element});
}
result<bool> node::contains(std::string_view key, std::string_view element) const {
    const slot_name slot{value_type::set, key, element};
    return impl_->read(slot, [&](store& state) { return state.read(slot).has_value(); });
}
result<strings> node::elements(std::string_view key) const { return impl_->members(value_type::set, key); }

result<version> node::set_field(std::string_view key, std::string_view field, std::string_view value) {
    return impl_->put({value_type::map, key, field}, value);
}
result<picked> node::field(std::string_view key, std::string_view field) const {
    const slot_name slot{value_type::map, key, field};
    return impl_->read(slot, [&](store& state) { return pick(state, slot); });
}
result<std::vector<picked>> node::field_siblings(std::string_view key, std::string_view field) const {
    const slot_name slot{value_type::map, key, field};
    return impl_->read(slot, [&](store& state) { return pick_all(state, slot); });
}
result<bool> node::erase_field(std::string_view key, std::string_view field) {
    return impl_->remove({value_type::map, key, field});
}
result<strings> node::fields(std::string_view key) const { return impl_->members(value_type::map, key); }

result<version> node::enable(std::string_view key) { return impl_->put({value_type::flag, key, {}}, {}); }
result<bool> node::disable(std::string_view key) { return impl_->remove({value_type::flag, key, {}}); }
result<bool> node::enabled(std::string_view key) const {
    const slot_name slot{value_type::flag, key, {}};
    return impl_->read(slot, [&](store& state) { return state.read(slot).has_value(); });
}

// ---------------------------------------------------------------- the mesh

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
    return impl_->when_folded([](core::mesh& mesh) { return mesh.state().state_digest()->to_string(); });
}

std::vector<dot> node::cut() const {
    if (impl_->forked()) return {};
    return impl_->engine->with([](core::mesh& mesh) {
        const auto seen = mesh.state().seen();
        return std::vector<dot>(seen.entries().begin(), seen.entries().end());
    });
}

} // namespace baton
