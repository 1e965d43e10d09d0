// Proves what becomes of a file: it is written as a newcomer would be served,
// merged once, kept until others have it, and looked through if it is damaged;
// and that what a file may hold is not called absent.
#include "core/spills.hpp"
#include "machines/writing.hpp"

#include <random>

using namespace baton;
using namespace baton::core;

namespace {
constexpr spill_id number{1};

struct spilling : writing_node {
    std::mt19937_64 random{1};
    session_server server{settings, here, members, mail, random};
    session_receiver receiver{settings, here, members, mail, server, random};
    spills files{settings, here, members, server, receiver, write, start};
    moment at{start, wall};

    explicit spilling(std::uint8_t id = 1)
        : writing_node(id) {
        settings.spills = true;
        settings.founding = true; // nobody else is waited for
    }
    dot put(std::string_view key) { return write.put(register_of(key), "value", write.tick(wall)); }
    [[nodiscard]] std::vector<std::string> file() {
        std::vector<std::string> frames;
        for (bool more = true; more;) {
            std::string frame;
            more = files.write(at, frame);
            CHECK(files.is_writing() == more);
            if (!frame.empty()) frames.push_back(std::move(frame));
        }
        return frames;
    }
    void find(const std::vector<std::string>& frames, bool whole = true) {
        spill_found found;
        found.file = number;
        found.whole = whole;
        found.clock = timestamp::at(wall);
        found.commit = frames.back();
        found.writer = replica(9);
        CHECK(files.on_found(found, at));
        files.on_listed({}, at);
    }
    void tend() { files.tend(true, at, box); }
    /// Answers what is asked to be read, until nothing is. How the session ended.
    std::optional<session_end> read(const std::vector<std::string>& frames) {
        std::optional<session_end> how;
        std::size_t next = 0;
        for (bool more = true; more;) {
            more = false;
            for (const auto& each : std::exchange(box.actions, {})) {
                if (std::holds_alternative<drop_spill>(each)) ++dropped;
                if (std::holds_alternative<keep_spill_aside>(each)) ++aside;
                const auto* const f = std::get_if<read_spill>(&each);
                if (f == nullptr) continue;
                more = true;
                if (f->from_start) next = 0;
                const auto bytes = next < frames.size() ? frames[next++] : std::string{};
                if (!files.on_read({f->file, bytes}, at, box))
                    note(receiver.on_file({f->file, bytes}, at, box), how);
            }
            for (bool works = true; works;) {
                auto done = receiver.work(at, box);
                works = (done.more && !here.folding()) || files.work(true, at, box);
                more = more || works;
                note(std::move(done), how);
            }
            while (here.fold(256)) {
            }
        }
        return how;
    }
    int dropped = 0, aside = 0;

  private:
    void note(session_receiver::outcome done, std::optional<session_end>& how) {
        if (!done.end) return;
        how = done.end->how;
        files.on_end(*how, *done.end->file, at, box);
    }
};
} // namespace

TEST_CASE("spills: a file brings what its writer had, and once", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a"), writer.put("b");
    const auto frames = writer.file();
    s.put("c");
    CHECK(s.files.has_unread()); // not all files are listed yet
    s.find(frames);
    CHECK(s.files.has_unread());
    CHECK(s.files.take_deadline() == start);
    s.tend();
    CHECK(s.receiver.is_open());
    CHECK(s.read(frames) == session_end::committed);
    CHECK(s.here.keys() == 3);
    CHECK_FALSE(s.files.has_unread());
    CHECK(s.aside == 0);
    s.tend(); // not again
    CHECK_FALSE(s.receiver.is_open());
}

TEST_CASE("spills: a file whose contents are here is merged without being read", "[core][machine]") {
    spilling writer{2}, s;
    const auto theirs = writer.put("a");
    const auto frames = writer.file();
    write_buffers buffers;
    lone_node twin{2};
    const auto same = twin.here.put(register_of("a"), "value", timestamp::at(wall), buffers);
    REQUIRE(same.id == theirs);
    REQUIRE(s.here.apply(same.id, same.event) == store::applied::yes);
    s.find(frames);
    s.tend();
    CHECK_FALSE(s.receiver.is_open());
    CHECK(s.box.actions.empty());
    CHECK(s.files.waiting() == 0);
}

TEST_CASE("spills: what was removed where the file was written is removed here", "[core][machine]") {
    spilling writer{2}, s;
    const auto id = writer.put("a");
    store other(replica(2), 3);
    write_buffers buffers;
    const auto same = other.put(register_of("a"), "value", timestamp::at(wall), buffers);
    REQUIRE(same.id == id);
    REQUIRE(s.here.apply(same.id, same.event) == store::applied::yes);
    s.put("b");
    REQUIRE(writer.write.remove(register_of("a"), writer.write.tick(wall)));
    while (writer.here.collect(writer.here.seen(), 256)) {
    }
    const auto frames = writer.file();
    s.find(frames);
    s.tend();
    CHECK(s.read(frames) == session_end::committed);
    CHECK(s.here.keys() == 1);
}

TEST_CASE("spills: a file waits for members, for the alone, and for what they hold", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    const auto frames = writer.file();
    s.settings.founding = false;
    s.settings.alone_after = 5s;
    s.find(frames);
    (void)s.files.take_deadline();
    SECTION("nobody is met in time") {
        s.tend();
        CHECK_FALSE(s.receiver.is_open());
        CHECK(s.files.take_deadline() == start + 5s);
        s.at.now += 5s;
        s.tend();
        CHECK(s.receiver.is_open());
    }
    SECTION("a member holds more") {
        auto& p = s.up(3);
        p.at_join.raise({replica(3), 1});
        s.at.now += 5s;
        s.tend();
        CHECK_FALSE(s.receiver.is_open());
        p.at_join = {};
        s.members.check_synced(s.here, false, s.box);
        s.tend();
        CHECK(s.receiver.is_open());
    }
    SECTION("this node is full, or has deltas to apply") {
        s.at.now += 5s;
        s.files.tend(false, s.at, s.box);
        CHECK_FALSE(s.receiver.is_open());
    }
}

TEST_CASE("spills: a merged file goes when others hold what is in it", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    const auto frames = writer.file();
    s.find(frames);
    s.tend();
    REQUIRE(s.read(frames) == session_end::committed);
    s.tend();
    CHECK(s.box.actions.empty()); // nobody else has it
    SECTION("as many as a leave would ask for") {
        auto &a = s.up(3), &b = s.up(4), &c = s.up(5);
        a.holds.seen = s.here.seen();
        s.tend();
        CHECK(s.box.actions.empty());
        b.holds.seen = s.here.seen();
        s.tend();
        (void)s.read(frames);
        CHECK(s.dropped == 1);
        c.holds.seen = s.here.seen();
        s.tend();
        CHECK(s.box.actions.empty());
    }
    SECTION("a file of this node's own has it") {
        s.files.kept(s.box);
        (void)s.read(frames);
        CHECK(s.dropped == 1);
    }
    SECTION("never, if files are to stay") {
        s.settings.keep_spills = true;
        auto& a = s.up(3);
        a.holds.seen = s.here.seen();
        s.tend();
        CHECK(s.box.actions.empty());
    }
}

TEST_CASE("spills: a damaged file is set aside and looked through for what "
          "nobody has",
          "[core][machine]") {
    spilling writer{2}, s;
    const auto known = writer.put("known");
    writer.put("lost");
    const auto frames = writer.file();
    auto& p = s.up(3);
    p.holds.seen.raise(known);
    s.members.check_synced(s.here, true, s.box);
    s.find(frames, false);
    s.tend();
    CHECK_FALSE(s.receiver.is_open());
    CHECK_FALSE(s.read(frames));
    CHECK(s.aside == 1);
    CHECK(s.here.read("lost"));
    CHECK_FALSE(s.here.read("known")); // that member brings it
    CHECK(s.here.counter_of(replica(1)) == 1);
    REQUIRE_FALSE(s.box.events.empty());
    CHECK(s.box.events.back().kind == event_kind::recovered);
    CHECK(s.box.events.back().count == 1);
    CHECK(s.files.waiting() == 0);
}

TEST_CASE("spills: a file that is not what it claims to be is a damaged one", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    const auto frames = writer.file();
    s.find(frames);
    s.tend();
    REQUIRE(s.receiver.is_open());
    (void)s.files.take_deadline();
    CHECK(s.read({"no frame"}) == session_end::malformed);
    CHECK(s.files.waiting() == 1);
    s.tend();
    CHECK(s.box.actions.empty());
    CHECK(s.files.take_deadline() == start + 1s);
    s.at.now += 1s;
    s.tend();
    CHECK_FALSE(s.read(frames));
    CHECK(s.aside == 1);
    CHECK(s.here.read("a"));
}

TEST_CASE("spills: a leave gives up the damaged file, and its rest", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    s.find(writer.file(), false);
    s.tend();
    CHECK(s.files.waiting() == 1);
    s.files.end_salvage(s.at, s.box);
    CHECK(s.files.waiting() == 0);
}

TEST_CASE("spills: a file is known by its number, and there are not too many", "[core][machine]") {
    spilling s;
    for (std::uint32_t i = 0; i < 1024; ++i) {
        spill_found found;
        found.file = spill_id{i};
        CHECK(s.files.on_found(found, s.at));
        CHECK_FALSE(s.files.on_found(found, s.at));
    }
    spill_found one_more;
    one_more.file = spill_id{5000};
    CHECK_FALSE(s.files.on_found(one_more, s.at));
}
