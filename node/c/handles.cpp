#include "handles.hpp"

#include "shell/threads.hpp"

#include <baton/baton.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace baton::c {

namespace {

// kind (4 bits) | era (8 bits) | generation (20 bits) | slot (32 bits)
constexpr unsigned kind_at = 60, era_at = 52, generation_at = 32;
constexpr std::uint64_t era_mask = 0xff, generation_mask = 0xfffff, slot_mask = 0xffffffff;

struct slot {
    std::shared_ptr<object> of; ///< null: free, or closing
    std::uint64_t generation = 1;
    std::uint64_t kind = 0;
    std::size_t users = 0;
};

struct table {
    explicit table(int forked)
        : forks(forked) {}
    const int forks;
    std::mutex mutex;
    std::condition_variable unused;
    std::vector<slot> slots;
    std::vector<std::uint64_t> free;
};

std::atomic<table*> present{nullptr};

table& here() {
    shell::count_forks();
    const auto forks = shell::forks();
    auto* known = present.load();
    while (known == nullptr || known->forks != forks) {
        auto* const fresh = new table(forks); // the former one stays as it is
        if (present.compare_exchange_strong(known, fresh)) return *fresh;
        delete fresh;
    }
    return *known;
}

std::uint64_t era_of(const table& of) { return static_cast<std::uint64_t>(of.forks) & era_mask; }

/// The slot of a handle, under the lock; null with the reason.
slot* find(table& all, std::uint64_t handle, fault& why) {
    if ((handle >> era_at & era_mask) != era_of(all) && handle != 0) {
        why = {BATON_FORKED, "the handle belongs to the parent process: open one here after fork()"};
        return nullptr;
    }
    const auto number = handle & slot_mask;
    if (number < all.slots.size()) {
        auto& one = all.slots[number];
        if (one.of && one.generation == (handle >> generation_at & generation_mask) &&
            one.kind == handle >> kind_at)
            return &one;
    }
    why = {BATON_CLOSED, "the handle " + std::to_string(handle) +
                             " is closed, was never opened, or is not of the kind that the function takes"};
    return nullptr;
}

} // namespace

std::uint64_t add(kind what, std::shared_ptr<object> of) {
    auto& all = here();
    const std::lock_guard lock(all.mutex);
    if (all.free.empty()) {
        all.free.reserve(all.slots.size() + 1); // so that close() needs no memory
        all.slots.emplace_back();
        all.free.push_back(all.slots.size() - 1);
    }
    const auto number = all.free.back();
    all.free.pop_back();
    auto& one = all.slots[number];
    one.of = std::move(of);
    one.kind = static_cast<std::uint64_t>(what);
    return one.kind << kind_at | era_of(all) << era_at | one.generation << generation_at | number;
}

kind kind_of(std::uint64_t handle) { return static_cast<kind>(handle >> kind_at); }

use take(std::uint64_t handle, kind what, fault& why) {
    auto& all = here();
    const std::lock_guard lock(all.mutex);
    auto* const one = find(all, handle, why);
    if (one != nullptr && one->kind == static_cast<std::uint64_t>(what)) {
        ++one->users;
        return {one->of, handle};
    }
    if (one != nullptr)
        why = {BATON_CLOSED, "the handle " + std::to_string(handle) + " is one of another kind"};
    return {nullptr, 0};
}

use::~use() {
    if (handle_ == 0 || !of_) return;
    auto& all = here();
    if ((handle_ >> era_at & era_mask) != era_of(all)) { // a fork inside of a call
        (void)new std::shared_ptr(std::move(of_));       // NOLINT
        return;
    }
    const std::lock_guard lock(all.mutex);
    of_.reset(); // close() has another one
    if (--all.slots[handle_ & slot_mask].users == 0) all.unused.notify_all();
}

fault close(std::uint64_t handle) {
    auto& all = here();
    fault why;
    std::shared_ptr<object> ending;
    {
        const std::lock_guard lock(all.mutex);
        auto* const one = find(all, handle, why);
        if (one == nullptr) return why;
        ending = std::move(one->of); // from here on nobody finds it
        one->of = nullptr;
    }
    ending->wake();
    {
        std::unique_lock lock(all.mutex);
        all.unused.wait(lock, [&] { return all.slots[handle & slot_mask].users == 0; });
    }
    ending.reset();
    const std::lock_guard lock(all.mutex);
    auto& one = all.slots[handle & slot_mask];
    // A slot whose generations are used up is not used again.
    if (++one.generation <= generation_mask) all.free.push_back(handle & slot_mask);
    return {};
}

} // namespace baton::c
