// Any frame: refused, or one that encodes and decodes to itself; its rows are read to their end within
// bounds.
#include "wire/frame.hpp"

#include "crdt/assert.hpp"
#include "wire/rows.hpp"

using namespace baton;
using namespace baton::crdt;

namespace {

void check_slot(const slot_name& slot) {
    BATON_ASSERT(!slot.key.empty() && slot.key.size() <= key_bytes_max);
    BATON_ASSERT(slot.element.size() <= element_bytes_max);
    BATON_ASSERT(has_element(slot.type) || slot.element.empty());
}

void check_range(const dot_range& range) {
    BATON_ASSERT(range.after < range.last && range.last <= counter_max);
}

void read_rows(const wire::delta& f) {
    wire::event_reader rows(f.base, f.replicas, f.rows, {});
    std::vector<dot> kills;
    while (const auto event = rows.next(kills)) {
        check_slot(event->slot);
        BATON_ASSERT(is_well_formed(event->slot, event->removal, event->value));
    }
}

void read_rows(const wire::state& f) {
    wire::state_reader rows(f.base, f.replicas, f.rows, {});
    wire::state_row row;
    while (rows.next(row)) {
        check_slot(row.slot);
        BATON_ASSERT(row.part ? !row.part->bytes.empty() : !row.entries.empty());
        for (const auto& each : row.entries) {
            BATON_ASSERT(each.what.id.counter != 0 && each.what.id.counter <= counter_max);
            const bool removal = each.what.what == block::kind::removal;
            if (each.what.what != block::kind::reference && !each.total)
                BATON_ASSERT(is_well_formed(row.slot, removal, each.what.value));
        }
    }
}

void read_rows(const wire::fingerprint& f) {
    wire::listing_reader rows(f.replicas, f.rows);
    wire::listed_range listed;
    while (rows.next(listed)) {
        check_range(listed.range);
        auto last = listed.range.after;
        for (const auto& each : listed.records) {
            BATON_ASSERT(each.counter > last && each.counter <= listed.range.last);
            last = each.counter;
        }
    }
    if (const auto asked = wire::read_question(f.replicas, f.rows)) {
        for (const auto& each : *asked) check_range(each.range);
    }
}

template <class Frame>
void read_rows(const Frame&) {}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto decoded = wire::decode({reinterpret_cast<const char*>(data), size});
    if (!decoded) return 0;
    if (const auto* const f = std::get_if<wire::hello>(&*decoded); f != nullptr && f->head_only) return 0;
    const auto bytes = wire::encode(*decoded);
    const auto again = wire::decode(bytes);
    BATON_ASSERT(again && wire::encode(*again) == bytes);
    std::visit([](const auto& f) { read_rows(f); }, *decoded);
    return 0;
}
