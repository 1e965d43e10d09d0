// Proves the bytes of a spill: what is written is read back, every truncation and every flipped bit is
// noticed, and the rest stays readable. The reader gets a string in place of a file.
#include "support/catch.hpp"
#include "support/replica.hpp"
#include "wire/codec.hpp"
#include "wire/spill.hpp"

#include <cstring>
#include <random>
#include <vector>

using namespace baton;
using namespace baton::wire;

namespace {

using support::replica;

/// Stands in for the keyed hash of the shell; as good while the seed is unknown.
spill_seal seal(std::uint64_t secret) {
    return {"key" + std::to_string(10000 + secret),
            [secret](std::string_view head, std::string_view content) {
                return hash_wide(std::string(head).append(content), secret);
            }};
}

std::string file_of(const std::vector<std::string>& frames, std::optional<spill_seal> by = {}) {
    spill_writer writer({.cluster = "here", .id = replica(7), .clock = {99}, .written_ms = 1234},
                        std::move(by));
    auto bytes = writer.head();
    for (const auto& frame : frames) bytes += writer.chunk(frame);
    return bytes + writer.tail();
}

struct looked {
    spill_reader::state whose;
    std::vector<std::string> frames;
    bool whole;
    spill_head head;
};

looked look_at(const std::string& file, std::string_view cluster = "here", spill_trust trusted = {}) {
    const auto source = [&](std::uint64_t offset, char* into, std::size_t bytes) {
        const auto piece = std::string_view(file).substr(offset, bytes);
        std::memcpy(into, piece.data(), piece.size());
        return piece.size();
    };
    spill_reader reader(source, file.size(), cluster, replica(7), std::move(trusted));
    looked found{reader.whose(), {}, false, reader.head()};
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
    CHECK(found.head.clock.raw == 99);
    CHECK(found.head.written_ms == 1234);
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
    spill_writer writer({.cluster = "here", .id = replica(7)});
    const auto head = writer.head(), a = writer.chunk("a"), b = writer.chunk("b"), tail = writer.tail();
    CHECK(look_at(head + a + b + tail).whole);
    CHECK_FALSE(look_at(head + a + tail).whole);
    CHECK_FALSE(look_at(head + a + a + b + tail).whole);
    CHECK_FALSE(look_at(head + b + a + tail).whole);
    CHECK_FALSE(look_at(head + a + b + tail + tail).whole);
}

TEST_CASE("spill: megabytes of rubbish are passed over", "[wire]") {
    spill_writer writer({.cluster = "here", .id = replica(7)});
    const auto head = writer.head(), a = writer.chunk("a"), b = writer.chunk("b"), tail = writer.tail();
    std::mt19937_64 random(1);
    std::string rubbish((std::size_t{3} << 20) + 5, '\0');
    for (auto& byte : rubbish) byte = static_cast<char>(random());
    const auto found = look_at(head + a + rubbish + b + tail);
    CHECK(found.frames == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(found.whole);
}

// ---------------------------------------------------------------- with a key

namespace {

spill_trust only(std::uint64_t secret) { return {{seal(secret)}, false}; }

void put_number(std::string& to, std::uint64_t value, int bytes) {
    for (int byte = 0; byte < bytes; ++byte) to += static_cast<char>(value >> (8 * byte));
}

/// The head of a file, with a sum that is right but for the key.
std::string head_with(const std::string& body) {
    std::string head = "BATONSPL";
    put_number(head, body.size(), 4);
    head += body;
    return head + encode_digest(hash_wide(head, spill_format));
}

} // namespace

TEST_CASE("spill: what a key has sealed is read with that key, among others", "[wire][law]") {
    const auto file = file_of(frames, seal(1));
    for (const auto& trusted :
         {only(1), spill_trust{{seal(2), seal(1)}, false}, spill_trust{{seal(1)}, true}}) {
        const auto found = look_at(file, "here", trusted);
        CHECK(found.whose == spill_reader::state::ours);
        CHECK(found.frames == frames);
        CHECK(found.whole);
        CHECK(found.head.written_ms == 1234);
    }
}

TEST_CASE("spill: nothing is read without the key, with another, or where a seal is wanted", "[wire]") {
    const auto sealed = file_of(frames, seal(1)), open = file_of(frames);
    const auto nothing = [](const looked& found) { return found.frames.empty() && !found.whole; };
    CHECK(look_at(sealed).whose == spill_reader::state::unknown_key);
    CHECK(nothing(look_at(sealed)));
    CHECK(look_at(sealed, "here", only(2)).whose == spill_reader::state::unknown_key);
    CHECK(nothing(look_at(sealed, "here", only(2))));
    CHECK(look_at(open, "here", only(1)).whose == spill_reader::state::keyless);
    CHECK(nothing(look_at(open, "here", only(1))));
    CHECK(look_at(open, "here", {{seal(1)}, true}).whole); // if that is asked for
    CHECK(look_at(sealed, "elsewhere", only(1)).whose == spill_reader::state::foreign);
}

TEST_CASE("spill: a sealed file of which a bit is flipped is not whole, and costs one piece", "[wire][law]") {
    const auto file = file_of(frames, seal(1));
    for (std::size_t bit = 0; bit < file.size() * 8; bit += 7) {
        auto bad = file;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
        const auto found = look_at(bad, "here", only(1));
        INFO(bit);
        REQUIRE_FALSE(found.whole);
        const bool key_id = found.whose == spill_reader::state::unknown_key;
        REQUIRE(found.frames.size() + 1 >= (key_id ? 1 : frames.size()));
        for (const auto& frame : found.frames)
            REQUIRE(std::find(frames.begin(), frames.end(), frame) != frames.end());
    }
    for (std::size_t length = 0; length < file.size(); ++length)
        REQUIRE_FALSE(look_at(file.substr(0, length), "here", only(1)).whole);
}

TEST_CASE("spill: whoever lacks the key can neither make a piece, nor move one, nor change the head",
          "[wire]") {
    // Every unkeyed checksum is corrected, so only the seal can show the change.
    spill_writer writer({.cluster = "here", .id = replica(7), .clock = {99}}, seal(1));
    const auto head = writer.head(), a = writer.chunk("a"), b = writer.chunk("b"), tail = writer.tail();
    spill_writer forger({.cluster = "here", .id = replica(7), .clock = {99}}, seal(3));
    const auto forged_head = forger.head(), forged = forger.chunk("A");
    spill_writer unsealed({.cluster = "here", .id = replica(7), .clock = {99}});
    const auto open_head = unsealed.head(), unkeyed = unsealed.chunk("A");
    spill_writer other({.cluster = "here", .id = replica(8), .clock = {99}}, seal(1));
    const auto other_head = other.head(), of_another = other.chunk("A");
    CHECK(look_at(head + a + b + tail, "here", only(1)).whole);
    const auto frames_of = [](const std::string& file) { return look_at(file, "here", only(1)).frames; };
    using some = std::vector<std::string>;
    CHECK(frames_of(head + forged + b + tail) == some{"b"});
    CHECK(frames_of(head + unkeyed + b + tail) == some{"b"});
    CHECK(frames_of(head + of_another + b + tail) == some{"b"});
    for (const auto& moved : {head + b + a + tail, head + a + a + b + tail, head + a + tail, head + tail})
        CHECK_FALSE(look_at(moved, "here", only(1)).whole);
    // A head that says more: the genuine pieces behind it remain mere pieces.
    std::string body;
    frame_writer(body, 7)
        .number(sealed_spill_format)
        .number(version_min)
        .text("here")
        .id(replica(7))
        .number(~std::uint64_t{0})
        .number(1)
        .bytes(seal(1).key_id);
    const auto found =
        look_at(head_with(body) + head.substr(head.size() - 16) + a + b + tail, "here", only(1));
    CHECK(found.whose == spill_reader::state::headless);
    CHECK(found.head.clock.raw == 0);
    CHECK(found.frames == some{"a", "b"});
    CHECK_FALSE(found.whole);
}

TEST_CASE("spill: files of the build before are read, and it can tell ours from damaged ones", "[wire]") {
    // Then a head had five fields, and every format's head the same sum.
    std::string body;
    frame_writer(body, 5).number(1).number(version_min).text("here").id(replica(7)).number(99);
    const auto before = look_at(head_with(body));
    CHECK(before.whose == spill_reader::state::ours);
    CHECK(before.head.clock.raw == 99);
    CHECK(before.head.written_ms == 0);
    for (const auto& file : {file_of({}), file_of({}, seal(1))}) {
        const auto length = static_cast<unsigned char>(file[8]);
        CHECK(encode_digest(hash_wide(file.substr(0, 12 + length), 1)) == file.substr(12 + length, 16));
    }
}
