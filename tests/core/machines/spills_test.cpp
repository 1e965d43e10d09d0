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

/// The COMMIT that ends a file, as chunk `at`, with what `change` does to it.
template <class Change>
std::string changed(const std::string& last, std::uint64_t at, Change change) {
    const auto frame = wire::decode(last);
    auto f = std::get<wire::state>(*frame);
    f.chunk = at;
    change(f);
    return wire::encode(f);
}
/// A chunk of a file: entries of its archive.
std::string archive_chunk(std::uint64_t at, const std::string& rows) {
    wire::state f;
    f.chunk = at;
    f.flags = wire::state::archive;
    f.rows = rows;
    return wire::encode(f);
}

struct spilling : writing_node {
    std::mt19937_64 random{1};
    session_server server{settings, here, members, mail, random};
    session_receiver receiver{settings, here, members, mail, server, random};
    spills files{settings, here, members, server, receiver, write, start};
    moment at{start, wall};

    explicit spilling(std::uint8_t id = 1)
        : writing_node(id) {
        settings.spills = true;
        settings.founding = true; // the node does not wait for others
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
    void find(const std::vector<std::string>& frames, bool whole = true, spill_id file = number) {
        spill_found found;
        found.file = file;
        found.whole = whole;
        found.clock = timestamp::at(wall);
        found.commit = frames.back();
        found.writer = replica(9);
        CHECK(files.on_found(found, at));
        files.on_listed({}, at);
    }
    void tend() { files.tend(true, at, box); }
    /// Answers the read requests until there are none. Returns how the session ended.
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
    /// The time passes, in steps of a round of timers; the file is read whenever that is asked for. How the
    /// last session ended.
    std::optional<session_end> pass(mesh_clock::duration time, const std::vector<std::string>& frames) {
        std::optional<session_end> how;
        for (const auto until = at.now + time; at.now < until; at.now += 200ms) {
            note(receiver.tend(at, box), how);
            const bool was_open = receiver.is_open();
            tend();
            if (!was_open && receiver.is_open()) ++opened;
            if (const auto end = read(frames)) how = end;
        }
        return how;
    }
    int dropped = 0, aside = 0, opened = 0;
    int refused = 0; ///< counted

  private:
    void note(session_receiver::outcome done, std::optional<session_end>& how) {
        if (!done.end) return;
        how = done.end->how;
        refused += files.on_end(*how, *done.end->file, at, box) ? 1 : 0;
    }
};

/// A file of node 2 that holds two events of node 3.
struct of_another {
    spilling writer{2};
    lone_node third{3};
    std::vector<std::string> frames;

    of_another() {
        write_buffers buffers;
        for (const auto* const key : {"x", "y"}) {
            const auto theirs = third.here.put(register_of(key), "1", timestamp::at(wall), buffers);
            REQUIRE(writer.here.apply(theirs.id, theirs.event) == store::applied::yes);
        }
        frames = writer.file();
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
    CHECK(s.box.actions.empty()); // no other member has it
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
    CHECK_FALSE(s.here.read("known")); // that member will bring it
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
    CHECK(s.files.take_deadline() == start + pull_pace::first);
    s.at.now += pull_pace::first;
    s.tend();
    CHECK_FALSE(s.read(frames));
    CHECK(s.aside == 1);
    CHECK(s.here.read("a"));
}

TEST_CASE("spills: a file whose archive is beyond the bound of a session is a damaged one",
          "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    s.settings.bounds.archive_entries = 100;
    std::vector<std::string> frames;
    for (std::uint8_t i = 0; i < 5; ++i) frames.push_back(archive_chunk(i, archive_rows(i)));
    frames.push_back(changed(writer.file().back(), 5, [](wire::state&) {}));
    s.find(frames);
    s.tend();
    CHECK(s.read(frames) == session_end::malformed);
    CHECK(s.here.archived().empty());
    CHECK(s.pass(5s, frames) == std::nullopt);
    CHECK(s.aside == 1);
    CHECK(s.here.read("a"));
}

TEST_CASE(
    "spills: a file that claims more of a member than that has reported waits for it, and is not read again",
    "[core][machine]") {
    of_another of;
    spilling s;
    auto& p = s.up(3);
    s.members.check_synced(s.here, true, s.box);
    p.holds.seen.raise({replica(3), 1});
    s.find(of.frames);
    CHECK(s.pass(10s, of.frames) == session_end::beyond_word);
    CHECK(s.opened == 1);
    CHECK(s.pass(600s, of.frames) == std::nullopt);
    CHECK(s.opened == 1);
    CHECK(s.refused == 1);
    CHECK(s.files.waiting() == 1);
    CHECK(s.files.has_unread()); // no key is called absent
    CHECK(s.here.keys() == 0);
    SECTION("it reports that much") {
        p.holds.seen.raise({replica(3), 2});
        CHECK(s.pass(200ms, of.frames) == session_end::committed);
    }
    SECTION("it is no longer up") {
        s.members.transition(p, member_state::crashed, event_kind::crashed, s.at.now);
        CHECK(s.pass(200ms, of.frames) == session_end::committed);
    }
    SECTION("its events have come by themselves") {
        write_buffers buffers;
        lone_node twin{3};
        for (const auto* const key : {"x", "y"}) {
            const auto theirs = twin.here.put(register_of(key), "1", timestamp::at(wall), buffers);
            REQUIRE(s.here.apply(theirs.id, theirs.event) == store::applied::yes);
        }
        CHECK(s.pass(200ms, of.frames) == std::nullopt); // everything is here
    }
    SECTION("another file does not wait for it") {
        spilling other{4};
        other.put("z");
        s.find(other.file(), true, spill_id{2});
        CHECK(s.pass(200ms, other.file()) == session_end::committed);
        CHECK(s.files.waiting() == 1);
        return;
    }
    CHECK(s.files.waiting() == 0);
    CHECK_FALSE(s.files.has_unread());
    CHECK(s.here.keys() == 2);
    CHECK(s.refused == 1);
}

TEST_CASE("spills: a file that cannot be merged is tried ever less often, and counted once",
          "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    auto frames = writer.file();
    const auto why = GENERATE(session_end::beyond_word, session_end::too_many_origins);
    if (why == session_end::beyond_word) { // by its archive, which is not known before it is read
        s.up(3);
        s.members.check_synced(s.here, true, s.box);
        cut rows;
        rows.raise({replica(3), 5});
        frames = {archive_chunk(0, wire::encode_cut(rows)), changed(frames.back(), 1, [](wire::state&) {})};
    } else {
        frames = {changed(frames.back(), 0, [](wire::state& f) {
            std::vector<dot> all(f.at.seen.entries().begin(), f.at.seen.entries().end());
            for (std::size_t i = 1; i < wire::cut_entries_max; ++i) {
                auto id = replica(7);
                id.bytes[14] = static_cast<std::uint8_t>(i >> 8), id.bytes[15] = static_cast<std::uint8_t>(i);
                all.push_back({id, 1});
            }
            f.at.seen = cut::of_dots(all);
        })};
        s.put("b"); // one more
    }
    s.find(frames);
    CHECK(s.pass(600s, frames) == why);
    CHECK(s.opened > 5);
    CHECK(s.opened < 25);
    CHECK(s.refused == 1);
    CHECK(s.files.has_unread());
    s.opened = 0;
    s.pass(600s, frames);
    CHECK(s.opened <= 10); // once a minute
    CHECK(s.refused == 1);
}

TEST_CASE("spills: a file that is too much for this node is read again ever less often", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    const auto frames = writer.file();
    s.find(frames);
    int tries = 0;
    for (const auto until = s.at.now + 600s; s.at.now < until; s.at.now += 200ms) {
        s.tend();
        if (!s.receiver.is_open()) continue;
        // From the second try on the outcome repeats, and is not reported again.
        CHECK(s.receiver.is_short_of_room() == (++tries > 1));
        const auto done = s.receiver.abandon(session_end::full, s.at, s.box);
        REQUIRE(done.end);
        // That is not the fault of the file.
        CHECK_FALSE(s.files.on_end(done.end->how, *done.end->file, s.at, s.box));
    }
    CHECK(tries < 25);
}

TEST_CASE("spills: a file with the COMMIT of a comparison is a damaged one", "[core][machine]") {
    spilling writer{2}, s;
    writer.put("a");
    const std::vector<std::string> frames{
        changed(writer.file().back(), 0, [](wire::state& f) { f.flags |= wire::state::compared; })};
    s.find(frames);
    CHECK(s.pass(5s, frames) == session_end::before_comparison);
    CHECK(s.aside == 1);
    CHECK(s.here.read("a"));
    CHECK(s.refused == 1);
    CHECK(s.files.waiting() == 0);
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
