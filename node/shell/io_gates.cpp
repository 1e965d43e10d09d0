// When the process has no descriptors left, whoever connects is left outside, so that members can still be
// dialled, spills be written, and no processor is kept busy. See gate.hpp.
#include "shell/io_thread.hpp"

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
// Seldom, with the beat of the heart; after a shortage for a while closely, since it costs a processor until
// the gates are shut, and they stay shut for long beside that.
constexpr auto look_every = 100ms, look_closely_every = 20ms, look_closely_for = 10'000ms, shut_for = 500ms;
} // namespace

void io_thread::tend_gates() {
    const auto at = now().now;
    if (at < gates_at_) return;
    gates_watched_ = gates_shut_ || at < gates_moved_ + look_closely_for;
    gates_at_ = at + (gates_watched_ ? look_closely_every : look_every);
    if (!gates_shut_) {
        if (spares_.fill(spare_descriptors + 1)) return spares_.shrink(spare_descriptors);
        gates_told_ = !gates_watched_; // once for all that follows closely
        gates_shut_ = gates_watched_ = true;
        gates_moved_ = at;
        for (const auto& each : sockets_->gates()) each.shut();
        if (gates_told_)
            log(log_level::warning,
                "event=gates_shut reason=\"no descriptors are left: no new connection is accepted\"");
    } else if (at >= gates_moved_ + shut_for && spares_.fill(2 * spare_descriptors)) { // half for anybody
        gates_shut_ = false;
        gates_moved_ = at;
        spares_.shrink(spare_descriptors);
        sockets_->dial_again();
        for (const auto& each : sockets_->gates()) each.reopen();
        if (gates_told_) log(log_level::warning, "event=gates_open reason=\"descriptors are free again\"");
        return;
    }
    for (const auto& each : sockets_->gates()) {
        for (auto count = each.turn_away(); count != 0; --count)
            give(core::noise_arrived{"connection that there is no descriptor for"}, {});
    }
    spares_.shrink(0); // now that nobody else takes them
    sockets_->dial_again();
}

} // namespace baton::shell
