// Any frame: refused, or one that encodes and decodes to itself; its rows are read to their end within
// bounds.
#include "wire/frame.hpp"

#include "crdt/assert.hpp"
#include "wire/rows.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto decoded = wire::decode({reinterpret_cast<const char*>(data), size});
    if (!decoded) return 0;
    const auto bytes = wire::encode(*decoded);
    const auto again = wire::decode(bytes);
    BATON_ASSERT(again && wire::encode(*again) == bytes);
    if (const auto* f = std::get_if<wire::delta>(&*decoded)) {
        wire::event_reader rows(f->base, f->replicas, f->rows, {});
        std::vector<dot> kills;
        while (const auto event = rows.next(kills))
            BATON_ASSERT(!event->key.empty() && event->key.size() <= 512);
    }
    if (const auto* f = std::get_if<wire::state>(&*decoded)) {
        wire::state_reader rows(f->base, f->replicas, f->rows, {});
        wire::state_row row;
        while (rows.next(row)) BATON_ASSERT(!row.key.empty());
    }
    return 0;
}
