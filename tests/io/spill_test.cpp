// Proves spills with real nodes and folders: written by a leave if no member takes over, found at a later
// start.
#include "spilling.hpp"

#include <sys/mount.h>

#include <algorithm>
#include <future>

using namespace baton;
using namespace io;

TEST_CASE("spill: the last node writes its state, and a node that starts alone has it", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    std::string path;
    {
        auto last = started(spilling(net, "last", dir.path() / "made" / "here")); // folders are made
        fill(last, 1000);
        REQUIRE(last.drop("key-7"));
        REQUIRE(last.add("count", 5));
        REQUIRE(last.stash("large", std::string(3'000'000, 'l')));
        const auto report = left(last, 2s);
        CHECK(report.outcome == leave_outcome::spilled);
        CHECK(report.unsafe == 0);
        CHECK(report.took < patience(2s) + 500ms);
        path = report.path.value();
    }
    REQUIRE(fs::exists(path));
    CHECK(fs::path(path).parent_path() == dir.path() / "made" / "here");
    struct stat about {};
    REQUIRE(stat(path.c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    auto back = started(spilling(net, "back", dir.path() / "made" / "here"));
    CHECK(holds(back, 1001));
    CHECK_FALSE(back.pickup("key-7")->found());
    CHECK(*back.count("count") == 5);
    CHECK(back.pickup("large")->value == std::string(3'000'000, 'l'));
    CHECK(fs::exists(path)); // nobody else holds it
    REQUIRE(back.stash("more", "m"));
    const auto report = left(back, 2s);
    CHECK(report.outcome == leave_outcome::spilled);
    CHECK_FALSE(fs::exists(path)); // it is in the new one
    CHECK(fs::exists(*report.path));
}

TEST_CASE("spill: without spill_dir the last node is unsafe, and names its keys", "[io][spill]") {
    const io::mesh net;
    auto last = started(net.options("last"));
    fill(last, 3);
    const auto report = left(last, 200ms);
    CHECK(report.outcome == leave_outcome::unsafe);
    CHECK(report.unsafe_keys == std::vector<std::string>{"key-0", "key-1", "key-2"});
    CHECK_FALSE(report.path);
}

TEST_CASE("spill: a mesh of three that is stopped at once comes back whole", "[io][spill]") {
    // With a folder each, and with one for all. Files go once the others hold what is in them.
    const bool shared = GENERATE(false, true);
    const io::mesh net;
    const folder dir;
    const auto place = [&](int i) { return shared ? dir.path() : dir.path() / std::to_string(i); };
    {
        std::vector<node> all;
        for (int i = 0; i < 3; ++i) {
            auto settings = spilling(net, "n" + std::to_string(i), place(i));
            settings.leave_within = 1500ms;
            all.push_back(started(std::move(settings)));
        }
        REQUIRE(eventually(10s, [&] {
            return std::ranges::all_of(all, [](const node& n) { return n.stats()->members_up == 2; });
        }));
        fill(all[0], 500);
        REQUIRE(agree(all[0], all[1]));
        REQUIRE(agree(all[0], all[2]));
        std::vector<std::future<leave_report>> leaving;
        for (auto& each : all)
            leaving.push_back(std::async(std::launch::async, [&each] { return *each.leave(); }));
        std::size_t spilled = 0;
        for (auto& each : leaving) spilled += each.get().outcome == leave_outcome::spilled;
        CHECK(spilled >= 1);
    }
    std::vector<node> all;
    for (int i = 0; i < 3; ++i) all.push_back(started(spilling(net, "m" + std::to_string(i), place(i))));
    for (const auto& each : all) CHECK(holds(each, 500));
    CHECK(agree(all[0], all[1]));
    CHECK(agree(all[0], all[2]));
    CHECK(eventually(10s, [&] {
        const auto files = fs::recursive_directory_iterator(dir.path());
        return std::none_of(fs::begin(files), fs::end(files),
                            [](const auto& each) { return each.path().extension() == ".spill"; });
    }));
}

TEST_CASE("spill: a full disk makes the leave unsafe and leaves no file", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    if (::mount("none", dir.path().c_str(), "tmpfs", 0, "size=64k") != 0) {
        WARN("no small disk can be mounted here: not tested");
        return;
    }
    const kept_log log;
    leave_report report;
    {
        auto last = started(spilling(net, "last", dir.path(), log));
        fill(last, 10, 100'000);
        report = left(last);
    }
    CHECK(report.outcome == leave_outcome::unsafe);
    CHECK(report.unsafe == 10);
    CHECK(report.unsafe_keys.size() == 10);
    CHECK(report.spill_error.value().find("No space left on device") != std::string::npos);
    CHECK(log.lines_with("event=spill_failed").size() == 1);
    CHECK(dir.files().empty());
    ::umount2(dir.path().c_str(), MNT_DETACH);
}

TEST_CASE("spill: another cluster's file is left alone", "[io][spill]") {
    const io::mesh here, there;
    const folder dir;
    spill_of(here, dir.path(), 3);
    auto other = started(spilling(there, "other", dir.path()));
    REQUIRE(other.stash("own", "v"));
    std::this_thread::sleep_for(600ms);
    CHECK(other.keys() == std::vector<std::string>{"own"});
    CHECK(dir.files(".spill").size() == 1);
}

TEST_CASE("spill: however a file is cut short or flipped, it is never claimed and does no harm",
          "[io][spill]") {
    // Each damaged copy is in a folder of its own. The node that finds it lives, its cut does not name the
    // writer, and the file is kept under another name.
    const io::mesh net;
    const folder dir;
    const auto file = spill_of(net, dir.path(), 20);
    const auto bytes = read_all(file);
    const auto name = file.filename().string();
    std::mt19937 random(7);
    constexpr int rounds = 200;
    for (int i = 0; i < rounds; ++i) {
        INFO("round " << i);
        auto bad = bytes;
        if (i % 2 == 0) {
            bad.resize(bytes.size() * static_cast<std::size_t>(i) / rounds);
        } else {
            bad[random() % bad.size()] ^= static_cast<char>(1 << random() % 8);
        }
        const folder other;
        write_all(other.path() / name, bad);
        auto settings = secluded(net, "finder", other.path());
        settings.alone_after = 0ms;
        auto finder = started(std::move(settings));
        REQUIRE(eventually(10s, [&] { return other.files(".damaged").size() == 1; }));
        REQUIRE(other.files(".spill").empty());
        for (const auto& id : *finder.cut())
            REQUIRE(name.find(id.replica.to_string()) == std::string::npos); // the name gives the writer
        REQUIRE(finder.stash("own", "works on"));
    }
}

TEST_CASE("spill: what is readable of a damaged file comes back, with an event", "[io][spill]") {
    // The last bytes are gone: the tail, and no more.
    const io::mesh net;
    const folder dir;
    cut_tail(spill_of(net, dir.path(), 20));
    auto back = started(spilling(net, "back", dir.path()));
    const auto recovered = next_event(back, event_kind::recovered);
    REQUIRE(recovered);
    CHECK(recovered->count == 20);
    CHECK(back.keys()->size() == 20);
    CHECK(dir.files(".damaged").size() == 1);
}

TEST_CASE("spill: what a node that was killed while writing has left is salvaged", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const auto file = spill_of(net, dir.path(), 20);
    cut_tail(file);
    fs::rename(file, file.string() + ".tmp");
    auto back = started(spilling(net, "back", dir.path()));
    CHECK(holds(back, 20));
    CHECK(dir.files(".damaged").size() == 1);
    CHECK(dir.files(".tmp").empty());
}

TEST_CASE("spill: the program says where it is, exits with 3, and comes back", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const std::vector<std::string> words{"--spill-dir", dir.path().string(), "--alone-after", "200ms"};
    std::string path;
    {
        auto last = net.run("last", words);
        last.event("started");
        last("stash key value");
        const auto farewell = last("leave 400ms");
        CHECK(farewell.at("outcome") == "spilled");
        CHECK(farewell.at("unsafe").empty());
        path = farewell.at("spilled");
        CHECK(last.exit_status() == 3);
    }
    CHECK(fs::exists(path));
    auto back = net.run("back", words);
    back.event("started");
    CHECK(back("pickup key within=30s").at("value") == "value");
}

TEST_CASE("spill: a negative alone_after is a bad option", "[io][spill]") {
    auto settings = options::loopback();
    settings.alone_after = -1ms;
    const auto good = settings.validate();
    REQUIRE_FALSE(good);
    CHECK(good.error().what.find("alone_after") != std::string::npos);
}
