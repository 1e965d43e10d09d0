// When the process has no descriptors left, the node accepts no new connections. See gatekeeper.hpp.
#include "shell/io_thread.hpp"

namespace baton::shell {

void io_thread::tend_gates() {
    using step = gatekeeper::step;
    const auto what = gatekeeper_.look(now().now);
    if (what == step::none) return;
    if (what == step::open) {
        sockets_->dial_again();
        for (const auto& each : sockets_->gates()) each.reopen();
        if (gatekeeper_.is_news())
            log(log_level::warning, "event=gates_open reason=\"descriptors are free again\"");
        return;
    }
    if (what == step::shut) {
        for (const auto& each : sockets_->gates()) each.shut();
        if (gatekeeper_.is_news())
            log(log_level::warning,
                "event=gates_shut reason=\"no descriptors are left: the node accepts no new connections\"");
    }
    for (const auto& each : sockets_->gates()) {
        for (auto count = each.turn_away(); count != 0; --count)
            give(core::noise_arrived{"connection that there is no descriptor for"}, {});
    }
    gatekeeper_.let_go(); // now that nobody else takes them
    sockets_->dial_again();
}

} // namespace baton::shell
