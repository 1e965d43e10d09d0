// client_engine: the thread of a client: it finds a door, keeps the session there, sends calls within its
// credit, and moves to another member when its own one is gone.
//
// Thread contract: submit(), state() and the calls about the session from any thread; everything else runs on
// the engine's own thread. `done` of a call is called once, on that thread, or by the destructor's caller.
#pragma once

#include "crdt/cut.hpp"
#include "shell/client/door_link.hpp"
#include "shell/client/finder.hpp"
#include "shell/descriptor.hpp"
#include "shell/door/guest.hpp"

#include <baton/client_options.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace baton::shell {

/// A call of the program.
struct client_op {
    kept_call call;
    client_retry retry = client_retry::never;
    /// The reply, with the whole value; or why there is none.
    std::function<void(result<kept_reply>)> done;
};

class client_engine {
  public:
    using clock = std::chrono::steady_clock;

    client_engine(client_options settings, std::optional<client_key> key, finder doors);
    ~client_engine();
    client_engine(const client_engine&) = delete;

    /// `done` gets an error at once if a frame cannot carry the call: key_too_long, value_too_long.
    void submit(client_op op);
    /// Ends the thread; calls under way fail. What comes later fails at once. By the client's owner.
    void close();
    /// Waits until a member has let this client in. Errors: unreachable, refused.
    [[nodiscard]] result<void> wait_open(std::chrono::milliseconds within);
    [[nodiscard]] std::optional<replica_id> talks_to() const;
    [[nodiscard]] std::vector<lost_write> lost_writes() const;
    void accept_loss();

  private:
    struct pending {
        client_op op;
        clock::time_point since{};
        bool sent = false;      ///< whole, or in part: the member may have made the write
        std::size_t offset = 0; ///< of the value, what has been sent
        std::string value;      ///< of the reply: the parts that have come
        kept_reply first{};     ///< the reply with the first part
        bool in_parts = false;  ///< of the reply: further parts are asked for
    };

    void run();
    void wait();
    void take_submissions();
    void search(clock::time_point now);
    void dial(const std::string& endpoint);
    /// `first`: the door to try first.
    void lose(const std::string& first);
    void note_leaving();
    [[nodiscard]] bool moves() const;
    void leave_member(clock::time_point now);
    void open();
    void read();
    void take(std::string_view bytes);
    void take(const wire::client::welcome& f);
    void take(const wire::client::refused& f);
    void take(const wire::client::reply& f);
    void resend(bool same_member, bool known);
    void flush();
    [[nodiscard]] bool send_one();
    void tend(clock::time_point now);
    void finish(std::uint64_t number, result<kept_reply> with);
    void note_own(const pending& op, const wire::client::reply& f);
    /// The call goes on with what the member of this session knows.
    [[nodiscard]] static bool is_of_session(const pending& op);
    void ring();

    const client_options settings_;
    const std::optional<client_key> key_;
    replica_id id_{};
    descriptor bell_;
    std::atomic<bool> rung_{false}, ending_{false};

    mutable std::mutex mutex_; // the members down to the blank line
    std::condition_variable changed_;
    std::vector<client_op> submitted_;
    std::optional<replica_id> member_;
    std::optional<error> last_refusal_;
    bool is_found_ = false, all_tried_ = false, accepts_loss_ = false, closed_ = false;
    std::deque<lost_write> own_; ///< writes, the latest last
    crdt::cut lacking_;          ///< of the last `lost`: what the member has of those who wrote what is lost

    // of the engine's thread
    finder doors_;
    zmq::context_t context_;
    std::unique_ptr<door_link> link_;
    bool is_open_ = false, leaves_ = false; ///< let in; and the member has said that it leaves
    replica_id talked_to_{};                ///< the member of the last session
    bool had_session_ = false;
    crdt::cut seen_;
    std::unordered_map<std::uint64_t, pending> ops_;
    std::deque<std::uint64_t> unsent_;
    std::uint64_t last_number_ = 0;
    std::size_t under_way_ = 0;                      ///< calls that are sent and not answered
    std::uint64_t credit_ = 0, sent_ = 0, told_ = 0; ///< to the member: sent, and taken in as it says
    std::uint64_t taken_ = 0, said_ = 0;             ///< from the member
    clock::time_point dialled_{}, heard_{}, spoke_{}, lost_at_{}, tended_{}, leaves_since_{};
    std::thread thread_;
};

} // namespace baton::shell
