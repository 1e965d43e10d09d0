// io_thread: a node's engine room. It keeps the mesh under one lock, runs the one thread that owns every
// socket, and lets other threads write and read between two of that thread's slices.
//
// Thread contract: the public functions may be called from any thread. What they hand to the I/O thread goes
// by the lock and an eventfd, nothing else.
#pragma once

#include "core/mesh.hpp"
#include "core/told_once.hpp"
#include "shell/address_watch.hpp"
#include "shell/beacon_socket.hpp"
#include "shell/descriptors.hpp"
#include "shell/disk.hpp"
#include "shell/knocker.hpp"
#include "shell/resolver.hpp"
#include "shell/sockets.hpp"
#include "shell/spill_file.hpp"
#include "shell/spill_shelf.hpp"
#include "shell/unicast_socket.hpp"
#include "shell/watch_board.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <set>
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
        return use(mesh_, board_);
    }
    [[nodiscard]] const std::shared_ptr<watch_bell>& bell() const { return watch_bell_; }
    /// As with(), for writes: `use(mesh&, moment)`. Waits first while too much is unsent. On an idle wire
    /// what was written is sent from here; otherwise the I/O thread packs it with what comes next.
    /// Answers `busy` when that wait outlasts `within`.
    template <class Use>
    auto write(Use use, std::chrono::milliseconds within = std::chrono::milliseconds::max()) {
        std::unique_lock lock(mutex_, std::defer_lock);
        enter(lock);
        const auto there_is_room = [this] {
            return (mesh_.unsent_bytes() <= settings_.limits.unsent_bytes_max && !mesh_.is_crowded()) ||
                   stopped_;
        };
        if (!there_is_room() && !sent_.wait_for(lock, bounded(within), there_is_room)) {
            return decltype(use(mesh_, now()))(error{
                errc::busy,
                "members lag too far behind, or too much is unsent: nothing is written; try again later"});
        }
        know_types(lock);
        return write_under(lock, use);
    }
    /// The same without waiting.
    template <class Use>
    auto write_now(Use use) {
        std::unique_lock lock(mutex_, std::defer_lock);
        enter(lock);
        know_types(lock);
        return write_under(lock, use);
    }
    /// Waits under the lock until `done(mesh&)` holds, `within` has passed, or the node has left; the last
    /// word of `done`.
    template <class Done>
    bool wait_for(std::chrono::milliseconds within, Done done) const {
        std::unique_lock lock(mutex_, std::defer_lock);
        enter(lock);
        ++waiters_;
        bool outcome = false;
        changed_.wait_for(lock, bounded(within), [&] {
            look_now();
            outcome = done(mesh_); // which may have folded a key in
            note_changes();
            return outcome || stopped_;
        });
        --waiters_;
        lock.unlock();
        ring_watchers();
        return outcome;
    }
    /// Waits until `wanted` is met or `within` has passed; members are asked once more when the usual round
    /// trip is over. `ticket`: of mesh::await_holders, given back here.
    [[nodiscard]] holding wait_held(const core::proof& wanted, std::uint64_t ticket,
                                    std::chrono::milliseconds within);
    /// The same without waiting: `done` is called, once, by the I/O thread.
    void when_held(core::proof wanted, std::uint64_t ticket, std::chrono::milliseconds within,
                   std::function<void(const holding&)> done);
    /// Waits as wait_for(), while every member is asked what it holds: `done(mesh&, question)`.
    template <class Done>
    bool ask(std::chrono::milliseconds within, Done done) const {
        const auto question = with([](core::mesh& mesh) { return mesh.begin_question(now()); });
        ring();
        const bool outcome = wait_for(within, [&](core::mesh& mesh) { return done(mesh, question); });
        with([&](core::mesh& mesh) { mesh.end_question(question); });
        return outcome;
    }
    [[nodiscard]] std::optional<event> next_event(std::chrono::milliseconds timeout);
    /// Readable while next_event() has something; made at the first call, and closed with the node.
    [[nodiscard]] result<int> event_fd();

    /// The address under which this node is best named to others.
    [[nodiscard]] std::string host() const {
        const guest lock(*this);
        return best_host_;
    }
    /// Sends that a full or missing connection did not take; repaired later.
    [[nodiscard]] std::uint64_t sends_refused() const { return sends_refused_; }

    /// `hook` is called under the lock whenever mesh::next_merge() may have something. Nothing: no more, and
    /// no call is under way.
    void on_merges(std::function<void()> hook) {
        const guest lock(*this);
        merges_ready_ = std::move(hook);
    }
    /// Has the I/O thread do what work there is.
    void look() { ring(); }
    /// A warning for the log, which only the I/O thread writes. Beyond 64 of them at a time they are lost.
    void remark(std::string line) {
        const guest lock(*this);
        if (remarks_.size() < 64) remarks_.push_back(std::move(line));
    }

    leave_report leave(std::chrono::milliseconds within, std::size_t copies, bool nobody_stays = false);
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
            owner_.note_changes();
            lock_.unlock();
            owner_.ring_watchers();
        }
        guest(const guest&) = delete;

      private:
        const io_thread& owner_;
        std::unique_lock<std::mutex> lock_;
    };
    /// Reads judge by this moment what is over.
    void look_now() const {
        if (mesh_.state().has_deadlines()) mesh_.state().set_now(now().now);
    }
    /// Takes the lock; the I/O thread gives way while somebody is at the door.
    void enter(std::unique_lock<std::mutex>& lock) const {
        if (lock.try_lock()) return; // as a rule
        at_door_.fetch_add(1, std::memory_order_relaxed);
        lock.lock();
        at_door_.fetch_sub(1, std::memory_order_relaxed);
    }
    /// What a key is decides whether it may be written: typed values of a committed sync are folded in first,
    /// the lock let go of between slices.
    void know_types(std::unique_lock<std::mutex>& lock) {
        while (mesh_.state().folding_typed()) {
            (void)mesh_.state().fold(256);
            lock.unlock();
            lock.lock();
        }
    }
    template <class Use>
    auto write_under(std::unique_lock<std::mutex>& lock, Use use) {
        const auto at = now();
        if (stopped_) {
            return decltype(use(mesh_, at))(error{
                errc::leaving, "the node has left, or its I/O thread has failed: it accepts no more writes"});
        }
        auto outcome = use(mesh_, at);
        if (waiters_ != 0) changed_.notify_all();
        const bool unsent = mesh_.has_unsent(), news = mesh_.has_news();
        note_changes();
        lock.unlock();
        ring_watchers();
        if ((unsent && !send_directly(at)) || news) ring();
        return outcome;
    }
    void ring() const;
    /// Under the lock: what the store has noted is on the board.
    void note_changes() const {
        if (!mesh_.state().notes().empty() && board_.collect(mesh_.state().notes())) watch_news_ = true;
    }
    /// Without the lock, soon after note_changes().
    void ring_watchers() const {
        if (watch_news_.load(std::memory_order_relaxed) && watch_news_.exchange(false)) watch_bell_->ring();
    }
    void signal_events(bool any);
    [[nodiscard]] static std::string line_of(const event& told); ///< for the log
    bool send_directly(const moment& at);
    void log(log_level level, const std::string& line) const {
        if (!settings_.log) return;
        try {
            settings_.log(level, line);
        } catch (...) { // ends the thread, once
            if (!failed_) throw;
        }
    }

    // on the I/O thread
    void run();
    // io_ending.cpp
    template <class Step>
    static void attempt(Step step) noexcept;
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
    /// Whether there may be some of it; what is left unread, a wait names again.
    bool take(source of);
    void read_beacons();
    void read_datagrams();
    void read_doors();
    void read_knocks();
    void read_names();      // io_names.cpp
    void tend_gates();      // io_gates.cpp
    void watch_addresses(); // io_addresses.cpp
    void take_addresses();
    void give(const core::input& in, std::string_view host);
    void settle();
    void perform();
    void act(const core::send_beacon& a);
    void act(const core::send_datagram& a);
    void act(const core::admit& a) { sockets_->admit(a.id, a.key); }
    void act(const core::expel& a) { sockets_->expel(a.id); }
    void act(const core::send_broadcast& a);
    void act(const core::send_request& a);
    void act(const core::send_reply& a);
    void act(const core::dial& a);
    void act(const core::subscribe& a);
    void act(const core::hang_up& a);
    void act(const core::read_spill& a);
    void act(const core::drop_spill& a);
    void act(const core::keep_spill_aside& a);
    void act(const core::resolve& a);
    void act(const core::knock& a) { knocker_.knock(a, sockets_->sources(), now().now); }
    // io_spilling.cpp
    void begin_spills();
    void tend_spills();
    void read_for_mesh();
    void look_through();
    void note_listed();
    [[nodiscard]] instant tend_net(const moment& at, const core::leave_progress& progress);
    void begin_net(const moment& at);
    void feed_net(const moment& at);
    [[nodiscard]] bool is_net_settled() const;
    [[nodiscard]] bool may_end(const moment& at);
    void settle_net(bool met, const moment& at, leave_report& report);
    void end_disk();
    void publish(core::outbox& out);
    void complain(std::string_view host, const char* reason); // io_events.cpp
    void tell_unnamed();
    void give_way() const;
    void manage_leave();
    void finish_waiting(bool all);
    void finish_leave(bool met, std::size_t copies);

    const options settings_;
    mutable std::mutex publisher_mutex_; // whoever uses PUB; taken before mutex_, never while holding it
    mutable std::mutex mutex_;           // the mesh and what stands beside it
    mutable std::condition_variable changed_, sent_;
    mutable std::atomic<int> at_door_{0};
    mutable int waiters_ = 0;
    mutable core::mesh mesh_; // reads may fold a key
    mutable watch_board board_;
    mutable std::atomic<bool> watch_news_{false};
    const std::shared_ptr<watch_bell> watch_bell_ = std::make_shared<watch_bell>();
    std::function<void()> merges_ready_; // under the lock
    std::vector<std::string> remarks_;   // under the lock
    std::deque<event> events_;
    std::uint64_t events_dropped_ = 0;
    int event_fd_ = -1;
    std::string best_host_; // under the lock: as of the last look

    struct waiting {
        core::proof wanted;
        std::uint64_t ticket = 0;
        instant until{};
        std::function<void(const holding&)> done;
    };
    std::list<waiting> waiting_; // under the lock
    std::atomic<bool> has_waiting_{false};
    struct leaving {
        instant since{}, deadline{};
        std::size_t copies = 2;
        bool nobody_stays = false; ///< and nobody is waited for who does not stay
        bool begun = false;
        std::optional<instant> farewell_until;
        std::optional<leave_report> report;
    };
    std::optional<leaving> leaving_; // under the lock
    bool stopped_ = false;           // under the lock: the I/O thread has ended
    bool failed_ = false;            // of the I/O thread: it ends by a failure
    std::atomic<bool> hurry_{false};
    mutable std::atomic<bool> rung_{false};
    std::atomic<bool> burst_{false}; // writes follow one another closely: pack them
    std::atomic<std::int64_t> last_write_{0};
    std::atomic<std::uint64_t> sends_refused_{0};

    std::unique_ptr<sockets>
        sockets_;             // made, replaced and closed by the I/O thread; PUB under publisher_mutex_
    core::outbox direct_out_; // under publisher_mutex_

    // of the I/O thread alone
    std::optional<beacon_socket> beacon_;
    std::optional<unicast_socket> unicast_;
    knocker knocker_{knocks};
    resolver resolver_;
    instant names_at_{instant::max()}; ///< to be looked at again
    address_watch addresses_;
    std::vector<interface> interfaces_; ///< as of the last look
    instant look_at_{};                 ///< at the interfaces again
    spares spares_;                     ///< while the gates are open
    bool gates_told_ = false;           ///< of the last shortage
    bool gates_watched_ = false;        ///< closely, as there has been a shortage
    instant gates_moved_{};             ///< shut or opened
    bool gates_shut_ = false;           ///< for want of descriptors
    instant gates_at_{};                ///< when that is looked at again
    bool addresses_new_ = false;        ///< one has been added, or could be used only now
    bool addresses_complained_ = false; ///< of a list that cannot be read
    int bell_ = -1, timer_ = -1;
    core::outbox out_;
    instant wake_at_{};
    instant pack_until_{};
    mesh_clock::duration pack_for_{};
    std::vector<poller::name> reading_; ///< of read_links()
    core::told_once told_{1000};        ///< whose refusals are in the log, and for what
    bool beacon_complained_ = false;
    bool ended_ = false;
    std::unique_ptr<disk_thread> disk_; ///< where there is a spill_dir
    const std::shared_ptr<disk_pace> pace_ = std::make_shared<disk_pace>();
    std::optional<spill_shelf> shelf_;          ///< files found at the start
    std::deque<core::read_spill> spills_asked_; ///< by the mesh, one at a time
    bool spills_listed_ = false;                ///< the mesh has been told of all of them
    bool spills_awaited_ = false;               ///< that is in the log
    bool spills_due_ = false;                   ///< there is more to read or to write
    instant scan_at_ = instant::max();          ///< the folder is looked at again
    instant scanned_at_{};
    instant scan_until_{}; ///< for as long as others may be about to begin
    std::shared_ptr<std::atomic<int>> syncs_ = std::make_shared<std::atomic<int>>(0); ///< awaited
    std::shared_ptr<spill_net> net_; ///< the file beside the leave
    instant net_began_{}, net_again_at_{};
    bool net_complete_ = false; ///< everything has been given to it
    std::string net_fault_;     ///< why there is none
    std::optional<instant> hurried_at_;

    std::thread thread_;
};

} // namespace baton::shell
