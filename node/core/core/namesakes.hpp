// namesakes: decides what it means that a new node has the name of a member. Either the member is gone and
// was started again, perhaps on another machine, or there are two nodes of that name. So the member is asked
// for a sign of life: if it answers, there are two; if it stays silent, the new node replaces it.
//
// Pure; owned by a failure_detector, same thread contract. When to call again: judge() with the timers.
#pragma once

#include "core/contact/greeter.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"

#include <chrono>
#include <optional>

namespace baton::core {

class namesakes {
  public:
    /// How long a member may take to answer before the new node of its name replaces it.
    static constexpr mesh_clock::duration patience = std::chrono::milliseconds(1000);

    namesakes(const mesh_options& settings, membership& members, greeter& greetings, schedule& time)
        : settings_(settings)
        , members_(members)
        , greetings_(greetings)
        , time_(time) {}

    /// The first HELLO of `id` has come. Asks a member of the same name for a HELLO; raises name_conflict if
    /// the name is this node's own. O(peers).
    void meet(const replica_id& id, peer& p, outbox& out) {
        if (p.name == settings_.name)
            members_.raise(out, event_kind::name_conflict, id, "it has this node's own name");
        for (auto& [other, q] : members_) {
            if (other == id || q.name != p.name || !is_member(q)) continue;
            p.namesake = {other, time_.now()};
            greetings_.tell(other, q, true, out);
            return time_.wake_by(time_.now() + patience);
        }
    }

    /// Call with the timers for each member. Returns the older member of the same name if the new node
    /// replaces it; raises name_conflict if both live.
    [[nodiscard]] std::optional<replica_id> judge(const replica_id& id, peer& p, outbox& out) {
        if (!p.namesake.older) return std::nullopt;
        const auto former = *p.namesake.older;
        const auto* const q = members_.find(former);
        const bool closed = q != nullptr && q->health.life.is_closed();
        if (q == nullptr || !is_member(*q)) {
            p.namesake.older.reset();
        } else if (q->health.life.heard_at() > p.namesake.asked_at && !closed) {
            p.namesake.older.reset();
            members_.raise(out, event_kind::name_conflict, id,
                           former.to_string().substr(0, 8) + " has the same name");
        } else if (closed || time_.now() - p.namesake.asked_at >= patience) {
            p.namesake.older.reset();
            return former;
        } else {
            time_.wake_by(p.namesake.asked_at + patience);
        }
        return std::nullopt;
    }

  private:
    const mesh_options& settings_;
    membership& members_;
    greeter& greetings_;
    schedule& time_;
};

} // namespace baton::core
