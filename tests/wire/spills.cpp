// A spill's bytes: what is written is read back; every truncation and every flipped bit is noticed, and what
// is left is readable. The reader is handed a string for a file.
#include "support/catch.hpp"
#include "wire/spill.hpp"

#include <cstring>
#include <random>
#include <vector>

using namespace baton;
using namespace baton::wire;

namespace {

replica_id id_of(std::uint8_t byte) {
    replica_id id;
    id.bytes.fill(byte);
    return id;
}

std::string file_of(const std::vector<std::string>& frames) {
    spill_writer writer({.cluster = "here", .id = id_of(7), .clock = {99}});
    auto bytes = writer.head();
    for (const auto& frame : frames) bytes += writer.chunk(frame);
    return bytes + writer.tail();
}

struct looked {
    spill_reader::state whose;
    std::vector<std::string> frames;
    bool whole;
};

looked look_at(const std::string& file, std::string_view cluster = "here") {
    const auto source = [&](std::uint64_t offset, char* into, std::size_t bytes) {
        const auto piece = std::string_view(file).substr(offset, bytes);
        std::memcpy(into, piece.data(), piece.size());
        return piece.size();
    };
    spill_reader reader(source, file.size(), cluster, id_of(7));
    looked found{reader.whose(), {}, false};
    std::string frame;
    for (;;) {
        const auto step = reader.next(frame);
        if (step == spill_reader::step::end) break;
        if (step == spill_reader::step::chunk) found.frames.push_back(frame);
    }
    found.whole = reader.is_whole();
    return found;
}

const std::vector<std::string> frames{"first", std::string(3000, 'x'), "",
                                      "\xb5"
                                      "chk not one",
                                      "last"};

} // namespace

TEST_CASE("spill: what is written is read back, twice", "[wire][law]") {
    const auto found = look_at(file_of(frames));
    CHECK(found.whose == spill_reader::state::ours);
    CHECK(found.frames == frames);
    CHECK(found.whole);
    CHECK(look_at(file_of({})).whole);
}

TEST_CASE("spill: another cluster's file is foreign, and nothing of it is read", "[wire]") {
    const auto found = look_at(file_of(frames), "elsewhere");
    CHECK(found.whose == spill_reader::state::foreign);
    CHECK(found.frames.empty());
    CHECK_FALSE(found.whole);
}

TEST_CASE("spill: cut short anywhere it is not whole, and what came before the cut is there", "[wire][law]") {
    const auto file = file_of(frames);
    for (std::size_t length = 0; length < file.size(); ++length) {
        const auto found = look_at(file.substr(0, length));
        INFO(length);
        REQUIRE_FALSE(found.whole);
        REQUIRE(found.frames.size() <= frames.size());
        for (std::size_t i = 0; i < found.frames.size(); ++i) REQUIRE(found.frames[i] == frames[i]);
    }
    CHECK_FALSE(look_at(file + '\0').whole);
    CHECK_FALSE(look_at(file + file).whole);
}

TEST_CASE("spill: a flipped bit costs one piece at most, and the file is not whole", "[wire][law]") {
    const auto file = file_of(frames);
    for (std::size_t bit = 0; bit < file.size() * 8; bit += 7) {
        auto bad = file;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
        const auto found = look_at(bad);
        INFO(bit);
        REQUIRE_FALSE(found.whole);
        REQUIRE(found.frames.size() + 1 >= frames.size()); // a damaged head costs none
        for (const auto& frame : found.frames)
            REQUIRE(std::find(frames.begin(), frames.end(), frame) != frames.end());
    }
}

TEST_CASE("spill: a piece that is gone or comes twice is noticed", "[wire]") {
    spill_writer writer({.cluster = "here", .id = id_of(7)});
    const auto head = writer.head(), a = writer.chunk("a"), b = writer.chunk("b"), tail = writer.tail();
    CHECK(look_at(head + a + b + tail).whole);
    CHECK_FALSE(look_at(head + a + tail).whole);
    CHECK_FALSE(look_at(head + a + a + b + tail).whole);
    CHECK_FALSE(look_at(head + b + a + tail).whole);
    CHECK_FALSE(look_at(head + a + b + tail + tail).whole);
}

TEST_CASE("spill: megabytes of rubbish are passed over", "[wire]") {
    spill_writer writer({.cluster = "here", .id = id_of(7)});
    const auto head = writer.head(), a = writer.chunk("a"), b = writer.chunk("b"), tail = writer.tail();
    std::mt19937_64 random(1);
    std::string rubbish((std::size_t{3} << 20) + 5, '\0');
    for (auto& byte : rubbish) byte = static_cast<char>(random());
    const auto found = look_at(head + a + rubbish + b + tail);
    CHECK(found.frames == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(found.whole);
}
