// async: the calls of a node that can take time, in a form that returns at once. Each call has a tag that the
// caller chooses; its result comes as a completion with that tag, in a queue with a descriptor.
//
//     // Reads all keys at the same time; false if one of them is missing.
//     bool read_all(baton::node& node, const std::vector<std::string>& keys) {
//         baton::completion_queue queue;
//         baton::async calls(node, queue);
//         for (std::size_t i = 0; i < keys.size(); ++i)
//             if (!calls.pickup(i, keys[i], {.within = std::chrono::seconds{5}})) return false;
//         for (std::size_t i = 0; i < keys.size(); ++i) {
//             const auto done = queue.next(std::chrono::seconds{10}); // done->tag says of which key
//             const auto* const got = done ? done->get<baton::pickup_result>() : nullptr;
//             if (got == nullptr || !*got || !(*got)->found()) return false;
//         }
//         return true;
//     }
//
// No call occupies a thread: the node's I/O thread looks at a call when what it waits for may have happened.
// Thread contract: any thread may call every member function. The object is independent of the node, which
// may be moved or destroyed first, and of the queue, which may be destroyed while calls are under way: their
// results are then dropped. fork(): in the child every function answers `errc::forked`, and no completion
// comes. Source: io_uring (Axboe 2019).
#pragma once

#include <baton/ack.hpp>
#include <baton/api.hpp>
#include <baton/completion.hpp>
#include <baton/node.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace baton {

namespace shell {
class engine_link;
} // namespace shell

/// Begins calls of one node that complete in one queue. Each function has the arguments, the limits and, in
/// the completion, the errors of the node's function of that name, with these differences:
///
/// - `within` covers the wait for room to write and the wait for acknowledgements together.
/// - Writes of one node that wait for room are made in the order in which they began.
/// - When the node has left, a call that is under way ends as the synchronous one does; a write, a claim and
///   wait_synced that cannot succeed any more end with `leaving`.
///
/// Errors of the functions themselves: busy (the queue has calls_max calls), leaving (the node no longer
/// exists, or the queue is closed), forked. Then no completion follows. A call whose result is known at once
/// completes before the function returns. O(key + value) and, for each call that waits, O(log calls); calls
/// that wait for keys of which none changes cost nothing while they wait.
class BATON_API async {
  public:
    /// For `of`, into `into`.
    async(node& of, completion_queue& into);
    async(const async&) = default;            ///< for the same node and queue
    async& operator=(const async&) = default; ///< for the same node and queue
    ~async();                                 ///< calls under way go on

    /// As node::stash().
    result<void> stash(std::uint64_t tag, std::string_view key, std::string_view value,
                       stash_options how = {});
    /// As node::drop().
    result<void> drop(std::uint64_t tag, std::string_view key, write_options how = {});
    /// As node::resolve().
    result<void> resolve(std::uint64_t tag, std::string_view key, std::string_view value,
                         std::vector<version> replaced, write_options how = {});
    /// As node::add().
    result<void> add(std::uint64_t tag, std::string_view key, std::int64_t amount = 1,
                     write_options how = {});
    /// As node::insert().
    result<void> insert(std::uint64_t tag, std::string_view key, std::string_view element,
                        write_options how = {});
    /// As node::erase().
    result<void> erase(std::uint64_t tag, std::string_view key, std::string_view element,
                       write_options how = {});
    /// As node::set_field().
    result<void> set_field(std::uint64_t tag, std::string_view key, std::string_view field,
                           std::string_view value, write_options how = {});
    /// As node::erase_field().
    result<void> erase_field(std::uint64_t tag, std::string_view key, std::string_view field,
                             write_options how = {});
    /// As node::enable().
    result<void> enable(std::uint64_t tag, std::string_view key, write_options how = {});
    /// As node::disable().
    result<void> disable(std::uint64_t tag, std::string_view key, write_options how = {});

    /// As node::confirm().
    result<void> confirm(std::uint64_t tag, version written, ack_level level,
                         std::chrono::milliseconds within);
    /// As node::pickup(). Calls that begin within one round trip ask the members together.
    result<void> pickup(std::uint64_t tag, std::string_view key, pickup_options how = {});
    /// As node::claim(). A claim whose completion nobody reads lasts as long as the queue, or its lease.
    result<void> claim(std::uint64_t tag, std::string_view key, claim_options how = {});
    /// As claim_handle::commit(); the handle is not used after the call. Error: bad_argument if `of` is a
    /// claim of another node.
    result<void> commit(std::uint64_t tag, const claim_handle& of, std::string_view value,
                        commit_options how = {});
    /// As node::wait_synced().
    result<void> wait_synced(std::uint64_t tag, std::chrono::milliseconds within);
    /// As node::leave().
    result<void> leave(std::uint64_t tag, leave_options how = {});

  private:
    struct BATON_LOCAL begin;
    std::shared_ptr<shell::engine_link> node_;
    std::shared_ptr<shell::completion_channel> queue_;
    std::chrono::milliseconds leave_within_;
};

} // namespace baton
