// free_port: a private port for the beacons of one show, so that several can run on a machine.
#pragma once

#include <cstdint>
#include <random>

/// A UDP port that nobody uses now, below those the system gives away by itself. Throws std::runtime_error.
[[nodiscard]] std::uint16_t free_beacon_port(std::random_device& random);
