// Registers with a time to live. Hiding one is each node's own affair, by its own monotonic clock (the
// store's); removing it is an event like any other, written by the member that acts for all,
// clock_skew_max after it was hidden there: by then it is hidden wherever it was applied in time.
#include "core/mesh.hpp"

namespace baton::core {

// With every heartbeat. Who is full applies nobody else's removals, and makes room by its own.
void mesh::look_for_over() {
    over_ = store_.has_deadlines() && !leaving_ && (room_.is_full() || acts_for_all());
}

// True while there is more to do.
bool mesh::work_on_over() {
    if (!store_.has_deadlines()) return false;
    if (store_.note_over(settings_.bounds.slice)) return true;
    if (!over_ || leaving_) return false; // a cut that is frozen grows no more
    const auto until = at_.now - settings_.clock_skew_max;
    auto steps = settings_.bounds.slice;
    const auto remove = [&](const std::string& key) {
        writer_.remove_over(key, clock_.tick(at_.wall_ms));
        ++counters_.expired;
    };
    while (const auto key = store_.next_over(until, steps)) remove(*key);
    if (steps == 0) return true;
    over_ = false; // until the next heartbeat
    steps = settings_.bounds.slice;
    while (const auto key = store_.next_postponed(until, steps)) remove(*key);
    return false;
}

} // namespace baton::core
