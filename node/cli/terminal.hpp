// terminal: signals, command lines from standard input, JSON lines to standard output, the log.
//
// Each class says which threads may call it. No data is lost by a signal: they are blocked and read from a
// descriptor.
#pragma once

#include "output.hpp"

#include <baton/options.hpp>
#include <baton/signals.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace baton::cli {

using json = nlohmann::ordered_json; // fields in the order they were written

/// Call first. If standard input, output or error is closed, this opens a descriptor with its number that can
/// be neither read nor written. Otherwise a file that the program opens later would get that number.
void occupy_terminal();

/// SIGTERM, SIGINT and SIGHUP ask the program to end; SIGINT not if it `has_prompt`, where ^C ends one
/// command. If the reader of its output goes away (SIGPIPE), the program still leaves. Throws if the signals
/// cannot be set up.
stop_signals heed_signals(bool has_prompt = false);

/// Lines from standard input. One thread.
class line_reader {
  public:
    static constexpr std::size_t line_bytes_max = std::size_t{64}
                                                  << 20; // an 8 MiB value, escaped as \u00XX, and its key

    explicit line_reader(const stop_signals& stop)
        : stop_(stop) {}
    struct line {
        std::string text;
        bool too_long = false; ///< it was skipped up to its end
    };
    /// Waits; nothing at the end of input or once a signal has come.
    std::optional<line> next();

  private:
    static constexpr std::size_t kept_bytes_max = std::size_t{1} << 20; // of memory, once a long line is over
    bool fill();

    const stop_signals& stop_;
    std::string buffered_;
    std::size_t taken_ = 0;    // of buffered_, by earlier lines
    std::size_t searched_ = 0; // of buffered_, no newline in there
    bool ended_ = false;
};

/// The object as a line. Bytes that are no UTF-8 become U+FFFD: values, keys and names have been seen to
/// before.
std::string to_line(const json& object);

/// One JSON object a line on standard output, each whole. Any thread.
class json_lines {
  public:
    /// As output::terms has them.
    explicit json_lines(std::function<bool()> ends, std::function<void()> on_fault = {});
    /// From now on `show` gets the objects instead: a terminal, for people. Before there is another thread.
    void show_by(std::function<bool(const json&)> show) { show_ = std::move(show); }
    /// Waits while the reader lags. False: it will not be written.
    bool write(const json& object);
    /// Where the lines go.
    [[nodiscard]] output& channel() { return out_; }
    /// The last line has been written, or has no reader.
    void finish();
    void hurry() { out_.hurry(); }
    void give_up() { out_.give_up(); }
    [[nodiscard]] int fault() const { return out_.fault(); }

  private:
    output out_;
    std::function<bool(const json&)> show_{};
};

/// Messages for people, on standard error. No thread waits for the reader; text over 1 MiB is dropped and
/// counted.
output& standard_error();
/// From now on messages for people go to `offer`, which does not wait: while a line is edited on the same
/// terminal. Empty: to standard error again. False from `offer` counts as dropped.
void divert_messages(std::function<bool(const std::string&)> offer);
/// Writes the sentence to standard error, after the program's name.
void complain(const std::string& sentence);

/// Writes warnings and errors to standard error, with `verbose` everything. `is_guest`: the node stays only
/// for a moment, so the warning about an open mesh is left out.
log_sink log_to_stderr(bool verbose, bool is_guest);

} // namespace baton::cli
