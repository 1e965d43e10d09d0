#include "crdt/staging.hpp"

#include "crdt/claim_epoch.hpp"

namespace baton::crdt {

staging::staging(arena& memory, const std::vector<origin>& origins, std::uint64_t seed)
    : memory_(&memory)
    , origins_(&origins)
    , registers_(memory, seed ^ 0x9e3779b97f4a7c15)
    , typed_(memory, seed ^ 0xc2b2ae3d27d4eb4f)
    , trash_{key_index(memory, seed), key_index(memory, seed)} {}

void staging::begin(bool newcomer) {
    reset();
    whole_.kept = whole_.plain = newcomer;
}

void staging::put(const slot_name& slot, std::span<const handle> blocks) {
    for (const auto h : blocks) block_at(*memory_, h).batch = batch_ & 15;
    const auto head = join_chain(*memory_, blocks);
    whole_.forks = whole_.forks || blocks.size() > 1;
    auto& index = index_for(slot.type);
    const auto hash = index.hash(slot);
    if (auto* const place = index.find(hash, slot)) {
        const auto former = *place;
        account(former, false);
        if (head == 0) {
            index.erase(hash, place);
        } else {
            *place = head;
        }
        release(former);
    } else if (head != 0) {
        index.insert(hash, head);
    }
    account(head, true);
}

void staging::release(handle head) {
    std::vector<handle> blocks;
    each_block(*memory_, head, [&](handle h) { blocks.push_back(h); });
    release_fork(*memory_, head);
    for (const auto h : blocks) memory_->release(h, block_at(*memory_, h).bytes());
}

namespace {
void count(std::size_t& what, std::size_t by, bool added) { added ? what += by : what -= by; }
} // namespace

void staging::account(handle head, bool added) {
    each_block(*memory_, head, [&](handle h) { count(bytes_, block_at(*memory_, h).bytes(), added); });
    if (!whole_.kept || head == 0) return;
    if (first_block(*memory_, head).type() == value_type::reg)
        count(whole_.keys, any_visible(*memory_, head) ? 1 : 0, added);
    each_block(*memory_, head, [&](handle h) { account(block_at(*memory_, h), h, added); });
}

void staging::account(const block& b, handle h, bool added) {
    if (!b.is(block::kind::record) && !b.is(block::kind::removal)) {
        whole_.plain = false;
        return;
    }
    if (whole_.logs.size() <= b.origin) whole_.logs.resize(origins_->size());
    auto& log = whole_.logs[b.origin];
    // A dot is named twice: the commit must merge slot by slot.
    if (added && log.at(b.counter) != 0) whole_.kept = false;
    if (!whole_.kept) return;
    if (added) {
        log.set(b.counter, h);
    } else if (log.at(b.counter) == h) {
        log.erase(b.counter);
    }
    if (b.type() != value_type::reg) return;
    if (b.is(block::kind::removal)) {
        count(whole_.removals, 1, added);
        if (added) whole_.removal_dots.emplace_back(b.origin, b.counter);
        return;
    }
    if (b.ttl != 0 && added) whole_.timers.emplace(b.deadline(), h);
    if (b.ttl != 0 && !added) whole_.timers.erase({b.deadline(), h});
    count(whole_.records, 1, added);
    count(whole_.epochs, b.epoch, added);
    if (added && is_claim(b.epoch_value())) whole_.claim_dots.emplace_back(b.origin, b.counter);
    count(whole_.user_bytes, std::size_t{b.key_bytes} + b.value_bytes, added);
    const auto sum = hash_of(b, (*origins_)[b.origin].id);
    added ? whole_.sum += sum : whole_.sum -= sum;
}

bool staging::keep(std::uint64_t batches_max, std::size_t typed_max) {
    // Dead marks were made for the server that is gone. With any of them, the staged records are not worth
    // keeping.
    if (!is_cache() || !whole_.plain || batch_ >= batches_max || typed_.size() > typed_max) return false;
    while (const auto head = typed_.any()) {
        account(head, false);
        typed_.erase(first_block(*memory_, head).slot());
        release(head);
    }
    ++batch_;
    return is_cache();
}

// Staging may be very large, so abort() only moves it aside and sweep() frees it in slices.
void staging::abort() {
    while (sweep(std::size_t(-1))) {
    }
    std::swap(trash_[0], registers_);
    std::swap(trash_[1], typed_);
    clear();
    reset();
    archive_ = {};
    trash_bytes_ = std::exchange(bytes_, 0);
    batch_ = 0;
}

bool staging::sweep(std::size_t slots) {
    for (auto& index : trash_) {
        for (; index.size() != 0 && slots != 0; --slots) {
            const auto head = index.any();
            index.erase(first_block(*memory_, head).slot());
            each_block(*memory_, head, [&](handle h) { trash_bytes_ -= block_at(*memory_, h).bytes(); });
            release(head);
        }
    }
    for (; slots != 0 && !old_timers_.empty(); --slots) old_timers_.erase(old_timers_.begin());
    return !old_timers_.empty() || aborted_slots() != 0;
}

void staging::commit() {
    reset();
    bytes_ = 0;
    batch_ = 0;
}

void staging::clear() {
    registers_.clear();
    typed_.clear();
}

void staging::reset() {
    if (old_timers_.empty()) old_timers_.swap(whole_.timers);
    whole_ = {};
}

std::size_t staging::table_bytes() const {
    std::size_t sum = registers_.bytes() + typed_.bytes() + trash_[0].bytes() + trash_[1].bytes();
    for (const auto& each : whole_.logs) sum += each.bytes();
    return sum;
}

} // namespace baton::crdt
