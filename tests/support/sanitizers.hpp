// BATON_SANITIZED is defined in builds with AddressSanitizer or ThreadSanitizer, for tests that a sanitizer
// makes impossible or too slow. C and C++.
#pragma once

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define BATON_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define BATON_SANITIZED
#endif
