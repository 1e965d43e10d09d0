// calls: calls of the C ABI, decoded and made, by a node or by a client.
//
// Any thread.
#pragma once

#include "answers.hpp"
#include "objects.hpp"

#include <baton/baton.h>

namespace baton::c {

/// Makes a call that check() has passed, and waits for its end.
void run(node_object& of, const baton_call& call, answer_maker& answer);
/// The same, by a client.
void run(client_object& of, const baton_call& call, answer_maker& answer);
/// Begins it. Faults: bad_argument if it is none that can wait; those of baton::async.
[[nodiscard]] fault begin(node_object& of, queue_object& into, std::uint64_t tag, const baton_call& call);
/// The same, by a client, on a thread of its crew; its completion has an answer_maker elsewhere. Faults:
/// those of the queue; closed (the claim), network (no thread).
[[nodiscard]] fault begin(client_object& of, queue_object& into, std::uint64_t tag, const baton_call& call);

} // namespace baton::c
