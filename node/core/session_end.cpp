// The ends of a session: their names, and what each means for the next session.
#include "core/inbound_session.hpp"

namespace baton::core {

std::string_view to_string(session_end how) {
    switch (how) {
    case session_end::committed:
        return "committed";
    case session_end::asked_again:
        return "asked again";
    case session_end::busy:
        return "server busy";
    case session_end::silent:
        return "no answer";
    case session_end::server_gone:
        return "server gone";
    case session_end::began_anew:
        return "server began anew";
    case session_end::paused:
        return "paused";
    case session_end::changed:
        return "changed during a repair by union";
    case session_end::cache_lost:
        return "cache lost";
    case session_end::below_floor:
        return "below the floor";
    case session_end::malformed:
        return "malformed state";
    case session_end::below_records:
        return "commit below its records";
    case session_end::beyond_word:
        return "commit beyond the origin's word";
    case session_end::below_comparison:
        return "commit below its comparison";
    case session_end::before_comparison:
        return "commit before its comparison";
    case session_end::too_many_origins:
        return "commit of too many origins";
    case session_end::full:
        return "full";
    case session_end::leaving:
        return "leaving";
    }
    return "unknown";
}

bool is_hopeless(session_end how) { return is_refusal(how) || how == session_end::full; }

bool is_refusal(session_end how) {
    return how == session_end::malformed || how == session_end::below_records ||
           how == session_end::beyond_word || how == session_end::below_comparison ||
           how == session_end::before_comparison || how == session_end::too_many_origins;
}

} // namespace baton::core
