// Processes of the benchmark: itself in another role, with pipes for control, and external servers.
//
// Used by the parent's one thread. Every process is killed by its pid when its object goes, and by the kernel
// should the parent die first. A baton node never runs in the parent, so nothing forks after a node's start.
#pragma once

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace baton::bench {

using json = nlohmann::json;

/// A running program. -1 stands for /dev/null in place of a descriptor.
class process {
  public:
    process(const std::vector<std::string>& argv, int in, int out);
    ~process();
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    /// True if it has ended by itself, within the time given.
    bool ended(std::chrono::milliseconds within);

  private:
    pid_t pid_ = -1;
};

/// This program in the role of that name (see bench.hpp), told and heard one JSON line at a time.
class child {
  public:
    child(const std::string& role, const json& settings);
    ~child();
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    void tell(const json& line);
    /// The next line. Throws when the child reports an error, ends, or says nothing `within` that time.
    json hear(std::chrono::seconds within = std::chrono::seconds{60});
    /// Closes its input, so that it ends by itself; it is killed otherwise.
    void finish();

  private:
    std::string role_, unread_;
    int to_ = -1, from_ = -1;
    std::unique_ptr<process> program_;
};

/// The child's side of the pipes.
class parent {
  public:
    void tell(const json& line);
    /// The next line; the process exits when the parent has closed the pipe.
    json hear();
};

/// A directory of its own, removed at the end.
class temporary_directory {
  public:
    temporary_directory();
    ~temporary_directory();
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// A port of 127.0.0.1 that was free a moment ago. `type` is SOCK_STREAM or SOCK_DGRAM.
std::uint16_t free_port(int type);

} // namespace baton::bench
