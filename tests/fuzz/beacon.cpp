// Any datagram: refused, or a beacon that encodes to the same meaning.
#include "discovery/beacon.hpp"

#include "crdt/assert.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto decoded = baton::discovery::decode_beacon({reinterpret_cast<const char*>(data), size});
    if (decoded) {
        const auto again = baton::discovery::decode_beacon(baton::discovery::encode(*decoded));
        BATON_ASSERT(again && again->id == decoded->id && again->hosts == decoded->hosts);
    }
    return 0;
}
