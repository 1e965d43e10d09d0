#include "core/early_frames.hpp"

#include <algorithm>

namespace baton::core {

void early_frames::keep(const replica_id& origin, frame early) {
    auto& into = queues_[origin];
    const auto at = std::find_if(into.frames.begin(), into.frames.end(),
                                 [&](const frame& each) { return each.first >= early.first; });
    if (at != into.frames.end() && at->first == early.first) return;
    into.bytes += early.bytes.size();
    bytes_ += early.bytes.size();
    into.frames.insert(at, std::move(early));
    while (bytes_ > bytes_max_) shed();
}

void early_frames::shed() {
    const auto most = std::max_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
        return a.second.bytes < b.second.bytes;
    });
    auto& from = most->second;
    const auto size = from.frames.front().bytes.size();
    from.frames.pop_front();
    from.bytes -= size;
    bytes_ -= size;
    if (from.frames.empty()) queues_.erase(most);
}

void early_frames::drop(const replica_id& origin) {
    const auto at = queues_.find(origin);
    if (at == queues_.end()) return;
    bytes_ -= at->second.bytes;
    queues_.erase(at);
}

void early_frames::clear() {
    queues_.clear();
    bytes_ = 0;
}

std::size_t early_frames::count(const replica_id& origin) const {
    const auto at = queues_.find(origin);
    return at == queues_.end() ? 0 : at->second.frames.size();
}

} // namespace baton::core
