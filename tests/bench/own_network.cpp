#include "own_network.hpp"

#include "process.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace baton::bench {

namespace {

void write_file(const char* path, const std::string& text) {
    std::ofstream out{path};
    out << text;
}

bool leave_network() {
    if (unshare(CLONE_NEWNET) == 0) return true;
    const auto user = std::to_string(getuid()), group = std::to_string(getgid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + user + " 1");
    write_file("/proc/self/gid_map", "0 " + group + " 1");
    return true;
}

} // namespace

bool enter_own_network() {
    if (!leave_network()) return false;
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    const bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    close(fd);
    if (!up) throw std::runtime_error("the loopback interface of a new network cannot be used");
    return true;
}

std::string add_broadcast_interface(const std::string& name) {
    const std::string address = "10.77.0.1";
    process setting_up{{"sh", "-c",
                        "ip link add " + name + " type veth peer name " + name + "-far && ip addr add " +
                            address + "/24 brd + dev " + name + " && ip link set " + name +
                            " up && ip link set " + name + "-far up && ip link add " + name +
                            "-done type veth"},
                       -1,
                       -1};
    if (!setting_up.ended(std::chrono::seconds{10}) || if_nametoindex((name + "-done").c_str()) == 0)
        throw std::runtime_error("`ip` cannot make an interface here");
    return address;
}

std::uint64_t bytes_sent_by(const std::string& interface) {
    std::ifstream in{"/proc/self/net/dev"};
    for (std::string line; std::getline(in, line);) {
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue;
        const auto first = line.find_first_not_of(' ');
        if (line.substr(first, colon - first) != interface) continue;
        std::istringstream numbers{line.substr(colon + 1)};
        std::uint64_t number = 0;
        for (int column = 0; column < 9; ++column) numbers >> number; // eight of what was received come first
        return number;
    }
    throw std::runtime_error("no interface " + interface);
}

} // namespace baton::bench
