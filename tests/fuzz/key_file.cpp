// Any text as a file of keys: refused with a sentence, or keys that are written and read back as themselves.
#include "discovery/key_file.hpp"

#include "crdt/assert.hpp"
#include "discovery/seal.hpp"

using namespace baton;
using namespace baton::discovery;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = parse_key_file({reinterpret_cast<const char*>(data), size});
    if (!parsed) {
        BATON_ASSERT(parsed.error().code == errc::bad_key && !parsed.error().what.empty());
        return 0;
    }
    BATON_ASSERT(!parsed->empty() && parsed->size() <= keyring::keys_max);
    for (const auto& key : *parsed) {
        const auto again = parse_key_file(key_file_text(key));
        BATON_ASSERT(again && again->size() == 1 && again->front() == key);
    }
    return 0;
}
