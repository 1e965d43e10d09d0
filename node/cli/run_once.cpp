#include "actions.hpp"
#include "acts.hpp"

#include <baton/node.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>

namespace baton::cli {
namespace {

int get(node& self, const arguments& given) {
    auto got = self.pickup(given.key);
    if (!got) return fail(2, got.error().what);
    if (!got->found()) return tell_absent(self, given.key);
    return print(shown(std::move(got->value), given.hex) + "\n");
}

/// What has been written goes to those who stay.
int hand_over(node& self, const result<write_result>& written) {
    if (!written) return fail(2, written.error().what);
    const auto report = self.leave();
    if (!report) return fail(4, report.error().what);
    const int status = exit_status(report->outcome);
    if (status != 0)
        return fail(status, "left with " + std::to_string(report->copies) +
                                " copies: " + std::string{to_string(report->outcome)});
    return 0;
}

int drop(node& self, const arguments& given) {
    const auto dropped = self.drop(given.key);
    if (dropped && !dropped->changed)
        return fail(1, "no member in view has '" + shell::printable(given.key) + "'");
    return hand_over(self, dropped);
}

/// Waits for a signal; false when the node fails first, which brings no changes after that.
bool wait_for_signal(node& self, const stop_signals& stop) {
    const auto events = self.event_fd();
    std::array<pollfd, 2> either{pollfd{stop.fd(), POLLIN, 0}, pollfd{events ? *events : -1, POLLIN, 0}};
    while (!stop.stopping()) {
        if (poll(either.data(), either.size(), -1) < 0 && errno != EINTR) stop.wait();
        while (const auto happened = self.next_event())
            if (happened->kind == event_kind::failed) return false;
    }
    return true;
}

int watch(node& self, const arguments& given, const stop_signals& stop) {
    bool stopped = false;
    const int status = print_changes(self, given, stop, [&] { stopped = wait_for_signal(self, stop); });
    return stopped || status != 0 ? status : fail(4, "the node has failed: its log says why");
}

/// What `put` is to write; `-` is standard input, whole.
std::string value_of(const arguments& given) {
    if ((given.what != action::put && given.what != action::insert) || given.value != "-")
        return typed(given.value, given.hex);
    constexpr std::size_t value_bytes_max = std::size_t{8} << 20, typed_bytes_max = 2 * value_bytes_max + 2;
    std::string text;
    std::array<char, std::size_t{64} << 10> piece;
    for (;;) {
        const auto got = read(STDIN_FILENO, piece.data(), piece.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            throw refusal{"usage", std::string{"standard input cannot be read: "} + std::strerror(errno)};
        if (got == 0) break;
        text.append(piece.data(), static_cast<std::size_t>(got));
        if (text.size() > (given.hex ? typed_bytes_max : value_bytes_max))
            throw refusal{"value_too_long",
                          "standard input has more than 8 MiB, the most that a value may have"};
    }
    if (given.hex) text.erase(std::min(text.find_last_not_of(" \r\n") + 1, text.size())); // of a line
    return typed(std::move(text), given.hex);
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

int run_once(const arguments& as_given) try {
    auto given = as_given;
    given.key = bytes_named(given.key);
    const auto value = value_of(given); // before joining: a fault here concerns nobody else
    std::optional<stop_signals> stop;   // one that ends by a signal leaves first
    if (given.what == action::watch) stop = heed_signals();
    if (const auto status = by_client(given, value, stop)) return *status;
    if (given.what == action::ping || given.what == action::leave)
        return fail(1, "no member of cluster '" + given.node.cluster + "' with a door for clients was found");
    given.node.clients.enabled = false; // it is there for a moment
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
        return hand_over(self, self.stash(given.key, value));
    case action::drop:
        return drop(self, given);
    case action::add:
        return hand_over(self, self.add(given.key, amount_of(given)));
    case action::insert:
        return hand_over(self, self.insert(given.key, value));
    case action::keys:
        status = list_keys(self, given);
        break;
    case action::stats:
        status = print_stats(self);
        break;
    case action::count:
        status = count(self, given);
        break;
    case action::members:
        status = print_members(self, given);
        break;
    case action::watch:
        status = watch(self, given, *stop);
        break;
    case action::run:
    case action::top:
    case action::check_config:
    case action::keygen:
    case action::ping:
    case action::leave:
        break;
    }
    // Nothing of our own to hand over: what this reaches changes no answer, so it need not wait long either.
    static_cast<void>(self.leave({.within = given.within}));
    return status;
} catch (const refusal& no) {
    return fail(2, no.detail);
}

} // namespace baton::cli
