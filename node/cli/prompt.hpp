// prompt: a line that a person edits, with history and completion, while others print above it.
//
// One thread, the one that makes it, calls next(), screen_now() and the signals' functions. Any thread calls
// print(), offer() and status(): what they are given appears above the line that is being edited, which stays
// as it is. All of it goes through one `output`, so no thread waits for a terminal that was stopped (^S). ^C
// drops the line, as in psql; ^D on an empty line is the end of input; ^Z does nothing at the prompt, since
// others would take a node that is stopped for crashed.
// Source: libedit's editline(3).
#pragma once

#include "output.hpp"
#include "table.hpp"

#include <baton/signals.hpp>

#include <histedit.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// ^C and changes of the terminal's size, for a program that goes on after them. Make it before the program's
/// first thread, which the signals stay blocked in. One thread.
class terminal_signals {
  public:
    terminal_signals(); ///< throws std::runtime_error if there is no descriptor
    ~terminal_signals();
    terminal_signals(const terminal_signals&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    /// Whether ^C has come since the last forget().
    bool interrupted();
    void forget() { interrupted_ = false; }
    /// Whether the size has changed since the last call.
    bool take_resized();

  private:
    void read();
    int fd_ = -1;
    bool interrupted_ = false, resized_ = false;
};

/// The terminal on that descriptor: its size now, and whether it may be coloured (NO_COLOR, TERM).
screen screen_of(int fd);
/// Text is UTF-8 from now on, whatever the locale says. Before the program's first thread.
void use_utf8();

class prompt {
  public:
    struct terms {
        std::string text; ///< "name> "
        std::function<std::vector<std::string>(std::string_view)>
            complete;             ///< all that the last word of this line may become
        std::string history_file; ///< lines that were typed before; empty: none
    };
    prompt(terms how, const stop_signals& stop, terminal_signals& keys, output& out);
    ~prompt();
    prompt(const prompt&) = delete;

    /// The next line; nothing at ^D, or once a signal asks the program to end.
    std::optional<std::string> next();

    /// Prints whole lines above. Waits while the terminal takes nothing; false: they were dropped.
    bool print(const std::string& lines);
    /// The same without waiting.
    bool offer(const std::string& lines);
    /// One line that stays right above the line being edited until the next call; empty: none.
    void status(std::string line);

  private:
    struct editor_end {
        void operator()(EditLine* e) const { el_end(e); }
    };
    struct history_end_of {
        void operator()(History* h) const { history_end(h); }
    };
    struct file_end {
        void operator()(std::FILE* f) const { std::fclose(f); }
    };

    int read_char(wchar_t* into);
    bool wait_for_key();
    unsigned char complete();
    void show_waiting();
    void draw_above(const std::string& lines);
    [[nodiscard]] std::size_t rows_above_cursor() const;
    void load_history();
    void remember(const std::string& line);
    void wake() const;
    void edit(bool on);

    terms how_;
    const stop_signals& stop_;
    terminal_signals& keys_;
    output& out_;
    const bool moves_; ///< the terminal can move its cursor up and erase
    int woken_ = -1;   ///< an eventfd: something waits to be printed
    std::unique_ptr<std::FILE, file_end> to_;
    std::unique_ptr<EditLine, editor_end> editor_;
    std::unique_ptr<History, history_end_of> history_;
    int history_fd_ = -1;
    std::string last_line_;
    std::string read_ahead_; ///< bytes of one character that are not complete
    bool cancelled_ = false, status_shown_ = false;

    std::mutex mutex_;
    std::condition_variable changed_;
    bool editing_ = false;
    std::string waiting_; ///< lines to print above; bounded by waiting_bytes_max
    std::string status_;
    bool status_new_ = false;
};

} // namespace baton::cli
