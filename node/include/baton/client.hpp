// client: reads and writes the state of a mesh without being a member of it. It talks to one member, holds
// nothing itself, and is never counted as a copy.
//
//     // Adds a player from outside the mesh; nullopt if it is not certain that two members have it.
//     std::optional<baton::version> enrol(const std::string& player) {
//         auto client = baton::client::connect({.cluster = "harbour", .seeds = {"node1.example:5670"}});
//         if (!client) return std::nullopt; // client.error().what says why
//         const auto done = client->stash("player/" + player, "new");
//         if (!done || !done->met) return std::nullopt; // errc::unknown: it may have been written
//         return done->written;
//     }
//
// Session: the client reads its own writes and never goes back in time, also when it moves to another member
// because its own one leaves or crashes. If the other member lacks something that this client has seen, a
// call waits for it; then it fails with `behind`, or with `lost` once nobody has it. See accept_loss().
//
// Retries: the client repeats a call of itself only where that is safe. A member remembers the results of
// writes for 60 s, so a write is repeated at the same member and made once. At another member a write that
// may have been made fails with `unknown`, unless write_terms::retry says at_least_once.
//
// Thread contract: any thread may call every member function, also at the same time. The client has one
// thread of its own for its connection: it keeps the session alive and moves it while the program does
// something else. Calls wait; those that end in _async return at once, so that many may be under way on one
// connection. Movable; not copyable. After fork() the client stays with the parent (`forked`). Source:
// session guarantees (Terry et al. 1994), by the causal cut that each reply carries.
#pragma once

#include <baton/ack.hpp>
#include <baton/api.hpp>
#include <baton/change.hpp>
#include <baton/client_claim.hpp>
#include <baton/client_options.hpp>
#include <baton/client_watch.hpp>
#include <baton/leave.hpp>
#include <baton/member.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/stats.hpp>
#include <baton/version.hpp>
#include <baton/write.hpp>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

/// One client, as the head of this header describes it.
class BATON_API client {
  public:
    /// Finds a door and is let in, or fails. Errors: bad_option, bad_seed, bad_key, network; unreachable (no
    /// door was found); refused (every door has refused this client; the sentence has the reason).
    static result<client> connect(client_options settings = {});
    client(client&&) noexcept;            ///< takes the client over
    client& operator=(client&&) noexcept; ///< closes this client, and takes the other over
    /// Closes the connection. Calls under way fail with unreachable, or unknown.
    ~client();
    /// The same while other threads use the client: their calls and later ones fail. Returns when the
    /// connection is closed. One thread calls it, once; no effect in a forked child.
    void close();

    /// @name Errors of every call
    ///
    /// unreachable (no member could be reached within client_options::reach_within); refused (not allowed by
    /// the client's key); behind, lost (see the head of this header); forked. Of writes also: unknown; busy,
    /// leaving, claimed (the register is owned by another client of the member) and those of the node's call
    /// of the same name; then nothing was written.

    /// As node::stash, by the member, with stash_terms.
    result<write_result> stash(std::string_view key, std::string_view value, stash_terms how = {});
    /// The same, but returns at once.
    [[nodiscard]] std::future<result<write_result>> stash_async(std::string_view key, std::string_view value,
                                                                stash_terms how = {});
    /// Several keys as one, as the call of node of the same name; keys and values have at most 8 MiB
    /// together.
    result<write_result> stash(std::span<const std::pair<std::string_view, std::string_view>> all,
                               stash_terms how = {});
    /// As node::pickup: what the member holds, or why it has no value. The outcome is the member's.
    [[nodiscard]] result<pickup_result> pickup(std::string_view key, pickup_options how = {});
    /// The same, but returns at once.
    [[nodiscard]] std::future<result<pickup_result>> pickup_async(std::string_view key,
                                                                  pickup_options how = {});
    /// As node::drop.
    result<write_result> drop(std::string_view key, write_terms how = {});
    /// As node::siblings. The values are those of one moment; conflict if they change all the time.
    [[nodiscard]] result<std::vector<stored_value>> siblings(std::string_view key);
    /// As node::resolve, of at most 2,000 versions.
    result<write_result> resolve(std::string_view key, std::string_view value,
                                 const std::vector<version>& replaced, write_terms how = {});
    /// As node::claim; <baton/client_claim.hpp> says what differs. Errors of writes, and those of
    /// node::claim.
    result<client_claim> claim(std::string_view key, client_claim_options how = {});
    /// As node::confirm.
    result<write_result> confirm(version written, ack_level level, std::chrono::milliseconds within);

    /// @name Typed values, as the calls of node of the same names
    /// @{

    /// Adds to a counter.
    result<write_result> add(std::string_view key, std::int64_t amount = 1, write_terms how = {});
    /// The sum of a counter; nullopt: there is none.
    [[nodiscard]] result<std::optional<std::int64_t>> count(std::string_view key);
    /// Puts an element into a set.
    result<write_result> insert(std::string_view key, std::string_view element, write_terms how = {});
    /// Takes an element out of a set.
    result<write_result> erase(std::string_view key, std::string_view element, write_terms how = {});
    /// Whether the set has the element.
    [[nodiscard]] result<bool> contains(std::string_view key, std::string_view element);
    /// The elements of a set, sorted; read in pages, so not as of one moment.
    [[nodiscard]] result<std::vector<std::string>> elements(std::string_view key);
    /// Sets a field of a map.
    result<write_result> set_field(std::string_view key, std::string_view field, std::string_view value,
                                   write_terms how = {});
    /// The value of a field; nullopt: there is none.
    [[nodiscard]] result<std::optional<stored_value>> field(std::string_view key, std::string_view field);
    /// As node::field_siblings; see siblings().
    [[nodiscard]] result<std::vector<stored_value>> field_siblings(std::string_view key,
                                                                   std::string_view field);
    /// Removes a field of a map.
    result<write_result> erase_field(std::string_view key, std::string_view field, write_terms how = {});
    /// The names of the fields of a map, as elements().
    [[nodiscard]] result<std::vector<std::string>> fields(std::string_view key);
    /// Turns a flag on.
    result<write_result> enable(std::string_view key, write_terms how = {});
    /// Turns a flag off.
    result<write_result> disable(std::string_view key, write_terms how = {});
    /// Whether the flag is on.
    [[nodiscard]] result<bool> enabled(std::string_view key);
    /// The types of which the key has a value, normally one.
    [[nodiscard]] result<std::vector<value_kind>> types(std::string_view key);
    /// @}

    /// Keys that begin with `prefix`, from `from` on, about 1,000 at a time. Keys that exist throughout the
    /// listing are in it. A member builds the index of its keys at most once a minute for its clients.
    [[nodiscard]] result<name_page> keys_page(std::string_view prefix, std::string_view from = {});
    /// All pages.
    [[nodiscard]] result<std::vector<std::string>> keys(std::string_view prefix = {});

    /// Reports what exists under `prefix`, and then every change of it, to the handler, until the handle is
    /// destroyed, also when the client moves to another member. <baton/client_watch.hpp> has the contract.
    /// Waits until the member has begun. Errors: those of pickup; too_many_watches, network (no thread is
    /// available).
    [[nodiscard]] result<client_watch> watch(std::string_view prefix, change_handler handler);

    /// The members of the mesh: first the one that this client talks to, then the others as that one sees
    /// them.
    [[nodiscard]] result<std::vector<member>> members();
    /// The counters of the member. `members` and `refused_by_reason` of the result are filled, too.
    [[nodiscard]] result<node_stats> stats();
    /// The time of one call to the member and back.
    [[nodiscard]] result<std::chrono::nanoseconds> ping();
    /// Makes the member of that name, or of that id in 32 hexadecimal digits, leave the mesh, and waits for
    /// its report; `spilled` files stay where the member runs. Needs the role admin. Errors: absent (no such
    /// member), bad_argument (several have the name), unreachable (it has no door).
    result<leave_report> leave(std::string_view member_name,
                               std::optional<std::chrono::milliseconds> within = {});

    /// @name The session
    /// @{

    /// The member that this client talks to, or nullopt while it looks for one.
    [[nodiscard]] std::optional<replica_id> talks_to() const;
    /// After `lost`: the last 1,024 writes of this client, as far as they are among what is lost.
    [[nodiscard]] std::vector<lost_write> lost_writes() const;
    /// Goes on without what is lost: this client forgets what it has seen. Calls under way that wait for it
    /// are answered by what the member has.
    void accept_loss();
    /// @}

  private:
    friend class client_claim;
    struct BATON_LOCAL impl;
    explicit client(std::shared_ptr<impl> body);
    std::shared_ptr<impl> impl_;
};

} // namespace baton
