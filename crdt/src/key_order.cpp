#include "crdt/key_order.hpp"

#include <utility>

namespace baton::crdt {

void key_order::drop() {
    if (!built_) return;
    while (dropped_.shed()) { // dropped twice within a moment: rare
    }
    dropped_ = std::move(built_->keys);
    built_.reset();
}

} // namespace baton::crdt
