// The names of states, events and outcomes in logs and scripts.
#include <baton/event.hpp>
#include <baton/leave.hpp>
#include <baton/member.hpp>
#include <baton/pickup.hpp>

namespace baton {

std::string_view to_string(member_state state) {
    switch (state) {
    case member_state::contacting:
        return "contacting";
    case member_state::up:
        return "up";
    case member_state::suspect:
        return "suspect";
    case member_state::leaving:
        return "leaving";
    case member_state::left:
        return "left";
    case member_state::crashed:
        return "crashed";
    }
    return "unknown";
}

std::string_view to_string(event_kind kind) {
    switch (kind) {
    case event_kind::joined:
        return "joined";
    case event_kind::synced:
        return "synced";
    case event_kind::suspect:
        return "suspect";
    case event_kind::up:
        return "up";
    case event_kind::leaving:
        return "leaving";
    case event_kind::left:
        return "left";
    case event_kind::crashed:
        return "crashed";
    case event_kind::restarted:
        return "restarted";
    case event_kind::name_conflict:
        return "name_conflict";
    case event_kind::refused:
        return "refused";
    case event_kind::clock_skew:
        return "clock_skew";
    case event_kind::diverged:
        return "diverged";
    case event_kind::conflict:
        return "conflict";
    case event_kind::claim_lost:
        return "claim_lost";
    case event_kind::full:
        return "full";
    case event_kind::recovered:
        return "recovered";
    case event_kind::dropped:
        return "dropped";
    case event_kind::failed:
        return "failed";
    case event_kind::one_way:
        return "one_way";
    }
    return "unknown";
}

std::string_view to_string(pickup_outcome outcome) {
    switch (outcome) {
    case pickup_outcome::found:
        return "found";
    case pickup_outcome::pending_handoff:
        return "pending_handoff";
    case pickup_outcome::absent_confirmed:
        return "absent_confirmed";
    case pickup_outcome::absent_unsynced:
        return "absent_unsynced";
    }
    return "unknown";
}

std::string_view to_string(leave_outcome outcome) {
    switch (outcome) {
    case leave_outcome::safe:
        return "safe";
    case leave_outcome::safe_degraded:
        return "safe_degraded";
    case leave_outcome::spilled:
        return "spilled";
    case leave_outcome::unsafe:
        return "unsafe";
    }
    return "unknown";
}

} // namespace baton
