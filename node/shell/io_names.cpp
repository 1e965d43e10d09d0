// Looks up the names whose addresses the mesh needs.
#include "shell/io_thread.hpp"

namespace baton::shell {

void io_thread::read_names() {
    auto& sources = sockets_->sources();
    const auto at = now().now;
    if (!sources.is_pending(names) && at < names_at_) return;
    for (const auto& each : resolver_.collect(sources)) give(each, {});
    names_at_ = resolver_.due(now().now);
}

} // namespace baton::shell
