// Proves what a person reads while a sync goes on, under a clock of the test: pure code of the program.
#include "support/catch.hpp"
#include "sync_meter.hpp"

using namespace baton::cli;
using namespace std::chrono_literals;

namespace {
struct meter {
    std::optional<std::string> look(const sync_sample& now, std::chrono::milliseconds after) {
        at += after;
        closing.reset();
        return under_test.look(now, at, closing);
    }
    sync_meter under_test;
    sync_meter::clock::time_point at{};
    std::optional<std::string> closing;
};
} // namespace

TEST_CASE("sync meter: keys, bytes and seconds left, and a line at the end", "[io][program]") {
    meter line;
    CHECK_FALSE(line.look({}, 0ms));
    CHECK_FALSE(line.look({true, 0, 0, 0, 0}, 100ms)); // it may be over in a moment
    CHECK(line.look({true, 25'000, 100'000, 2'500'000, 0}, 1000ms) ==
          "sync: 25,000 of about 100,000 keys, 2.5 MB, 3.0 s left");
    CHECK(line.look({true, 75'000, 100'000, 7'500'000, 0}, 2000ms) ==
          "sync: 75,000 of about 100,000 keys, 7.5 MB, 1.0 s left");
    CHECK(line.look({true, 100'001, 100'000, 10'000'000, 0}, 1000ms) == "sync: 100,001 keys, 10.0 MB");
    CHECK_FALSE(line.closing);
    CHECK(line.look({false, 0, 0, 10'000'000, 100'001}, 0ms) == ""); // the line is erased
    CHECK(line.closing == "sync: 10.0 MB received in 4.0 s; 100,001 keys here");
    CHECK_FALSE(line.look({false, 0, 0, 10'000'000, 100'001}, 100ms));
    CHECK_FALSE(line.closing);
}

TEST_CASE("sync meter: a large sync between two looks gets its line, a small one none", "[io][program]") {
    meter line;
    line.look({}, 0ms);
    CHECK_FALSE(line.look({false, 0, 0, 5'000, 10}, 100ms));
    CHECK_FALSE(line.closing);
    CHECK_FALSE(line.look({false, 0, 0, 5'005'000, 40'000}, 100ms));
    CHECK(line.closing == "sync: 5.0 MB received in 0.1 s; 40,000 keys here");
    CHECK_FALSE(line.look({true, 0, 0, 5'005'000, 40'000}, 100ms));
    CHECK_FALSE(line.look({false, 0, 0, 5'006'000, 40'001}, 100ms)); // a repair
    CHECK_FALSE(line.closing);
}

TEST_CASE("sync meter: nothing is said about the time while nothing has come", "[io][program]") {
    meter line;
    line.look({true, 0, 0, 0, 0}, 0ms);
    CHECK(line.look({true, 0, 0, 0, 0}, 500ms) == "sync: 0 keys, 0 B");
    CHECK(line.look({true, 0, 5'000, 70'000, 0}, 500ms) == "sync: 0 of about 5,000 keys, 70.0 kB");
}
