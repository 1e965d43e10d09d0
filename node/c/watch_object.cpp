#include "objects.hpp"

#include <algorithm>
#include <utility>

namespace baton::c {

void watch_object::put(const change& told) {
    const std::lock_guard lock(mutex_);
    auto* at = static_cast<waiting*>(nullptr);
    if (!told.key.empty()) {
        const auto [place, fresh] = unread_.try_emplace(told.key, taken_ + changes_.size());
        if (!fresh) at = &changes_[place->second - taken_];
    }
    if (at == nullptr) at = &changes_.emplace_back();
    note(*at, told);
    news_.notify_one();
    if (changes_.size() == 1) readable_.show(is_readable());
}

void watch_object::note(waiting& of, const change& told) {
    if (told.kind == change_kind::removed) {
        for (const auto& each : of.puts) value_bytes_ -= each.value.size();
        of.puts.clear();
        of.removed = told;
        return;
    }
    const auto same = [&](const change& each) { return each.type == told.type; };
    auto put = std::find_if(of.puts.begin(), of.puts.end(), same);
    if (put == of.puts.end()) put = of.puts.emplace(put);
    value_bytes_ -= put->value.size();
    *put = told;
    if (value_bytes_ + told.value.size() > value_bytes_max) {
        put->value = {};
        put->written = {};
    }
    value_bytes_ += put->value.size();
}

std::optional<change> watch_object::next(std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, within, [this] { return is_readable(); });
    if (closed_ || changes_.empty()) return std::nullopt;
    auto& of = changes_.front();
    auto first = std::move(of.removed);
    of.removed.reset();
    if (!first) {
        first = std::move(of.puts.front());
        of.puts.pop_front();
        value_bytes_ -= first->value.size();
    }
    if (!of.puts.empty()) return first;
    if (!first->key.empty()) unread_.erase(first->key);
    changes_.pop_front();
    ++taken_;
    if (changes_.empty()) readable_.show(is_readable());
    return first;
}

bool watch_object::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

result<int> watch_object::fd() {
    const std::lock_guard lock(mutex_);
    return readable_.get(is_readable());
}

void watch_object::wake() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    readable_.show(is_readable());
    news_.notify_all();
}

} // namespace baton::c
