// hanging_disk: loaded before a program's own libraries, makes fsync() of a spill never return, as on a disk
// that answers no more.
#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

extern "C" int fsync(int file) {
    using function = int (*)(int);
    static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "fsync"));
    std::array<char, 4096> path{};
    const auto size = readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path.data(), path.size());
    const std::string_view name(path.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    while (name.ends_with(".spill.tmp")) pause();
    return real(file);
}
