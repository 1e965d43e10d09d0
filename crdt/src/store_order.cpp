// The keys in order, while somebody uses them.
#include "crdt/assert.hpp"
#include "crdt/store.hpp"

#include <algorithm>

namespace baton::crdt {

bool store::order(std::size_t slots) {
    order_.asked(expiry_.now());
    if (fold_) return false;
    return order_.build(index_, slots, [&](handle head) {
        const auto& first = first_block(memory_, head);
        const bool named = first.root != 0 || first.type() == value_type::reg; // the root lists a typed key
        const bool some = first.root != 0 ? first.counter != 0 : named && any_visible(memory_, head);
        return some ? first.key() : std::string_view{};
    });
}

std::optional<std::string> store::keys_from(std::string_view prefix, std::string_view from, std::size_t most,
                                            std::vector<std::string>& into) {
    BATON_ASSERT(order_.is_whole() && !fold_);
    std::optional<std::string> next;
    order_.each_from(std::max(prefix, from), [&](std::string_view key) {
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

// True if the key has only a register, and its time to live has passed.
bool store::is_hidden(std::string_view key) {
    const auto* const head = index_.find({value_type::reg, key, {}});
    if (head == nullptr || !all_over(memory_, *head, expiry_.now())) return false;
    const auto root = root_of(key);
    return root == 0 || at(root).counter == 0;
}

} // namespace baton::crdt
