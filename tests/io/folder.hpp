// folder: of one test, gone with it and all that is in it. Header-only.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace io {

class folder {
  public:
    folder() {
        std::string name = (std::filesystem::temp_directory_path() / "baton-io-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    folder(const folder&) = delete;
    ~folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    /// Names that end so, sorted.
    [[nodiscard]] std::vector<std::string> files(std::string_view ending = "") const {
        std::vector<std::string> all;
        for (const auto& each : std::filesystem::directory_iterator(path_)) {
            if (auto name = each.path().filename().string(); name.ends_with(ending))
                all.push_back(std::move(name));
        }
        std::sort(all.begin(), all.end());
        return all;
    }

  private:
    std::filesystem::path path_;
};

} // namespace io
