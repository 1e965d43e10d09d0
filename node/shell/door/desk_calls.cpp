// What the calls of clients do: permissions, writes, proofs, leaves.
#include "shell/calls.hpp"
#include "shell/door/desk.hpp"
#include "shell/node_impl.hpp"
#include "wire/codec.hpp"

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;
namespace client = wire::client;
using client::verb;
using crdt::slot_name, crdt::value_type;

namespace {

ack_level level_of(const client::call& f) {
    switch (f.level) {
    case 1:
        return ack_level::copies(f.copies);
    case 2:
        return ack_level::majority();
    case 3:
        return ack_level::all_up();
    default:
        return ack_level::local();
    }
}

client_role role_for(verb what) {
    if (what == verb::leave) return client_role::admin;
    return client::is_write(what) ? client_role::write : client_role::read;
}

/// Calls that are about the member itself, whatever the client has seen elsewhere.
bool is_about_member(verb what) {
    return what == verb::ping || what == verb::members || what == verb::stats || what == verb::leave ||
           what == verb::unwatch;
}

error not_reached() { return {errc::refused, "the key of this client does not reach this name"}; }

/// No other member is in view that could hold a copy.
bool is_alone(core::mesh& mesh) {
    if (!mesh.members_up().empty()) return false;
    const auto all = mesh.members();
    return std::none_of(all.begin(), all.end(), [](const member& each) {
        return each.state == member_state::suspect || each.state == member_state::contacting;
    });
}

} // namespace

std::chrono::milliseconds desk::within_of(const call& f) {
    return io_thread::bounded(std::chrono::milliseconds{f.within_ms});
}

std::optional<std::chrono::milliseconds> desk::ttl_of(const call& f) {
    return f.ttl_ms != 0 ? std::optional(std::chrono::milliseconds{f.ttl_ms}) : std::nullopt;
}

// A call waits for what the client has seen elsewhere: so it reads its own writes, and never goes back.
void desk::begin(guest& of, const call& f) {
    const bool has_key = !is_about_member(f.what) && f.what != verb::confirm && f.what != verb::stash_all;
    if (!of.rights.may(role_for(f.what)))
        return fail(of, f,
                    {errc::refused, "the key of this client has the role " +
                                        std::string(to_string(of.rights.role)) + ", this call needs " +
                                        std::string(to_string(role_for(f.what)))});
    if (has_key && !of.rights.covers(f.key)) return fail(of, f, not_reached());
    if (of.owed.empty() || is_about_member(f.what)) return perform(of, f);
    if (of.behind.empty()) of.behind_since = now();
    of.behind.emplace_back(f);
}

void desk::perform(guest& of, const call& f) {
    switch (f.what) {
    case verb::ping:
        return answer(of, reply_to(f), false);
    case verb::leave:
        return leave(of, f);
    case verb::confirm:
        return confirm(of, f);
    case verb::claim:
        return claim(of, f);
    case verb::commit:
        return commit(of, f);
    case verb::release:
        return release(of, f);
    case verb::owns:
        return say_owns(of, f);
    case verb::watch:
        return watch(of, f);
    case verb::unwatch:
        return unwatch(of, f);
    default:
        return client::is_write(f.what) ? write(of, f) : read(of, f);
    }
}

// If no other member is in view, the level is not met and will not be soon: the client learns it at once.
write_options desk::options_of(const call& f) {
    const auto level = level_of(f);
    const bool waits = level != ack_level::local() && !engine_.with(is_alone);
    return {level, waits || level == ack_level::local() ? within_of(f) : std::chrono::milliseconds{0}};
}

void desk::write(guest& of, const call& f) {
    const auto how = options_of(f);
    const auto by = [&](write_of what) {
        begin_write(engine_, how, std::move(what), to_mail<write_result>(of, f));
    };
    const auto put = [&](value_type type, std::string_view value) {
        by([type, key = std::string(f.key), element = std::string(f.element),
            value = std::string(value)](core::mesh& mesh, const moment& at) {
            return mesh.put(at, {type, key, element}, value);
        });
    };
    const auto remove = [&](value_type type) {
        const removal_of what = [type, key = std::string(f.key), element = std::string(f.element)](
                                    core::mesh& mesh, const moment& at) -> result<bool> {
            const slot_name slot{type, key, element};
            if (const auto good = check(mesh, slot); !good) return good.error();
            return mesh.remove(at, slot);
        };
        begin_removal(engine_, how, what, false, to_mail<write_result>(of, f));
    };
    if (f.what == verb::stash || f.what == verb::resolve || f.what == verb::drop) {
        if (const auto not_free = owned_by_another(of, f.key)) return fail(of, f, *not_free);
    }
    switch (f.what) {
    case verb::stash_all:
        return write_several(of, f);
    case verb::resolve:
        return resolve(of, f);
    case verb::stash: {
        const auto expected =
            (f.flags & call::if_version) != 0 ? std::optional(version{f.expected}) : std::nullopt;
        return by([key = std::string(f.key), value = std::string(f.value), expected,
                   ttl = ttl_of(f)](core::mesh& mesh, const moment& at) {
            return mesh.stash(at, key, value, expected, ttl);
        });
    }
    case verb::add:
        return by([key = std::string(f.key), amount = static_cast<std::int64_t>(wire::unzigzag(f.amount))](
                      core::mesh& mesh, const moment& at) { return mesh.add(at, key, amount); });
    case verb::drop:
        return begin_removal(
            engine_, how,
            [key = std::string(f.key)](core::mesh& mesh, const moment& at) { return mesh.drop(at, key); },
            true, to_mail<write_result>(of, f));
    case verb::insert:
        return put(value_type::set, {});
    case verb::erase:
        return remove(value_type::set);
    case verb::set_field:
        return put(value_type::map, f.value);
    case verb::erase_field:
        return remove(value_type::map);
    case verb::enable:
        return put(value_type::flag, {});
    case verb::disable:
        return remove(value_type::flag);
    default:
        return fail(of, f, {errc::bad_argument, "this member does not know that call"});
    }
}

// `value` is a list: a key, its value, and so on.
void desk::write_several(guest& of, const call& f) {
    auto listed = client::read_entries(f.value);
    if (!listed || listed->size() % 2 != 0)
        return fail(of, f, {errc::malformed, "the keys and values cannot be read"});
    for (std::size_t i = 0; i < listed->size(); i += 2) {
        const auto& key = (*listed)[i];
        if (!of.rights.covers(key)) return fail(of, f, not_reached());
        if (const auto not_free = owned_by_another(of, key)) return fail(of, f, *not_free);
    }
    begin_write(
        engine_, options_of(f),
        [all = *std::move(listed), ttl = ttl_of(f)](core::mesh& mesh, const moment& at) {
            std::vector<std::pair<std::string_view, std::string_view>> pairs;
            for (std::size_t i = 0; i < all.size(); i += 2) pairs.emplace_back(all[i], all[i + 1]);
            return mesh.stash_all(at, pairs, ttl);
        },
        to_mail<write_result>(of, f));
}

void desk::resolve(guest& of, const call& f) {
    const auto how = client::decode_resolution(f.value);
    if (!how) return fail(of, f, {errc::malformed, "the versions to be replaced cannot be read"});
    std::vector<version> replaced;
    for (const auto& each : how->replaced) replaced.push_back(version{each});
    begin_write(
        engine_, options_of(f),
        [key = std::string(f.key), value = std::string(how->value),
         replaced = std::move(replaced)](core::mesh& mesh, const moment& at) {
            return mesh.registers().resolve(at, key, value, replaced);
        },
        to_mail<write_result>(of, f));
}

void desk::confirm(guest& of, const call& f) {
    const auto how = options_of(f);
    begin_confirm(engine_, version{f.expected}, how.ack, how.within, to_mail<write_result>(of, f));
}

void desk::leave(guest& of, const call& f) {
    if (engine_.is_leaving()) return fail(of, f, {errc::leaving, "this member leaves already"});
    event told;
    told.kind = event_kind::leaving;
    told.id = self_;
    told.name = settings_.name;
    told.reason = "asked by the client '" + of.name + "'";
    engine_.tell(std::move(told));
    const bool has_within = (f.flags & call::has_within) != 0;
    begin_leave(engine_, has_within ? within_of(f) : settings_.leave_within, 2, false,
                to_mail<leave_report>(of, f));
}

void desk::take(letter& from) {
    if (const auto* const search = std::get_if<search_letter>(&from)) return answer_search(*search);
    const auto& done = std::get<done_letter>(from);
    auto* const of = of_client(done.client);
    if (of == nullptr) { // forgotten meanwhile
        const auto* const grant = std::get_if<result<core::claim_grant>>(&done.with);
        if (grant != nullptr && *grant) (void)release(done.call.key, (*grant)->number);
        return;
    }
    const auto f = done.call.view();
    const auto end = [&](const auto& with) {
        if (with) return finish(*of, f, with);
        if (f.what == verb::commit && with.error().code == errc::claim_lost) note_loss(*of, f);
        fail(*of, f, with.error());
    };
    std::visit(end, done.with);
}

void desk::finish(guest& of, const call& f, const result<write_result>& done) {
    auto reply = reply_to(f);
    reply.what.written = done->written.id;
    reply.what.copies = done->copies;
    if (done->met) reply.what.flags |= client::reply::yes;
    if (done->changed) reply.what.flags |= client::reply::changed;
    answer(of, std::move(reply), client::is_write(f.what));
}

void desk::finish(guest& of, const call& f, const result<leave_report>& done) {
    auto reply = reply_to(f);
    reply.what.outcome = static_cast<std::uint64_t>(done->outcome);
    reply.what.copies = done->copies;
    reply.what.total = done->unsafe;
    reply.text = done->path.value_or(std::string{});
    answer(of, std::move(reply), true);
}

} // namespace baton::shell
