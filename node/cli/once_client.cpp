// The one-shot forms by a client: it asks one member, and neither joins nor holds anything.
#include "actions.hpp"
#include "acts.hpp"

#include <baton/client.hpp>

#include <algorithm>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;

/// Without a door in reach the program joins, as long as it ever took: so it looks for one only briefly.
constexpr auto search_within = 200ms;
/// For the certainty that nobody has a key.
constexpr auto confirm_within = 300ms;

std::optional<client> connect(const arguments& given) {
    client_options settings;
    settings.name = given.node.name.empty() ? "baton" : given.node.name;
    settings.cluster = given.node.cluster;
    settings.seeds = given.node.seeds;
    settings.host = given.node.host;
    settings.beacon = given.node.beacon;
    settings.search = given.node.beacon.enabled;
    settings.key_file = given.node.security.key_file;
    settings.search_within = std::min<std::chrono::milliseconds>(search_within, given.within);
    settings.reach_within = given.within;
    if (settings.seeds.empty() && !settings.search) return std::nullopt;
    auto made = client::connect(std::move(settings));
    if (!made) {
        if (given.node.log)
            given.node.log(log_level::info, "event=no_client reason=\"" + made.error().what + '"');
        return std::nullopt;
    }
    if (given.node.log) {
        if (given.node.security.key_file.empty())
            given.node.log(log_level::warning,
                           "event=open_mesh reason=\"no key: every process that reaches this "
                           "network can read and write\"");
        given.node.log(log_level::info,
                       "event=client member=" + made->talks_to().value_or(replica_id{}).to_string());
    }
    return std::optional(*std::move(made));
}

int get(client& self, const arguments& given) {
    auto got = self.pickup(given.key);
    if (got && !got->found())
        got = self.pickup(given.key, {.within = confirm_within, .until = pickup_until::known});
    if (!got) return fail(2, got.error().what);
    if (!got->found()) return tell_absent(self, given.key);
    return print(shown(std::move(got->value), given.hex) + "\n");
}

/// Two members have it, or the only one.
int wrote(client& self, const result<write_result>& done) {
    if (!done) return fail(done.error().code == errc::unknown ? 4 : 2, done.error().what);
    if (done->met) return 0;
    const auto all = self.members();
    const bool is_only = all && std::none_of(all->begin() + 1, all->end(), [](const member& each) {
                             return each.state == member_state::up || each.state == member_state::suspect;
                         });
    if (is_only) return 0;
    return fail(3, "written with " + std::to_string(done->copies) + " copies: safe_degraded");
}

int drop(client& self, const arguments& given) {
    const auto done = self.drop(given.key);
    if (done && !done->changed) return fail(1, "no member in view has '" + shell::printable(given.key) + "'");
    return wrote(self, done);
}

int ping(client& self) {
    const auto took = self.ping();
    if (!took) return fail(2, took.error().what);
    return print(to_line({{"member", self.talks_to().value_or(replica_id{}).to_string()},
                          {"ms", std::chrono::duration<double, std::milli>(*took).count()}}));
}

int leave(client& self, const arguments& given) {
    const auto report = self.leave(given.key);
    if (!report) return fail(report.error().code == errc::absent ? 1 : 2, report.error().what);
    const int written = print(to_line({{"outcome", to_string(report->outcome)}, {"copies", report->copies}}));
    return written != 0 ? written : exit_status(report->outcome);
}

int watch(client& self, const arguments& given, const stop_signals& stop) {
    return print_changes(self, given, stop, [&] { stop.wait(); });
}

} // namespace

std::optional<int> by_client(const arguments& given, const std::string& value,
                             const std::optional<stop_signals>& stop) {
    auto made = connect(given);
    if (!made) return std::nullopt;
    auto& self = *made;
    switch (given.what) {
    case action::get:
        return get(self, given);
    case action::put:
        return wrote(self, self.stash(given.key, value));
    case action::drop:
        return drop(self, given);
    case action::keys:
        return list_keys(self, given);
    case action::members:
        return print_members(self, given);
    case action::stats:
        return print_stats(self);
    case action::count:
        return count(self, given);
    case action::add:
        return wrote(self, self.add(given.key, amount_of(given)));
    case action::insert:
        return wrote(self, self.insert(given.key, value));
    case action::ping:
        return ping(self);
    case action::leave:
        return leave(self, given);
    case action::watch:
        return watch(self, given, *stop);
    case action::run:
    case action::top:
    case action::check_config:
    case action::keygen:
        break;
    }
    return std::nullopt;
}

} // namespace baton::cli
