// How clients find doors by UDP: an answer is never longer than its question, and both are refused when they
// are cut short.
#include "discovery/beacon.hpp"
#include "discovery/search.hpp"
#include "support/catch.hpp"
#include "support/replica.hpp"

using namespace baton;
using namespace baton::discovery;

namespace {
const std::string nonce(16, 'n');
search_question question() { return {"harbour", 1, 1, nonce, 4000}; }
} // namespace

TEST_CASE("search: a question is recognised, read, and as long as it must be", "[discovery]") {
    const auto bytes = encode(question());
    CHECK(bytes.size() == search_bytes);
    CHECK(is_search(bytes));
    const auto read = decode_question(bytes);
    REQUIRE(read);
    CHECK(read->cluster == "harbour");
    CHECK(read->nonce == nonce);
    CHECK(read->port == 4000);
    CHECK_FALSE(decode_question(std::string_view(bytes).substr(0, bytes.size() - 1)));
    CHECK_FALSE(is_search(std::string_view(bytes).substr(0, bytes.size() - 1)));
    beacon other{"harbour", 3, 3, replica_id{{1}}, 7, 5000, 5001};
    CHECK_FALSE(is_search(encode(other, 300)));
    CHECK_FALSE(decode_beacon(bytes));
}

TEST_CASE("search: no answer is longer than its question", "[discovery]") {
    const search_answer longest{
        std::string(64, 'c'), ~std::uint64_t{0}, ~std::uint64_t{0}, nonce, replica_id{{1}}, 65535};
    const auto bytes = encode(longest);
    CHECK(bytes.size() <= search_bytes);
    CHECK(decode_answer(bytes)->door == 65535);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE_FALSE(decode_answer(std::string_view(bytes).substr(0, size)));
    auto no_door = longest;
    no_door.door = 0;
    CHECK_FALSE(decode_answer(encode(no_door)));
}
