// leaving: the options of a leave, and how far it has come.
//
// A plain value, under its io_thread's lock.
#pragma once

#include "crdt/time.hpp"

#include <baton/leave.hpp>

#include <cstddef>
#include <optional>

namespace baton::shell {

struct leaving {
    instant since{}, deadline{};
    std::size_t copies = 2;
    bool nobody_stays = false; ///< do not wait for a successor
    bool begun = false;
    std::optional<instant> farewell_until;
    std::optional<leave_report> report;
};

} // namespace baton::shell
