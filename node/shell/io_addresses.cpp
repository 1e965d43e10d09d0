// Follows changes of the machine's addresses: the interfaces of the beacon, the announced addresses, and
// connections from an address that is gone.
#include "discovery/address.hpp"
#include "shell/io_thread.hpp"

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr auto settle_for = 100ms;    // changes come in bunches
constexpr auto look_again_after = 3s; // where the kernel does not tell
constexpr auto retry_after = 1s;      // when the list could not be read, e.g. for want of a descriptor
} // namespace

void io_thread::watch_addresses() {
    const auto at = now().now;
    if (take(addresses)) {
        const auto told = addresses_.read();
        if (told != address_watch::news::none) seen_.look_at = std::min(seen_.look_at, at + settle_for);
        seen_.added = seen_.added || told == address_watch::news::added;
    }
    if (at < seen_.look_at) return;
    seen_.look_at = addresses_.fd() >= 0 ? instant::max() : at + look_again_after;
    take_addresses();
}

void io_thread::take_addresses() {
    // Without the chosen address or interface there is nothing to use until it is back.
    auto read = usable_interfaces(settings_, true);
    if (!read) { // the last list holds: that it cannot be read does not say that there are none
        seen_.look_at = std::min(seen_.look_at, now().now + retry_after);
        if (!std::exchange(seen_.unreadable, true))
            log(log_level::warning, "event=addresses_unread reason=\"" + read.error().what + '"');
        return;
    }
    seen_.unreadable = false;
    auto usable = std::move(read).value();
    const bool added = std::exchange(seen_.added, false);
    if (usable == seen_.all && !added) return;
    const auto has = [&](const interface& one) {
        return std::any_of(usable.begin(), usable.end(),
                           [&](const interface& each) { return each.host == one.host; });
    };
    for (const auto& each : seen_.all) {
        if (!has(each)) sockets_->redial_from(std::string(discovery::without_zone(each.host)));
    }
    if (beacon_) beacon_->use(usable);
    const bool tells = is_every_host(settings_.host) && settings_.advertise.empty();
    const auto hosts = tells ? hosts_of(usable) : std::string{};
    if (usable != seen_.all) log(log_level::info, "event=addresses hosts=\"" + hosts_of(usable) + '"');
    {
        const std::lock_guard lock(mutex_);
        best_host_ = best_host(usable);
    }
    seen_.all = std::move(usable);
    beacon_complained_ = false;
    const auto own = all_hosts_of(seen_.all);
    give(core::addresses_changed{hosts, own, is_attached(settings_, seen_.all, beacon_.has_value())}, {});
}

} // namespace baton::shell
