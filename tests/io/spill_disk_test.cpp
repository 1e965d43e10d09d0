// Proves that neither a failing disk nor a hanging one ends a leave, prolongs it, or keeps others from being
// served; nor does a finished file. The disk is delayed in the calls that write spills (spilling.hpp).
#include "spilling.hpp"

#include <sys/mount.h>

#include <future>

using namespace baton;
using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

auto leaving(node& leaver, milliseconds within, std::size_t copies = 2) {
    return std::async(std::launch::async, [&leaver, within, copies] {
        return *leaver.leave({.within = within, .copies = copies});
    });
}

} // namespace

TEST_CASE("spill_disk: a file that is finished does not end the leave: who comes then takes over",
          "[io][spill]") {
    const io::mesh net;
    const folder dir, other;
    const bool keep = GENERATE(false, true);
    auto settings = spilling(net, "last", dir.path());
    settings.keep_spills = keep;
    auto last = started(std::move(settings));
    fill(last, 100);
    auto report = leaving(last, patience(5s));
    REQUIRE(eventually(10s, [&] { return dir.files(".spill").size() == 1; }));
    const auto next = started(net.options("next"));
    CHECK(holds(next, 100));
    const auto told = report.get();
    CHECK(told.outcome == leave_outcome::safe);
    CHECK(told.copies == 1);
    CHECK_FALSE(told.spill_error);
    CHECK(dir.files().size() == (keep ? 1 : 0)); // the net is not needed any more
    CHECK(told.path.has_value() == keep);
}

TEST_CASE("spill_disk: nobody comes, and the leave goes on to its deadline", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    auto last = started(spilling(net, "last", dir.path()));
    fill(last, 100);
    const auto report = left(last, 1s);
    CHECK(report.outcome == leave_outcome::spilled);
    CHECK(report.took >= 1s);
}

TEST_CASE("spill_disk: a folder that has become unusable does not end the leave either", "[io][spill]") {
    // The newcomer pulls some megabytes while the file fails.
    const io::mesh net;
    const folder dir;
    const kept_log log;
    auto last = started(spilling(net, "last", dir.path() / "spills", log));
    fill(last, 20, 1'000'000);
    fs::remove_all(dir.path() / "spills");
    write_all(dir.path() / "spills", "a file in its place");
    const auto next = started(net.options("next"));
    const auto report = left(last, patience(5s));
    CHECK(report.outcome == leave_outcome::safe);
    CHECK(next.keys()->size() == 20);
    const auto alone = net.options("alone").cluster + "-alone";
    auto lone = spilling(net, "lone", dir.path() / "lone");
    lone.cluster = alone;
    lone.log = log;
    auto lonely = started(std::move(lone));
    fill(lonely, 1);
    fs::remove_all(dir.path() / "lone");
    write_all(dir.path() / "lone", "a file in its place");
    const auto told = left(lonely);
    CHECK(told.outcome == leave_outcome::unsafe);
    CHECK_THAT(told.spill_error.value(), ContainsSubstring((dir.path() / "lone").string()));
    CHECK(log.lines_with("event=spill_failed").size() >= 1);
}

TEST_CASE("spill_disk: what has failed is tried again before the deadline", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    slow_disk disk;
    const kept_log log;
    auto last = started(spilling(net, "last", dir.path(), log));
    fill(last, 10);
    disk.fail_writes(EIO);
    auto report = leaving(last, patience(4s));
    REQUIRE(eventually(10s, [&] { return log.lines_with("event=spill_failed").size() == 1; }));
    disk.fail_writes(0);
    REQUIRE(eventually(10s, [&] { return dir.files(".spill").size() == 1; }));
    last.end_leave_now();
    CHECK(report.get().outcome == leave_outcome::spilled);
}

TEST_CASE("spill_disk: an unusable folder is refused at the start, by name, or told of", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    write_all(dir.path() / "file", "not a folder");
    auto settings = spilling(net, "node", dir.path() / "file");
    const auto refused = node::start(settings);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::bad_option);
    CHECK_THAT(refused.error().what, ContainsSubstring("spill_dir '" + (dir.path() / "file").string() + "'"));
    CHECK_FALSE(node::start(spilling(net, "node", dir.path() / "file" / "below")));

    const kept_log log;
    settings.spill_dir_optional = true;
    settings.log = log;
    auto last = started(std::move(settings));
    CHECK(log.lines_with("event=spill_dir reason=").size() >= 1);
    fill(last, 3);
    const auto report = left(last);
    CHECK(report.outcome == leave_outcome::unsafe);
    CHECK(report.unsafe == 3);
    CHECK_THAT(report.spill_error.value(), ContainsSubstring("cannot write"));
    CHECK(log.lines_with("event=spill_failed").size() == 1);

    auto program = net.run("program", {"--spill-dir", (dir.path() / "file").string()});
    const auto failed = program.event("failed");
    CHECK(failed.at("error") == "bad_option");
    CHECK_THAT(failed.at("detail").get<std::string>(), ContainsSubstring("spill_dir"));
    CHECK(program.exit_status() == 1);
    auto optional =
        net.run("program", {"--spill-dir", (dir.path() / "file").string(), "--spill-dir-optional"});
    optional.event("started");
    optional("stash key value");
    const auto farewell = optional("leave 300ms");
    CHECK(farewell.at("outcome") == "unsafe");
    CHECK_THAT(farewell.at("spill_error").get<std::string>(), ContainsSubstring("cannot write"));
}

TEST_CASE("spill_disk: a read-only folder is refused at the start", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    if (::mount("none", dir.path().c_str(), "tmpfs", MS_RDONLY, "") != 0) {
        WARN("no read-only disk can be mounted here: not tested");
        return;
    }
    const auto refused = node::start(spilling(net, "node", dir.path()));
    ::umount2(dir.path().c_str(), MNT_DETACH);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().what,
               ContainsSubstring(dir.path().string()) && ContainsSubstring("Read-only file system"));
}

TEST_CASE("spill_disk: a sync that hangs neither prolongs the leave nor keeps others from being served",
          "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const bool newcomer = GENERATE(false, true), while_writing = GENERATE(false, true);
    slow_disk disk;
    const kept_log log;
    auto last = started(spilling(net, "last", dir.path(), log));
    REQUIRE(eventually(10s, [&] { return disk.syncs() == 2; })); // the disk has been measured
    fill(last, 20, 1'000'000);
    while_writing ? disk.hold_writes() : disk.hold_syncs();
    const auto within = patience(newcomer ? 5s : 3s); // the file is written before that
    const stopwatch watch;
    auto report = leaving(last, within);
    REQUIRE(eventually(
        10s, [&] { return dir.files(".tmp").size() == 1 && (while_writing || disk.syncs() == 3); }));
    if (newcomer) {
        const auto next = started(net.options("next"));
        CHECK(holds(next, 20));
        CHECK(report.get().outcome == leave_outcome::safe);
        CHECK(watch.elapsed() < within);
        return;
    }
    const auto told = report.get();
    CHECK(watch.unhindered() < within + patience(1s)); // the disk holds it up for ever
    CHECK(told.outcome == leave_outcome::unsafe);
    CHECK(told.unsafe == 20);
    CHECK_THAT(told.spill_error.value(), ContainsSubstring("was not completely on the disk"));
    CHECK(log.lines_with("event=spill_failed").size() == 1);
    CHECK(dir.files(".tmp").size() == 1);
    if (while_writing) return;
    // The call returns at last; the process lives on: then the file is whole, and the next node reads it.
    disk.go_on();
    auto back = started(spilling(net, "back", dir.path()));
    CHECK(holds(back, 20));
}

TEST_CASE("spill_disk: told to end, a leave ends at once whatever the disk does", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    slow_disk disk;
    auto last = started(spilling(net, "last", dir.path()));
    REQUIRE(eventually(10s, [&] { return disk.syncs() == 2; }));
    fill(last, 3);
    disk.hold_syncs();
    auto report = leaving(last, 60s);
    REQUIRE(eventually(10s, [&] { return disk.syncs() == 3; }));
    const stopwatch watch;
    last.end_leave_now();
    CHECK(report.get().outcome == leave_outcome::unsafe);
    CHECK(watch.unhindered() < patience(2s)); // of 60 s
}

TEST_CASE("spill_disk: a second signal ends the program with what is on the disk", "[io][spill]") {
    const io::mesh net;
    const folder dir;
    auto last = net.run("last", {"--spill-dir", dir.path().string(), "--leave-within", "120s"});
    last.event("started");
    last("stash key value");
    last.signal(SIGTERM);
    REQUIRE(eventually(10s, [&] { return dir.files(".spill").size() == 1; }));
    const stopwatch watch;
    last.signal(SIGTERM);
    const auto farewell = last.farewell();
    CHECK(farewell.at("outcome") == "spilled");
    CHECK(last.exit_status() == 3);
    CHECK(watch.unhindered() < patience(2s)); // of 120 s
}

// A library that is loaded before the program's own holds up its disk. Under sanitizers theirs would have to
// come first.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("spill_disk: while the disk hangs the program ends at its deadline, or at a second signal",
          "[io][spill]") {
    const io::mesh net;
    const folder dir;
    const bool again = GENERATE(false, true);
    std::string line = "LD_PRELOAD='" BATON_HANGING_DISK "' exec '" BATON_PROGRAM
                       "' run --name last --spill-dir '" +
                       dir.path().string() + "' --leave-within " + (again ? "300s" : "1s");
    for (const auto& word : net.belonging()) line += " '" + word + "'";
    process last{{"-c", line}, "/bin/sh"};
    last.event("started");
    last("stash key value");
    const stopwatch watch;
    last.signal(SIGTERM);
    REQUIRE(eventually(10s, [&] { return dir.files(".tmp").size() == 1; })); // it is being written
    if (again) last.signal(SIGTERM);
    const auto farewell = last.farewell(30s);
    CHECK(farewell.at("outcome") == "unsafe");
    CHECK_THAT(farewell.at("spill_error").get<std::string>(), ContainsSubstring("disk"));
    CHECK(last.exit_status(20s) == 4);
    CHECK(watch.unhindered() < patience(10s)); // the disk would hold it up for ever
}
#endif

TEST_CASE("spill_disk: how long a spill takes is measured on its disk", "[io][spill]") {
    const folder dir;
    shell::disk_pace pace;
    CHECK(pace.time_for(0) == 100ms);
    CHECK(pace.time_for(std::size_t{64} << 20) == 2100ms);
    slow_disk disk;
    disk.pace(1us, 200ms); // 1 MB/s
    pace.measure(dir / "trial");
    CHECK(pace.time_for(0) >= 500ms);
    CHECK(pace.time_for(10'000'000) > 5s);
    CHECK(dir.files().empty());
    disk.hold_syncs(); // a measurement that hangs tells something, too
    std::thread hangs([&] { pace.measure(dir / "trial"); });
    CHECK(eventually(10s, [&] { return pace.time_for(0) >= 2s; }));
    disk.go_on();
    hangs.join();
}

TEST_CASE("spill_disk: with somebody there the file is begun in time for a slow disk", "[io][spill]") {
    // The other one is full and takes nothing over; a file takes a second and a half here.
    const io::mesh net;
    const folder dir;
    slow_disk disk;
    disk.pace(0ns, 400ms);
    auto settings = spilling(net, "last", dir.path());
    auto last = started(std::move(settings));
    REQUIRE(eventually(10s, [&] { return disk.syncs() == 2; }));
    auto small = net.options("small");
    small.limits.bytes_max = std::size_t{4} << 20;
    auto other = started(std::move(small));
    REQUIRE(meet(last, other));
    fill(last, 10, 1'000'000);
    const auto report = left(last, 4s);
    CHECK(report.outcome == leave_outcome::spilled);
    CHECK(report.took >= 4s);
}
