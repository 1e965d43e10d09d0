// Which requests the pages answer, case by case: the code is pure.
#include "http/guard.hpp"
#include "support/catch.hpp"

using namespace baton::cli;

namespace {
std::string host(std::string_view header) { return std::string(host_of(header).value_or("-")); }

bool passes(const request_head& head, const std::vector<std::string>& names = {}) {
    return fault_of(head, names) == nullptr;
}
} // namespace

TEST_CASE("guard: the host of a Host header", "[ops]") {
    CHECK(host("127.0.0.1:9400") == "127.0.0.1");
    CHECK(host("node") == "node");
    CHECK(host("[::1]:9400") == "::1");
    CHECK(host("[fe80::1%eth0]") == "fe80::1%eth0");
    for (const auto* bad : {"", ":80", "[::1", "[]", "a:", "a:b", "a:123456", "a:1:2", "[::1]80", "::1"})
        CHECK(host(bad) == "-");
}

TEST_CASE("guard: only addresses, localhost and names that are allowed", "[ops]") {
    CHECK(passes({.host = "10.0.0.7:9400"}));
    CHECK(passes({.host = "[2001:db8::1]:9400"}));
    CHECK(passes({.host = "LOCALHOST:1"}));
    CHECK(passes({.host = "Node.example"}, {"node.Example"}));
    CHECK_FALSE(passes({.host = "node.example"}, {"node.example.org"}));
    for (const auto* bad : {"evil.example", "localhost.", "localhost.evil", "127.1", "0x7f000001",
                            "2130706433", "10.0.0.7.", "[::1%lo]x", "[evil]"})
        CHECK_FALSE(passes({.host = bad}));
    CHECK_FALSE(passes({}));
}

TEST_CASE("guard: a page of another site is refused", "[ops]") {
    const auto from = [](std::string_view origin) {
        return request_head{.host = "127.0.0.1:9400", .origin = origin};
    };
    CHECK(passes(from("http://127.0.0.1:9400")));
    for (const auto* bad : {"null", "", "http://127.0.0.1", "http://127.0.0.1:94000",
                            "https://127.0.0.1:9400", "http://127.0.0.1:9400/", "http://evil.example"})
        CHECK_FALSE(passes(from(bad)));
    const auto site = [](std::string_view of) {
        return request_head{.host = "127.0.0.1:9400", .fetch_site = of};
    };
    CHECK(passes(site("none")));
    CHECK(passes(site("same-origin")));
    for (const auto* bad : {"cross-site", "same-site", "", "Same-Origin"}) CHECK_FALSE(passes(site(bad)));
}

TEST_CASE("guard: a token", "[ops]") {
    const auto given = [](std::string_view text) {
        return has_token({.authorization = text}, "secret-of-operators");
    };
    CHECK(given("Bearer secret-of-operators"));
    CHECK(given("bearer secret-of-operators"));
    for (const auto* bad :
         {"", "Bearer", "Bearer ", "Bearer secret-of-operator", "Bearer secret-of-operators ",
          "Basic secret-of-operators", "secret-of-operators"})
        CHECK_FALSE(given(bad));
    CHECK_FALSE(has_token({}, "secret-of-operators"));
    CHECK_FALSE(has_token({.authorization = "Bearer "}, "")); // no token is no password
}
