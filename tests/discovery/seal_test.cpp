// Proves that only what somebody with a key of the ring has sealed is opened, whole and for its purpose; that
// the ring is rotated as it says; and that the seal is the one that wire/PROTOCOL.md describes.
#include "discovery/beacon.hpp"
#include "discovery/seal.hpp"
#include "keys.hpp"
#include "support/catch.hpp"

using namespace baton;
using namespace baton::discovery;

namespace {
using fault = unsealed::fault;

std::string sealed(std::string payload, const mesh_key& by, purpose what = purpose::beacon) {
    seal(payload, what, by);
    return payload;
}
std::string hex(std::string_view bytes) {
    std::string text;
    for (const unsigned char c : bytes) {
        constexpr auto digits = "0123456789abcdef";
        text += digits[c >> 4];
        text += digits[c & 15];
    }
    return text;
}
} // namespace

TEST_CASE("seal: what was sealed is opened by the key it was sealed with", "[discovery]") {
    const keyring ring({key_number(1), key_number(2)});
    for (const std::uint8_t number : std::initializer_list<std::uint8_t>{1, 2}) {
        const auto bytes = sealed("payload", key_number(number));
        CHECK(bytes.size() == 7 + seal_bytes);
        const auto got = unseal(bytes, purpose::beacon, ring);
        REQUIRE(got.why == fault::none);
        CHECK(got.payload == "payload");
        CHECK(*got.by == key_number(number));
    }
}

TEST_CASE("seal: any change, any cut and any other key or purpose is refused", "[discovery]") {
    // Every bit of a sealed payload is flipped once, and every length tried.
    const keyring ring({key_number(1)});
    const auto bytes = sealed("some payload", key_number(1));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        auto other = bytes;
        other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
        CHECK(unseal(other, purpose::beacon, ring).why != fault::none);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CHECK(unseal(bytes.substr(0, size), purpose::beacon, ring).why != fault::none);
        CHECK(unseal(bytes.substr(bytes.size() - size), purpose::beacon, ring).why != fault::none);
    }
    CHECK(unseal(bytes + bytes, purpose::beacon, ring).why == fault::wrong_mac);
    CHECK(unseal(bytes, purpose::introduction, ring).why == fault::wrong_mac);
    CHECK(unseal(bytes, purpose::beacon, keyring({key_number(2)})).why == fault::unknown_key);
    CHECK(unseal(bytes, purpose::beacon, keyring()).why == fault::unknown_key);
}

TEST_CASE("seal: keys are installed, used and removed", "[discovery]") {
    keyring ring({key_number(1)});
    const auto second = key_number(2);
    REQUIRE(ring.install(second));
    REQUIRE(ring.install(second)); // again: nothing
    CHECK(ring.keys().size() == 2);
    CHECK(ring.used() == key_number(1));
    REQUIRE(ring.use(second.id()));
    CHECK(ring.used() == second);
    CHECK(ring.remove(second.id()).error().code == errc::conflict);
    CHECK(ring.use(key_number(3).id()).error().code == errc::absent);
    CHECK(ring.remove(key_number(3).id()).error().code == errc::absent);
    REQUIRE(ring.remove(key_number(1).id()));
    CHECK(ring.find(key_number(1).id()) == nullptr);
    for (std::uint8_t number = 3; ring.keys().size() < keyring::keys_max; ++number)
        REQUIRE(ring.install(key_number(number)));
    CHECK(ring.install(key_number(99)).error().code == errc::bad_key);
}

TEST_CASE("seal: is what the protocol says, byte for byte", "[discovery]") {
    // Computed by another implementation: Python's hashlib.blake2b(…, key=…).
    const auto key = key_number(1);
    CHECK(key.id().to_string() == "43ee60d41b334773");
    CHECK(hex(sealed("hello", key)) ==
          "68656c6c6f43ee60d41b33477305a19d8d977f5304e9080da633e54cff2bba656b7d4a244e4e8af87434d374f5");
    CHECK(hex(sealed("hello", key, purpose::introduction)) ==
          "68656c6c6f43ee60d41b3347735f4dc6e3c4c45fe5a9692368f879f015fc64d1adf13a07f2a4456e8fbbea3261");
}

TEST_CASE("seal: nonces differ by number and by seed", "[discovery]") {
    const std::string seed(32, 's'), other(32, 't');
    CHECK(make_nonce(seed, 1).size() == nonce_bytes);
    CHECK(make_nonce(seed, 1) == make_nonce(seed, 1));
    CHECK(make_nonce(seed, 1) != make_nonce(seed, 2));
    CHECK(make_nonce(seed, 1) != make_nonce(other, 1));
}

TEST_CASE("beacon: key, time, nonce and echo travel, and padding does not show", "[discovery]") {
    beacon sent{"default", 3, 3, {}, 42, 4000, 4001, "10.0.0.1"};
    sent.id.bytes.fill(7);
    sent.time_ms = 1'700'000'000'000;
    sent.key.bytes.fill(9);
    sent.nonce.assign(nonce_bytes, 'n');
    sent.echo.assign(nonce_bytes, 'e');
    for (const std::size_t bytes_min : {0, 1, 200, 350, 355, 360, 450, 1160}) {
        const auto bytes = encode(sent, bytes_min);
        CHECK(bytes.size() + 1 >= bytes_min);
        const auto back = decode_beacon(bytes);
        REQUIRE(back);
        CHECK(back->time_ms == sent.time_ms);
        CHECK(back->key == sent.key);
        CHECK(back->nonce == sent.nonce);
        CHECK(back->echo == sent.echo);
    }
    sent.nonce = "short";
    CHECK_FALSE(decode_beacon(encode(sent)));
}
