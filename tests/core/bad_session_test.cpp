// Proves that frames of sessions that nobody asked for, and comparisons that do not cover what was asked, are
// refused as a whole, counted by reason, and have no effect.
#include "awaiting.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

wire::fingerprint listing(std::uint64_t session, std::uint64_t number, const wire::listing_writer& rows,
                          const cut& seen = {}) {
    wire::fingerprint f;
    f.session = session;
    f.number = number;
    f.seen = seen;
    f.replicas = rows.replicas();
    f.rows = rows.rows();
    return f;
}
wire::listed_range everything_of(const replica_id& origin, std::uint64_t last) {
    return {{origin, 0, last}, true, {}, {}}; // and no record of it is left
}

} // namespace

TEST_CASE("bad session: a STATE or a listing for a session nobody asked for is refused", "[core][scenario]") {
    awaiting s;
    s.provoke();
    wire::state f;
    f.session = s.session + 1;
    f.flags = wire::state::commit;
    f.at.seen = s.mesh(0).state().seen();
    CHECK(s.answer(f) == "answer to nothing asked");
    wire::listing_writer rows;
    rows.add(everything_of(s.at(0).id, 3));
    CHECK(s.answer(listing(s.session + 1, 0, rows, s.mesh(0).state().seen())) == "answer to nothing asked");
    CHECK(s.refused(1, "answer to nothing asked") == 2);
    f.session = s.session - 1; // a late frame of a session that was given up is no fault
    CHECK(s.answer(f).empty());
    s.unchanged();
    s.recover();
}

TEST_CASE("bad session: the right number from another member is not taken", "[core][scenario]") {
    awaiting s;
    s.provoke();
    wire::state f;
    f.session = s.session;
    f.flags = wire::state::commit;
    f.at.seen = s.mesh(0).state().seen();
    f.server = s.at(0).id;
    const auto bytes = wire::encode(f);
    s.give(1, core::reply_arrived{s.link_to(1, 2), host_of(2), bytes});
    s.run_for(100ms);
    s.unchanged();
    s.recover();
}

TEST_CASE("bad session: a COMMIT by the server's next incarnation is not taken for the server's own",
          "[core][scenario]") {
    // A repeated PULL may reach another node at the same address; what that node holds says nothing about the
    // server.
    awaiting s;
    s.provoke();
    wire::state f;
    f.session = s.session;
    f.flags = wire::state::commit;
    f.at.seen = s.mesh(0).state().seen();
    f.server.bytes.fill(7);
    CHECK(s.answer(f).empty());
    s.unchanged();
    CHECK(s.mesh(1).stats().sessions_failed == 1);
    s.recover();
}

TEST_CASE("bad session: a question for a session nobody opened is refused", "[core][scenario]") {
    awaiting s;
    s.run_for(1s);
    std::string replicas, rows;
    wire::write_question({{{s.at(0).id, 0, 3}, true}}, replicas, rows);
    wire::fingerprint f;
    f.session = 1000;
    f.number = 1;
    f.flags = wire::fingerprint::question;
    f.replicas = replicas;
    f.rows = rows;
    CHECK(s.request(f) == "question for no session");
    CHECK(s.request(wire::credit{1000, 1, false}) == "credit for no session");
    // The session is there, and it is one by logs: nothing is asked in those.
    s.request(pull_by(s.at(1).id, 1000, s.mesh(1).state().seen()));
    CHECK(s.request(f) == "question for no session");
}

TEST_CASE("bad session: a malformed question is refused whole", "[core][scenario]") {
    awaiting s;
    s.request(pull_by(s.at(1).id, 1000, s.mesh(1).state().seen(), wire::pull::compare));
    s.run_for(10ms);
    REQUIRE(s.mesh(0).stats().sessions_compared == 1);
    std::string replicas, rows;
    const dot_range all{s.at(0).id, 0, 3};
    wire::write_question({{all, true}, {all, false}}, replicas, rows);
    const auto ask = [&](std::string_view names, std::string_view bytes) {
        wire::fingerprint f;
        f.session = 1000;
        f.number = 1;
        f.flags = wire::fingerprint::question;
        f.replicas = names;
        f.rows = bytes;
        return s.request(f);
    };
    const auto sent = s.mesh(0).stats().state_bytes_sent;
    std::uint64_t count = 0;
    for (std::size_t size = 1; size < rows.size(); ++size) {
        if (size == rows.size() / 2) continue; // the first of the two alone: a good question
        CHECK(ask(replicas, std::string_view(rows).substr(0, size)) == "malformed question");
        ++count;
    }
    CHECK(ask({}, rows) == "malformed question"); // about a replica that it does not name
    auto neither = rows;
    neither.back() = 2; // neither listed nor shipped
    CHECK(ask(replicas, neither) == "malformed question");
    std::string many_names, many;
    wire::write_question(std::vector<wire::asked_range>(65, {all, true}), many_names, many);
    CHECK(ask(many_names, many) == "malformed question");
    CHECK(s.refused(0, "malformed question") == count + 3);
    s.run_for(100ms);
    CHECK(s.mesh(0).stats().state_bytes_sent == sent);
    CHECK(ask(replicas, rows).empty()); // the session is unchanged
    s.run_for(10ms);
    CHECK(s.mesh(0).stats().state_bytes_sent > sent);
}

TEST_CASE("bad session: an opening of ranges that its own cut does not name is refused", "[core][scenario]") {
    awaiting s;
    s.provoke();
    const auto seen = s.mesh(0).state().seen();
    const auto which = GENERATE(0, 1, 2, 3);
    CAPTURE(which);
    wire::listing_writer rows;
    rows.add(everything_of(s.at(0).id, 3));
    replica_id stranger;
    stranger.bytes.fill(0x66);
    switch (which) {
    case 0: // another origin
        rows.add(everything_of(stranger, 3));
        break;
    case 1: // beyond the cut of the server
        rows.add(everything_of(s.at(2).id, 4));
        break;
    case 2: // a range is listed twice
        rows.add(everything_of(s.at(0).id, 3));
        break;
    default: // the range does not begin at the first event
        rows.add({{s.at(2).id, 1, 3}, true, {}, {}});
        break;
    }
    CHECK(s.answer(listing(s.session, 0, rows, seen)) == "malformed state");
    CHECK(s.refused(1, "malformed state") == 1);
    CHECK(s.mesh(1).stats().sessions_failed == 1); // it has ended at once
    s.run_for(10ms);
    CHECK(s.mesh(1).state().staged_slots() == 0); // nothing has been marked as dead
    s.unchanged();
    s.recover();
}

TEST_CASE("bad session: an answer about ranges that were not asked about is refused", "[core][scenario]") {
    awaiting s;
    s.provoke();
    const auto seen = s.mesh(0).state().seen();
    wire::listing_writer opening;
    opening.add({{s.at(0).id, 0, seen.of(s.at(0).id)}, false, {100, 12345}, {}}); // many: it has to be asked
    for (const process_number who : {1, 2}) {
        dot_range all{s.at(who).id, 0, 3};
        range_sum sum;
        auto steps = std::size_t(100);
        auto left = all;
        while (const auto found = s.mesh(1).state().next_held(left, steps, false))
            ++sum.count, sum.hash += found->hash;
        opening.add({all, false, sum, {}}); // equal
    }
    CHECK(s.answer(listing(s.session, 0, opening, seen)).empty());
    s.run_for(5ms);
    const bool of_another = GENERATE(true, false);
    CAPTURE(of_another);
    wire::listing_writer wrong;
    wrong.add(of_another ? everything_of(s.at(2).id, 3) : everything_of(s.at(0).id, counter_max));
    CHECK(s.answer(listing(s.session, 1, wrong)) == "malformed state");
    CHECK(s.refused(1, "malformed state") == 1);
    CHECK(s.mesh(1).stats().sessions_failed == 1); // it has ended at once
    s.run_for(10ms);
    CHECK(s.mesh(1).state().staged_slots() == 0);
    s.unchanged();
    s.recover();
}

TEST_CASE("bad session: a COMMIT before its comparison is over is refused", "[core][scenario]") {
    awaiting s;
    s.provoke();
    wire::state f;
    f.session = s.session;
    f.flags = wire::state::commit | wire::state::compared;
    f.at.seen = s.mesh(0).state().seen();
    s.answer(f);
    CHECK(s.refused(1, "commit before its comparison") == 1);
    s.unchanged();
    s.recover();
}
