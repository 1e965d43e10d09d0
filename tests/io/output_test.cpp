// Proves that nobody of the program waits for a reader that does not read, longer than is right: what is
// offered is dropped and counted, what is put waits for room, and once the program is asked to end both end.
// And that names are fit for logs and labels.
#include "output.hpp"
#include "patience.hpp"
#include "shell/text.hpp"
#include "support/catch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <future>

using namespace baton::cli;
using namespace io;

namespace {

/// A pipe that takes 4 KiB while it is not read.
struct small_pipe {
    small_pipe() {
        std::signal(SIGPIPE, SIG_IGN);
        if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        if (fcntl(ends[1], F_SETPIPE_SZ, 4096) < 4096) throw std::runtime_error("F_SETPIPE_SZ");
    }
    ~small_pipe() {
        for (const int fd : ends)
            if (fd >= 0) close(fd);
    }
    /// Reads until `bytes` have arrived or the time is over.
    std::string read(std::size_t bytes) {
        std::string text;
        std::array<char, 4096> piece{};
        while (text.size() < bytes) {
            pollfd wait{ends[0], POLLIN, 0};
            if (poll(&wait, 1, static_cast<int>(patience(10s).count())) != 1) break;
            const auto got = ::read(ends[0], piece.data(), piece.size());
            if (got <= 0) break;
            text.append(piece.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    std::array<int, 2> ends{};
};

} // namespace

TEST_CASE("output: what is offered never waits, and what has no room is counted", "[io][output]") {
    small_pipe pipe;
    output out{{.fd = pipe.ends[1], .bytes_max = 10'000}};
    const std::string line(999, 'x');
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) taken += out.offer(line + '\n') ? 1 : 0;
    CHECK(taken >= 10); // what waits; and what the pipe has
    CHECK(taken <= 30); // the writer takes a text as a whole
    CHECK(out.take_dropped() == 100 - taken);
    CHECK(out.take_dropped() == 0);
    CHECK(pipe.read(taken * 1000).size() == taken * 1000);
    CHECK(out.flush());
    CHECK(out.offer("there is room again\n"));
    CHECK(pipe.read(20) == "there is room again\n");
}

TEST_CASE("output: what is put waits for its reader until the program is to end", "[io][output]") {
    small_pipe pipe;
    std::atomic<bool> ends = false;
    output out{{.fd = pipe.ends[1], .bytes_max = 1000, .ends = [&] { return ends.load(); }}};
    const std::string line(8000, 'x');
    std::atomic<int> put = 0;
    auto writer = std::async(std::launch::async, [&] {
        for (int i = 0; i < 5; ++i) put += out.put(line) ? 1 : 0;
    });
    CHECK(pipe.read(40'000).size() == 40'000); // as it is read, so it is written, and nothing is lost
    writer.get();
    CHECK(put == 5);
    REQUIRE(out.flush());

    SECTION("nobody reads") {
        const stopwatch start;
        ends = true;
        int lost = 0;
        for (int i = 0; i < 10; ++i) lost += out.put(line) ? 0 : 1;
        CHECK_FALSE(out.flush());
        CHECK(lost >= 8);
        CHECK(out.take_dropped() ==
              static_cast<std::uint64_t>(lost) + 1); // with the one that was being written
        CHECK(start.unhindered() < at_most(6s));     // all of them together
    }
    SECTION("nobody waits any more") {
        out.put(line);
        const stopwatch start;
        out.give_up();
        for (int i = 0; i < 10; ++i) out.put(line);
        CHECK_FALSE(out.flush());
        CHECK(start.unhindered() < at_most(6s)); // all of them together
    }
    SECTION("the reader has gone") {
        std::signal(SIGPIPE, SIG_IGN);
        close(std::exchange(pipe.ends[0], -1));
        out.put(line);
        REQUIRE(eventually(10s, [&] { return out.fault() == EPIPE; }));
        CHECK_FALSE(out.put(line));
        CHECK_FALSE(out.flush());
    }
}

TEST_CASE("output: whoever wants to know is told once that nothing is written any more", "[io][output]") {
    std::signal(SIGPIPE, SIG_IGN);
    small_pipe pipe;
    close(std::exchange(pipe.ends[0], -1));
    std::atomic<int> told = 0;
    output out{{.fd = pipe.ends[1], .on_fault = [&] { ++told; }}};
    out.put("line\n");
    REQUIRE(eventually(10s, [&] { return told == 1; }));
    out.put("line\n");
    CHECK_FALSE(out.flush());
    CHECK(told == 1);
}

TEST_CASE("text: names are fit for a log and for labels, whatever their bytes are", "[io][output]") {
    using namespace baton::shell;
    CHECK(log_word("plain-name") == "plain-name");
    CHECK(log_word("") == "\"\"");
    CHECK(log_word("two words") == "\"two words\"");
    CHECK(log_word("a\"b") == "\"a\\\"b\"");
    CHECK(log_word("Ä-名-🙂") == "Ä-名-🙂");
    CHECK(printable("\xff\xfe\x9b"
                    "31mX") == "\\xff\\xfe\\x9b31mX"); // a terminal would take it for a command
    CHECK(printable("line\nevent=left\x1b[2J\x7f") == "line\\x0aevent=left\\x1b[2J\\x7f");
    CHECK(printable("\xc2\x9b") == "\\xc2\\x9b"); // the same command as UTF-8
    for (const auto* bad : {"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "a\xe2"})
        CHECK_FALSE(is_utf8(bad));
    for (const auto* good :
         {"", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
        CHECK(is_utf8(good));
}
