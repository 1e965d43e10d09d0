#include "prompt.hpp"

#include "shell/text.hpp"

#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace baton::cli {
namespace {

constexpr std::size_t waiting_bytes_max = std::size_t{1} << 20;
constexpr int history_lines_max = 1000;
constexpr std::size_t candidates_shown_max = 100;

bool is_dumb() {
    const char* const kind = std::getenv("TERM");
    return kind == nullptr || std::string_view{kind}.empty() || std::string_view{kind} == "dumb";
}

// A terminal in raw mode returns to the first column only when it is told to.
std::string with_returns(std::string_view lines) {
    std::string made;
    for (const char c : lines) {
        if (c == '\n') made += '\r';
        made += c;
    }
    return made;
}

ssize_t write_to_output(void* to, const char* bytes, std::size_t count) {
    static_cast<output*>(to)->put({bytes, count});
    return static_cast<ssize_t>(count); // what a stopped terminal does not take is lost, as everywhere
}

std::FILE* stream_to(output& out) {
    cookie_io_functions_t calls{};
    calls.write = write_to_output;
    return fopencookie(&out, "w", calls);
}

prompt* of(EditLine* editor) {
    void* self = nullptr;
    el_get(editor, EL_CLIENTDATA, &self);
    return static_cast<prompt*>(self);
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

/// What all of them begin with, in whole characters.
std::string common_beginning(const std::vector<std::string>& all) {
    std::string same = all.front();
    for (const auto& each : all) {
        const auto [end, other] = std::ranges::mismatch(same, each);
        same.erase(end, same.end());
    }
    std::size_t whole = 0; // up to the last character that is complete
    while (const auto length = shell::utf8_prefix(std::string_view{same}.substr(whole))) whole += length;
    same.resize(whole);
    return same;
}

std::string columns_of(const std::vector<std::string>& all, std::size_t width) {
    const auto shown = std::min(all.size(), candidates_shown_max);
    std::size_t widest = 0;
    for (std::size_t at = 0; at < shown; ++at) widest = std::max(widest, width_of(visible(all[at])));
    widest = std::min(widest + 2, width);
    const auto in_line = std::max<std::size_t>(width / widest, 1);
    std::string text;
    for (std::size_t at = 0; at < shown; ++at) {
        const auto name = fitted(visible(all[at]), widest);
        const bool last = at % in_line == in_line - 1 || at + 1 == shown;
        text += name;
        text += last ? std::string("\n") : std::string(widest - std::min(width_of(name), widest), ' ');
    }
    if (shown < all.size()) text += "and " + with_commas(all.size() - shown) + " more\n";
    return text;
}

} // namespace

// ---------------------------------------------------------------- signals and the terminal

terminal_signals::terminal_signals() {
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGINT);
    sigaddset(&both, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &both, nullptr);
    fd_ = signalfd(-1, &both, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) throw std::runtime_error{std::string("no descriptor for signals: ") + std::strerror(errno)};
}

terminal_signals::~terminal_signals() { close(fd_); }

void terminal_signals::read() {
    for (signalfd_siginfo got{}; ::read(fd_, &got, sizeof got) == sizeof got;) {
        if (got.ssi_signo == SIGINT) interrupted_ = true;
        if (got.ssi_signo == SIGWINCH) resized_ = true;
    }
}

bool terminal_signals::interrupted() {
    read();
    return interrupted_;
}

bool terminal_signals::take_resized() {
    read();
    return std::exchange(resized_, false);
}

screen screen_of(int fd) {
    screen made;
    winsize size{};
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0) {
        made.width = size.ws_col;
        if (size.ws_row != 0) made.height = size.ws_row;
    }
    const char* const no_colour = std::getenv("NO_COLOR"); // https://no-color.org
    made.moves = isatty(fd) == 1 && !is_dumb();
    made.colours = made.moves && (no_colour == nullptr || *no_colour == '\0');
    return made;
}

void use_utf8() {
    std::setlocale(LC_CTYPE, "");
    if (std::string_view{nl_langinfo(CODESET)} != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

// ---------------------------------------------------------------- prompt

prompt::prompt(terms how, const stop_signals& stop, terminal_signals& keys, output& out)
    : how_(std::move(how))
    , stop_(stop)
    , keys_(keys)
    , out_(out)
    , moves_(screen_of(STDOUT_FILENO).moves)
    , woken_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
    , to_(stream_to(out)) {
    if (woken_ < 0 || !to_) throw std::runtime_error{std::string("no descriptor: ") + std::strerror(errno)};
    editor_.reset(
        el_init_fd("baton", stdin, to_.get(), to_.get(), STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO));
    history_.reset(history_init());
    if (!editor_ || !history_) throw std::runtime_error{"the line editor cannot be started"};
    auto* const e = editor_.get();
    el_set(e, EL_EDITOR, "emacs"); // as in a shell; Debian's libedit begins as vi
    el_source(e, nullptr);         // what the person has set for all such programs, in ~/.editrc
    el_set(e, EL_CLIENTDATA, this);
    el_set(
        e, EL_PROMPT, +[](EditLine* editor) { return of(editor)->how_.text.data(); });
    el_set(
        e, EL_GETCFN, +[](EditLine* editor, wchar_t* into) { return of(editor)->read_char(into); });
    el_set(
        e, EL_ADDFN, "baton-complete", "completes a command or a key",
        +[](EditLine* editor, int) { return of(editor)->complete(); });
    el_set(e, EL_BIND, "^I", "baton-complete", nullptr);
    el_set(e, EL_BIND, "^R", "em-inc-search-prev", nullptr);
    el_set(e, EL_SETTY, "-d", "susp=", nullptr);
    HistEvent unused{};
    history(history_.get(), &unused, H_SETSIZE, history_lines_max);
    history(history_.get(), &unused, H_SETUNIQUE, 1);
    el_set(e, EL_HIST, history, history_.get());
    load_history();
}

prompt::~prompt() {
    editor_.reset(); // the terminal is as it was
    to_.reset();
    if (history_fd_ >= 0) close(history_fd_);
    close(woken_);
}

void prompt::edit(bool on) {
    const std::scoped_lock lock{mutex_};
    editing_ = on;
    if (!on && !waiting_.empty()) out_.put(with_returns(std::exchange(waiting_, {})));
    changed_.notify_all();
}

std::optional<std::string> prompt::next() {
    while (!stop_.stopping()) {
        keys_.forget();
        cancelled_ = false;
        read_ahead_.clear();
        edit(true);
        int count = 0;
        const char* const text = el_gets(editor_.get(), &count);
        edit(false);
        status_shown_ = false;
        if (cancelled_) {
            out_.put("^C\r\n");
            continue;
        }
        if (text == nullptr || count <= 0) {
            out_.put("\r\n");
            return std::nullopt;
        }
        std::string line(text, static_cast<std::size_t>(count));
        while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
        remember(line);
        return line;
    }
    return std::nullopt;
}

// ---------------------------------------------------------------- keys

// One character, as libedit wants it: 1; 0 is the end of input, -1 drops the line.
int prompt::read_char(wchar_t* into) {
    for (;;) {
        if (!wait_for_key()) {
            errno = EINTR;
            return cancelled_ ? -1 : 0;
        }
        char byte = 0;
        const auto got = ::read(STDIN_FILENO, &byte, 1);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) return 0;
        read_ahead_ += byte;
        std::mbstate_t state{};
        const auto length = std::mbrtowc(into, read_ahead_.data(), read_ahead_.size(), &state);
        if (length == static_cast<std::size_t>(-2)) continue; // its other bytes follow
        read_ahead_.clear();
        if (length == static_cast<std::size_t>(-1)) continue; // no UTF-8
        if (length == 0) *into = L'\0';
        return 1;
    }
}

// Prints what waits; false: the line is dropped, or the program is to end.
bool prompt::wait_for_key() {
    for (;;) {
        show_waiting();
        std::array<pollfd, 4> wait{{{STDIN_FILENO, POLLIN, 0},
                                    {stop_.fd(), POLLIN, 0},
                                    {keys_.fd(), POLLIN, 0},
                                    {woken_, POLLIN, 0}}};
        if (poll(wait.data(), wait.size(), -1) < 0) continue;
        if (wait[1].revents != 0) return false;
        if (wait[2].revents != 0) {
            if (keys_.take_resized()) {
                el_resize(editor_.get());
                draw_above({});
            }
            if (keys_.interrupted()) {
                cancelled_ = true;
                return false;
            }
        }
        if (wait[3].revents != 0) {
            std::uint64_t count = 0;
            static_cast<void>(::read(woken_, &count, sizeof count));
        }
        if (wait[0].revents != 0) return true;
    }
}

unsigned char prompt::complete() {
    const auto* const line = el_line(editor_.get());
    const std::string before(line->buffer, line->cursor);
    const auto begin = before.find_last_of(" \t") + 1; // npos + 1 is 0
    const auto typed = before.substr(begin);
    auto all = how_.complete(before);
    if (all.empty()) return CC_REFRESH_BEEP;
    if (all.size() == 1) {
        el_deletestr(editor_.get(), static_cast<int>(characters(typed)));
        return el_insertstr(editor_.get(), (all.front() + ' ').c_str()) == 0 ? CC_REFRESH : CC_ERROR;
    }
    const auto same = common_beginning(all);
    if (same.size() > typed.size() && same.starts_with(typed))
        return el_insertstr(editor_.get(), same.c_str() + typed.size()) == 0 ? CC_REFRESH : CC_ERROR;
    draw_above(columns_of(all, screen_of(STDOUT_FILENO).width));
    return CC_NORM;
}

// ---------------------------------------------------------------- text of others

bool prompt::print(const std::string& lines) {
    using namespace std::chrono_literals;
    std::unique_lock lock{mutex_};
    while (editing_ && !waiting_.empty() && waiting_.size() + lines.size() > waiting_bytes_max)
        changed_.wait_for(lock, 50ms); // next() returns once the program is to end
    if (editing_) {
        waiting_ += lines;
        wake();
        return true;
    }
    lock.unlock();
    return out_.put(with_returns(lines));
}

bool prompt::offer(const std::string& lines) {
    const std::scoped_lock lock{mutex_};
    if (!editing_) return out_.offer(with_returns(lines));
    if (!waiting_.empty() && waiting_.size() + lines.size() > waiting_bytes_max) return false;
    waiting_ += lines;
    wake();
    return true;
}

void prompt::status(std::string line) {
    const std::scoped_lock lock{mutex_};
    if (line == status_) return;
    status_ = std::move(line);
    status_new_ = true;
    if (editing_) wake();
}

void prompt::wake() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(woken_, &one, sizeof one));
}

void prompt::show_waiting() {
    std::string lines;
    {
        const std::scoped_lock lock{mutex_};
        if (waiting_.empty() && !status_new_) return;
        lines = std::exchange(waiting_, {});
        status_new_ = false;
        changed_.notify_all();
    }
    draw_above(lines);
}

std::size_t prompt::rows_above_cursor() const {
    const auto* const line = el_line(editor_.get());
    auto cells = width_of(how_.text);
    for (const char* at = line->buffer; at < line->cursor; ++at)
        if (static_cast<unsigned char>(*at) < ' ') ++cells; // a control character is shown as ^X
    cells += width_of({line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)});
    return cells / std::max<std::size_t>(screen_of(STDOUT_FILENO).width, 1);
}

// The line being edited is erased, and drawn again below what is printed.
void prompt::draw_above(const std::string& lines) {
    std::string text;
    if (moves_) {
        text = "\r";
        const auto up = rows_above_cursor() + (status_shown_ ? 1 : 0);
        if (up != 0) text += "\x1b[" + std::to_string(up) + "A";
        text += "\x1b[J";
    } else {
        text = "\r\n";
    }
    text += with_returns(lines);
    {
        const std::scoped_lock lock{mutex_};
        status_shown_ = moves_ && !status_.empty();
        if (status_shown_) text += fitted(status_, screen_of(STDOUT_FILENO).width - 1) + "\r\n";
    }
    out_.put(std::move(text));
    el_set(editor_.get(), EL_REFRESH);
}

// ---------------------------------------------------------------- history

// One line a command. Each is appended as it is typed, so that several prompts at a time keep all of them.
void prompt::load_history() {
    if (how_.history_file.empty()) return;
    std::vector<std::string> lines;
    {
        std::ifstream file(how_.history_file);
        for (std::string line; std::getline(file, line);) lines.push_back(std::move(line));
    }
    const auto first = lines.end() - std::min<std::ptrdiff_t>(history_lines_max, std::ssize(lines));
    HistEvent unused{};
    for (auto line = first; line != lines.end(); ++line)
        history(history_.get(), &unused, H_ENTER, line->c_str());
    const bool grown = std::ssize(lines) > std::ptrdiff_t{2} * history_lines_max;
    history_fd_ = open(how_.history_file.c_str(),
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (grown ? O_TRUNC : 0), 0600);
    if (!grown || history_fd_ < 0) return;
    std::string kept;
    for (auto line = first; line != lines.end(); ++line) kept += *line + '\n';
    static_cast<void>(write_all(history_fd_, kept));
}

// Not what begins with a blank, nor a key of the mesh.
void prompt::remember(const std::string& line) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == line.npos || begin != 0 || line.find("key-install") != line.npos || line == last_line_)
        return;
    last_line_ = line;
    HistEvent unused{};
    history(history_.get(), &unused, H_ENTER, line.c_str());
    if (history_fd_ >= 0) static_cast<void>(write_all(history_fd_, line + '\n'));
}

} // namespace baton::cli
