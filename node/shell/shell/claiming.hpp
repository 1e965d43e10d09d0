// What claim_handle is made of, and how writes with a time to live are told. Private to the shell.
#pragma once

#include "shell/engine_link.hpp"

#include <baton/claim.hpp>

#include <chrono>
#include <optional>

namespace baton {

namespace shell {
/// As options say it: 0 means without end.
[[nodiscard]] inline std::optional<std::chrono::milliseconds> ttl_of(std::chrono::milliseconds ttl) {
    return ttl.count() == 0 ? std::nullopt : std::optional(ttl);
}
} // namespace shell

struct claim_handle::body {
    std::shared_ptr<shell::engine_link> node;
    std::string key;
    std::uint64_t number = 0, epoch = 0;
    std::vector<picked> shown;
};

} // namespace baton
