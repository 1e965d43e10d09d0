// What claim_handle is made of. Private to the shell.
#pragma once

#include "shell/engine_link.hpp"

#include <baton/claim.hpp>

namespace baton {

struct claim_handle::body {
    std::shared_ptr<shell::engine_link> node;
    std::string key;
    std::uint64_t number = 0, epoch = 0;
    std::vector<picked> shown;
};

} // namespace baton
