#include "discovery/key_file.hpp"

#include "discovery/seal.hpp"

#include <sodium.h>

#include <algorithm>

namespace baton::discovery {

namespace {

error bad(std::string what) { return {errc::bad_key, std::move(what)}; }

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    line = line.substr(0, line.find('#'));
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    return line.substr(0, line.find_last_not_of(blanks) + 1);
}

} // namespace

result<std::vector<mesh_key>> parse_key_file(std::string_view text) {
    if (text.size() > key_file_bytes_max) {
        return bad("it has more than " + std::to_string(key_file_bytes_max) +
                   " bytes: it is not a file of keys");
    }
    std::vector<mesh_key> keys;
    keys.reserve(keyring::keys_max); // a vector that grows would leave copies of keys in memory
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        const auto where = "line " + std::to_string(number);
        const auto key = mesh_key::from_text(line);
        if (!key) return bad(where + " is not a key: 32 bytes in base64 or 64 hexadecimal digits, not all 0");
        if (std::find(keys.begin(), keys.end(), *key) != keys.end()) return bad(where + " repeats a key");
        if (keys.size() == keyring::keys_max)
            return bad(where + " is one key too many: at most " + std::to_string(keyring::keys_max));
        keys.push_back(*key);
    }
    if (keys.empty()) return bad("it has no key in it");
    return keys;
}

std::string key_file_text(const mesh_key& key) {
    constexpr auto variant = sodium_base64_VARIANT_ORIGINAL;
    std::string line(sodium_base64_encoded_len(mesh_key::size, variant), '\0');
    sodium_bin2base64(line.data(), line.size(), key.bytes().data(), key.bytes().size(), variant);
    line.back() = '\n';
    auto text = "# A baton mesh key: every process that has it can join, read and write. Give it to members "
                "of the mesh only.\n"
                "# One key per line; the node seals with the first one and accepts all. Key id " +
                key.id().to_string() + ".\n" + line;
    sodium_memzero(line.data(), line.size());
    return text;
}

} // namespace baton::discovery
