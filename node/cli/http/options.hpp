// options: what the command line has about HTTP.
//
// A plain value.
#pragma once

#include <string>
#include <vector>

namespace baton::cli {

struct http_options {
    std::string listen{};             ///< ADDR:PORT; empty: no HTTP
    std::vector<std::string> hosts{}; ///< names that a Host header may have
    std::string token_file{};         ///< with the token for names of keys; empty: there is none
};

} // namespace baton::cli
