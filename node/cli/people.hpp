// people: what the program says, for a person at a terminal: the same objects that scripts read as JSON
// lines, as sentences and tables.
//
// Pure; any thread. Bytes of others never reach the terminal as they are (table.hpp).
#pragma once

#include "table.hpp"
#include "terminal.hpp"

#include <string>

namespace baton::cli {

/// Lines for a reply, an event or a change, each ended; empty for an object that says nothing.
std::string text_of(const json& line, const screen& on);

/// The members as a table; `self`, unless it is null, comes first and is marked.
std::string members_text(const json& members, const json& self, const screen& on);

/// The colour of a member in that state, and of an event of that kind.
tint tint_of(const std::string& state_or_event);

} // namespace baton::cli
