// Rights of clients: a key that is derived from that of the mesh proves its role and prefixes to every
// member, and nothing else does.
#include "discovery/access.hpp"
#include "support/catch.hpp"

using namespace baton;
using discovery::access_of;

namespace {
mesh_key key_of(char byte) { return *mesh_key::from_bytes(std::string(32, byte)); }
} // namespace

TEST_CASE("access: a derived key proves its role and its prefixes", "[discovery]") {
    const discovery::keyring ring({key_of('a'), key_of('b')});
    const auto reader = client_key::derive(key_of('b'), client_role::read, {"game/", "room/"});
    const auto got = access_of(reader.token(), ring);
    REQUIRE(got);
    CHECK(got->role == client_role::read);
    CHECK_FALSE(got->may(client_role::write));
    CHECK(got->covers("game/1"));
    CHECK(got->covers("room/"));
    CHECK_FALSE(got->covers("gam"));
    CHECK(access_of(client_key::derive(key_of('a')).token(), ring)->may(client_role::admin));
    CHECK(access_of(client_key::derive(key_of('a')).token(), ring)->covers("anything"));
}

TEST_CASE("access: a token that is changed, cut short or of another mesh proves nothing", "[discovery]") {
    const discovery::keyring ring({key_of('a')});
    const auto token = client_key::derive(key_of('a'), client_role::read, {"game/"}).token();
    REQUIRE(access_of(token, ring));
    for (std::size_t at = 0; at < token.size(); ++at) {
        CAPTURE(at);
        auto other = token;
        other[at] = static_cast<char>(other[at] ^ 1);
        REQUIRE_FALSE(access_of(other, ring));
        REQUIRE_FALSE(access_of(token.substr(0, at), ring));
    }
    CHECK_FALSE(access_of(client_key::derive(key_of('c')).token(), ring));
    CHECK_FALSE(access_of({}, ring));
}

TEST_CASE("access: a client key is written as text and read again", "[discovery]") {
    const auto key = client_key::derive(key_of('a'), client_role::write, {"game/"});
    const auto text = key.to_text();
    CHECK(text.find_first_of(" \n\t") == text.npos);
    const auto read = client_key::from_text(text + "\n");
    REQUIRE(read);
    CHECK(read->token() == key.token());
    CHECK(read->door() == key.door());
    CHECK(read->door() == discovery::door_of(key_of('a')).public_key);
    CHECK(read->search() == key.search());
    CHECK_FALSE(read->search() == key_of('a'));
    CHECK_FALSE(client_key::from_text("baton-client-1."));
    CHECK_FALSE(client_key::from_text(text.substr(1)));
    CHECK_FALSE(client_key::from_text({}));
}
