// BATON_ASSERT: on in release too. It guards against our own bugs only; bytes from a peer never reach one.
#pragma once

#include <cstdio>
#include <cstdlib>

#define BATON_ASSERT(condition)                                                                              \
    do {                                                                                                     \
        if (!(condition)) [[unlikely]] {                                                                     \
            std::fprintf(stderr, "baton: bug: %s at %s:%d\n", #condition, __FILE__, __LINE__);               \
            std::abort();                                                                                    \
        }                                                                                                    \
    } while (false)
