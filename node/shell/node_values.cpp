// Reads and writes registers and typed values.
#include "shell/calls.hpp"
#include "shell/claiming.hpp"
#include "shell/node_impl.hpp"
#include "shell/reading.hpp"

#include <baton/watch.hpp>

#include <algorithm>
#include <system_error>

namespace baton {

using namespace std::chrono_literals;

namespace {

using crdt::moment, crdt::record_view, crdt::slot_name, crdt::store, crdt::value_type;
using shell::absent, shell::stored, shell::value_in;
using strings = std::vector<std::string>;

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

} // namespace

// ---------------------------------------------------------------- registers, and keys of every type

result<write_result> node::stash(std::string_view key, std::string_view value, stash_options how) {
    return impl_->write({how.ack, how.within}, [&](core::mesh& mesh, const moment& at) {
        return mesh.stash(at, key, value, how.if_version, how.ttl);
    });
}

result<write_result> node::stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                                 stash_options how) {
    if (how.if_version)
        return error{errc::bad_argument, "if_version is for a stash of one key, not of several"};
    return impl_->write({how.ack, how.within},
                        [&](core::mesh& mesh, const moment& at) { return mesh.stash_all(at, all, how.ttl); });
}

std::future<result<write_result>> node::stash_async(std::string_view key, std::string_view value,
                                                    stash_options how) {
    auto promised = std::make_shared<std::promise<result<write_result>>>();
    auto answer = promised->get_future();
    if (impl_->forked()) {
        promised->set_value(shell::forked_error());
        return answer;
    }
    shell::begin_write(
        *impl_->engine, {how.ack, how.within},
        [key = std::string(key), value = std::string(value), how](core::mesh& mesh, const moment& at) {
            return mesh.stash(at, key, value, how.if_version, how.ttl);
        },
        [promised](result<write_result> done) { promised->set_value(std::move(done)); });
    return answer;
}

result<write_result> node::confirm(version written, ack_level level, std::chrono::milliseconds within) const {
    if (impl_->forked()) return shell::forked_error();
    const auto pending = impl_->engine->with(
        [&](core::mesh& mesh) { return shell::await_known(mesh, shell::io_thread::now(), written, level); });
    return shell::prove(*impl_->engine, pending, within);
}

// A set or map is dropped as a whole, so all of it has to be folded in first.
result<write_result> node::drop(std::string_view key, write_options how) {
    for (;;) {
        bool whole = true;
        auto dropped = impl_->write(how, [&](core::mesh& mesh, const moment& at) -> result<bool> {
            whole = !(mesh.state().folding() && mesh.state().has_typed_keys());
            if (!whole) return false;
            return mesh.drop(at, key);
        });
        if (!dropped || whole) return dropped;
        impl_->finish_folding();
    }
}

result<pickup_result> node::pickup(std::string_view key, pickup_options how) const {
    if (impl_->forked()) return shell::forked_error();
    const slot_name slot{value_type::reg, key, {}};
    std::optional<error> bad;
    pickup_result answer;
    const auto look = [&](core::mesh& mesh) {
        if (const auto good = shell::check(mesh, slot); !good) {
            bad = good.error();
            return true;
        }
        auto found = value_in(mesh.state(), slot);
        if (!found) return false;
        answer = {std::move(*found), pickup_outcome::found, {}, {}};
        return true;
    };
    const auto judge = [&](core::mesh& mesh, std::uint64_t question) {
        if (look(mesh)) return true;
        answer = absent(mesh, key, [&] { return mesh.judge_absence(question); });
        return how.until == pickup_until::known && answer.outcome == pickup_outcome::absent_confirmed;
    };
    if (how.within.value_or(0ms) <= 0ms) {
        impl_->know_types();
        impl_->engine->with([&](core::mesh& mesh) { return judge(mesh, 0); });
    } else if (!impl_->engine->with(look)) {
        impl_->know_types();
        impl_->engine->ask(*how.within, judge);
    }
    if (bad) return *bad;
    return answer;
}

result<std::vector<stored_value>> node::siblings(std::string_view key) const {
    const slot_name slot{value_type::reg, key, {}};
    return impl_->read(slot, [&](store& state) { return shell::values_in(state, slot); });
}

result<write_result> node::resolve(std::string_view key, std::string_view value,
                                   const std::vector<version>& replaced, write_options how) {
    return impl_->write(how, [&](core::mesh& mesh, const moment& at) {
        return mesh.registers().resolve(at, key, value, replaced);
    });
}

// Waits for an absent key, and again if the key goes before it is claimed.
result<claim_handle> node::claim(std::string_view key, claim_options how) {
    using std::chrono::steady_clock, std::chrono::milliseconds;
    if (impl_->forked()) return shell::forked_error();
    if (how.lease && how.lease->count() <= 0)
        return error{errc::bad_option, "the lease of a claim must be positive"};
    const auto terms = shell::terms_of(how);
    const auto until = steady_clock::now() + shell::io_thread::bounded(how.within.value_or(0ms));
    for (;;) {
        auto grant = impl_->engine->write(
            [&](core::mesh& mesh, const moment& at) { return mesh.registers().claim(at, key, terms); });
        if (grant) {
            return claim_handle(
                std::make_unique<claim_handle::body>(impl_->handles, std::string(key), *std::move(grant)));
        }
        const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
        if (grant.error().code != errc::absent || left.count() <= 0) return grant.error();
        impl_->engine->wait_for(left, [&](core::mesh& mesh) { return mesh.state().read(key).has_value(); });
    }
}

result<void> node::merge_with(std::string_view prefix, merge_function merge) {
    if (impl_->forked()) return shell::forked_error();
    if (prefix.size() > crdt::key_bytes_max)
        return error{errc::key_too_long, "the prefix is longer than any key can be"};
    try {
        std::call_once(impl_->merging,
                       [this] { impl_->merger = std::make_unique<shell::merger>(*impl_->engine); });
    } catch (const std::system_error& failure) {
        return error{errc::network,
                     std::string("cannot start the thread for merge functions: ") + failure.what()};
    }
    impl_->merger->add(prefix, std::move(merge));
    return {};
}

result<strings> node::keys(std::string_view prefix) const {
    if (impl_->forked()) return shell::forked_error();
    strings all;
    if (!prefix.empty()) {
        std::string from;
        const auto slice = [&](core::mesh& mesh) {
            if (!mesh.order(shell::io_thread::now())) return true; // the index is not complete yet
            auto next = mesh.state().keys_from(prefix, from, keys_slice, all);
            if (!next) return false;
            from = *std::move(next);
            return true;
        };
        while (impl_->when_folded(slice)) {
        }
        return all;
    }
    for (std::size_t shard = 0; shard < crdt::key_index::shards; ++shard) {
        impl_->when_folded([&](core::mesh& mesh) {
            mesh.state().keys_of(shard, prefix, all);
            return true;
        });
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end()); // a key with two types is listed twice
    return all;
}

result<watch_handle> node::watch(std::string_view prefix, change_handler handler) {
    if (impl_->forked()) return shell::forked_error();
    if (!handler) return error{errc::bad_option, "watch: the handler is empty"};
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

result<write_result> node::add(std::string_view key, std::int64_t amount, write_options how) {
    return impl_->write(how, [&](core::mesh& mesh, const moment& at) { return mesh.add(at, key, amount); });
}
result<std::optional<std::int64_t>> node::count(std::string_view key) const {
    return impl_->read({value_type::counter, key, {}}, [&](store& state) { return state.count(key); });
}

result<write_result> node::insert(std::string_view key, std::string_view element, write_options how) {
    return impl_->put({value_type::set, key, element}, {}, how);
}
result<write_result> node::erase(std::string_view key, std::string_view element, write_options how) {
    return impl_->remove({value_type::set, key, element}, how);
}
result<bool> node::contains(std::string_view key, std::string_view element) const {
    const slot_name slot{value_type::set, key, element};
    return impl_->read(slot, [&](store& state) { return state.read(slot).has_value(); });
}
result<strings> node::elements(std::string_view key) const { return impl_->members(value_type::set, key); }

result<write_result> node::set_field(std::string_view key, std::string_view field, std::string_view value,
                                     write_options how) {
    return impl_->put({value_type::map, key, field}, value, how);
}
result<std::optional<stored_value>> node::field(std::string_view key, std::string_view field) const {
    const slot_name slot{value_type::map, key, field};
    return impl_->read(slot, [&](store& state) { return value_in(state, slot); });
}
result<std::vector<stored_value>> node::field_siblings(std::string_view key, std::string_view field) const {
    const slot_name slot{value_type::map, key, field};
    return impl_->read(slot, [&](store& state) { return shell::values_in(state, slot); });
}
result<write_result> node::erase_field(std::string_view key, std::string_view field, write_options how) {
    return impl_->remove({value_type::map, key, field}, how);
}
result<strings> node::fields(std::string_view key) const { return impl_->members(value_type::map, key); }

result<write_result> node::enable(std::string_view key, write_options how) {
    return impl_->put({value_type::flag, key, {}}, {}, how);
}
result<write_result> node::disable(std::string_view key, write_options how) {
    return impl_->remove({value_type::flag, key, {}}, how);
}
result<bool> node::enabled(std::string_view key) const {
    const slot_name slot{value_type::flag, key, {}};
    return impl_->read(slot, [&](store& state) { return state.read(slot).has_value(); });
}

} // namespace baton
