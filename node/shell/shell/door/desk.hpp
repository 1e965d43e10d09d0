// desk: the thread that serves the clients of a node. It never blocks: it makes reads and writes by short
// holds of the node's lock, and what waits by the calls of calls.hpp.
//
// Thread contract: made and destroyed by the node's owner; everything else runs on the desk's own thread.
// Other threads reach it only by its mailbox. It must end before the io_thread does.
#pragma once

#include "shell/door/door_socket.hpp"
#include "shell/door/door_watches.hpp"
#include "shell/door/guest.hpp"
#include "shell/door/lent_claims.hpp"
#include "shell/door/mailbox.hpp"
#include "shell/io_thread.hpp"
#include "shell/unicast_socket.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace baton::shell {

class desk {
  public:
    desk(io_thread& engine, const options& settings, const replica_id& self, std::string endpoint,
         std::unique_ptr<door_socket> door);
    ~desk();
    desk(const desk&) = delete;

  private:
    using call = wire::client::call;
    using why = wire::client::refused::why;

    // desk.cpp: the loop, and messages
    void run();
    void wait();
    void read_messages();
    void take(const std::string& route, std::string_view bytes);
    void take(const std::string& route, const wire::client::open& f);
    void take(guest& of, const wire::client::credit& f);
    void take(guest& of, const call& f);
    [[nodiscard]] std::optional<call> assemble(guest& of, const call& f, kept_call& whole);
    void refuse(const std::string& route, why reason, const std::string& sentence);
    void greet(guest& of, bool known);
    void say(guest& of, const wire::client::frame& what);
    void part_from(guest& of, why reason, const std::string& sentence);
    void disconnect(guest& of);
    void flush();
    void flush(guest& of);
    void tend(instant now);
    [[nodiscard]] std::string doors() const;

    // desk_calls.cpp: what a call does
    void begin(guest& of, const call& f);
    void perform(guest& of, const call& f);
    void write(guest& of, const call& f);
    void confirm(guest& of, const call& f);
    template <class Result>
    [[nodiscard]] std::function<void(result<Result>)> to_mail(guest& of, const call& f);
    [[nodiscard]] static std::chrono::milliseconds within_of(const call& f);
    [[nodiscard]] static std::optional<std::chrono::milliseconds> ttl_of(const call& f);
    [[nodiscard]] write_options options_of(const call& f);
    void finish(guest& of, const call& f, const result<write_result>& done);
    void finish(guest& of, const call& f, const result<pickup_result>& done);
    void finish(guest& of, const call& f, const result<leave_report>& done);
    void leave(guest& of, const call& f);
    void write_several(guest& of, const call& f);
    void resolve(guest& of, const call& f);
    void answer(guest& of, kept_reply reply, bool is_write);
    void fail(guest& of, const call& f, const error& failure);
    void take(letter& from);

    // desk_claims.cpp
    void claim(guest& of, const call& f);
    void finish(guest& of, const call& f, const result<core::claim_grant>& done);
    void commit(guest& of, const call& f);
    void release(guest& of, const call& f);
    result<std::uint64_t> release(std::string_view key, std::uint64_t number);
    /// The claim that the call names is no more.
    void note_loss(const guest& of, const call& f);
    void say_owns(guest& of, const call& f);
    [[nodiscard]] bool is_owned(std::string_view key, const lent_claim& held);
    /// The error of a write of a register that another client owns.
    [[nodiscard]] std::optional<error> owned_by_another(const guest& of, std::string_view key);
    void end_leases(instant now);

    // desk_reads.cpp
    void read(guest& of, const call& f);
    void show_siblings(guest& of, const call& f);
    void pickup(guest& of, const call& f);
    void list_members(guest& of, const call& f);
    void list_stats(guest& of, const call& f);

    // desk_waits.cpp: calls that wait for the node
    void look();
    void look_for_owed(guest& of);
    [[nodiscard]] error missing(guest& of, cut& from);
    void look_for_lists();
    void manage_rounds();

    // desk_watches.cpp
    void watch(guest& of, const call& f);
    void unwatch(guest& of, const call& f);
    void end_watch(guest& of, const door_watches::name& name);
    void end_watches();
    void dismiss(guest& of, std::uint64_t number, const error& reason);
    void look_for_watches();

    // desk_search.cpp
    void answer_search(const search_letter& from);

    [[nodiscard]] static instant now() { return io_thread::now().now; }
    [[nodiscard]] guest* of_client(const replica_id& id);

    io_thread& engine_;
    const options settings_;
    const replica_id self_;
    const std::string endpoint_;      ///< of the node
    const std::string door_endpoint_; ///< of its door
    std::unique_ptr<door_socket> door_;
    std::shared_ptr<mailbox> mail_;
    discovery::keyring keys_; ///< of the mesh, as of the last look

    std::map<replica_id, guest> guests_;
    std::map<std::string, replica_id> by_route_;
    lent_claims lent_;
    door_watches watches_;
    std::size_t held_bytes_ = 0;  ///< of calls and replies that wait, of all clients
    std::size_t watch_bytes_ = 0; ///< of it those of watches, as of the last tend()
    std::string doors_;           ///< as the clients know them
    instant tended_{};
    bool leaving_ = false;
    double searches_left_ = 0;
    instant searches_at_{}, refusals_at_{};
    unsigned refusals_told_ = 0;
    std::uint64_t broken_links_ = 0, told_broken_ = 0;

    std::vector<std::pair<replica_id, kept_call>> listing_;
    std::uint64_t round_ = 0; ///< the question that is open; 0: none
    instant round_since_{}, looked_{};
    std::optional<unicast_socket> searches_; ///< sends answers
    std::atomic<bool> ending_{false};
    std::thread thread_;
};

// A call is over on this thread at once, or later on the node's I/O thread.
template <class Result>
std::function<void(result<Result>)> desk::to_mail(guest& of, const call& f) {
    of.under_way.insert(f.number);
    return [mail = mail_, who = of.id, kept = kept_call(f)](result<Result> done) {
        mail->push(done_letter{who, kept, std::move(done)});
    };
}

} // namespace baton::shell
