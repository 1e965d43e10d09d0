// Proves which files of a folder are read, when, and with how many descriptors: unfinished files are waited
// for; files that another user may have written are refused by name; with a key, only sealed files are
// trusted.
#include "spilling.hpp"
#include "wire/spill.hpp"

#include <cstring>
#include <future>

using namespace baton;
using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

mesh_key key(char filled) { return *mesh_key::from_bytes(std::string(32, filled)); }

/// A file that a process has locked and keeps writing.
class written_by_another {
  public:
    explicit written_by_another(fs::path path)
        : path_(std::move(path))
        , file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) {
        REQUIRE(::flock(file_.get(), LOCK_EX | LOCK_NB) == 0);
    }
    void add(std::string_view bytes) {
        REQUIRE(::write(file_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    void finish(const fs::path& name) const { fs::rename(path_, name); }
    void end() { file_ = shell::descriptor(); }

  private:
    fs::path path_;
    shell::descriptor file_;
};

pickup_outcome known(node& who, std::string_view key) {
    return who.pickup(key, {.within = 50ms, .until = pickup_until::known})->outcome;
}

/// A node that finds only what is in its folder.
node finder(const io::mesh& net, const fs::path& dir, const log_sink& log = {},
            std::vector<mesh_key> keys = {}) {
    return started(secluded(net, "finder", dir, log, std::move(keys)));
}

/// The line that names the file, once it is there.
std::string refusal(const kept_log& log, const fs::path& file) {
    const auto begin = "event=spill_refused path=" + file.string() + ' ';
    REQUIRE(eventually(10s, [&] { return !log.lines_with(begin).empty(); }));
    return log.lines_with(begin).front();
}

} // namespace

TEST_CASE("spill_trust: a file that is being written is waited for, and nothing is absent until then",
          "[io][spill]") {
    // The writer finishes the file, or is killed; or it begins only a moment after the node has looked.
    const io::mesh net;
    const folder source, dir;
    const auto made = spill_of(net, source.path(), 20);
    const auto bytes = read_all(made);
    const bool killed = GENERATE(false, true), later = GENERATE(false, true);
    const auto name = dir.path() / made.filename();
    std::optional<written_by_another> writer;
    if (!later) writer.emplace(name.string() + ".tmp");
    auto settings = secluded(net, "finder", dir.path());
    settings.alone_after = later ? 2s : 300ms;
    auto found = started(std::move(settings));
    if (later) {
        std::this_thread::sleep_for(50ms); // usually the node has looked by then
        writer.emplace(name.string() + ".tmp");
    }
    writer->add(std::string_view(bytes).substr(0, bytes.size() / 2));
    for (const auto until = clock::now() + 1s; clock::now() < until;)
        REQUIRE(known(found, "key-1") != pickup_outcome::absent_confirmed);
    CHECK(found.keys()->empty());
    CHECK(dir.files(".damaged").empty());
    writer->add(std::string_view(bytes).substr(bytes.size() / 2,
                                               bytes.size() - bytes.size() / 2 - (killed ? 10 : 0)));
    if (!killed) writer->finish(name);
    writer->end();
    CHECK(holds(found, 20));
    CHECK(eventually(10s, [&] { return known(found, "nobody's") == pickup_outcome::absent_confirmed; }));
    CHECK(dir.files(".damaged").size() == (killed ? 1 : 0));
}

TEST_CASE("spill_trust: a file that its writer takes away again is waited for no more", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const auto name = dir.path() / ("baton-" + std::string(32, '7') + ".spill.tmp");
    written_by_another writer(name);
    auto found = finder(net, dir.path());
    std::this_thread::sleep_for(500ms);
    REQUIRE(known(found, "key") == pickup_outcome::absent_unsynced);
    fs::remove(name);
    CHECK(eventually(10s, [&] { return known(found, "key") == pickup_outcome::absent_confirmed; }));
}

TEST_CASE("spill_trust: the file of a leave that is not over is not read", "[io][spill]") {
    // The two cannot meet: one has no beacon. The file is finished, and its writer may still take it away.
    const io::mesh net;
    const folder dir;
    auto last = finder(net, dir.path());
    fill(last, 10);
    auto report = std::async(std::launch::async, [&] { return *last.leave({.within = 120s}); });
    REQUIRE(eventually(10s, [&] { return dir.files(".spill").size() == 1; }));
    auto next = finder(net, dir.path());
    std::this_thread::sleep_for(700ms);
    CHECK(next.keys()->empty());
    CHECK(known(next, "key-1") == pickup_outcome::absent_unsynced);
    last.end_leave_now();
    CHECK(report.get().outcome == leave_outcome::spilled);
    CHECK(holds(next, 10));
}

TEST_CASE("spill_trust: what others may have written is refused, and what they have planted is not followed",
          "[io][spill]") {
    const io::mesh net;
    const folder source, dir;
    const auto made = spill_of(net, source.path(), 5);
    const auto file = dir.path() / made.filename();
    const kept_log log;
    SECTION("a symbolic link") {
        fs::create_symlink(made, file);
        auto found = finder(net, dir.path(), log);
        CHECK_THAT(refusal(log, file), ContainsSubstring("symbolic link"));
        CHECK(found.keys()->empty());
    }
    SECTION("a file that others can write, or read") {
        write_all(file, read_all(made));
        REQUIRE(::chmod(file.c_str(), GENERATE(0666, 0640)) == 0);
        auto found = finder(net, dir.path(), log);
        CHECK_THAT(refusal(log, file), ContainsSubstring("chmod 600"));
        CHECK(eventually(10s, [&] { return known(found, "key-1") == pickup_outcome::absent_confirmed; }));
        CHECK(found.keys()->empty());
        CHECK(fs::exists(file));
    }
    SECTION("another user's") {
        write_all(file, read_all(made));
        if (::chown(file.c_str(), 12345, 12345) != 0) {
            WARN("files of other users cannot be made here: not tested");
            return;
        }
        auto found = finder(net, dir.path(), log);
        CHECK_THAT(refusal(log, file), ContainsSubstring("another user (12345)"));
        CHECK(found.keys()->empty());
    }
    SECTION("a folder of that name, or a pipe") {
        const bool pipe = GENERATE(false, true);
        REQUIRE((pipe ? ::mkfifo(file.c_str(), 0600) == 0 : fs::create_directory(file)));
        auto found = finder(net, dir.path(), log);
        CHECK_THAT(refusal(log, file), ContainsSubstring("not a regular file"));
    }
}

TEST_CASE("spill_trust: a spill is written neither through a link nor into a file that is there",
          "[io][spill]") {
    const io::mesh net;
    const folder dir, other;
    write_all(other.path() / "precious", "precious");
    const kept_log log;
    const bool link = GENERATE(false, true);
    auto last = finder(net, dir.path(), log);
    fill(last, 5);
    const auto planted = dir.path() / (".baton-" + last.id().to_string() + ".spill");
    const auto foreign = dir.path() / ("baton-" + last.id().to_string() + ".spill.tmp");
    if (link) {
        fs::create_symlink(other.path() / "precious", planted);
    } else {
        write_all(planted, "");
        REQUIRE(::chmod(planted.c_str(), 0666) == 0);
    }
    fs::create_symlink(other.path() / "precious", foreign);
    const auto report = left(last);
    CHECK(report.outcome == leave_outcome::unsafe);
    CHECK_THAT(report.spill_error.value(), ContainsSubstring(planted.string()));
    CHECK(log.lines_with("event=spill_failed").size() == 1);
    CHECK(read_all(other.path() / "precious") == "precious");
    CHECK(fs::file_size(link ? other.path() / "precious" : planted) == (link ? 8 : 0));

    auto again = finder(net, dir.path(), log); // a link in the place of the file itself is replaced
    fill(again, 5);
    const auto name = "baton-" + again.id().to_string() + ".spill";
    fs::create_symlink(other.path() / "precious", dir.path() / (name + ".tmp"));
    fs::create_symlink(other.path() / "precious", dir.path() / name);
    CHECK(left(again).outcome == leave_outcome::spilled);
    CHECK(read_all(other.path() / "precious") == "precious");
    CHECK(fs::is_regular_file(fs::symlink_status(dir.path() / name)));
}

TEST_CASE("spill_trust: a folder that everybody can write is warned of", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
    const kept_log log;
    auto found = finder(net, dir.path(), log);
    CHECK(log.lines_with("event=spill_dir").size() == 1);
    CHECK_THAT(log.lines_with("event=spill_dir").front(), ContainsSubstring("written by everybody"));
}

TEST_CASE("spill_trust: a node with a key believes what a key of its ring has sealed", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const auto file = spill_of(net, dir.path(), 5, {key('a')});
    const kept_log log;
    SECTION("the same key") {
        auto found = finder(net, dir.path(), log, {key('a')});
        CHECK(holds(found, 5));
    }
    SECTION("after a rotation") {
        auto found = finder(net, dir.path(), log, {key('b'), key('a')});
        CHECK(holds(found, 5));
    }
    SECTION("another key") {
        auto found = finder(net, dir.path(), log, {key('b')});
        CHECK_THAT(refusal(log, file), ContainsSubstring(key('a').id().to_string()));
        CHECK(found.keys()->empty());
        CHECK(fs::exists(file));
    }
    SECTION("none") {
        auto found = finder(net, dir.path(), log);
        CHECK_THAT(refusal(log, file), ContainsSubstring(key('a').id().to_string()));
        CHECK(found.keys()->empty());
        CHECK(fs::exists(file));
    }
    SECTION("a bit is flipped, its tail is lost: what is genuine comes back") {
        cut_tail(file);
        auto found = finder(net, dir.path(), log, {key('a')});
        CHECK(holds(found, 5));
        CHECK(dir.files(".damaged").size() == 1);
    }
}

TEST_CASE("spill_trust: what no key has sealed is refused by a node with a key, unless it is told otherwise",
          "[io][spill]") {
    // A stranger's spill of the same cluster, in a folder that he can write to. Its head damaged, it is no
    // better.
    const io::mesh net;
    const folder dir;
    const auto file = spill_of(net, dir.path(), 5);
    const bool headless = GENERATE(false, true);
    if (headless) {
        auto bytes = read_all(file);
        bytes[20] = static_cast<char>(bytes[20] ^ 1);
        write_all(file, bytes);
    }
    const kept_log log;
    {
        auto found = finder(net, dir.path(), log, {key('a')});
        CHECK_THAT(refusal(log, file), ContainsSubstring("no key of this mesh has sealed it"));
        CHECK(eventually(10s, [&] { return known(found, "key-1") == pickup_outcome::absent_confirmed; }));
        CHECK(found.keys()->empty());
        CHECK(fs::exists(file));
    }
    auto settings = secluded(net, "trusting", dir.path(), {}, {key('a')});
    settings.accept_keyless_spills = true;
    auto trusting = started(std::move(settings));
    CHECK(holds(trusting, 5));
}

TEST_CASE("spill_trust: hundreds of files are looked through with a descriptor or two", "[io][spill]") {
    // A node with few descriptors finds 400 files, and still joins; so does who comes after it.
    const io::mesh net;
    const folder dir;
    for (int i = 0; i < 400; ++i) {
        const auto digits = std::to_string(1000 + i);
        write_all(dir.path() / ("baton-" + std::string(28, '0') + digits + ".spill"), "");
    }
    auto first = started(net.options("first"));
    REQUIRE(first.stash("key", "value"));
    std::string line =
        "ulimit -n 200 && exec '" BATON_PROGRAM "' run --name few --spill-dir '" + dir.path().string() + '\'';
    for (const auto& word : net.belonging()) line += " '" + word + "'";
    process few{{"-c", line}, "/bin/sh"};
    few.event("started");
    few.event("joined", "first");
    CHECK(few("pickup key within=30s").at("value") == "value");
    auto late = started(net.options("late"));
    few.event("joined", "late");
    CHECK(eventually(20s, [&] { return dir.files(".damaged").size() == 400; }));
}

TEST_CASE("spill_trust: a file is kept until a later one is there, where that is asked for", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const auto file = spill_of(net, dir.path(), 5);
    const std::vector<std::string> words{"--spill-dir", dir.path().string(), "--alone-after", "200ms",
                                         "--keep-spills"};
    {
        auto back = net.run("back", words), other = net.run("other");
        meet(back, "back", other, "other");
        REQUIRE(eventually(10s, [&] { return other("digest").at("keys") == 5; }));
        std::this_thread::sleep_for(1s); // many heartbeats: both hold it
        CHECK(fs::exists(file));
        other.signal(SIGKILL);
        back.event("crashed", "other", 30s);
        const auto farewell = back("leave 400ms");
        CHECK(farewell.at("outcome") == "spilled");
        CHECK_FALSE(fs::exists(file));
        CHECK(fs::exists(farewell.at("spilled").get<std::string>()));
    }
    CHECK(dir.files().size() == 1);
}

TEST_CASE("spill_trust: a time to live goes on while the file lies there", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    {
        auto last = finder(net, dir.path());
        REQUIRE(last.stash("short", "s", {.ttl = 3s}));
        REQUIRE(last.stash("long", "l", {.ttl = 1h}));
        REQUIRE(left(last).outcome == leave_outcome::spilled);
    }
    std::this_thread::sleep_for(3s);
    auto back = finder(net, dir.path());
    CHECK(value_at(back, "long") == "l");
    CHECK_FALSE(back.pickup("short")->found());
}

TEST_CASE("spill_trust: a file that is from the future by this clock is told of, and its times stand still",
          "[io][spill]") {
    // The clock of the writer, or of this node, is off by more than clock_skew_max, or by less.
    const io::mesh net;
    const folder source, dir;
    const bool much = GENERATE(true, false);
    fs::path made;
    replica_id id;
    {
        auto last = finder(net, source.path());
        id = last.id();
        REQUIRE(last.stash("short", "s", {.ttl = 3s}));
        made = left(last).path.value();
    }
    const auto bytes = read_all(made);
    wire::spill_reader reader(
        [&](std::uint64_t offset, char* into, std::size_t count) {
            const auto piece = std::string_view(bytes).substr(offset, count);
            std::memcpy(into, piece.data(), piece.size());
            return piece.size();
        },
        bytes.size(), net.options("any").cluster, id);
    auto head = reader.head();
    head.written_ms += much ? 3'600'000U : 3000U; // clock_skew_max is 5 s
    wire::spill_writer writer(head);
    auto later = writer.head();
    std::string frame;
    for (auto step = reader.next(frame); step != wire::spill_reader::step::end; step = reader.next(frame)) {
        if (step == wire::spill_reader::step::chunk) later += writer.chunk(frame);
    }
    write_all(dir.path() / made.filename(), later + writer.tail());
    std::this_thread::sleep_for(1s);
    const kept_log log;
    auto back = finder(net, dir.path(), log);
    CHECK(value_at(back, "short") == "s");
    const auto told = log.lines_with("event=clock_skew path=" + (dir.path() / made.filename()).string());
    CHECK(told.size() == (much ? 1 : 0));
}
