// Keys in order: an index beside the store, built slice by slice when it is asked for. From its first slice
// on it is told of every key that comes and goes, so that the slots that have been looked at may change.
#include "crdt/assert.hpp"
#include "crdt/chain.hpp"
#include "crdt/store.hpp"

#include <algorithm>

namespace baton {

bool store::order(std::size_t slots) {
    if (fold_) return false;
    if (!order_) order_ = key_order{};
    auto& to = *order_;
    while (!to.whole && slots != 0) {
        const bool done = index_.some_in_shard(to.shard, to.hash, slots, [&](handle head) {
            const auto& first = first_block(memory_, head);
            if (first.root == 0 && first.type() != value_type::reg) return; // its root names the key
            if (first.root != 0 ? first.counter != 0 : any_visible(head)) to.keys.insert(first.key());
        });
        if (!done) break;
        to.hash = 0;
        to.whole = ++to.shard == key_index::shards;
        slots -= std::min<std::size_t>(slots, 1); // a shard may have nothing in it
    }
    return to.whole;
}

void store::drop_order() {
    if (!order_) return;
    while (old_order_.shed()) { // dropped twice within a moment: rare
    }
    old_order_ = std::move(order_->keys);
    order_.reset();
}

std::optional<std::string> store::keys_from(std::string_view prefix, std::string_view from, std::size_t most,
                                            std::vector<std::string>& into) {
    BATON_ASSERT(order_ && order_->whole && !fold_);
    std::optional<std::string> next;
    order_->keys.each_from(std::max(prefix, from), [&](std::string_view key) {
        if (!key.starts_with(prefix)) return false;
        if (most-- == 0) {
            next.emplace(key);
        } else if (!has_deadlines() || !is_hidden(key)) {
            into.emplace_back(key);
        }
        return !next;
    });
    return next;
}

// All that the key holds is a register that is over.
bool store::is_hidden(std::string_view key) {
    const auto* const head = index_.find({value_type::reg, key, {}});
    if (head == nullptr || !all_over(*head, now_)) return false;
    const auto root = root_of(key);
    return root == 0 || at(root).counter == 0;
}

std::size_t store::ordered_bytes() const { return (order_ ? order_->keys.bytes() : 0) + old_order_.bytes(); }

void store::key_came(std::string_view key) { order_->keys.insert(key); }

// A key that also holds something of another type stays.
void store::key_went(std::string_view key) {
    const auto root = root_of(key);
    if (root != 0 && at(root).counter != 0) return;
    const auto* const head = index_.find({value_type::reg, key, {}});
    if (head != nullptr && any_visible(*head)) return;
    order_->keys.erase(key);
}

} // namespace baton
