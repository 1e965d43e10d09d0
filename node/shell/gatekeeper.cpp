#include "shell/gatekeeper.hpp"

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
// The gates are checked rarely, and closely for a while after a shortage: until the gates are shut a shortage
// costs a processor. They then stay shut for much longer than one check takes.
constexpr auto look_every = 100ms, look_closely_every = 20ms, look_closely_for = 10'000ms, shut_for = 500ms;
} // namespace

gatekeeper::step gatekeeper::look(instant now) {
    if (now < at_) return step::none;
    watched_ = shut_ || now < moved_ + look_closely_for;
    at_ = now + (watched_ ? look_closely_every : look_every);
    if (!shut_) {
        if (spares_.fill(spare_descriptors + 1)) {
            spares_.shrink(spare_descriptors);
            return step::none;
        }
        news_ = !watched_;
        shut_ = watched_ = true;
        moved_ = now;
        return step::shut;
    }
    if (now < moved_ + shut_for || !spares_.fill(2 * spare_descriptors)) return step::stay_shut;
    shut_ = false; // half of the spare descriptors become free for use
    moved_ = now;
    spares_.shrink(spare_descriptors);
    return step::open;
}

} // namespace baton::shell
