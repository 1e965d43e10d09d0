// option_files: checks the files that options name, before a node needs them.
//
//     // Everything that is wrong with the options, before anything is opened; empty: nothing is.
//     std::string faults_of(const baton::options& settings) {
//         if (const auto checked = settings.validate(); !checked) return checked.error().what;
//         const auto files = baton::check_files(settings);
//         return files ? std::string{} : files.error().what;
//     }
//
// Any thread. Blocks as long as the disk does.
#pragma once

#include <baton/api.hpp>
#include <baton/options.hpp>
#include <baton/result.hpp>

namespace baton {

/// Does with the files what a start does: reads security.key_file, and creates, locks, writes and removes a
/// file in spill_dir. Folders that did not exist are removed again. Opens no socket. Errors: bad_key,
/// bad_option, with the path and the reason; those of both joined by "; ".
[[nodiscard]] BATON_API result<void> check_files(const options& settings);

} // namespace baton
