// Keys for client_misuse_test: what has no form in C.
#include <baton/client_key.hpp>
#include <baton/key_file.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

extern "C" int make_keys(const char* file, char* reader, std::size_t room);

/* Writes a key of a mesh into a file, and the text of a client key that may only read. 0: it failed. */
int make_keys(const char* file, char* reader, std::size_t room) {
    const auto key = baton::mesh_key::from_bytes(std::string(baton::mesh_key::size, 'k'));
    if (!key || !baton::write_key_file(file, *key)) return 0;
    const auto text = baton::client_key::derive(*key, baton::client_role::read).to_text();
    if (text.size() >= room) return 0;
    *std::copy(text.begin(), text.end(), reader) = '\0';
    return 1;
}
