// Proves event_log against a map in both forms: an array while many counters are live, a short list once few
// are, and an array again when many arrive. A walk in any portions names exactly the live counters.
#include "crdt/log.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

#include <map>

using namespace baton;
using namespace baton::crdt;

namespace {

/// The counters that a walk names, with `steps` slots per call.
std::vector<std::uint64_t> walk(const event_log& log, std::uint64_t after, std::uint64_t last,
                                std::size_t steps) {
    std::vector<std::uint64_t> found;
    for (int guard = 0; guard < 1000000 && after < last; ++guard) {
        std::size_t budget = steps;
        if (const auto counter = log.next(after, last, budget)) found.push_back(counter);
    }
    if (after != last) found.push_back(0); // 0 shows that the walk did not reach the end
    return found;
}

std::vector<std::uint64_t> keys(const std::map<std::uint64_t, handle>& model, std::uint64_t after,
                                std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (const auto& [counter, h] : model) {
        if (counter > after && counter <= last) all.push_back(counter);
    }
    return all;
}

} // namespace

TEST_CASE("event_log: a walk ends where it was told, also in a gap", "[crdt]") {
    event_log log;
    log.set(1, 1);
    log.set(1024, 2);
    CHECK(walk(log, 0, 512, 1) == std::vector<std::uint64_t>{1});
    CHECK(walk(log, 0, 512, 100) == std::vector<std::uint64_t>{1});
}

TEST_CASE("event_log: walks exactly the live counters of a map, in any portions", "[crdt][law]") {
    REQUIRE(rc::check([](const std::vector<std::pair<bool, std::uint16_t>>& steps, std::uint8_t portion,
                         std::uint16_t from, std::uint16_t to) {
        event_log log;
        std::map<std::uint64_t, handle> model;
        for (const auto& [add, raw] : steps) {
            const std::uint64_t counter = 1 + raw % 3000;
            if (add) {
                log.set(counter, raw + 1U);
                model[counter] = raw + 1U;
            } else if (model.erase(counter) != 0) {
                log.erase(counter);
            }
        }
        RC_ASSERT(log.live() == model.size());
        for (const auto& [counter, h] : model) RC_ASSERT(log.at(counter) == h);
        const std::uint64_t after = from % 3000, last = after + to % 3000;
        RC_ASSERT(walk(log, 0, 4000, 1U + portion) == keys(model, 0, 4000));
        RC_ASSERT(walk(log, after, last, 1U + portion) == keys(model, after, last));
    }));
}

TEST_CASE("event_log: thinned out to lists and grown back to arrays it stays the same", "[crdt][law]") {
    REQUIRE(rc::check([] {
        event_log log;
        std::map<std::uint64_t, handle> model;
        constexpr std::uint64_t last = 2600; // five segments and the beginning of the newest
        for (int round = 0; round < 4; ++round) {
            const auto keep = *rc::gen::inRange<std::uint64_t>(2, 200); // of each so many one stays
            const auto shift = *rc::gen::inRange<std::uint64_t>(0, 7);
            for (std::uint64_t counter = 1; counter <= last; ++counter) {
                const bool stays = (counter + shift) % keep == 0;
                const bool comes = counter % 3 == shift % 3;
                if (round % 2 == 1 && comes) {
                    log.set(counter, static_cast<handle>(counter));
                    model[counter] = static_cast<handle>(counter);
                } else if (round == 0) {
                    log.set(counter, 1);
                    model[counter] = 1;
                }
                if (round % 2 == 0 && !stays && model.erase(counter) != 0) log.erase(counter);
            }
            for (std::uint64_t counter = 0; counter <= last + 1; ++counter)
                RC_ASSERT(log.at(counter) == (model.contains(counter) ? model[counter] : 0));
            if (round == 2) log.compact();
            RC_ASSERT(walk(log, 0, last, *rc::gen::inRange<std::size_t>(1, 600)) == keys(model, 0, last));
        }
        while (!model.empty()) {
            log.erase(model.begin()->first);
            model.erase(model.begin());
        }
        RC_ASSERT(log.empty());
        RC_ASSERT(walk(log, 0, last, 3).empty());
    }));
}

TEST_CASE("event_log: few live counters cost few bytes, many four each", "[crdt]") {
    event_log log;
    constexpr std::uint64_t count = 512 * 200;
    for (std::uint64_t counter = 1; counter <= count; ++counter) log.set(counter, 1);
    REQUIRE(log.bytes() < 5 * count);
    for (std::uint64_t counter = 1; counter <= count; ++counter) {
        if (counter % 100 != 0) log.erase(counter);
    }
    REQUIRE(log.live() == count / 100);
    REQUIRE(log.bytes() < 40 * log.live());
}

TEST_CASE("event_log: a counter near 2^63 costs one segment", "[crdt]") {
    event_log log;
    constexpr auto far = std::uint64_t{1} << 63;
    log.set(1, 1);
    log.set(far, 2);
    REQUIRE(log.bytes() < 16384);
    REQUIRE(log.at(far) == 2);
    REQUIRE(walk(log, 1, far + 5, 1000) == std::vector{far});
}
