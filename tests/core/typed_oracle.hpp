// typed_oracle: what users did to typed values, and what must therefore be read under a cut. It keeps every
// operation and the cut that its writer had, and computes from that directly; it knows nothing of stores.
//
// One thread. Source: the specifications of replicated data types by visibility in Burckhardt, "Principles of
// Eventual Consistency", 2014.
#pragma once

#include "crdt/cut.hpp"
#include "crdt/slot.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace baton::sim {

using namespace crdt;

class typed_oracle {
  public:
    enum class deed : std::uint8_t { put, add, remove, remove_scope };
    struct operation {
        dot id;
        deed what;
        value_type type;
        std::string key, element, value;
        std::int64_t amount = 0;
        cut saw; ///< the writer's cut, this operation not included
    };

    void note(operation what) { all_.push_back(std::move(what)); }

    /// Values of a register's, an element's, a field's or a flag's slot that are to be read; sorted.
    [[nodiscard]] std::vector<std::string> values(const slot_name& slot, const cut& under) const {
        std::vector<std::string> found;
        for (const auto& put : all_) {
            if (put.what == deed::put && is_of(put, slot) && under.has(put.id) && !is_dead(put, under))
                found.push_back(put.value);
        }
        std::sort(found.begin(), found.end());
        return found;
    }
    /// Elements or fields that are to be there.
    [[nodiscard]] std::vector<std::string> elements(value_type type, std::string_view key,
                                                    const cut& under) const {
        std::set<std::string> found;
        for (const auto& put : all_) {
            if (put.what == deed::put && put.type == type && put.key == key && under.has(put.id) &&
                !is_dead(put, under))
                found.insert(put.element);
        }
        return {found.begin(), found.end()};
    }
    /// The sum of what was added and not seen by a removal.
    [[nodiscard]] std::int64_t count(std::string_view key, const cut& under) const {
        std::uint64_t sum = 0;
        for (const auto& add : all_) {
            if (add.what == deed::add && add.key == key && under.has(add.id) && !is_dead(add, under))
                sum += static_cast<std::uint64_t>(add.amount);
        }
        return static_cast<std::int64_t>(sum);
    }

  private:
    [[nodiscard]] static bool is_of(const operation& what, const slot_name& slot) {
        return what.type == slot.type && what.key == slot.key && what.element == slot.element;
    }
    /// Another operation under the cut replaces or removes it, and had seen it.
    [[nodiscard]] bool is_dead(const operation& what, const cut& under) const {
        return std::any_of(all_.begin(), all_.end(), [&](const operation& by) {
            if (by.key != what.key || !under.has(by.id) || !by.saw.has(what.id)) return false;
            if (by.what == deed::remove_scope) return in_scope(what.type);
            const bool same = by.type == what.type && by.element == what.element;
            return same && by.what != deed::add;
        });
    }
    std::vector<operation> all_;
};

} // namespace baton::sim
