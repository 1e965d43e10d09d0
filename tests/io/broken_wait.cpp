// broken_wait: loaded before a program's own libraries, makes epoll_wait() fail in a node's own threads as
// soon as the file is there that BATON_WAIT_FAILS_ONCE names. libzmq's threads, which are named after it, are
// left alone.
#include <dlfcn.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

extern "C" int epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
    using function = int (*)(int, epoll_event*, int, int);
    static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "epoll_wait"));
    std::array<char, 17> name{};
    prctl(PR_GET_NAME, name.data());
    const char* const sign = std::getenv("BATON_WAIT_FAILS_ONCE");
    const bool ours = !std::string_view(name.data()).starts_with("ZMQ");
    if (ours && sign != nullptr && access(sign, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return real(epoll, events, count, ours ? std::min(timeout, 20) : timeout);
}
