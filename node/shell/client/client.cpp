#include "shell/client/client_impl.hpp"
#include "shell/key_files.hpp"
#include "shell/node_impl.hpp"
#include "shell/text.hpp"
#include "wire/codec.hpp"

#include <baton/client.hpp>
#include <baton/watch.hpp>

#include <sodium.h>

#include <algorithm>

namespace baton {

using namespace std::chrono_literals;
using shell::call_of, shell::kept_call, shell::kept_reply, shell::malformed, shell::set_level, shell::set_ttl,
    shell::set_within, shell::stored_by, shell::written_by;
using wire::client::call, wire::client::reply, wire::client::verb;

namespace {

result<pickup_result> picked_up(kept_reply got) {
    pickup_result made;
    if ((got.what.flags & reply::yes) != 0) {
        static_cast<stored_value&>(made) = stored_by(std::move(got));
        return made;
    }
    made.outcome = static_cast<pickup_outcome>(got.what.outcome);
    auto names = wire::client::read_entries(got.value);
    if (!names || names->empty()) return malformed();
    for (std::string_view who = names->front(); who.size() >= 16; who.remove_prefix(16))
        made.who.push_back(*replica_id::from_bytes(who.substr(0, 16)));
    made.seeds.assign(names->begin() + 1, names->end());
    return made;
}

std::optional<member> member_in(std::string_view text) {
    wire::byte_reader in(text);
    member made;
    const auto next = [&] {
        const auto size = in.varint();
        return in.bytes(size);
    };
    const auto id = replica_id::from_bytes(next());
    made.name = next();
    made.endpoint = next();
    made.client_endpoint = next();
    const auto state = in.varint();
    made.synced = in.varint() != 0;
    made.lag = in.varint();
    made.lag_age = std::chrono::milliseconds{in.varint()};
    const auto round_trip = in.varint();
    if (!in.ok() || !id || state > static_cast<std::uint64_t>(member_state::crashed)) return std::nullopt;
    made.id = *id;
    made.state = static_cast<member_state>(state);
    if (round_trip != 0) made.round_trip = std::chrono::microseconds{round_trip - 1};
    return made;
}

result<std::optional<client_key>> key_of(const client_options& settings) {
    if (settings.key || settings.key_file.empty()) return settings.key;
    const auto text = shell::read_secret_file(settings.key_file);
    if (!text) return text.error();
    if (auto made = client_key::from_text(*text)) return std::optional(*std::move(made));
    const auto keys = shell::read_key_file(settings.key_file);
    if (!keys) return keys.error();
    return std::optional(client_key::derive(keys->front()));
}

} // namespace

client::client(std::shared_ptr<impl> body)
    : impl_(std::move(body)) {}
client::client(client&&) noexcept = default;
client& client::operator=(client&& other) noexcept {
    if (this != &other) {
        client former(std::move(*this)); // closes it
        impl_ = std::move(other.impl_);
    }
    return *this;
}
// Claims may hold the body for a call of theirs; it is closed here.
client::~client() {
    if (impl_) close();
}

// The engine fails what is under way and what comes later; the body stays for those who are about to call.
void client::close() {
    if (impl_->forked()) return;
    impl_->engine->close(); // a handler's call ends
    std::shared_ptr<shell::client_watches> watches;
    {
        const std::lock_guard lock(impl_->watches_mutex);
        watches = std::exchange(impl_->watches_made, nullptr);
    }
    if (watches) watches->stop();
}

result<client> client::connect(client_options settings) {
    if (settings.name.size() > wire::name_bytes_max || settings.cluster.empty() ||
        settings.cluster.size() > wire::name_bytes_max)
        return error{errc::bad_option, "name must be at most 64 bytes, and cluster 1 to 64"};
    if (sodium_init() < 0) return error{errc::bad_key, "libsodium finds no source of random numbers"};
    auto key = key_of(settings);
    if (!key) return key.error();
    shell::count_forks();
    const shell::undisturbed whole;
    try {
        auto doors = shell::finder::open(settings, *key);
        if (!doors) return doors.error();
        if (!shell::can_start_threads(3)) return error{errc::network, "no thread to be had for a client"};
        auto body = std::make_shared<impl>();
        body->fork_generation = shell::forks();
        body->settings = std::move(settings);
        body->key = *key;
        body->engine =
            std::make_unique<shell::client_engine>(body->settings, *std::move(key), *std::move(doors));
        if (const auto open = body->engine->wait_open(body->settings.reach_within); !open)
            return open.error();
        return client(std::move(body));
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& failure) {
        return error{errc::network, std::string("connect: ") + failure.what()};
    }
}

// ---------------------------------------------------------------- registers

std::future<result<write_result>> client::stash_async(std::string_view key, std::string_view value,
                                                      stash_terms how) {
    auto what = call_of(verb::stash, key, {}, value);
    if (const auto good = set_ttl(what, how.ttl); !good) {
        std::promise<result<write_result>> none;
        none.set_value(good.error());
        return none.get_future();
    }
    if (how.if_version) {
        what.what.flags |= call::if_version;
        what.what.expected = how.if_version->id;
    }
    return impl_->write_async(std::move(what), {how.ack, how.within, how.retry});
}

result<write_result> client::stash(std::string_view key, std::string_view value, stash_terms how) {
    return stash_async(key, value, how).get();
}

std::future<result<pickup_result>> client::pickup_async(std::string_view key, pickup_options how) {
    auto what = call_of(verb::pickup, key);
    set_within(what, how.within);
    if (how.until == pickup_until::known) what.what.flags |= call::until_known;
    return impl_->send<result<pickup_result>>(std::move(what), client_retry::never, picked_up);
}

result<pickup_result> client::pickup(std::string_view key, pickup_options how) {
    return pickup_async(key, how).get();
}

result<write_result> client::stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                                   stash_terms how) {
    if (how.if_version)
        return error{errc::bad_argument, "if_version is for a stash of one key, not of several"};
    auto what = call_of(verb::stash_all);
    for (const auto& [key, value] : all) {
        wire::client::put_entry(what.value, key);
        wire::client::put_entry(what.value, value);
    }
    if (const auto good = set_ttl(what, how.ttl); !good) return good.error();
    return impl_->write(std::move(what), {how.ack, how.within, how.retry});
}

result<std::vector<stored_value>> client::siblings(std::string_view key) {
    return impl_->siblings(call_of(verb::siblings, key));
}

result<write_result> client::resolve(std::string_view key, std::string_view value,
                                     const std::vector<version>& replaced, write_terms how) {
    if (replaced.size() > wire::client::replaced_max)
        return error{errc::bad_argument, "a client replaces at most 2,000 versions at a time"};
    std::vector<dot> ids;
    ids.reserve(replaced.size());
    for (const auto& each : replaced) ids.push_back(each.id);
    return impl_->write(call_of(verb::resolve, key, {}, wire::client::encode_resolution(ids, value)), how);
}

result<write_result> client::drop(std::string_view key, write_terms how) {
    return impl_->write(call_of(verb::drop, key), how);
}

result<write_result> client::confirm(version written, ack_level level, std::chrono::milliseconds within) {
    auto what = call_of(verb::confirm);
    what.what.expected = written.id;
    set_level(what, level, within);
    return impl_->ask(std::move(what)).transform(written_by);
}

// ---------------------------------------------------------------- typed values

result<write_result> client::add(std::string_view key, std::int64_t amount, write_terms how) {
    auto what = call_of(verb::add, key);
    what.what.amount = wire::zigzag(static_cast<std::uint64_t>(amount));
    return impl_->write(std::move(what), how);
}
result<std::optional<std::int64_t>> client::count(std::string_view key) {
    return impl_->ask(call_of(verb::count, key)).transform([](const kept_reply& got) {
        const bool is = (got.what.flags & reply::yes) != 0;
        return is ? std::optional(static_cast<std::int64_t>(wire::unzigzag(got.what.total))) : std::nullopt;
    });
}
result<write_result> client::insert(std::string_view key, std::string_view element, write_terms how) {
    return impl_->write(call_of(verb::insert, key, element), how);
}
result<write_result> client::erase(std::string_view key, std::string_view element, write_terms how) {
    return impl_->write(call_of(verb::erase, key, element), how);
}
result<bool> client::contains(std::string_view key, std::string_view element) {
    return impl_->is(call_of(verb::contains, key, element));
}
result<std::vector<std::string>> client::elements(std::string_view key) {
    return impl_->all_pages(verb::elements, key);
}
result<write_result> client::set_field(std::string_view key, std::string_view field, std::string_view value,
                                       write_terms how) {
    return impl_->write(call_of(verb::set_field, key, field, value), how);
}
result<std::optional<stored_value>> client::field(std::string_view key, std::string_view field) {
    return impl_->ask(call_of(verb::field, key, field)).transform([](kept_reply got) {
        const bool is = (got.what.flags & reply::yes) != 0;
        return is ? std::optional(stored_by(std::move(got))) : std::nullopt;
    });
}
result<std::vector<stored_value>> client::field_siblings(std::string_view key, std::string_view field) {
    return impl_->siblings(call_of(verb::field_siblings, key, field));
}
result<write_result> client::erase_field(std::string_view key, std::string_view field, write_terms how) {
    return impl_->write(call_of(verb::erase_field, key, field), how);
}
result<std::vector<std::string>> client::fields(std::string_view key) {
    return impl_->all_pages(verb::fields, key);
}
result<write_result> client::enable(std::string_view key, write_terms how) {
    return impl_->write(call_of(verb::enable, key), how);
}
result<write_result> client::disable(std::string_view key, write_terms how) {
    return impl_->write(call_of(verb::disable, key), how);
}
result<bool> client::enabled(std::string_view key) { return impl_->is(call_of(verb::enabled, key)); }
result<std::vector<value_kind>> client::types(std::string_view key) {
    return impl_->ask(call_of(verb::types, key)).transform([](const kept_reply& got) {
        std::vector<value_kind> all;
        for (const auto each :
             {value_kind::reg, value_kind::counter, value_kind::set, value_kind::map, value_kind::flag}) {
            if ((got.what.total >> static_cast<unsigned>(each) & 1) != 0) all.push_back(each);
        }
        return all;
    });
}

// ---------------------------------------------------------------- lists, and the mesh

result<name_page> client::keys_page(std::string_view prefix, std::string_view from) {
    return impl_->page(verb::keys, prefix, from);
}
result<std::vector<std::string>> client::keys(std::string_view prefix) {
    return impl_->all_pages(verb::keys, prefix);
}

result<std::vector<member>> client::members() {
    const auto got = impl_->ask(call_of(verb::members));
    if (!got) return got.error();
    const auto entries = wire::client::read_entries(got->value);
    if (!entries) return malformed();
    std::vector<member> all;
    for (const auto& each : *entries) {
        auto one = member_in(each);
        if (!one) return malformed();
        all.push_back(*std::move(one));
    }
    return all;
}

result<node_stats> client::stats() {
    const auto got = impl_->ask(call_of(verb::stats));
    if (!got) return got.error();
    const auto entries = wire::client::read_entries(got->value);
    if (!entries) return malformed();
    constexpr std::string_view refused = "refused: ";
    node_stats made;
    for (const auto& each : *entries) {
        wire::byte_reader in(each);
        const auto size = in.varint();
        const auto name = in.bytes(size);
        const auto number = in.varint();
        if (!in.ok()) return malformed();
        if (name.starts_with(refused))
            made.refused_by_reason.emplace_back(name.substr(refused.size()), number);
        for (const auto& field : all_stats()) {
            if (field.name == name) made.*field.value = number;
        }
    }
    auto who = members();
    if (!who) return who.error();
    made.members.assign(who->begin() + (who->empty() ? 0 : 1), who->end());
    return made;
}

result<std::chrono::nanoseconds> client::ping() {
    const auto start = std::chrono::steady_clock::now();
    const auto got = impl_->ask(call_of(verb::ping));
    if (!got) return got.error();
    return std::chrono::nanoseconds{std::chrono::steady_clock::now() - start};
}

result<leave_report> client::leave(std::string_view member_name,
                                   std::optional<std::chrono::milliseconds> within) {
    const auto all = members();
    if (!all) return all.error();
    std::vector<member> fitting;
    for (const auto& each : *all) {
        const bool is_there = each.state == member_state::up || each.state == member_state::suspect;
        if (is_there && (each.name == member_name || each.id.to_string() == member_name))
            fitting.push_back(each);
    }
    const auto named = "'" + shell::printable(member_name) + "'";
    if (fitting.empty()) return error{errc::absent, "no member in view is called " + named};
    if (fitting.size() > 1)
        return error{errc::bad_argument,
                     std::to_string(fitting.size()) + " members are called " + named + ": give the id"};
    const auto& who = fitting.front();
    if (who.id == talks_to()) return impl_->leave(within);
    if (who.client_endpoint.empty())
        return error{errc::unreachable, named + " has no door for clients: stop its process instead"};
    auto settings = impl_->settings;
    settings.seeds = {who.client_endpoint};
    auto other = connect(std::move(settings));
    if (!other) return other.error();
    if (other->talks_to() != who.id)
        return error{errc::unreachable, "another member answers at " + who.client_endpoint};
    return other->impl_->leave(within);
}

// ---------------------------------------------------------------- watches

result<client_watch> client::watch(std::string_view prefix, change_handler handler) {
    if (impl_->forked()) return shell::forked_error();
    auto made = impl_->watches(impl_)->watch(std::string(prefix), std::move(handler));
    if (!made) return made.error();
    return client_watch(*std::move(made));
}

std::shared_ptr<shell::client_watches> client::impl::watches(const std::shared_ptr<impl>& self) {
    const std::lock_guard lock(watches_mutex);
    if (!watches_made) {
        const std::weak_ptr<impl> held = self; // the watches may outlive the client
        watches_made = std::make_shared<shell::client_watches>(
            shell::client_watches::line{[held](shell::client_op op) {
                                            if (const auto of = held.lock())
                                                return of->engine->submit(std::move(op));
                                            op.done(error{errc::unreachable, "the client is closed"});
                                        },
                                        [held](kept_call what) -> result<kept_reply> {
                                            if (const auto of = held.lock()) return of->ask(std::move(what));
                                            return error{errc::unreachable, "the client is closed"};
                                        }});
    }
    return watches_made;
}

// ---------------------------------------------------------------- the session

std::optional<replica_id> client::talks_to() const {
    return impl_->forked() ? std::nullopt : impl_->engine->talks_to();
}
std::vector<lost_write> client::lost_writes() const {
    return impl_->forked() ? std::vector<lost_write>{} : impl_->engine->lost_writes();
}
void client::accept_loss() {
    if (!impl_->forked()) impl_->engine->accept_loss();
}

} // namespace baton
