// key_file: the text of a file of keys: one per line, in base64 or hexadecimal digits. The node seals with
// the first and accepts all. Blank lines and text after a '#' are ignored.
//
// Pure: node/shell/key_files.cpp reads the file and checks its permissions.
#pragma once

#include <baton/key.hpp>
#include <baton/result.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace baton::discovery {

constexpr std::size_t key_file_bytes_max = 8192;

/// 1 to keyring::keys_max keys. Errors: bad_key, naming the line and never its contents.
[[nodiscard]] result<std::vector<mesh_key>> parse_key_file(std::string_view text);
/// A file of that one key, which parse_key_file() reads.
[[nodiscard]] std::string key_file_text(const mesh_key& key);

} // namespace baton::discovery
