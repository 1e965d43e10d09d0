// io_thread: keeps the mesh under one lock, runs the thread that owns every socket, and lets other threads
// write and read between two slices of that thread.
//
// Thread contract: any thread may call the public functions. They reach the I/O thread only through the lock
// and an eventfd.
#pragma once

#include "core/mesh.hpp"
#include "core/told_once.hpp"
#include "shell/address_watch.hpp"
#include "shell/beacon_socket.hpp"
#include "shell/disk.hpp"
#include "shell/event_queue.hpp"
#include "shell/gatekeeper.hpp"
#include "shell/interfaces.hpp"
#include "shell/knocker.hpp"
#include "shell/leave_file.hpp"
#include "shell/leaving.hpp"
#include "shell/packer.hpp"
#include "shell/pending.hpp"
#include "shell/resolver.hpp"
#include "shell/sockets.hpp"
#include "shell/spill_reading.hpp"
#include "shell/unicast_socket.hpp"
#include "shell/watch_board.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace baton::shell {

class io_thread {
  public:
    io_thread(options settings, core::mesh_options mesh_settings, std::unique_ptr<sockets> owned,
              std::optional<beacon_socket> beacon, std::vector<interface> interfaces,
              std::optional<unicast_socket> unicast);
    ~io_thread();
    io_thread(const io_thread&) = delete;
    io_thread& operator=(const io_thread&) = delete;

    /// Runs `use(mesh&)` under the lock, ahead of the I/O thread's next slice.
    template <class Use>
    auto with(Use use) const {
        const guest lock(*this);
        look_now();
        return use(mesh_);
    }
    /// The same, with the names of changed keys; for the dispatcher, which bell() wakes.
    template <class Use>
    auto with_board(Use use) const {
        const guest lock(*this);
        look_now();
        return use(mesh_, watches_.board());
    }
    [[nodiscard]] const std::shared_ptr<watch_bell>& bell() const { return watches_.bell(); }
    /// As with(), for writes: `use(mesh&, moment)`. Waits first while too much is unsent. If the wire is
    /// idle, this thread sends the write; otherwise the I/O thread packs it with the next ones. Error: busy,
    /// if that wait takes longer than `within`.
    template <class Use>
    auto write(Use use, std::chrono::milliseconds within = std::chrono::milliseconds::max()) {
        std::unique_lock lock(mutex_, std::defer_lock);
        enter(lock);
        const auto may_write = [this] { return has_room(mesh_) || stopped_; };
        if (!may_write() && !sent_.wait_for(lock, bounded(within), may_write))
            return decltype(use(mesh_, now()))(busy_error());
        if (mesh_.state().folding_typed()) know_types(lock);
        return write_under(lock, use);
    }
    /// The same without waiting.
    template <class Use>
    auto write_now(Use use) {
        std::unique_lock lock(mutex_, std::defer_lock);
        enter(lock);
        if (mesh_.state().folding_typed()) know_types(lock);
        return write_under(lock, use);
    }
    /// Waits under the lock until `done(mesh&)` holds, `within` has passed, or the node has left. Returns the
    /// last result of `done`.
    template <class Done>
    bool wait_for(std::chrono::milliseconds within, Done done) const {
        std::unique_lock lock(mutex_, std::defer_lock);
        enter(lock);
        ++waiters_;
        bool outcome = false;
        changed_.wait_for(lock, bounded(within), [&] {
            look_now();
            outcome = done(mesh_); // which may have folded a key in
            collect();
            return outcome || stopped_;
        });
        --waiters_;
        lock.unlock();
        watches_.ring();
        return outcome;
    }
    /// Waits until `wanted` is met or `within` has passed; asks members again when the usual round trip is
    /// over. `ticket`: of mesh::await_holders; this call returns it.
    [[nodiscard]] core::ack_count wait_held(const core::proof& wanted, std::uint64_t ticket,
                                            std::chrono::milliseconds within);
    /// Looks at the call, and goes on doing so on the I/O thread until it is over or `within` has passed
    /// (nullopt: it may take for ever). Returns at once.
    void begin(std::unique_ptr<pending_call> call, std::optional<std::chrono::milliseconds> within);
    /// Waits as wait_for(), and asks every member what it holds: `done(mesh&, question)`.
    template <class Done>
    bool ask(std::chrono::milliseconds within, Done done) const {
        const auto question = with([](core::mesh& mesh) { return mesh.begin_question(now()); });
        ring();
        const bool outcome = wait_for(within, [&](core::mesh& mesh) { return done(mesh, question); });
        with([&](core::mesh& mesh) { mesh.end_question(question); });
        return outcome;
    }
    [[nodiscard]] std::optional<event> next_event(std::chrono::milliseconds timeout);
    /// Readable while next_event() has an event; made at the first call, and closed with the node.
    [[nodiscard]] result<int> event_fd();

    /// The best address of this node to give to others.
    [[nodiscard]] std::string host() const;
    /// As node::members(), by short holds of the lock: a member that comes meanwhile may be missing.
    [[nodiscard]] std::vector<member> members() const;
    [[nodiscard]] node_stats stats() const;                        ///< by short holds of the lock
    [[nodiscard]] std::uint64_t rounds() const { return rounds_; } ///< of the I/O thread; any thread

    /// `hook` is called under the lock whenever mesh::next_merge() may have something. An empty hook: no more
    /// calls, and none is under way when this returns.
    void on_merges(std::function<void()> hook);
    /// As on_merges(): with each question of a client that searches (discovery/search.hpp), and its source.
    void on_searches(std::function<void(std::string endpoint, std::string_view bytes)> hook);
    /// Wakes the I/O thread for waiting work.
    void look() { ring(); }
    /// A warning for the log, which only the I/O thread writes. At most 64 wait; more are lost.
    void remark(std::string line);
    /// An event that is not the mesh's.
    void tell(event told);

    leave_report leave(std::chrono::milliseconds within, std::size_t copies, bool nobody_stays = false);
    /// The same without waiting for its end.
    void begin_leave(std::chrono::milliseconds within, std::size_t copies, bool nobody_stays);
    [[nodiscard]] bool is_leaving() const;
    void hurry();

    [[nodiscard]] static moment now();
    /// "For ever" as a caller says it, small enough to be added to a point in time; negative times are none.
    [[nodiscard]] static std::chrono::milliseconds bounded(std::chrono::milliseconds wait) {
        return std::clamp<std::chrono::milliseconds>(wait, std::chrono::milliseconds{0},
                                                     std::chrono::hours{24 * 365});
    }

  private:
    class guest {
      public:
        explicit guest(const io_thread& owner)
            : owner_(owner)
            , lock_(owner.mutex_, std::defer_lock) {
            owner.enter(lock_);
        }
        ~guest() {
            owner_.collect();
            lock_.unlock();
            owner_.watches_.ring();
        }
        guest(const guest&) = delete;

      private:
        const io_thread& owner_;
        std::unique_lock<std::mutex> lock_;
    };
    /// Reads decide by this moment which values have expired.
    void look_now() const {
        if (mesh_.state().has_deadlines()) mesh_.state().set_now(now().now);
    }
    /// Takes the lock; the I/O thread gives way while a caller waits for it.
    void enter(std::unique_lock<std::mutex>& lock) const {
        if (lock.try_lock()) return; // as a rule
        at_door_.fetch_add(1, std::memory_order_relaxed);
        lock.lock();
        at_door_.fetch_sub(1, std::memory_order_relaxed);
    }
    /// The type of a key decides whether it may be written. So typed values of a committed sync are folded in
    /// first; the lock is released between slices.
    void know_types(std::unique_lock<std::mutex>& lock);
    template <class Use>
    auto write_under(std::unique_lock<std::mutex>& lock, Use use) {
        const auto at = now();
        if (stopped_) return decltype(use(mesh_, at))(left_error());
        auto outcome = use(mesh_, at);
        after_write(lock, at);
        return outcome;
    }
    void after_write(std::unique_lock<std::mutex>& lock, const moment& at);
    /// Under the lock: the names of changed keys, to those who wait for them.
    void collect() const;
    void ring() const;
    bool send_directly(const moment& at);
    [[nodiscard]] static std::string line_of(const event& told); ///< for the log
    void log(log_level level, const std::string& line) const;

    // on the I/O thread
    void run();
    template <class Step>
    static void attempt(Step step) noexcept; // io_ending.cpp
    void fail(const std::string& reason, leave_report& report) noexcept;
    void tell_failure(std::string reason);
    void loop();
    void poll();
    void answer_bell();
    void arm_timer(mesh_clock::duration in);
    void read_publisher();
    void read_router();
    void read_subscriber();
    void read_links();
    /// Whether nothing is left.
    bool read_monitor(core::link_id link);
    bool read_dealer(core::link_id link);
    /// True if messages may be left; the next wait names the sockets again.
    bool take(source of);
    void read_beacons();
    void read_datagrams();
    void pass_search(std::string endpoint, std::string_view bytes);
    void read_doors();
    void read_knocks();
    void read_names();      // io_names.cpp
    void tend_gates();      // io_gates.cpp
    void watch_addresses(); // io_addresses.cpp
    void take_addresses();
    void give(const core::input& in, std::string_view host);
    void settle();
    void perform();
    struct performer; // io_acting.cpp
    // io_spilling.cpp
    void make_spills();
    void begin_spills();
    void tend_spills();
    [[nodiscard]] instant tend_leave_file(const moment& at, bool urgent);
    [[nodiscard]] bool is_leave_file_settled() const;
    [[nodiscard]] bool may_end(const moment& at);
    void settle_leave_file(bool met, const moment& at, leave_report& report);
    void publish(core::outbox& out);
    void complain(std::string_view host, const char* reason); // io_events.cpp
    void tell_unnamed();
    void give_way() const;
    void manage_leave();
    void work_on_pending();
    void end_pending();
    void finish_leave(bool met, std::size_t copies);

    const options settings_;
    mutable std::mutex publisher_mutex_; // for use of PUB; taken before mutex_, never while holding it
    mutable std::mutex mutex_;           // the mesh, and the members marked "under the lock"
    mutable std::condition_variable changed_, sent_;
    mutable std::atomic<int> at_door_{0};
    mutable int waiters_ = 0;
    mutable core::mesh mesh_;       // reads may fold a key
    mutable pending_calls pending_; // under the lock
    mutable watch_post watches_;
    std::function<void()> merges_ready_;                        // under the lock
    std::function<void(std::string, std::string_view)> search_; // under the lock
    std::vector<std::string> remarks_;                          // under the lock
    event_queue events_;                                        // under the lock
    std::string best_host_;                                     // under the lock: as of the last look
    std::optional<leaving> leaving_;                            // under the lock
    bool stopped_ = false;                                      // under the lock: the I/O thread has ended
    bool failed_ = false;                                       // of the I/O thread: it ends by a failure
    std::atomic<bool> hurry_{false};
    mutable std::atomic<bool> rung_{false};
    packer packing_;
    std::atomic<std::uint64_t> sends_refused_{0}, rounds_{0};

    // made, replaced and closed by the I/O thread; PUB under publisher_mutex_
    std::unique_ptr<sockets> sockets_;
    core::outbox direct_out_; // under publisher_mutex_

    // of the I/O thread alone
    std::optional<beacon_socket> beacon_;
    std::optional<unicast_socket> unicast_;
    knocker knocker_{knocks};
    resolver resolver_;
    instant names_at_{instant::max()}; ///< to be looked at again
    address_watch addresses_;
    interfaces_seen seen_;
    gatekeeper gatekeeper_;
    int bell_ = -1, timer_ = -1;
    core::outbox out_;
    instant wake_at_{}, pending_at_{instant::max()};
    std::vector<poller::name> reading_; ///< of read_links()
    core::told_once told_{1000};        ///< whose refusals are in the log, and for what
    bool beacon_complained_ = false;
    bool ended_ = false;
    std::unique_ptr<disk_thread> disk_; ///< these three where there is a spill_dir
    std::optional<leave_file> leave_file_;
    std::optional<spill_reading> found_spills_;

    std::thread thread_;
};

} // namespace baton::shell
