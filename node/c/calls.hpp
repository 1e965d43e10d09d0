// calls: calls of the C ABI, decoded and made.
//
// Any thread.
#pragma once

#include "answers.hpp"
#include "objects.hpp"

#include <baton/baton.h>

namespace baton::c {

/// Whether the call is one of this library, with arguments that can be read.
[[nodiscard]] fault check(const baton_call* call);
/// Makes it and waits for its end.
void run(node_object& of, const baton_call& call, answer_maker& answer);
/// Begins it. Faults: bad_argument if it is none that can wait; those of baton::async.
[[nodiscard]] fault begin(node_object& of, queue_object& into, std::uint64_t tag, const baton_call& call);

} // namespace baton::c
