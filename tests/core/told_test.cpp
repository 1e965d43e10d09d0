// Proves that the cut that a member reports may be long and invented: the cost of a frame is proportional to
// its bytes, and limits.unknown_ids_max bounds what is kept of it.
#include "core/early_frames.hpp"
#include "core/told.hpp"
#include "scene.hpp"
#include "support/processor_time.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t ids_in_a_frame = 16000;

/// Replicas that no node knows, new ones with every call.
cut fresh_ids(std::size_t count) {
    static std::uint64_t state = 1;
    std::vector<dot> dots(count);
    for (auto& each : dots) {
        for (auto& byte : each.replica.bytes) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            byte = static_cast<std::uint8_t>(state);
        }
        each.counter = 1;
    }
    return cut::of_dots(std::move(dots));
}
replica_id origin_numbered(std::uint8_t number) {
    replica_id id;
    id.bytes[0] = number;
    return id;
}

/// Two settled nodes; the second invents what it has seen.
struct boasting : scene {
    boasting() { gather(2); }
    void say(const wire::frame& f) {
        const auto bytes = wire::encode(f);
        give(0, core::request_arrived{at(1).id, host_of(1), bytes});
    }
    [[nodiscard]] std::uint64_t ignored() { return mesh(0).stats().ids_ignored; }
};

} // namespace

TEST_CASE("told: many made-up ids cost what their bytes cost, and are not kept", "[core][scenario]") {
    boasting s;
    const auto most = s.mesh(0).settings().limits.unknown_ids_max;
    double decoding = 0, taking = 0;
    std::uint64_t frames = 0;
    const auto take = [&](const wire::frame& f) {
        const auto bytes = wire::encode(f);
        const auto begun = support::processor_seconds();
        REQUIRE(wire::decode(bytes));
        const auto decoded = support::processor_seconds();
        s.give(0, core::request_arrived{s.at(1).id, host_of(1), bytes});
        decoding += decoded - begun;
        taking += support::processor_seconds() - decoded;
        CHECK(s.ignored() == ++frames * (ids_in_a_frame - most));
    };
    for (int round = 0; round < 4; ++round) {
        take(wire::ack{s.at(1).id, true, false, 0, fresh_ids(ids_in_a_frame)});
        take(wire::leaving{
            s.at(1).id, 7, s.mesh(1).state().counter_of(s.at(1).id), fresh_ids(ids_in_a_frame), {}});
    }
    CAPTURE(decoding, taking);
    CHECK(taking < 100 * decoding); // it was more than 1,000 times as much before the cap
}

TEST_CASE("told: who names more than is kept has not answered, and is not synced with", "[core][scenario]") {
    boasting s;
    const auto question = s.write(0, [](core::mesh& m, const moment& at) { return m.begin_question(at); });
    s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
        return !is<wire::ack>(bytes);
    });
    auto answer = wire::ack{s.at(1).id, true, true, 0, fresh_ids(ids_in_a_frame), question};
    s.say(answer);
    CHECK_FALSE(s.mesh(0).judge_absence(question).confirmed);
    CHECK(s.mesh(0).judge_absence(question).who == std::vector{s.at(1).id});
    s.set_filter({}); // its true answer
    s.run_for(1s);
    CHECK(s.mesh(0).judge_absence(question).confirmed);
}

TEST_CASE("told: a cut of fewer ids than the bound is kept whole", "[core]") {
    const auto nobody = [](const replica_id&) { return false; };
    const auto reported = fresh_ids(100);
    std::size_t left_out = 0;
    CHECK(core::heed(reported, 100, nobody, left_out) == reported);
    CHECK(left_out == 0);
    CHECK(core::heed(reported, 30, nobody, left_out).size() == 30);
    CHECK(left_out == 70);
    left_out = 0;
    const auto known = reported.entries()[99].replica; // known ids are kept, wherever they stand
    const auto kept = core::heed(
        reported, 30, [&](const replica_id& id) { return id == known; }, left_out);
    CHECK(kept.size() == 31);
    CHECK(kept.of(known) == 1);
    CHECK(left_out == 69);
}

TEST_CASE("told: what a member does not name any more makes room for what it names", "[core]") {
    const auto nobody = [](const replica_id&) { return false; };
    cut seen;
    for (int round = 0; round < 50; ++round) {
        const auto reported = fresh_ids(40);
        seen.join(reported);
        core::trim(seen, reported, 100, nobody);
        CHECK(seen.covers(reported));
        CHECK(seen.size() <= 100 + 40);
    }
    const auto everybody = [](const replica_id&) { return true; };
    const auto before = seen.size();
    core::trim(seen, {}, 10, everybody); // the number of known ids is bounded by the store
    CHECK(seen.size() == before);
}

TEST_CASE("told: a COMMIT of more origins than fit a frame is refused", "[core][scenario]") {
    // Everything that this node has seen is sent to every member, in one frame.
    boasting s;
    s.stash(1, 0, "value");
    s.settle();
    s.run_for(1s);
    const auto link = s.link_to(0, 1);
    std::uint64_t session = 0;
    s.set_filter([&](process_number from, process_number to, channel, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        if (const auto* const f = frame ? std::get_if<wire::pull>(&*frame) : nullptr;
            f != nullptr && from == 0)
            session = f->session;
        return to != 0 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    s.stash(1, 0, "what the first lacks");
    REQUIRE(s.run_until([&] { return session != 0; }, 1s));
    wire::state commit;
    commit.session = session;
    commit.flags = wire::state::commit;
    commit.server = s.at(1).id;
    commit.at.seen = fresh_ids(wire::cut_entries_max);
    const auto bytes = wire::encode(commit);
    s.give(0, core::reply_arrived{link, host_of(1), bytes});
    CHECK(s.refused(0, "commit of too many origins") == 1);
    CHECK(s.mesh(0).state().seen().size() == 1);
    s.set_filter({});
    s.settle();
    CHECK(s.pickup(0, 0) == "what the first lacks");
}

// ---------------------------------------------------------------- frames that come too early

TEST_CASE("early frames: the origin that holds most gives up its first one", "[core]") {
    core::early_frames all(1000);
    const auto many = origin_numbered(1), few = origin_numbered(2);
    const auto keep = [&](const replica_id& origin, std::uint64_t first, std::size_t size) {
        all.keep(origin, {first, first, {}, std::string(size, 'x')});
    };
    for (std::uint64_t first = 2; first < 50; ++first) keep(many, first, 100);
    CHECK(all.bytes() == 1000);
    keep(few, 7, 100);
    keep(few, 7, 100); // twice
    CHECK(all.bytes() == 1000);
    CHECK(all.count(few) == 1);
    CHECK(all.count(many) == 9);
    std::vector<std::uint64_t> firsts;
    all.each_first([&](const replica_id& origin, core::early_frames::frame& each) {
        if (origin == many) firsts.push_back(each.first);
        return origin == many ? core::early_frames::fate::stale : core::early_frames::fate::waits;
    });
    CHECK(firsts == std::vector<std::uint64_t>{41, 42, 43, 44, 45, 46, 47, 48, 49});
    CHECK(all.count(many) == 0);
    CHECK(all.bytes() == 100);
    keep(many, 1, 2000); // larger than all the room: it goes itself
    CHECK(all.count(many) == 0);
    CHECK(all.count(few) == 1);
    all.drop(few);
    CHECK((all.empty() && all.bytes() == 0));
}

TEST_CASE("early frames: a flood of one origin leaves room for another's", "[core][scenario]") {
    // The first delta of two nodes is late at a third. What one of them writes afterwards fills all the room
    // there; what the other writes is kept all the same, and shows when its first delta has come.
    world::settings how;
    how.node.limits.early_bytes_max = 20000;
    scene s(how);
    s.gather(3);
    for (process_number who = 0; who < 3; ++who) s.put(who, "by " + std::to_string(who), "x");
    s.settle();
    s.run_for(1s);
    std::string late;
    bool losing = true;
    s.set_filter([&](process_number from, process_number to, channel, std::string_view bytes) {
        // The events of the second node do not depend on those of the first.
        if (to == 2) return !is<wire::delta>(bytes) && !is<wire::state>(bytes);
        if (to != 0 || is<wire::state>(bytes)) return to != 0;
        if (!losing || !is<wire::delta>(bytes)) return true;
        if (from == 2) late = bytes;
        return false;
    });
    s.put(1, "lost", "x");
    s.put(2, "late", "x");
    s.run_for(5ms);
    losing = false;
    for (int i = 0; i < 200; ++i) {
        s.put(1, "flood " + std::to_string(i), std::string(200, 'x'));
        s.run_for(100us);
    }
    s.put(2, "kept", "x");
    s.run_for(20ms);
    CHECK_FALSE(s.get(0, "kept"));
    REQUIRE_FALSE(late.empty());
    s.give(0, core::broadcast_arrived{late});
    s.run_for(1ms);
    CHECK(s.get(0, "late") == "x");
    CHECK(s.get(0, "kept") == "x");
    s.set_filter({});
    s.settle();
}
