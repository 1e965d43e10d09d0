// Proves that times to live in a spill continue, by the wall clock, while the file is on the disk.
#include "clocked.hpp"
#include "wire/rows.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

world::settings alone_with_spills() {
    auto how = with_keys(4);
    how.node.spills = true;
    how.node.alone_after = 100ms;
    return how;
}

} // namespace

TEST_CASE("ttl: a spill carries what is left of it", "[core][scenario]") {
    clocked s(alone_with_spills());
    s.gather(1);
    s.put_for(0, "k", "v", 3s);
    s.run_for(1s);
    s.leave(0, 1, 100ms);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 2s));
    const auto back = s.start(0);
    s.run_for(1s);
    CHECK(s.get_now(back, "k") == "v");
    s.run_for(1500ms);
    CHECK_FALSE(s.get_now(back, "k"));
}

TEST_CASE("ttl: it goes on while a spill lies on the disk, by the wall clock", "[core][scenario]") {
    // A value is written with 3 s to live, 1 s before the leave, and the file is on the disk for 1 s. The
    // clock of the next node shows that, or is behind that of the writer: then the time does not run.
    const bool behind = GENERATE(false, true), damaged = GENERATE(false, true);
    clocked s(alone_with_spills());
    s.gather(1);
    s.put_for(0, "k", "v", 3s);
    s.put_for(0, "large", std::string(3000, 'l'), 3s);
    s.run_for(900ms);
    s.leave(0, 1, 100ms);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 2s));
    REQUIRE(s.spills_at(0).size() == 1);
    auto& file = *s.spills_at(0).front();
    if (damaged) {
        file.damaged = true;
        file.bytes.resize(file.pieces.back()); // its tail is gone
    }
    s.run_for(1s);
    const auto back = s.start(0);
    if (behind) s.step_clock(back, -10'000);
    s.run_for(500ms);
    CHECK(s.get_now(back, "k") == "v");
    CHECK(s.get_now(back, "large").has_value());
    s.run_for(900ms); // 3.4 s after the write
    CHECK(s.get_now(back, "k").has_value() == behind);
    CHECK(s.get_now(back, "large").has_value() == behind);
    s.run_for(1200ms);
    CHECK_FALSE(s.get_now(back, "k"));
}

TEST_CASE("ttl: a spill that takes long to write has what was left when it began", "[core][scenario]") {
    // As of the time in the head: a reader subtracts the time that has passed since then.
    auto how = small_chunks(20);
    how.node.spills = true;
    clocked s(how);
    s.gather(1);
    s.fill(0, 10, 300);
    s.put_for(0, "k", "v", 3s);
    s.put_for(0, "large", std::string(3000, 'l'), 3s);
    s.leave(0, 1, 5s);
    std::size_t found = 0;
    std::string frame;
    for (bool more = true; more;) {
        more = s.mesh(0).spill(s.moment_at(0), frame);
        s.run_for(100ms);
        const auto decoded = wire::decode(frame);
        const auto* const f = decoded ? std::get_if<wire::state>(&*decoded) : nullptr;
        if (f == nullptr || (f->flags & wire::state::archive) != 0) continue;
        wire::state_reader rows(f->base, f->replicas, f->rows, wire::row_limits{});
        for (wire::state_row row; rows.next(row);) {
            for (const auto& entry : row.entries) {
                if (!entry.what.ttl) continue;
                ++found;
                CHECK(*entry.what.ttl > 2990ms);
                CHECK(*entry.what.ttl <= 3000ms);
            }
        }
    }
    CHECK(found == 2);
}

TEST_CASE("ttl: what was over before a spill is read is not there, and is removed", "[core][scenario]") {
    clocked s(alone_with_spills());
    s.gather(1);
    s.put_for(0, "k", "v", 3s);
    s.put(0, "stays", "s");
    s.leave(0, 1, 100ms);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 2s));
    s.run_for(1h);
    const auto back = s.start(0);
    s.run_for(500ms);
    CHECK_FALSE(s.get_now(back, "k"));
    CHECK(s.get_now(back, "stays") == "s");
    s.run_for(10s);
    CHECK(s.mesh(back).state().keys() == 1);
}
