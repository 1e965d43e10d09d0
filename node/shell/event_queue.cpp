#include "shell/event_queue.hpp"

#include <utility>

namespace baton::shell {

void event_queue::push(event told) {
    events_.push_back(std::move(told));
    if (events_.size() > most_) {
        events_.pop_front();
        ++dropped_;
    }
    readable_.show(has_some());
}

std::optional<event> event_queue::next() {
    std::optional<event> first;
    if (dropped_ != 0) {
        first =
            event{event_kind::dropped, {}, {}, "limits.events_max unread events", std::exchange(dropped_, 0)};
    } else if (!events_.empty()) {
        first = std::move(events_.front());
        events_.pop_front();
    } else {
        return std::nullopt;
    }
    readable_.show(has_some());
    return first;
}

result<int> event_queue::fd() { return readable_.get(has_some()); }

} // namespace baton::shell
