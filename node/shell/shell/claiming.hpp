// What claim_handle is made of. Private to the shell.
#pragma once

#include "shell/engine_link.hpp"

#include <baton/claim.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace baton {

struct claim_handle::body {
    body(std::shared_ptr<shell::engine_link> of, std::string claimed, core::claim_grant grant)
        : node(std::move(of))
        , key(std::move(claimed))
        , number(grant.number)
        , epoch{grant.epoch}
        , found(std::move(grant.shown)) {}

    std::shared_ptr<shell::engine_link> node;
    std::string key;
    std::uint64_t number = 0;
    owner_epoch epoch{};
    std::vector<stored_value> found;
};

} // namespace baton
