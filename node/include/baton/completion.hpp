// completion: the result of a call that was begun with baton::async, and the queue in which results wait.
//
//     #include <map>
//
//     // Handles what has ended, whenever poll() or epoll says that the queue's descriptor is readable.
//     void on_readable(baton::completion_queue& queue, std::map<std::uint64_t, std::string>& values) {
//         while (const auto done = queue.next()) {
//             const auto* const got = done->get<baton::pickup_result>(); // nullptr: it was another call
//             if (got != nullptr && *got && (*got)->found()) values[done->tag] = (*got)->value;
//         }
//     }
//
// Thread contract: any thread may call every member function of the queue; one queue may serve several nodes.
// fork(): in the child every function answers `errc::forked`.
#pragma once

#include <baton/api.hpp>
#include <baton/claim.hpp>
#include <baton/leave.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/write.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>

namespace baton {

namespace shell {
class completion_channel;
} // namespace shell
namespace c {
class queue_object; // of <baton/baton.h>
} // namespace c

/// What a call returns that has ended: the result of the synchronous call.
using call_result = std::variant<result<void>,          // wait_synced
                                 result<write_result>,  // every write, drop, confirm, resolve, commit
                                 result<pickup_result>, // pickup
                                 result<claim_handle>,  // claim
                                 result<leave_report>   // leave
                                 >;

/// The end of one call.
struct completion {
    std::uint64_t tag = 0; ///< of the call
    call_result what;      ///< which alternative it holds depends on the call

    /// The result, if the call was one of that type; otherwise nullptr. `T` is pickup_result, for example.
    template <class T>
    [[nodiscard]] result<T>* get() {
        return std::get_if<result<T>>(&what);
    }
    /// As get().
    template <class T>
    [[nodiscard]] const result<T>* get() const {
        return std::get_if<result<T>>(&what);
    }
};

/// Where calls complete, in the order in which they end.
class BATON_API completion_queue {
  public:
    /// `calls_max`: at most that many calls are under way, or have completions that are not read yet.
    explicit completion_queue(std::size_t calls_max = 65'536);
    completion_queue(const completion_queue&) = delete;
    completion_queue& operator=(const completion_queue&) = delete;
    /// Closes the queue. Claims in completions that nobody has read are released.
    ~completion_queue();

    /// The oldest unread completion. Errors: timeout (none came `within` the time), leaving (the queue is
    /// closed), forked.
    [[nodiscard]] result<completion> next(std::chrono::milliseconds within = std::chrono::milliseconds{0});
    /// A descriptor for poll() and epoll, readable while a completion is unread, or the queue is closed. The
    /// queue owns and closes it. Errors: network (no descriptor is available), forked.
    [[nodiscard]] result<int> fd();
    /// Calls whose completion has not been read. 0 in a forked child.
    [[nodiscard]] std::size_t under_way() const;
    /// Ends running calls of next() and refuses later ones, and new calls into the queue. Calls that are
    /// under way go on; their results are dropped. Returns at once.
    void close();

  private:
    friend class async;
    friend class c::queue_object;
    std::shared_ptr<shell::completion_channel> channel_;
};

} // namespace baton
