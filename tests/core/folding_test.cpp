// Proves that a commit takes effect at once although its records are folded in slice by slice. Meanwhile a
// node may become full, leave, or accept writes: its decisions rest on everything that is committed.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

constexpr int written_keys = 5000;

/// The second has been cut off while the first wrote much, and is looked at at the commit of that.
struct backlog : scene {
    explicit backlog(std::size_t bytes_max = 0, mutation broken = mutation::none)
        : scene(unchecked()) {
        start(0);
        core::mesh_options small;
        small.limits.bytes_max = bytes_max;
        small.broken = broken;
        start(1, small);
        settle();
        put(0, "common", "x"), put(1, "common too", "x");
        settle();
        sever(0, 1, true);
        run_for(10s);
        for (int i = 0; i < written_keys; ++i) put(0, "key " + std::to_string(i), std::string(60, 'v'));
        for (int i = 0; i < 300; ++i) add(0, "count " + std::to_string(i), 1);
        for (int i = 0; i < 300; ++i) put(0, element("set", std::to_string(i)));
        run_for(1s);
        on_trace = [this](process_number who, const core::trace& t) {
            if (who != 1 || t.what != "commit" || t.b < written_keys) return;
            committed = true;
            at_commit = mesh(1).state().bytes_in_use();
        };
    }
    static world::settings unchecked() {
        world::settings how;
        how.check = false;
        return how;
    }
    /// Runs each slice of work as a step of its own.
    void stop_at_commit() {
        faults().slices = 1000;
        sever(0, 1, false);
        REQUIRE(run_until([&] { return committed; }, 30s));
        REQUIRE(mesh(1).state().folding());
    }
    bool committed = false;
    std::size_t at_commit = 0;
};

} // namespace

TEST_CASE("folding: a node that becomes full in the middle of it folds in what is committed",
          "[core][scenario]") {
    std::size_t low = 0, high = 0;
    {
        backlog s;
        s.sever(0, 1, false);
        s.settle(30s);
        low = s.at_commit, high = s.mesh(1).state().bytes_in_use();
    }
    REQUIRE(low < high);
    for (std::size_t step = 1; step < 4; ++step) {
        backlog s(low + (high - low) * step / 4);
        s.sever(0, 1, false);
        s.run_for(20s);
        CAPTURE(step);
        REQUIRE(s.committed);
        CHECK(s.mesh(1).is_full());
        CHECK_FALSE(s.mesh(1).state().folding());
        CHECK(s.mesh(1).state().keys() == s.mesh(0).state().keys());
        CHECK(s.mesh(1).state().state_digest() == s.mesh(0).state().state_digest());
        CHECK(s.heard(1, event_kind::full, 1) == 1);
    }
}

TEST_CASE("folding: a leave that begins in the middle of it counts what is committed", "[core][scenario]") {
    const bool broken = GENERATE(false, true);
    CAPTURE(broken);
    backlog s(0, broken ? mutation::met_without_folded : mutation::none);
    s.erase(1, "common"), s.erase(1, "common too");
    s.stop_at_commit();
    REQUIRE(s.mesh(1).state().keys() == 0);
    s.crash(0);
    core::outbox out;
    s.mesh(1).begin_leave(s.moment_at(1), 2, out);
    CHECK(s.mesh(1).leaving_progress().copies == 0);
    CHECK(s.mesh(1).leaving_progress().met == broken);
    if (broken) return;
    std::vector<std::string> unsafe;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) s.mesh(1).unsafe_keys(shard, unsafe);
    std::sort(unsafe.begin(), unsafe.end());
    unsafe.erase(std::unique(unsafe.begin(), unsafe.end()), unsafe.end());
    CHECK(unsafe.size() == written_keys + 300 + 1);
    CHECK_FALSE(s.mesh(1).leaving_progress().met);
}

TEST_CASE("folding: what a leaver announces is listed when all is folded in", "[core][scenario]") {
    backlog s;
    s.stop_at_commit();
    s.start(2); // and hears of keys that only the leaving node had
    std::size_t told = 0;
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        const auto* const f = frame ? std::get_if<wire::leaving>(&*frame) : nullptr;
        if (f != nullptr && from == 1) told += f->keys.size();
        return !is<wire::state>(bytes); // no node takes over the state
    });
    s.crash(0);
    s.leave(1, 2, 2s);
    s.run_for(1s);
    CHECK(told > written_keys * 8);
}

TEST_CASE("folding: a key is what it has been committed as", "[core][scenario]") {
    const bool broken = GENERATE(false, true);
    CAPTURE(broken);
    backlog s(0, broken ? mutation::type_by_folded_only : mutation::none);
    s.stop_at_commit();
    const auto now = s.moment_at(1);
    auto& mesh = s.mesh(1);
    std::size_t taken = 0;
    for (int i = 0; i < 300; ++i)
        taken += mesh.put(now, {value_type::reg, "count " + std::to_string(i), {}}, "x").has_value();
    taken += mesh.put(now, {value_type::reg, "set", {}}, "x").has_value();
    CHECK((taken != 0) == broken);
    if (broken) return;
    CHECK(mesh.put(now, element("key 0", "x"), {}).error().code == errc::wrong_type);
    CHECK(mesh.add(now, "key 1", 1).error().code == errc::wrong_type);
    CHECK(mesh.put(now, element("set", "more"), {}).has_value());
    CHECK(mesh.add(now, "count 0", 1).has_value());
}
