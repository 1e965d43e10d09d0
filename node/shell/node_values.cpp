// What a node holds: registers and typed values, written and read.
#include "shell/claiming.hpp"
#include "shell/node_impl.hpp"

#include <baton/watch.hpp>

#include <algorithm>
#include <system_error>

namespace baton {

namespace {

constexpr std::size_t keys_slice = 256;

value_kind kind_of(value_type type) {
    switch (type) {
    case value_type::counter:
        return value_kind::counter;
    case value_type::set:
        return value_kind::set;
    case value_type::map:
        return value_kind::map;
    case value_type::flag:
        return value_kind::flag;
    default:
        return value_kind::reg;
    }
}

picked pick(store& state, const slot_name& slot) {
    std::size_t live = 0;
    const auto found = state.read(slot, &live);
    if (!found) return {pickup_outcome::absent_unsynced, {}, {}, 0};
    return {pickup_outcome::found, std::string(found->value), version{found->id}, live - 1, {}, found->epoch};
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
              std::move(known.who),
              0,
              std::move(known.seeds)};
}

std::vector<picked> pick_all(store& state, const slot_name& slot) {
    std::vector<record_view> records;
    state.siblings(slot, records);
    std::vector<picked> all;
    for (const auto& each : records) {
        all.push_back({pickup_outcome::found,
                       std::string(each.value),
                       version{each.id},
                       records.size() - 1,
                       {},
                       each.epoch});
    }
    return all;
}

} // namespace

// ---------------------------------------------------------------- registers, and keys of every type

result<stashed> node::stash(std::string_view key, std::string_view value, stash_options how) {
    const auto pending = impl_->begin(how, [&](core::mesh& mesh, const moment& at) {
        return mesh.stash(at, key, value, how.if_version, shell::ttl_of(how.ttl));
    });
    return impl_->prove(pending, how);
}

result<stashed> node::stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                            stash_options how) {
    if (how.if_version) return error{errc::bad_argument, "if_version names one key, not several"};
    const auto pending = impl_->begin(how, [&](core::mesh& mesh, const moment& at) {
        return mesh.stash_all(at, all, shell::ttl_of(how.ttl));
    });
    return impl_->prove(pending, how);
}

std::future<result<stashed>> node::stash_async(std::string_view key, std::string_view value,
                                               stash_options how) {
    auto promised = std::make_shared<std::promise<result<stashed>>>();
    auto answer = promised->get_future();
    auto pending = impl_->begin(how, [&](core::mesh& mesh, const moment& at) {
        return mesh.stash(at, key, value, how.if_version, shell::ttl_of(how.ttl));
    });
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
        impl_->know_types();
        impl_->engine->with([&](core::mesh& mesh) { return judge(mesh, 0); });
    } else if (!impl_->engine->with(look)) {
        impl_->know_types();
        impl_->engine->ask(how.within, judge);
    }
    if (bad) return *bad;
    return answer;
}

result<std::vector<picked>> node::siblings(std::string_view key) const {
    const slot_name slot{value_type::reg, key, {}};
    return impl_->read(slot, [&](store& state) { return pick_all(state, slot); });
}

result<version> node::resolve(std::string_view key, std::string_view value,
                              const std::vector<version>& shown) {
    if (impl_->forked()) return forked_error();
    return impl_->engine->write(
        [&](core::mesh& mesh, const moment& at) { return mesh.resolve(at, key, value, shown); });
}

// An absent key is waited for, and one that goes again before it is claimed once more.
result<claim_handle> node::claim(std::string_view key, claim_options how) {
    using std::chrono::steady_clock, std::chrono::milliseconds;
    if (impl_->forked()) return forked_error();
    if (how.lease && how.lease->count() <= 0)
        return error{errc::bad_option, "the lease of a claim must be positive"};
    std::optional<mesh_clock::duration> lease;
    if (how.lease) lease = shell::io_thread::bounded(*how.lease);
    const auto until = steady_clock::now() + shell::io_thread::bounded(how.within);
    for (;;) {
        auto grant = impl_->engine->write(
            [&](core::mesh& mesh, const moment& at) { return mesh.claim(at, key, lease, how.if_free); });
        if (grant) {
            auto body = std::make_unique<claim_handle::body>(claim_handle::body{
                impl_->handles, std::string(key), grant->number, grant->epoch, std::move(grant->shown)});
            return claim_handle(std::move(body));
        }
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        if (grant.error().code != errc::absent || left.count() <= 0) return grant.error();
        impl_->engine->wait_for(left, [&](core::mesh& mesh) { return mesh.state().read(key).has_value(); });
    }
}

result<void> node::merge_with(std::string_view prefix, merge_function merge) {
    if (impl_->forked()) return forked_error();
    if (prefix.size() > key_bytes_max)
        return error{errc::key_too_long, "the prefix is longer than any key can be"};
    try {
        std::call_once(impl_->merging,
                       [this] { impl_->merger = std::make_unique<shell::merger>(*impl_->engine); });
    } catch (const std::system_error& failure) {
        return error{errc::network, std::string("no thread for merge functions: ") + failure.what()};
    }
    impl_->merger->add(prefix, std::move(merge));
    return {};
}

result<strings> node::keys(std::string_view prefix) const {
    if (impl_->forked()) return forked_error();
    strings all;
    if (impl_->forked()) return all;
    if (!prefix.empty()) {
        std::string from;
        const auto slice = [&](core::mesh& mesh) {
            if (!mesh.order(shell::io_thread::now())) return true; // not all of it is built yet
            auto next = mesh.state().keys_from(prefix, from, keys_slice, all);
            if (next) from = *std::move(next);
            return next.has_value();
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

result<watch_handle> node::watch(std::string_view prefix, change_handler handler) {
    if (impl_->forked()) return forked_error();
    if (!handler) return error{errc::bad_option, "watch: there is no handler"};
    if (!prefix.empty()) {
        const auto good = impl_->engine->with([&](const core::mesh& mesh) { return mesh.check_key(prefix); });
        if (!good) return good.error();
    }
    return impl_->watches->watch(std::string(prefix), std::move(handler));
}

// ---------------------------------------------------------------- typed values

result<std::vector<value_kind>> node::types(std::string_view key) const {
    if (!impl_->forked()) impl_->know_types();
    return impl_->read({value_type::reg, key, {}}, [&](store& state) {
        std::vector<value_kind> all;
        const auto held = state.types_of(key);
        for (const auto type :
             {value_type::reg, value_type::counter, value_type::set, value_type::map, value_type::flag}) {
            if ((held >> static_cast<unsigned>(type) & 1) != 0) all.push_back(kind_of(type));
        }
        return all;
    });
}

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

} // namespace baton
