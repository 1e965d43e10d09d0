// guard: what the library throws, as a fault: nothing leaves the C ABI as an exception.
//
// Any thread.
#pragma once

#include "handles.hpp"

#include <baton/baton.h>

#include <exception>
#include <new>

namespace baton::c {

/// What `work` returns, a fault; or what it throws, as one.
template <class Work>
fault guarded(Work work) noexcept try {
    return work();
} catch (const std::bad_alloc&) {
    return {BATON_NO_MEMORY, {}}; // without a sentence, which would need memory
} catch (const std::exception& thrown) {
    try {
        return {BATON_FAILED, thrown.what()};
    } catch (...) {
        return {BATON_NO_MEMORY, {}};
    }
}

} // namespace baton::c
