// key_file: makes the key of a mesh, and the file that options::security.key_file names.
//
//     // What `baton keygen` does: the id of the new key, which may be printed.
//     baton::result<std::string> make_mesh_key(const std::string& path) {
//         const auto key = baton::new_key();
//         if (!key) return key.error();
//         if (const auto written = baton::write_key_file(path, *key); !written) return written.error();
//         return key->id().to_string();
//     }
//
// Any thread. write_key_file blocks as long as the disk does.
#pragma once

#include <baton/api.hpp>
#include <baton/key.hpp>
#include <baton/result.hpp>

#include <string>

namespace baton {

/// A new key from the system's random numbers. Errors: bad_key (the system has none to give).
[[nodiscard]] BATON_API result<mesh_key> new_key();

/// The text of a file with this one key: two lines of comment, and the key in base64.
[[nodiscard]] BATON_API std::string to_key_file(const mesh_key& key);

/// Writes this text to a new file that only its owner can read and write (mode 0600). The file is on the disk
/// when the call returns. Errors: bad_key (the file exists already and is left as it is, or the system's
/// reason).
[[nodiscard]] BATON_API result<void> write_key_file(const std::string& path, const mesh_key& key);

} // namespace baton
