// acts: what the one-shot forms of the program do, written once for a client and for a node, which have the
// same calls. Each returns the exit status of the program.
//
// One thread.
#pragma once

#include "arguments.hpp"
#include "output.hpp"
#include "parse.hpp"
#include "people.hpp"
#include "prompt.hpp"
#include "session.hpp"
#include "shell/text.hpp"
#include "show.hpp"
#include "terminal.hpp"

#include <baton/signals.hpp>
#include <baton/stats.hpp>
#include <baton/watch.hpp>

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <string>

namespace baton::cli {

inline int fail(int status, const std::string& sentence) {
    complain(sentence);
    return status;
}

inline int unwritten(int why) {
    return fail(1, std::string{"standard output cannot be written: "} + std::strerror(why));
}

inline int print(const std::string& text) { return write_all(STDOUT_FILENO, text) ? 0 : unwritten(errno); }

/// Why there is no value: of a key that holds something else, what that is, and which command reads it.
template <class Self>
int tell_absent(Self& self, const std::string& key) {
    const auto name = "'" + shell::printable(key) + "'";
    const auto types = self.types(key);
    if (!types || types->empty()) return fail(1, "no member in view has " + name);
    std::string held;
    for (const auto type : *types) {
        const char* const command = type == value_kind::counter ? "count"
                                    : type == value_kind::set   ? "elements"
                                    : type == value_kind::map   ? "fields"
                                                                : "enabled";
        held += (held.empty() ? "a " : " and a ") + std::string(to_string(type)) + ", which `" + command +
                "` of `baton run` reads";
    }
    return fail(1, name + " holds " + held);
}

template <class Self>
int count(Self& self, const arguments& given) {
    const auto sum = self.count(given.key);
    if (!sum) return fail(2, sum.error().what);
    if (!*sum) return fail(1, "no member in view has a counter '" + shell::printable(given.key) + "'");
    return print(std::to_string(**sum) + '\n');
}

/// A table at a terminal, else JSON lines.
template <class Self>
int print_members(Self& self, const arguments& given) {
    const auto all = self.members();
    if (!all) return fail(2, all.error().what);
    if (isatty(STDOUT_FILENO) == 1 && !given.json) {
        use_utf8();
        json rows = json::array();
        for (const auto& who : *all) rows.push_back(to_json(who));
        return print(members_text(rows, json(), screen_of(STDOUT_FILENO)));
    }
    std::string text;
    for (const auto& who : *all) text += to_line(to_json(who));
    return print(text);
}

template <class Self>
int list_keys(Self& self, const arguments& given) {
    const auto all = self.keys(given.key);
    if (!all) return fail(2, all.error().what);
    std::string text;
    for (const auto& each : *all) text += (shell::is_utf8(each) ? each : "base64:" + to_base64(each)) + '\n';
    return print(text);
}

/// Prints changes until `wait()` returns, which a signal ends; so does that nobody takes them any more.
template <class Self, class Wait>
int print_changes(Self& self, const arguments& given, const stop_signals& stop, Wait wait) {
    json_lines out{[&stop] { return stop.stopping(); },
                   [] { kill(getpid(), SIGTERM); }}; // which stop waits for
    auto watched =
        self.watch(given.key, [&](const change& what) { out.write(to_json(what, given.key, given.hex)); });
    if (!watched) return fail(2, watched.error().what);
    wait();
    watched->unwatch();
    out.finish();
    return out.fault() == 0 ? 0 : unwritten(out.fault());
}

template <class Self>
int print_stats(Self& self) {
    const auto counted = self.stats();
    if (!counted) return fail(2, counted.error().what);
    json all;
    for (const auto& each : all_stats()) all[std::string(each.name)] = (*counted).*each.value;
    return print(to_line(all));
}

/// The amount of `add`.
inline std::int64_t amount_of(const arguments& given) {
    std::int64_t amount = 0;
    const auto* const end = given.value.data() + given.value.size();
    const auto read = std::from_chars(given.value.data(), end, amount);
    if (read.ec != std::errc{} || read.ptr != end)
        throw refusal{"usage", "N " + cited(given.value) + " is not a whole number"};
    return amount;
}

} // namespace baton::cli
