// key_file: making the key of a mesh, and the file that options::security.key_file names.
//
// Any thread; blocks for as long as the disk does.
#pragma once

#include <baton/key.hpp>
#include <baton/result.hpp>

#include <string>

namespace baton {

/// A key that nobody has had before, from the system's randomness. Errors: bad_key (there is none).
[[nodiscard]] result<mesh_key> new_key();

/// The text of a file of that one key: two lines of comment, and the key in base64.
[[nodiscard]] std::string to_key_file(const mesh_key& key);

/// Makes that file, readable and writable by its owner alone (mode 0600), on the disk when it returns.
/// Errors: bad_key: there is a file of that name, which is left as it is, or the system's reason.
[[nodiscard]] result<void> write_key_file(const std::string& path, const mesh_key& key);

} // namespace baton
