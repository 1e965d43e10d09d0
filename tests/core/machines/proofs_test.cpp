// Proves what counts as an acknowledgement, when a member is asked again, and what an answer leaves open.
#include "core/proofs.hpp"
#include "machines/alone.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::core;

namespace {
struct asking : lone_node {
    quest_map quests;
    proofs desk{here, members, mail, quests, counters, {}};
    outbox out;

    dot put() {
        write_buffers buffers;
        return here.put(register_of("key"), "value", timestamp::at(wall), buffers).id;
    }
    /// Questions that have gone out since the last call.
    std::size_t asked() {
        std::size_t count = 0;
        for (const auto& each : out.actions) {
            const auto* const sent = std::get_if<send_reply>(&each);
            const auto frame = wire::decode(sent->bytes);
            count += std::holds_alternative<wire::ask>(*frame) ? 1 : 0;
        }
        out.clear();
        return count;
    }
    /// Acknowledgements that have gone out since the last call.
    std::size_t acknowledged() {
        std::size_t count = 0;
        for (const auto& each : out.actions) {
            const auto frame = wire::decode(std::get<send_reply>(each).bytes);
            count += std::holds_alternative<wire::ack>(*frame) ? 1 : 0;
        }
        out.clear();
        return count;
    }
    /// Version 5's answer to the latest question.
    void answer(std::uint8_t number, std::uint64_t question, std::string_view view = {}) {
        wire::ack f{replica(number), true, true, 0, {}, question};
        f.has_view = true;
        f.view = view;
        desk.on_ack(*members.find(replica(number)), f, true, start + 1ms);
    }
};
proof of(const dot& id, std::size_t copies) { return {id, ack_level::copies(copies), {}}; }
} // namespace

TEST_CASE("proofs: only what a member has applied while it is up and takes writes is a copy",
          "[core][machine]") {
    asking s;
    auto& p = s.up(2);
    const auto id = s.put();
    CHECK(s.desk.measure(of(id, 2), true).copies == 1);
    CHECK(s.desk.measure(of(id, 2), false).copies == 0); // this node leaves
    p.holds.seen.raise(id);
    CHECK(s.desk.measure(of(id, 2), true).met);
    p.holds.full = true;
    CHECK_FALSE(s.desk.measure(of(id, 2), true).met);
    p.holds.full = false;
    s.members.transition(p, member_state::suspect, event_kind::suspect, start);
    CHECK_FALSE(s.desk.measure(of(id, 2), true).met);
}

TEST_CASE("proofs: a write that no broadcast asks about is asked about at once, then ever less often",
          "[core][machine]") {
    asking s;
    s.up(2);
    const auto id = s.put();
    const auto ticket = s.desk.await(id, false, start + 1s);
    CHECK(s.desk.asks_broadcasts());
    CHECK(s.desk.asks_now(start + 1s));
    CHECK(s.desk.deadline() == start + 1s);
    s.desk.ask(start + 1s, s.out);
    CHECK(s.asked() == 1);
    auto now = s.desk.deadline();
    const auto first = now - (start + 1s);
    CHECK(first > 0ms);
    s.desk.ask(now - 1ns, s.out);
    CHECK(s.asked() == 0);
    s.desk.ask(now, s.out);
    CHECK(s.asked() == 1);
    CHECK(s.desk.deadline() - now >= first);
    s.desk.stop_awaiting(ticket);
    CHECK(s.desk.deadline() == instant::max());
    CHECK_FALSE(s.desk.asks());
}

TEST_CASE("proofs: what a broadcast asks is asked again after twice the round trip", "[core][machine]") {
    asking s;
    auto& p = s.up(2);
    p.proof.round_trip = 20ms;
    (void)s.desk.await(s.put(), true, start);
    CHECK(s.desk.deadline() == start + 40ms);
}

TEST_CASE("proofs: a question is put until it is answered, and again where the answer names a stranger",
          "[core][machine]") {
    asking s;
    s.up(2);
    const auto question = s.desk.begin_question(start);
    CHECK(s.desk.has_asked(question));
    CHECK_FALSE(s.desk.has_asked(question + 1));
    s.desk.ask(start, s.out);
    CHECK(s.asked() == 1);
    const auto stranger = replica(9);
    s.answer(2, question, stranger.view());
    std::vector<replica_id> unheard;
    s.desk.name_unheard(replica(2), *s.members.find(replica(2)), unheard);
    CHECK(unheard == std::vector{stranger});
    s.desk.ask(start + 10s, s.out);
    CHECK(s.asked() == 1);
    s.answer(2, question);
    unheard.clear();
    s.desk.name_unheard(replica(2), *s.members.find(replica(2)), unheard);
    CHECK(unheard.empty());
    s.desk.ask(start + 20s, s.out);
    CHECK(s.asked() == 0);
    CHECK(s.desk.deadline() == instant::max());
    s.desk.forget_answers(); // after a death
    s.desk.ask(start + 30s, s.out);
    CHECK(s.asked() == 1);
}

TEST_CASE("proofs: an acknowledgement that is owed is said after applying", "[core][machine]") {
    asking s;
    auto& p = s.up(2);
    s.desk.owe(p, 1);
    s.desk.answer_wanted({}, s.out);
    CHECK(s.out.actions.empty());
    store other(replica(2), 3);
    write_buffers buffers;
    const auto theirs = other.put(register_of("x"), "1", timestamp::at(wall), buffers);
    REQUIRE(s.here.apply(theirs.id, theirs.event) == store::applied::yes);
    s.desk.answer_wanted({}, s.out);
    CHECK(s.out.actions.size() == 1);
    s.desk.answer_wanted({}, s.out);
    CHECK(s.out.actions.size() == 1); // once
}

TEST_CASE("proofs: what is asked about and not applied here yet is answered once it is", "[core][machine]") {
    asking s;
    auto& p = s.up(2);
    store other(replica(2), 3);
    write_buffers buffers;
    const auto theirs = other.put(register_of("x"), "1", timestamp::at(wall), buffers);
    wire::ask f{replica(2), 0, {}};
    f.want.raise(theirs.id);
    s.desk.on_ask(replica(2), p, f, {}, s.out);
    CHECK(s.acknowledged() == 1); // answered at once, with what is here
    s.desk.answer_wanted({}, s.out);
    CHECK(s.acknowledged() == 0);
    REQUIRE(s.here.apply(theirs.id, theirs.event) == store::applied::yes);
    s.desk.answer_wanted({}, s.out);
    CHECK(s.acknowledged() == 1);
    s.desk.answer_wanted({}, s.out);
    CHECK(s.acknowledged() == 0); // once
    s.desk.on_ask(replica(2), p, f, {}, s.out);
    CHECK(s.acknowledged() == 1);
    s.desk.owe(p, 2);
    s.desk.answer_wanted({}, s.out);
    CHECK(s.acknowledged() == 0); // the answer has confirmed it
    CHECK(p.proof.wanted.empty());
}
