// How far the open sessions are, for people who watch the mesh (view.hpp).
#include "core/session_receiver.hpp"
#include "core/session_server.hpp"

#include <chrono>

namespace baton::core {

std::optional<sync_progress> session_receiver::progress(instant now) const {
    if (!session_) return std::nullopt;
    const auto& s = *session_;
    sync_progress made;
    made.receives = true;
    made.with = s.from;
    made.compares = s.ranges != nullptr;
    made.records = store_.staged_slots();
    made.records_expected = s.expected_records;
    made.bytes = s.bytes;
    made.bytes_expected = s.expected_bytes;
    made.since = std::chrono::duration_cast<std::chrono::milliseconds>(now - s.began_at);
    return made;
}

void session_server::progress(instant now, std::vector<sync_progress>& into) const {
    for (const auto& [to, s] : serving_) {
        sync_progress made;
        made.with = to;
        made.compares = s->ranges.has_value();
        made.records_expected = s->records;
        made.bytes = s->sent_bytes;
        made.bytes_expected = s->bytes;
        made.since = std::chrono::duration_cast<std::chrono::milliseconds>(now - s->began_at);
        into.push_back(std::move(made));
    }
}

} // namespace baton::core
