#include "crdt/key_order.hpp"

#include <utility>

namespace baton::crdt {

void key_order::drop() {
    if (!built_) return;
    while (dropped_.shed()) { // a second drop before the first has been cleared: rare
    }
    dropped_ = std::move(built_->keys);
    built_.reset();
}

} // namespace baton::crdt
