// terminal: the program's ends towards the outside: signals, command lines in, JSON lines out, the log.
//
// Each class says which threads may call it. No data is lost by a signal: they are blocked and read from a
// descriptor.
#pragma once

#include <baton/options.hpp>
#include <baton/signals.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace baton::cli {

using json = nlohmann::ordered_json; // fields in the order they were written

/// Where standard input, output or error is closed, its number is taken from now on, by something that can
/// be neither read nor written in its place. What the program opens would get it otherwise. First of all.
void occupy_terminal();

/// SIGTERM, SIGINT and SIGHUP ask the program to end. A reader of its output that goes away (SIGPIPE) must
/// not cost it the leave. Throws when that cannot be had.
stop_signals heed_signals();

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
    bool fill();

    const stop_signals& stop_;
    std::string buffered_;
    std::size_t taken_ = 0;    // of buffered_, by earlier lines
    std::size_t searched_ = 0; // of buffered_, no newline in there
    bool ended_ = false;
};

/// One JSON object a line on standard output, each flushed whole. Any thread.
class json_lines {
  public:
    /// Bytes that are not UTF-8 become U+FFFD; --hex is there for them. False when it is not written.
    bool write(const json& object);

  private:
    std::mutex mutex_;
};

/// Writes all of `text` to `fd`; false, and the rest is lost, when it does not go there (any more).
bool write_all(int fd, std::string_view text);

/// Warnings and errors to standard error, with `verbose` all the rest.
log_sink log_to_stderr(bool verbose);

} // namespace baton::cli
