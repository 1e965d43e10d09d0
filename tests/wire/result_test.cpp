// Proves that result has the names and the meaning of std::expected: what each function gives of a value and
// of an error, that an error passes through a chain unchanged, and that a misread ends the program with the
// error's sentence. Misreads happen in a forked child.
#include "support/catch.hpp"

#include <baton/result.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using namespace baton;

namespace {

const error no_port{errc::address_in_use, "port 5670 is taken: choose another one"};

result<int> half(int of) {
    if (of % 2 != 0) return error{errc::bad_argument, std::to_string(of) + " is odd"};
    return of / 2;
}

/// What a child writes to standard error while it runs `misread`, and how it ends.
struct ending {
    std::string said;
    bool aborted = false;
};
template <class Misread>
ending end_of(Misread misread) {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL); // not Catch2's
        std::set_terminate([] { std::abort(); });
        misread();
        _exit(0);
    }
    close(ends[1]);
    ending how;
    std::array<char, 512> piece{};
    for (ssize_t got = 0; (got = read(ends[0], piece.data(), piece.size())) > 0;)
        how.said.append(piece.data(), static_cast<std::size_t>(got));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    how.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    return how;
}

} // namespace

TEST_CASE("result: a value or an error, by the names of std::expected", "[wire]") {
    STATIC_REQUIRE(std::is_same_v<result<int>::value_type, int>);
    STATIC_REQUIRE(std::is_same_v<result<void>::error_type, error>);
    const result<int> good = 4, bad = no_port;
    CHECK(good.has_value());
    CHECK(good);
    CHECK(*good == 4);
    CHECK(good.value() == 4);
    CHECK_FALSE(bad.has_value());
    CHECK(bad.error() == no_port);
    CHECK(good.value_or(7) == 4);
    CHECK(bad.value_or(7) == 7);
    CHECK(result<std::string>(no_port).value_or("none") == "none"); // what converts to the value
    CHECK(good == 4);
    CHECK_FALSE(bad == 4);
    CHECK(good == result<int>(4));
    CHECK(good != bad);
    CHECK(bad == result<int>(no_port));
}

TEST_CASE("result: and_then goes on with a value and stops at the first error", "[wire]") {
    CHECK(half(12).and_then(half) == 3);
    CHECK(half(12).and_then(half).and_then(half).error().what == "3 is odd");
    const auto twelve = half(24);
    CHECK(twelve.and_then(half) == 6); // of one that stays
    int calls = 0;
    const auto count = [&](int) -> result<void> { return ++calls, result<void>(); };
    CHECK(half(1).and_then(count).error().what == "1 is odd");
    CHECK(calls == 0);
    CHECK(half(2).and_then(count));
    CHECK(calls == 1);
    CHECK(result<void>().and_then([] { return half(8); }) == 4);
    CHECK(result<void>(no_port).and_then([] { return half(8); }).error() == no_port);
}

TEST_CASE("result: transform changes the value, transform_error the error", "[wire]") {
    CHECK(half(8).transform([](int of) { return std::to_string(of); }) == "4");
    CHECK(half(7).transform([](int of) { return std::to_string(of); }).error().what == "7 is odd");
    int seen = 0;
    const result<void> none = half(8).transform([&](int of) { seen = of; });
    CHECK(none);
    CHECK(seen == 4);
    CHECK(result<void>().transform([] { return 5; }) == 5);
    const auto named = [](error why) { return error{why.code, "quarter: " + why.what}; };
    CHECK(half(7).transform_error(named).error().what == "quarter: 7 is odd");
    CHECK(half(8).transform_error(named) == 4);
    CHECK(result<void>(no_port).transform_error(named).error().code == errc::address_in_use);
}

TEST_CASE("result: or_else answers an error and leaves a value alone", "[wire]") {
    const auto zero = [](const error& why) -> result<int> {
        if (why.code == errc::bad_argument) return 0;
        return why;
    };
    CHECK(half(7).or_else(zero) == 0);
    CHECK(half(8).or_else(zero) == 4);
    CHECK(result<int>(no_port).or_else(zero).error() == no_port);
    CHECK(result<void>(no_port).or_else([](const error&) { return result<void>(); }));
}

TEST_CASE("result: what is read of a temporary is moved and outlives it", "[wire]") {
    result<std::unique_ptr<int>> owner = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = std::move(owner).value();
    CHECK(*taken == 3);
    const auto list = [] { return result<std::vector<int>>(std::vector<int>{1, 2, 3}); };
    int sum = 0;
    for (const int each : *list()) sum += each; // a reference into the temporary would dangle
    CHECK(sum == 6);
    struct holder {
        std::vector<int> all;
    };
    const auto held = [] { return result<holder>(holder{{1, 2, 3}}); };
    for (const int each : (*held()).all) sum += each; // the loop keeps the whole value
    CHECK(sum == 12);
    STATIC_REQUIRE(!std::is_reference_v<decltype(*list())>);
    const auto moved = result<std::unique_ptr<int>>(std::make_unique<int>(4))
                           .and_then([](std::unique_ptr<int> of) -> result<int> { return *of; });
    CHECK(moved == 4);
}

TEST_CASE("result: a misread ends the program with the error's sentence", "[wire]") {
    const auto value = end_of([] { (void)result<int>(no_port).value(); });
    CHECK(value.aborted);
    CHECK(value.said ==
          "baton: a value was read of a result that holds an error, address_in_use: " + no_port.what + "\n");
    CHECK(end_of([] { *result<int>(no_port); }).said == value.said);
    CHECK(end_of([] { (void)result<std::string>(no_port)->size(); }).said == value.said);
    CHECK(end_of([] { result<void>(no_port).value(); }).said == value.said);
    const auto failure = end_of([] { (void)result<int>(3).error(); });
    CHECK(failure.aborted);
    CHECK(failure.said == "baton: an error was read of a result that holds none\n");
    CHECK(end_of([] { (void)result<void>().error(); }).said == failure.said);
}
