// replica: an id that a test knows by a number.
#pragma once

#include <baton/dot.hpp>

#include <cstdint>

namespace support {

inline baton::replica_id replica(std::uint8_t number) {
    baton::replica_id id;
    id.bytes.fill(number);
    return id;
}

} // namespace support
