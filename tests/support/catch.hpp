// catch: Catch2 2 (Debian 12) and Catch2 3 (Debian 13) behind one header. Tests are written for Catch2 3;
// this header adds to Catch2 2 the names that differ. Every test includes Catch2 through this header alone.
#pragma once

#if __has_include(<catch2/catch_test_macros.hpp>)

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_all.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#else

#include <catch2/catch.hpp>

namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& part) { return Contains(part); }
} // namespace Catch::Matchers

#endif
