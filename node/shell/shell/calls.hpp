// calls: the calls of a node that wait, in the form that returns at once: each calls `done`, once, with what
// the synchronous call returns. Behind <baton/async.hpp>, stash_async() and whatever else must not block.
//
// Any thread. `done` runs without a lock, on the calling thread if the call is over at once, otherwise on the
// node's I/O thread: it must be short, must not throw, and must not wait for the node. Keys and values are
// copied where the call waits for room. If this node has left, a call is over at once, with the error leaving
// or as the synchronous call ends then.
#pragma once

#include "shell/io_thread.hpp"

#include <baton/claim.hpp>
#include <baton/leave.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/write.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace baton::shell {

template <class T>
using answer_to = std::function<void(result<T>)>;

/// A write under the lock: its version; or of a removal, whether there was something to remove.
using write_of = std::function<result<version>(core::mesh&, const moment&)>;
using removal_of = std::function<result<bool>(core::mesh&, const moment&)>;

/// `how.within` covers the wait for room and the wait for acknowledgements together.
void begin_write(io_thread& engine, const write_options& how, write_of write, answer_to<write_result> done);
/// `whole`: what is being folded in has to be there first, as for the drop of a set.
void begin_removal(io_thread& engine, const write_options& how, removal_of remove, bool whole,
                   answer_to<write_result> done);
/// As node::confirm().
void begin_confirm(io_thread& engine, version written, ack_level level, std::chrono::milliseconds within,
                   answer_to<write_result> done);
/// As node::pickup().
void begin_pickup(io_thread& engine, std::string key, pickup_options how, answer_to<pickup_result> done);
/// Of node::claim(), as the core has them.
[[nodiscard]] core::claim_terms terms_of(const claim_options& how);
/// As node::claim(); the grant says what the handle is to be made of.
void begin_claim(io_thread& engine, std::string key, claim_options how, answer_to<core::claim_grant> done);
/// As node::wait_synced().
void begin_wait_synced(io_thread& engine, std::chrono::milliseconds within,
                       std::function<void(result<void>)> done);
/// As node::leave(), with every option set.
void begin_leave(io_thread& engine, std::chrono::milliseconds within, std::size_t copies, bool nobody_stays,
                 answer_to<leave_report> done);

} // namespace baton::shell
