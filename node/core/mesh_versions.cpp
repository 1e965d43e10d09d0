// Which wire version is spoken: with each member the newest that both speak, on PUB the newest that everybody
// known speaks.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

// Who has not greeted yet is told in the oldest: it may not be able to read more than the head of another.
std::uint64_t mesh::version_for(const peer* p) const {
    return p == nullptr || p->version == 0 ? settings_.versions.min : p->version;
}

std::string mesh::encode_for(const peer* p, const wire::frame& f) const {
    return wire::encode(f, version_for(p));
}

std::string mesh::encode_for_all(const wire::frame& f) const { return wire::encode(f, version_for_all_); }

// Those that have crashed may be back, and follow PUB all the while.
void mesh::choose_version() {
    version_for_all_ = settings_.versions.max;
    if (settings_.broken == mutation::newest_version_to_all) return;
    for (const auto& [id, p] : peers_) {
        if (p.version != 0 && p.state != member_state::left)
            version_for_all_ = std::min(version_for_all_, p.version);
    }
}

std::string mesh::no_common_version(const wire::versions& theirs) const {
    return "no common wire version: " + theirs.to_string() + " there, " + settings_.versions.to_string() +
           " here";
}

// Once of each node.
void mesh::tell_refused(const replica_id& id, std::string name, std::string reason, outbox& out) {
    if (scout_.foreign_told.first(id.to_string(), at_.now))
        out.events.push_back({event_kind::refused, id, std::move(name), std::move(reason), 0});
}

} // namespace baton::core
