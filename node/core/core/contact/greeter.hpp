// greeter: sends HELLO to one node at a time: by a link until its peer answers, to a member that must learn a
// change, and in answer to a HELLO. A HELLO also states whether this node's PUB has seen the other's
// subscription.
//
// Pure; owned by a mesh, same thread contract. When to call again: greet_links() with the timers.
#pragma once

#include "core/contact/hello_writer.hpp"
#include "core/contact/link_table.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/mesh_options.hpp"
#include "core/peers.hpp"
#include "core/schedule.hpp"
#include "wire/frame.hpp"

#include <cstdint>
#include <string>

namespace baton::core {

class greeter {
  public:
    greeter(const mesh_options& settings, const hello_writer& own, courier& mail, link_table& links,
            schedule& time)
        : settings_(settings)
        , own_(own)
        , mail_(mail)
        , links_(links)
        , time_(time) {}

    /// By a link, to the node that answers there.
    void greet(link_id number, bool wants_answer, outbox& out);
    /// Greets every link whose peer has not answered, and every doubted link. A link that has been silent for
    /// crashed_after is replaced. A link without a peer ends, and its seed is dialled again. O(links).
    void greet_links(outbox& out);
    /// To a member, wherever it can be reached.
    void tell(const replica_id& id, peer& p, bool wants_answer, outbox& out);
    /// Answers the HELLO of a peer. `first`: it is the first of this incarnation.
    void answer(const arrival& from, const replica_id& id, peer& p, bool first, outbox& out);
    /// Answers a HELLO that could be read only in part, in a `version` that both speak.
    void answer_in(std::uint64_t version, const arrival& from, const replica_id& id, outbox& out);
    /// To a node that is not a peer and has dialled this one: a HELLO in the oldest version.
    void present(const replica_id& to, bool wants_answer, outbox& out);
    /// A node that this one has forgotten, and that still hears this one, has no reason to greet again: asks
    /// it to. One answer in 20 ms for all strangers together.
    void answer_stranger(const replica_id& from, outbox& out);

  private:
    [[nodiscard]] std::uint64_t flags_for(const replica_id& id, bool wants_answer) const;
    static void send_back(const arrival& from, const replica_id& id, std::string bytes, outbox& out);

    const mesh_options& settings_;
    const hello_writer& own_;
    courier& mail_;
    link_table& links_;
    schedule& time_;
    instant strangers_answered_at_{};
};

} // namespace baton::core
