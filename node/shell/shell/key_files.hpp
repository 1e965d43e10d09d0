// key_files: a file of keys on this machine's disk. It is read only if no other user can use it, and never
// overwritten. Any thread; blocks for as long as the disk does.
#pragma once

#include <baton/key.hpp>
#include <baton/result.hpp>

#include <string>
#include <vector>

namespace baton::shell {

/// The text of a file that only its owner can read. Errors: bad_key, naming the file and what is wrong with
/// it, never its contents.
[[nodiscard]] result<std::string> read_secret_file(const std::string& path);
/// The keys in such a file. Errors: likewise.
[[nodiscard]] result<std::vector<mesh_key>> read_key_file(const std::string& path);

} // namespace baton::shell
