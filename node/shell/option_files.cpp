#include "shell/security.hpp"
#include "shell/spill_file.hpp"

#include <baton/option_files.hpp>

#include <filesystem>
#include <system_error>
#include <vector>

namespace baton {

namespace {

/// The folder is as it was afterwards, absent ones included.
result<void> try_spill_dir_once(const std::string& dir) {
    std::error_code ignored;
    std::vector<std::filesystem::path> made; // what this makes, from the inside out
    for (auto at = std::filesystem::path(dir + '/').parent_path();
         !at.empty() && !std::filesystem::exists(at, ignored); at = at.parent_path())
        made.push_back(at);
    const auto self = replica_id::from_bytes(shell::random_bytes(sizeof(replica_id)));
    auto usable = shell::try_spill_dir(dir, self.value());
    for (const auto& each : made) std::filesystem::remove(each, ignored);
    return usable;
}

} // namespace

result<void> check_files(const options& settings) {
    auto copy = settings;
    const auto keys = shell::keys_of(copy);
    const bool wants_folder = !settings.spill_dir.empty() && !settings.spill_dir_optional;
    const auto folder = wants_folder ? try_spill_dir_once(settings.spill_dir) : result<void>{};
    if (keys && folder) return {};
    if (!keys && !folder) return error{keys.error().code, keys.error().what + "; " + folder.error().what};
    return keys ? folder.error() : keys.error();
}

} // namespace baton
