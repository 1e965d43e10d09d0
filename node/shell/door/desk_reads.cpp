// Reads of clients, which take one short hold of the lock each, and lists, which come in pages.
#include "shell/calls.hpp"
#include "shell/door/desk.hpp"
#include "shell/node_impl.hpp"
#include "shell/reading.hpp"
#include "wire/codec.hpp"

#include <baton/stats.hpp>

#include <algorithm>

namespace baton::shell {

namespace client = wire::client;
using client::verb;
using crdt::slot_name, crdt::value_type;

namespace {

constexpr std::size_t keys_slice = 256;

/// A value, or the part of it that the call asks for.
void show(kept_reply& into, const client::call& f, const stored_value& found) {
    into.what.flags = client::reply::yes;
    into.what.written = found.written.id;
    into.what.siblings = found.siblings;
    into.what.epoch = found.epoch ? found.epoch->number : 0;
    into.what.total = found.value.size();
    const auto from = std::min<std::size_t>(f.offset, found.value.size());
    into.value = found.value.substr(from, client::part_bytes);
}

/// A later part is of the same write as the first one, or the client begins again.
bool is_another(const client::call& f, const stored_value& found) {
    return f.offset != 0 && f.expected != found.written.id;
}

/// The entries of a sorted list from `from` on, as far as a page reaches.
void fill_page(kept_reply& into, std::vector<std::string> all, std::string_view from) {
    auto each = std::lower_bound(all.begin(), all.end(), from);
    for (; each != all.end() && into.value.size() < page_bytes; ++each) client::put_entry(into.value, *each);
    if (each == all.end()) return;
    into.what.flags |= client::reply::more;
    into.text = *each;
}

std::string described(const member& of) {
    std::string text;
    client::put_entry(text, of.id.view());
    client::put_entry(text, of.name);
    client::put_entry(text, of.endpoint);
    client::put_entry(text, of.client_endpoint);
    wire::put_varint(text, static_cast<std::uint64_t>(of.state));
    wire::put_varint(text, of.synced ? 1 : 0);
    wire::put_varint(text, of.lag);
    wire::put_varint(text, static_cast<std::uint64_t>(of.lag_age.count()));
    wire::put_varint(text, of.round_trip ? static_cast<std::uint64_t>(of.round_trip->count()) + 1 : 0);
    return text;
}

} // namespace

void desk::read(guest& of, const call& f) {
    auto reply = reply_to(f);
    std::optional<error> bad;
    const auto look = [&](const slot_name& slot, auto use) {
        bad = engine_.with([&](core::mesh& mesh) -> std::optional<error> {
            if (const auto good = check(mesh, slot); !good) return good.error();
            return use(mesh.state());
        });
    };
    const auto say_yes = [&](bool is) {
        if (is) reply.what.flags |= client::reply::yes;
    };
    switch (f.what) {
    case verb::pickup:
        return pickup(of, f);
    case verb::keys:
    case verb::elements:
    case verb::fields:
        of.under_way.insert(f.number);
        listing_.emplace_back(of.id, kept_call(f));
        return;
    case verb::siblings:
    case verb::field_siblings:
        return show_siblings(of, f);
    case verb::members:
        return list_members(of, f);
    case verb::stats:
        return list_stats(of, f);
    case verb::count:
        look({value_type::counter, f.key, {}}, [&](store& state) -> std::optional<error> {
            const auto sum = state.count(f.key);
            say_yes(sum.has_value());
            if (sum) reply.what.total = wire::zigzag(static_cast<std::uint64_t>(*sum));
            return std::nullopt;
        });
        break;
    case verb::contains:
    case verb::enabled: {
        const slot_name slot{f.what == verb::contains ? value_type::set : value_type::flag, f.key, f.element};
        look(slot, [&](store& state) -> std::optional<error> {
            say_yes(state.read(slot).has_value());
            return std::nullopt;
        });
        break;
    }
    case verb::field: {
        const slot_name slot{value_type::map, f.key, f.element};
        look(slot, [&](store& state) -> std::optional<error> {
            const auto found = value_in(state, slot);
            if (f.offset != 0 && (!found || is_another(f, *found)))
                return error{errc::conflict, "the value has changed since its first part"};
            if (found) show(reply, f, *found);
            return std::nullopt;
        });
        break;
    }
    case verb::types:
        look({value_type::reg, f.key, {}}, [&](store& state) -> std::optional<error> {
            reply.what.total = state.types_of(f.key);
            return std::nullopt;
        });
        break;
    default:
        bad = error{errc::bad_argument, "this member does not know that call"};
    }
    if (bad) return fail(of, f, *bad);
    answer(of, std::move(reply), false);
}

// All values, those inline that a page has room for; or with `expected` a part of that one.
void desk::show_siblings(guest& of, const call& f) {
    auto reply = reply_to(f);
    const bool is_field = f.what == verb::field_siblings;
    const slot_name slot{is_field ? value_type::map : value_type::reg, f.key, is_field ? f.element : ""};
    std::vector<stored_value> all;
    const auto bad = engine_.with([&](core::mesh& mesh) -> std::optional<error> {
        if (const auto good = check(mesh, slot); !good) return good.error();
        all = values_in(mesh.state(), slot);
        return std::nullopt;
    });
    if (bad) return fail(of, f, *bad);
    if (f.expected.counter != 0) {
        const auto at = std::find_if(all.begin(), all.end(),
                                     [&](const auto& each) { return each.written.id == f.expected; });
        if (at == all.end()) return fail(of, f, {errc::conflict, "the value has been replaced"});
        show(reply, f, *at);
        return answer(of, std::move(reply), false);
    }
    for (const auto& each : all) {
        client::sibling_entry entry{
            each.written.id, each.epoch ? each.epoch->number : 0, each.value.size(), {}};
        if (reply.value.size() + each.value.size() <= page_bytes) entry.value = each.value;
        client::put_entry(reply.value, client::encode_sibling(entry));
    }
    answer(of, std::move(reply), false);
}

// Found, or asked for without a `within`: at once. Otherwise it waits.
void desk::pickup(guest& of, const call& f) {
    if (f.offset != 0) {
        auto reply = reply_to(f);
        const slot_name slot{value_type::reg, f.key, {}};
        const auto value = engine_.with([&](core::mesh& mesh) { return value_in(mesh.state(), slot); });
        if (!value || is_another(f, *value))
            return fail(of, f, {errc::conflict, "the value has changed since its first part"});
        show(reply, f, *value);
        return answer(of, std::move(reply), false);
    }
    pickup_options how;
    if ((f.flags & call::has_within) != 0) how.within = std::chrono::milliseconds{f.within_ms};
    if ((f.flags & call::until_known) != 0) how.until = pickup_until::known;
    if (!how.within) { // as a rule
        std::optional<stored_value> value;
        engine_.with([&](core::mesh& mesh) {
            const slot_name slot{value_type::reg, f.key, {}};
            if (check(mesh, slot)) value = value_in(mesh.state(), slot);
        });
        if (value) {
            auto reply = reply_to(f);
            show(reply, f, *value);
            return answer(of, std::move(reply), false);
        }
    }
    begin_pickup(engine_, std::string(f.key), how, to_mail<pickup_result>(of, f));
}

void desk::finish(guest& of, const call& f, const result<pickup_result>& done) {
    auto reply = reply_to(f);
    if (done->found()) {
        show(reply, f, *done);
        return answer(of, std::move(reply), false);
    }
    reply.what.outcome = static_cast<std::uint64_t>(done->outcome);
    reply.what.total = engine_.with([&](core::mesh& mesh) { return mesh.state().types_of(f.key); });
    std::string who;
    for (const auto& each : done->who) who += each.view();
    client::put_entry(reply.value, who);
    for (const auto& each : done->seeds) client::put_entry(reply.value, each);
    answer(of, std::move(reply), false);
}

// One slice of one list a turn. The index of keys is built so, too; it is freed a minute after the last list,
// so clients make the node build it at most once a minute.
void desk::look_for_lists() {
    if (listing_.empty()) return;
    auto [who, kept] = std::move(listing_.front());
    listing_.erase(listing_.begin());
    auto* const of = of_client(who);
    if (of == nullptr) return;
    const auto f = kept.view();
    auto reply = reply_to(f);
    std::optional<error> bad;
    const bool done = engine_.with([&](core::mesh& mesh) {
        if (f.what != verb::keys || !f.key.empty()) {
            if (const auto good = mesh.check_key(f.key); !good) {
                bad = good.error();
                return true;
            }
        }
        auto& state = mesh.state();
        if (state.folding()) return state.fold(keys_slice), false;
        std::vector<std::string> all;
        if (f.what != verb::keys) {
            state.elements(f.what == verb::elements ? value_type::set : value_type::map, f.key, all);
            fill_page(reply, std::move(all), f.element);
            return true;
        }
        if (!mesh.order(io_thread::now())) return false;
        std::optional<std::string> next(f.element);
        for (std::size_t slices = 0; next && slices < 4 && reply.value.size() < page_bytes; ++slices) {
            all.clear();
            next = state.keys_from(f.key, std::string(*next), keys_slice, all);
            for (const auto& each : all) client::put_entry(reply.value, each);
        }
        if (next) {
            reply.what.flags |= client::reply::more;
            reply.text = *next;
        }
        return true;
    });
    if (bad) return fail(*of, f, *bad);
    if (done) return answer(*of, std::move(reply), false);
    listing_.emplace_back(who, std::move(kept));
}

void desk::list_members(guest& of, const call& f) {
    auto reply = reply_to(f);
    auto all = engine_.members();
    member self;
    self.id = self_;
    self.name = settings_.name;
    self.state = engine_.is_leaving() ? member_state::leaving : member_state::up;
    self.endpoint = endpoint_;
    self.synced = true;
    self.client_endpoint = door_endpoint_;
    client::put_entry(reply.value, described(self));
    for (const auto& each : all) {
        const auto text = described(each);
        if (reply.value.size() + text.size() + 8 > client::part_bytes) break; // far above 150 members
        client::put_entry(reply.value, text);
    }
    answer(of, std::move(reply), false);
}

void desk::list_stats(guest& of, const call& f) {
    auto reply = reply_to(f);
    const auto now_counted = engine_.stats();
    const auto put = [&](std::string_view name, std::uint64_t number) {
        std::string text;
        client::put_entry(text, name);
        wire::put_varint(text, number);
        client::put_entry(reply.value, text);
    };
    for (const auto& each : all_stats()) put(each.name, now_counted.*each.value);
    for (const auto& [reason, count] : now_counted.refused_by_reason) put("refused: " + reason, count);
    answer(of, std::move(reply), false);
}

} // namespace baton::shell
