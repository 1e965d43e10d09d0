#include "free_port.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

std::uint16_t free_beacon_port(std::random_device& random) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        const auto port = static_cast<std::uint16_t>(20'000 + random() % 10'000);
        sockaddr_in here{};
        here.sin_family = AF_INET;
        here.sin_port = htons(port);
        const int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const bool free = bind(probe, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0;
        close(probe);
        if (free) return port;
    }
    throw std::runtime_error("no free UDP port between 20000 and 29999");
}
