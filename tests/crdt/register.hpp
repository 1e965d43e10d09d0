// The slot of a register, for tests of the store's parts.
#pragma once

#include "crdt/slot.hpp"

#include <string_view>

namespace baton::test {

inline crdt::slot_name reg(std::string_view key) { return {crdt::value_type::reg, key, {}}; }

} // namespace baton::test
