#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace baton::shell {

/// "tcp://HOST:PORT" of "HOST:PORT" or "tcp://HOST:PORT"; nothing when it is neither.
[[nodiscard]] std::optional<std::string> seed_endpoint(std::string_view seed);

} // namespace baton::shell
