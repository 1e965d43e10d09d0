// Proves which acknowledgements let a leave end: of this leaving, with everything, of a member that is up and
// stays; what is said of keys that are on their way; and that leavings of others are answered after applying.
#include "core/handover.hpp"
#include "machines/alone.hpp"

#include <deque>

using namespace baton;
using namespace baton::core;

namespace {
constexpr std::uint64_t number = 77;

struct leaving_node : lone_node {
    handover leave{settings, here, members, mail};
    outbox out;

    leaving_node() {
        write_buffers buffers;
        here.put(register_of("key"), "value", timestamp::at(wall), buffers);
    }
    /// The member acknowledges the leave of this number, and holds everything.
    void acknowledge(peer& p, std::uint64_t of, bool staying = true) {
        leave.on_ack(p, {replica(2), staying, true, of, here.seen(), 0});
    }
    template <class Frame>
    std::vector<Frame> sent() {
        std::vector<Frame> all;
        for (const auto& each : out.actions) {
            const auto* const reply = std::get_if<send_reply>(&each);
            if (reply == nullptr) continue;
            bytes.push_back(reply->bytes);
            const auto frame = wire::decode(bytes.back());
            if (const auto* const f = std::get_if<Frame>(&*frame)) all.push_back(*f);
        }
        out.clear();
        return all;
    }
    std::deque<std::string> bytes; ///< frames point into them
};
} // namespace

TEST_CASE("handover: a leave is met by members that hold everything and stay", "[core][machine]") {
    leaving_node s;
    auto &a = s.up(2), &b = s.up(3);
    CHECK_FALSE(s.leave.is_leaving());
    s.leave.begin(number, 1, start);
    CHECK(s.leave.is_leaving());
    CHECK(s.leave.progress().staying == 2);
    CHECK_FALSE(s.leave.progress().met);
    s.acknowledge(a, number + 1); // for another leave
    CHECK(s.leave.progress().copies == 0);
    s.acknowledge(a, number, false); // the member itself is leaving
    CHECK(s.leave.progress().staying == 1);
    CHECK_FALSE(s.leave.progress().met);
    s.acknowledge(b, number);
    CHECK(s.leave.progress().met);
    s.members.transition(b, member_state::suspect, event_kind::suspect, start);
    CHECK_FALSE(s.leave.progress().met); // void while it is silent
}

TEST_CASE("handover: where nobody stays, only a node that holds nothing leaves safely", "[core][machine]") {
    leaving_node s;
    s.leave.begin(number, 1, start);
    CHECK_FALSE(s.leave.progress().met);
    std::vector<std::string> unsafe;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) s.leave.unsafe_keys(shard, unsafe);
    CHECK(unsafe == std::vector<std::string>{"key"});
}

TEST_CASE("handover: a leaving is announced until it is acknowledged with everything", "[core][machine]") {
    leaving_node s;
    auto& p = s.up(2);
    s.leave.begin(number, 1, start);
    s.leave.repeat(start, s.out);
    const auto first = s.sent<wire::leaving>();
    REQUIRE_FALSE(first.empty());
    CHECK(first[0].number == number);
    CHECK_FALSE(first[0].keys.empty()); // no member has reported that it holds them
    CHECK(s.leave.deadline() > start);
    s.leave.repeat(s.leave.deadline() - 1ns, s.out);
    CHECK(s.out.actions.empty());
    s.leave.repeat(s.leave.deadline(), s.out);
    CHECK(s.sent<wire::leaving>().size() == 1);
    s.acknowledge(p, number);
    s.leave.repeat(s.leave.deadline(), s.out);
    CHECK(s.sent<wire::leaving>().empty());
    s.leave.say_left(s.out);
    CHECK(s.sent<wire::left>().size() == 1);
    CHECK(s.leave.deadline() == instant::max());
    CHECK_FALSE(s.leave.farewell_heard());
    p.leave.heard_farewell = true;
    CHECK(s.leave.farewell_heard());
}

TEST_CASE("handover: a key that a leaving member has announced is on its way", "[core][machine]") {
    leaving_node s;
    auto& p = s.up(2);
    std::string keys;
    wire::put_varint(keys, 5);
    keys += "thing";
    wire::leaving f{replica(2), 5, 1, {}, {}};
    f.keys = keys;
    handover::note_leaving(p, f);
    CHECK_FALSE(s.leave.on_its_way("thing")); // not leaving yet
    s.members.transition(p, member_state::leaving, event_kind::leaving, start);
    CHECK(s.leave.on_its_way("thing") == replica(2));
    CHECK_FALSE(s.leave.on_its_way("other"));
}

TEST_CASE("handover: the leaving of another is answered once everything of it is here", "[core][machine]") {
    leaving_node s;
    auto& p = s.up(2);
    store other(replica(2), 3);
    write_buffers buffers;
    const auto theirs = other.put(register_of("x"), "1", timestamp::at(wall), buffers);
    p.holds.seen.raise(theirs.id);
    handover::note_leaving(p, {replica(2), 5, 1, {}, {}});
    s.leave.answer(true, s.out);
    CHECK(s.out.actions.empty());
    REQUIRE(s.here.apply(theirs.id, theirs.event) == store::applied::yes);
    s.leave.answer(true, s.out);
    const auto acks = s.sent<wire::ack>();
    REQUIRE(acks.size() == 1);
    CHECK(acks[0].answers == 5);
    CHECK(acks[0].whole);
    CHECK(acks[0].staying);
    s.leave.answer(true, s.out);
    CHECK(s.out.actions.empty()); // once, until it asks again
}
