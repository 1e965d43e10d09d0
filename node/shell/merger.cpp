#include "shell/merger.hpp"

#include "crdt/assert.hpp"
#include "shell/merge_laws.hpp"
#include "shell/threads.hpp"

#include <utility>

namespace baton::shell {

merger::merger(io_thread& engine)
    : engine_(engine)
    , thread_(start_thread([this] { run(); })) {
    engine_.on_merges([this] { wake(); });
}

merger::~merger() {
    engine_.on_merges({});
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    woken_.notify_all();
    thread_.join();
}

void merger::add(std::string_view prefix, merge_function merge) {
    {
        const std::lock_guard lock(mutex_);
        functions_.insert_or_assign(std::string(prefix), std::move(merge));
        ++generation_;
    }
    engine_.with([&](core::mesh& mesh) { mesh.registers().contested.merge_under(prefix); });
    engine_.look();
}

void merger::wake() {
    {
        const std::lock_guard lock(mutex_);
        due_ = true;
    }
    woken_.notify_all();
}

void merger::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        woken_.wait(lock, [this] { return due_ || ends_; });
        if (ends_) return;
        due_ = false;
        lock.unlock();
        merge_all();
        lock.lock();
    }
}

// The function for the longest prefix of the key; empty once the merger ends.
merge_function merger::function_for(std::string_view key) {
    const std::lock_guard lock(mutex_);
    const merge_function* best = nullptr;
    for (const auto& [prefix, merge] : functions_) { // among matching prefixes, a later one is longer
        if (key.starts_with(prefix)) best = &merge;
    }
    return best == nullptr || ends_ ? merge_function{} : *best;
}

std::uint64_t merger::generation() {
    const std::lock_guard lock(mutex_);
    return generation_;
}

// Leaves the siblings as they are until the key has one more, unless a new function was registered meanwhile.
void merger::give_up(const core::merge_task& task, std::uint64_t tried, const std::string& why) {
    if (!why.empty()) engine_.remark(why);
    if (tried == generation())
        engine_.with([&](core::mesh& mesh) { mesh.registers().contested.give_up_merge(task.key); });
}

void merger::merge_all() {
    while (const auto task = engine_.with([](core::mesh& mesh) { return mesh.registers().next_merge(); })) {
        const auto tried = generation();
        const auto merge = function_for(task->key);
        if (!merge) {
            give_up(*task, tried, {});
            continue;
        }
        try {
            const std::vector<std::string_view> siblings(task->values.begin(), task->values.end());
            const auto merged = merge(siblings);
#ifndef NDEBUG
            BATON_ASSERT(obeys_laws(merge, siblings, merged));
#endif
            const auto written = engine_.write([&](core::mesh& mesh, const moment& at) {
                return mesh.registers().resolve(at, task->key, merged, task->shown);
            });
            if (written || written.error().code == errc::conflict) continue; // ask for the next task
            if (written.error().code == errc::leaving) return;
            give_up(*task, tried, "event=merge_refused reason=\"" + written.error().what + '"');
        } catch (const std::exception& failure) {
            give_up(*task, tried, std::string("event=merge_failed reason=\"") + failure.what() + '"');
        } catch (...) { // the program may throw any type
            give_up(*task, tried,
                    "event=merge_failed reason=\"the merge function threw an object that is not a "
                    "std::exception\"");
        }
    }
}

} // namespace baton::shell
