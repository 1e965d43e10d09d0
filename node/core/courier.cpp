#include "core/courier.hpp"

#include <algorithm>
#include <utility>

namespace baton::core {

std::uint64_t courier::version_for(const peer* p) const {
    return p == nullptr || p->version == 0 ? settings_.versions.min : p->version;
}

std::string courier::encode_for(const peer* p, const wire::frame& f) const {
    return wire::encode(f, version_for(p));
}

std::string courier::encode_for_all(const wire::frame& f) const { return wire::encode(f, version_for_all_); }

// A crashed member counts: it may come back, and it still follows PUB.
void courier::choose_version() {
    version_for_all_ = settings_.versions.max;
    if (settings_.broken == mutation::newest_version_to_all) return;
    for (const auto& [id, p] : members_) {
        if (p.version != 0 && p.state != member_state::left)
            version_for_all_ = std::min(version_for_all_, p.version);
    }
}

bool courier::has_open_link(const peer& p) const {
    const auto via = p.via ? links_.find(*p.via) : links_.end();
    return via != links_.end() && via->second.open;
}

bool courier::send_to(const replica_id& id, const peer& p, const wire::frame& f, outbox& out) {
    auto bytes = encode_for(&p, f);
    if (has_open_link(p)) {
        out.actions.push_back(send_request{*p.via, std::move(bytes)});
    } else if (p.routable) {
        out.actions.push_back(send_reply{id, std::move(bytes)});
    } else {
        ++counters_.sends_refused;
        return false;
    }
    return true;
}

} // namespace baton::core
