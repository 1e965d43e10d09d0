// Proves that the wire does not change by accident: every frame of samples.hpp, beacons and probes have
// exactly the bytes of golden.txt, and those bytes are read. A change on purpose is a new wire version or a
// field at the end; BATON_REWRITE_GOLDEN then rewrites the file, and its diff shows the change.
#include "discovery/beacon.hpp"
#include "discovery/probe.hpp"
#include "samples.hpp"
#include "support/catch.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace baton;

namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        char two[3];
        std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
        text += two;
    }
    return text;
}

std::string corpus() {
    std::string text =
        "version " + std::to_string(wire::version_min) + " to " + std::to_string(wire::version_max) + '\n';
    for (auto version = wire::version_min; version <= wire::version_max; ++version) {
        for (const auto& each : samples::one_of_each()) {
            const auto bytes = wire::encode(each, version);
            REQUIRE(wire::decode(bytes, {version, version}));
            text += "frame " + std::to_string(each.index()) + ' ' + hex(bytes) + '\n';
        }
    }
    discovery::beacon b{"cluster", 3, 3, samples::replica(3), 7, 5000, 5001, "10.0.0.1", "10.0.0.1 fd00::1"};
    text += "beacon " + hex(discovery::encode(b)) + '\n';
    b.time_ms = 1'700'000'000'000;
    b.nonce = std::string(16, 'n');
    b.echo = std::string(16, 'e');
    text += "introduction " + hex(discovery::encode(b)) + '\n';
    for (const bool is_answer : {false, true}) {
        text += "probe " +
                hex(discovery::encode(discovery::probe{is_answer, samples::replica(3), 0x01020304})) + '\n';
        text += "probe " +
                hex(discovery::encode(
                    discovery::probe{is_answer, samples::replica(3), 5, samples::replica(4), 300})) +
                '\n';
    }
    return text;
}

} // namespace

TEST_CASE("golden: every frame has the bytes it always had", "[wire]") {
    const auto now = corpus();
    if (std::getenv("BATON_REWRITE_GOLDEN") != nullptr) {
        std::ofstream(BATON_GOLDEN) << now;
        return;
    }
    std::ifstream file(BATON_GOLDEN);
    std::ostringstream was;
    was << file.rdbuf();
    std::istringstream left(was.str()), right(now);
    std::string a, b;
    while (std::getline(left, a)) {
        REQUIRE(std::getline(right, b));
        CHECK(a == b);
    }
    CHECK_FALSE(std::getline(right, b));
}
