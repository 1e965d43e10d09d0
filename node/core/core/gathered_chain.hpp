// gathered_chain: a chain that comes in several rows, until the last of them.
//
// Owns copies of what it is given. One caller.
#pragma once

#include "crdt/block.hpp"
#include "crdt/slot.hpp"
#include "crdt/views.hpp"

#include <deque>
#include <span>
#include <string>
#include <vector>

namespace baton::core {

class gathered_chain {
  public:
    static constexpr std::size_t bytes_max = std::size_t{256} << 20;

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] bool is_of(const slot_name& slot) const {
        return type_ == slot.type && key_ == slot.key && element_ == slot.element;
    }
    /// False, and nothing is added, when a chain of another slot has been begun, or this one is too long for
    /// any store.
    [[nodiscard]] bool add(const slot_name& slot, std::span<const staged_view> entries) {
        if (!empty() && !is_of(slot)) return false;
        std::size_t more = 0;
        for (const auto& each : entries) more += sizeof each + each.value.size();
        if (entries_.size() + entries.size() > origins_max || bytes_ + more > bytes_max) return false;
        if (empty()) {
            type_ = slot.type;
            key_ = slot.key;
            element_ = slot.element;
        }
        for (const auto& each : entries) {
            entries_.push_back(each);
            if (!each.value.empty()) entries_.back().value = values_.emplace_back(each.value);
        }
        bytes_ += more;
        return true;
    }
    [[nodiscard]] const std::vector<staged_view>& entries() const { return entries_; }
    void clear() { *this = {}; }

  private:
    value_type type_{};
    std::string key_, element_;
    std::vector<staged_view> entries_;
    std::deque<std::string> values_; ///< they stay where they are
    std::size_t bytes_ = 0;
};

} // namespace baton::core
