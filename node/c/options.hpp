// options: options of a node by name and value, as the program's files of --config have them; and of a
// client.
//
// Pure; any thread.
#pragma once

#include <baton/client_options.hpp>
#include <baton/options.hpp>
#include <baton/result.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::c {

using named_value = std::pair<std::string_view, std::string_view>;

/// Errors: bad_option, with the name.
[[nodiscard]] result<options> options_of(std::span<const named_value> all);
/// The same of a client.
[[nodiscard]] result<client_options> client_options_of(std::span<const named_value> all);
/// Every name, in the order of the table.
[[nodiscard]] std::vector<std::string_view> option_names();

} // namespace baton::c
