// Proves what a node's user learns when its I/O thread ends by a fault: an event, by the descriptor too, and
// no call that returns at once for ever; the state goes into a file where there is a folder for it; the
// program exits 4. And that a process that can start no threads gets an error.
#include "folder.hpp"
#include "nodes.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

using namespace io;
using baton::event_kind;

namespace {

/// A node whose log throws from `fails` on, but for errors; it ends as soon as it logs something.
struct frail {
    explicit frail(const mesh& net, const std::string& spill_dir = {})
        : node(started(settings(net, spill_dir))) {}
    baton::options settings(const mesh& net, const std::string& spill_dir) {
        auto made = net.options("frail");
        made.spill_dir = spill_dir;
        made.log = [this](baton::log_level level, std::string_view) {
            if (fails && (level != baton::log_level::error || always))
                throw std::runtime_error("the disk is full");
        };
        return made;
    }
    std::atomic<bool> fails = false, always = false;
    baton::node node;
};

} // namespace

TEST_CASE("ending: of an I/O thread that fails is told by an event, and nobody spins", "[io][ending]") {
    const mesh net;
    frail one(net);
    one.always = GENERATE(false, true); // the failure cannot even be logged
    auto other = started(net.options("other"));
    REQUIRE(meet(one.node, other));
    REQUIRE(one.node.stash("key", "value"));
    while (one.node.next_event()) {
    }
    const int fd = *one.node.event_fd();
    one.fails = true;
    REQUIRE(other.leave({.within = 100ms})); // which is logged
    pollfd readable{fd, POLLIN, 0};
    CHECK(poll(&readable, 1, static_cast<int>(patience(10s).count())) == 1);
    const auto failed = next_event(one.node, event_kind::failed);
    REQUIRE(failed);
    CHECK(failed->reason == "the disk is full");
    CHECK(failed->name == "frail");
    const auto until = clock::now() + 1s;
    int calls = 0;
    for (; clock::now() < until; ++calls) CHECK_FALSE(one.node.next_event(1h));
    CHECK(calls <= 12); // each takes a tenth of a second
    CHECK(poll(&readable, 1, 0) == 0);
    CHECK(one.node.pickup("key")->value == "value");
    CHECK(one.node.leave()->outcome == baton::leave_outcome::unsafe);
}

TEST_CASE("ending: what an I/O thread that fails has is spilled, where there is a folder for it",
          "[io][ending]") {
    const mesh net;
    const folder place;
    {
        frail one(net, place.path().string());
        auto other = started(net.options("other"));
        REQUIRE(meet(one.node, other));
        REQUIRE(one.node.stash("key", "value"));
        one.fails = true;
        REQUIRE(other.leave({.within = 100ms}));
        REQUIRE(next_event(one.node, event_kind::failed));
        const auto report = one.node.leave();
        REQUIRE(report);
        CHECK(report->outcome == baton::leave_outcome::spilled);
        CHECK(std::filesystem::exists(report->path.value()));
    }
    auto settings = net.options("successor");
    settings.spill_dir = place.path().string();
    settings.founding = true;
    settings.alone_after = 100ms;
    auto successor = started(settings);
    CHECK(value_at(successor, "key") == "value");
}

// A library that is loaded before the program's own makes its wait fail, once a file is there. Under
// sanitizers theirs would have to come first.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {
/// `baton WORDS…`, whose node fails once the file `sign` is there.
process breakable(const mesh& net, std::vector<std::string> words, const std::string& sign) {
    std::string line =
        "LD_PRELOAD='" BATON_BROKEN_WAIT "' BATON_WAIT_FAILS_ONCE='" + sign + "' exec '" BATON_PROGRAM "'";
    const auto more = net.belonging();
    words.insert(words.end(), more.begin(), more.end());
    for (const auto& word : words) line += " '" + word + "'";
    return process{{"-c", line}, "/bin/sh"};
}
} // namespace

TEST_CASE("ending: the program says that its node has failed, and exits 4", "[io][ending]") {
    const mesh net;
    const folder place;
    const auto sign = place / "now";
    auto program = breakable(net, {"run", "--name", "node"}, sign);
    program.event("started");
    CHECK(program("stash key value").at("met") == true);
    std::ofstream(sign) << "now";
    const auto failed = program.event("failed");
    CHECK(failed.at("name") == "node");
    CHECK_FALSE(failed.at("reason").get<std::string>().empty());
    CHECK(program.exit_status() == 4);
}

TEST_CASE("ending: `watch` ends with 4 when its node has failed", "[io][ending]") {
    const mesh net;
    const folder place;
    const auto sign = place / "now";
    auto settings = net.options("other");
    settings.clients.enabled = false; // `watch` joins the mesh then
    auto other = started(settings);
    REQUIRE(other.stash("key", "value"));
    auto program = breakable(net, {"watch", "k", "--within", "60s"}, sign);
    REQUIRE(next_event(other, event_kind::joined));
    CHECK(program.change("put", "key").at("value") == "value");
    std::ofstream(sign) << "now";
    CHECK(program.exit_status() == 4);
}
#endif

TEST_CASE("ending: where no thread can be started a start is an error", "[io][ending]") {
    const mesh net;
    const auto settings = net.options("node");
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        alarm(60);
        const rlimit none{1, 1};
        if (setrlimit(RLIMIT_NPROC, &none) != 0) _exit(2);
        if (geteuid() == 0 && (setgid(54321) != 0 || setuid(54321) != 0)) _exit(3); // root has no such limit
        const auto made = baton::node::start(settings);
        if (made) _exit(4);
        _exit(made.error().code == baton::errc::network &&
                      made.error().what.find("thread") != std::string::npos
                  ? 0
                  : 5);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
