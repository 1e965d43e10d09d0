#include "core/publisher.hpp"

#include <utility>

namespace baton::core {

std::size_t publisher::bytes_of(const event_view& event) {
    return event.slot.key.size() + event.slot.element.size() + event.value.size() +
           kill_bytes * event.kills.size();
}

void publisher::begin_group(std::size_t count, std::size_t bytes) {
    group_left_ = count;
    group_fits_ = bytes <= limits_.delta_bytes;
    group_bytes_ = bytes;
}

void publisher::queue(const written& what) {
    auto event = what.event;
    sent_.add(event.slot.key.size() + event.slot.element.size() + event.value.size());
    const bool grouped = group_left_ != 0, opens = grouped && group_bytes_ != 0;
    auto bytes = bytes_of(event);
    // The first event of a group reserves room for all of them.
    if (opens) bytes = std::exchange(group_bytes_, 0);
    if (grouped) event.joined = --group_left_ != 0;
    if (listeners_.empty()) return;
    const bool fits = grouped ? group_fits_ : bytes <= limits_.delta_bytes;
    if (!fits) return announce();
    const bool consecutive =
        !batches_.empty() && batches_.back().first + batches_.back().rows.count() == what.id.counter;
    const bool follows =
        consecutive && (batches_.back().open || batches_.back().rows.bytes() + bytes <= limits_.delta_bytes);
    if (!follows) batches_.push_back({what.id.counter, wire::event_writer(event.stamp, std::move(room_))});
    batches_.back().open = event.joined;
    auto& rows = batches_.back().rows;
    const auto before = rows.bytes();
    rows.add(event);
    bytes_ += rows.bytes() - before;
}

cut publisher::take_depends() {
    cut depends;
    if (generation_sent_ == generation_ && more_depends_.empty()) return depends;
    auto seen = store_.seen();
    for (const auto& id : seen.entries()) {
        if (id.replica != store_.self() && id.counter != depends_sent_.of(id.replica)) depends.push_back(id);
    }
    depends.join(std::exchange(more_depends_, {}));
    depends_sent_ = std::move(seen); // drops origins that were archived since
    generation_sent_ = generation_;
    return depends;
}

} // namespace baton::core
