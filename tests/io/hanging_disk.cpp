// hanging_disk: loaded before a program's own libraries, makes fsync() return no earlier than the file is
// gone that BATON_SYNC_HANGS_WHILE names, as on a disk that answers no more.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int fsync(int file) {
    using function = int (*)(int);
    static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "fsync"));
    const char* const sign = std::getenv("BATON_SYNC_HANGS_WHILE");
    while (sign != nullptr && access(sign, F_OK) == 0) usleep(20'000);
    return real(file);
}
