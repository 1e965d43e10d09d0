// Watches of clients: each call of `watch` waits until there is something to report.
#include "shell/door/desk.hpp"
#include "wire/codec.hpp"

namespace baton::shell {

namespace client = wire::client;

namespace {
error ended_error() { return {errc::absent, "the watch has been ended"}; }
} // namespace

void desk::watch(guest& of, const call& f) {
    if (leaving_) return fail(of, f, {errc::leaving, "this member leaves"});
    const door_watches::name name{of.id, f.amount};
    if ((f.flags & call::begins) != 0) {
        const auto has = f.value.empty() ? std::optional(cut{}) : wire::decode_cut(f.value);
        if (!has) return fail(of, f, {errc::bad_argument, "the value is no cut"});
        end_watch(of, name);
        if (watches_.size_of(of.id) >= client::watches_max)
            return fail(of, f,
                        {errc::too_many_watches,
                         "a client has at most " + std::to_string(client::watches_max) + " watches"});
        if (watches_.size() >= settings_.limits.watches_max)
            return fail(of, f,
                        {errc::too_many_watches, "this member has " + std::to_string(watches_.size()) +
                                                     " watches of clients already, and limits.watches_max "
                                                     "allows no more"});
        const auto more = door_watches::bytes(*has);
        if (held_bytes_ + more > settings_.clients.bytes_max)
            return fail(of, f, {errc::busy, "this member holds clients.bytes_max for its clients already"});
        watch_bytes_ += more;
        held_bytes_ += more;
        watches_.begin(name, std::string(f.key), *has);
    } else if (!watches_.has(name)) {
        return fail(of, f, {errc::absent, "this member does not know that watch: begin it anew"});
    }
    of.under_way.insert(f.number);
    dismiss(of, watches_.ask(name, f.number), ended_error());
}

void desk::unwatch(guest& of, const call& f) {
    end_watch(of, {of.id, f.amount});
    answer(of, reply_to(f), false);
}

void desk::end_watch(guest& of, const door_watches::name& name) {
    if (!watches_.has(name)) return;
    dismiss(of, watches_.ask(name, 0), ended_error());
    watches_.end(name);
}

// A call of a watch ends without a page.
void desk::dismiss(guest& of, std::uint64_t number, const error& reason) {
    if (number == 0) return;
    call f;
    f.number = number;
    f.what = client::verb::watch;
    fail(of, f, reason);
}

void desk::look_for_watches() {
    for (auto& each : watches_.look()) {
        if (auto* const of = of_client(each.of.client)) answer(*of, std::move(each.reply), false);
    }
}

// Clients go to another member once their calls are answered.
void desk::end_watches() {
    for (auto& [id, of] : guests_) {
        for (const auto number : watches_.end_all(id))
            dismiss(of, number, {errc::leaving, "this member leaves"});
    }
}

} // namespace baton::shell
