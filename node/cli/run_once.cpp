#include "actions.hpp"
#include "parse.hpp"
#include "session.hpp"
#include "terminal.hpp"

#include <baton/node.hpp>
#include <baton/watch.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace baton::cli {
namespace {

int fail(int status, const std::string& sentence) {
    write_all(STDERR_FILENO, "baton: " + sentence + "\n");
    return status;
}

int unwritten(int why) {
    return fail(1, std::string{"standard output cannot be written: "} + std::strerror(why));
}

int get(node& self, const arguments& given) {
    auto got = self.pickup(given.key);
    if (!got) return fail(2, got.error().what);
    if (!got->found()) return fail(1, "no member in view has '" + given.key + "'");
    if (!write_all(STDOUT_FILENO, shown(std::move(got->value), given.hex) + "\n")) return unwritten(errno);
    return 0;
}

int put(node& self, const arguments& given, const std::string& value) {
    const auto stashed = self.stash(given.key, value);
    if (!stashed) return fail(2, stashed.error().what);
    const auto report = self.leave();
    if (!report) return fail(4, report.error().what);
    const int status = exit_status(report->outcome);
    if (status != 0)
        return fail(status, "left with " + std::to_string(report->copies) +
                                " copies: " + std::string{to_string(report->outcome)});
    return 0;
}

int members(node& self) {
    json_lines out;
    for (const auto& who : self.members())
        if (!out.write(to_json(who))) return unwritten(errno);
    return 0;
}

/// Prints changes until a signal comes, or nobody takes them any more.
int watch(node& self, const arguments& given, const stop_signals& stop) {
    json_lines out;
    std::atomic<int> fault = 0;
    const auto watched = self.watch(given.key, [&](const change& what) {
        if (fault != 0 || out.write(to_json(what, given.key, given.hex))) return;
        fault = errno;
        kill(getpid(), SIGTERM); // which is what stop waits for
    });
    if (!watched) return fail(2, watched.error().what);
    stop.wait();
    return fault == 0 ? 0 : unwritten(fault);
}

/// True once this node is synced; false when the time is over or a signal came first.
bool join(const node& self, std::chrono::milliseconds within, const std::optional<stop_signals>& stop) {
    using std::chrono::milliseconds, std::chrono::steady_clock;
    constexpr milliseconds slice{50};
    for (const auto deadline = steady_clock::now() + within; !(stop && stop->stopping());) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
        if (self.wait_synced(stop ? std::clamp(left, milliseconds{0}, slice) : left)) return true;
        if (!stop || left <= slice) return false;
    }
    return false;
}

} // namespace

int run_once(const arguments& given) try {
    const auto value = typed(given.value, given.hex); // before joining: a fault here concerns nobody else
    std::optional<stop_signals> stop;                 // one that ends by a signal leaves first
    if (given.what == action::watch) stop = heed_signals();
    auto started = node::start(given.node);
    if (!started) return fail(1, started.error().what);
    auto& self = *started;
    if (!join(self, given.within, stop))
        return fail(1, "not in sync with any member of cluster '" + given.node.cluster + "' within " +
                           std::to_string(given.within.count()) + " ms; nothing was done");

    int status = 0;
    switch (given.what) {
    case action::get:
        status = get(self, given);
        break;
    case action::put:
        return put(self, given, value);
    case action::members:
        status = members(self);
        break;
    case action::watch:
        status = watch(self, given, *stop);
        break;
    case action::run:
    case action::keygen:
        break;
    }
    // Nothing of our own to hand over: what this reaches changes no answer, so it need not wait long either.
    static_cast<void>(self.leave({.within = given.within}));
    return status;
} catch (const refusal& no) {
    return fail(2, no.detail);
}

} // namespace baton::cli
