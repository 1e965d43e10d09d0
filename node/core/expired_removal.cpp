#include "core/expired_removal.hpp"

namespace baton::core {

bool expired_removal::work(const moment& at, bool may_write) {
    if (!store_.has_deadlines()) return false;
    if (store_.note_over(limits_.slice)) return true;
    if (!acts_ || !may_write) return false;
    const auto until = at.now - limits_.wait;
    auto steps = limits_.slice;
    const auto remove = [&](const std::string& key) {
        writer_.remove_over(key, writer_.tick(at.wall_ms));
        ++removed_;
    };
    while (const auto key = store_.next_over(until, steps)) remove(*key);
    if (steps == 0) return true;
    acts_ = false; // until the next heartbeat
    steps = limits_.slice;
    while (const auto key = store_.next_postponed(until, steps)) remove(*key);
    return false;
}

} // namespace baton::core
