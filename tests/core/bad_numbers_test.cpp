// Bad numbers: counters that cannot be, and cuts that are none, are refused in every frame that can carry
// them.
#include "bad_rows.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

using namespace bad;

cut cut_of(const replica_id& replica, std::uint64_t counter) {
    cut all;
    all.push_back({replica, counter});
    return all;
}
std::string replaced(std::string bytes, std::string_view what, std::string_view by) {
    const auto at = bytes.find(what);
    REQUIRE(at != std::string::npos);
    return bytes.replace(at, what.size(), by);
}

} // namespace

TEST_CASE("bad numbers: counters above 2^48 - 1 are refused wherever they stand", "[core][scenario]") {
    awaiting s;
    s.provoke();
    const auto third = s.at(2).id, first = s.at(0).id;
    const auto high = cut_of(third, too_large);
    const auto row = one_put("key");
    const auto by_broadcast = [&](const wire::frame& f) {
        const auto* const why = s.give(1, core::broadcast_arrived{wire::encode(f)}).refused;
        REQUIRE(why != nullptr);
        CHECK(std::string(why) == "malformed broadcast");
    };
    by_broadcast(delta_of(third, too_large, 1, {}, row.rows()));
    by_broadcast(delta_of(third, counter_max, 2, {}, row.rows())); // its second event
    by_broadcast(delta_of(third, 4, 1, cut_of(first, too_large), row.rows()));
    by_broadcast(wire::brief{third, 1, 1, too_large});
    by_broadcast(wire::left{third, too_large, false, false, third});
    by_broadcast(wire::leaving{third, 1, too_large, {}, {}});
    by_broadcast(wire::leaving{third, 1, 3, high, {}});
    by_broadcast(wire::leaving{third, 0, 3, {}, {}}); // no ACK can answer the number 0
    wire::hello hello;
    hello.cluster = "default";
    hello.id = third;
    hello.port = hello.publish_port = 1;
    hello.latest = too_large;
    by_broadcast(hello);
    hello.latest = 3;
    hello.at.seen = cut_of(first, too_large);
    by_broadcast(hello);

    CHECK(s.answer(wire::ack{first, true, true, 0, high}) == "malformed reply");
    wire::state commit;
    commit.session = s.session;
    commit.flags = wire::state::commit;
    commit.at.seen = high;
    CHECK(s.answer(commit) == "malformed reply");
    commit.at.seen = {};
    commit.floor = high;
    CHECK(s.answer(commit) == "malformed reply");
    const auto archive = wire::encode_cut(high);
    wire::state rows;
    rows.session = s.session;
    rows.flags = wire::state::archive;
    rows.rows = archive;
    CHECK(s.answer(rows) == "malformed state");
    s.unchanged();
    s.recover();

    auto pull = pull_by(s.at(1).id, 1000, high);
    CHECK(s.request(pull) == "malformed request");
    std::swap(pull.seen, pull.closed);
    CHECK(s.request(pull) == "malformed request");
    CHECK(s.sees(1, 2, member_state::up));
}

TEST_CASE("bad numbers: a cut that names a replica twice, or out of order, is refused in every frame",
          "[core][scenario]") {
    awaiting s;
    s.provoke();
    auto low = s.at(0).id, high = s.at(2).id;
    if (high < low) std::swap(low, high);
    const bool twice = GENERATE(true, false);
    CAPTURE(twice);
    cut good;
    good.push_back({low, 3}), good.push_back({high, 3});
    const auto bad = wire::encode_cut(cut_of(twice ? low : high, 3)) + wire::encode_cut(cut_of(low, 3));
    const auto as = [&](const wire::frame& f) {
        return replaced(wire::encode(f), wire::encode_cut(good), bad);
    };
    const auto by_reply = [&](const wire::frame& f) {
        const auto bytes = as(f);
        const auto* const why = s.give(1, core::reply_arrived{s.link, host_of(0), bytes}).refused;
        REQUIRE(why != nullptr);
        CHECK(std::string(why) == "malformed reply");
    };
    wire::state commit;
    commit.session = s.session;
    commit.flags = wire::state::commit;
    commit.at.seen = good;
    by_reply(commit);
    wire::fingerprint opening;
    opening.session = s.session;
    opening.seen = good;
    by_reply(opening);
    by_reply(wire::ack{s.at(0).id, true, true, 0, good});
    const auto bytes = as(pull_by(s.at(1).id, 1000, good));
    CHECK(std::string(s.give(0, core::request_arrived{s.at(1).id, host_of(1), bytes}).refused) ==
          "malformed request");
    wire::state archive;
    archive.session = s.session;
    archive.flags = wire::state::archive;
    archive.rows = bad;
    CHECK(s.answer(archive) == "malformed state");
    s.unchanged();
    s.recover();
}
