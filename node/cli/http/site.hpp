// site: the files of the page, which are part of the program.
#pragma once

#include <span>
#include <string_view>

namespace baton::cli {

struct site_file {
    std::string_view path, type, text;
};
[[nodiscard]] std::span<const site_file> site_files();

} // namespace baton::cli
