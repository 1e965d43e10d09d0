#include "shell/gatekeeper.hpp"

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
// Seldom, with the beat of the heart; after a shortage for a while closely, since it costs a processor until
// the gates are shut, and they stay shut for long beside that.
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
    shut_ = false; // half of what was filled is for anybody
    moved_ = now;
    spares_.shrink(spare_descriptors);
    return step::open;
}

} // namespace baton::shell
