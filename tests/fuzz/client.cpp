// Any message between a client and a door: refused, or frames that encode and decode to themselves; and any
// search by UDP, and its answer.
#include "crdt/assert.hpp"
#include "discovery/search.hpp"
#include "wire/client_frame.hpp"
#include "wire/client_watch.hpp"

using namespace baton;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes{reinterpret_cast<const char*>(data), size};
    for (wire::client::message_reader in(bytes); !in.done();) {
        const auto read = in.next();
        if (!read) break;
        if (const auto* const f = std::get_if<wire::client::open>(&*read);
            f != nullptr && !f->versions.has(wire::client::version_max))
            continue; // its head alone was read
        std::string once, twice;
        wire::client::encode(*read, once);
        wire::client::message_reader again(once);
        const auto same = again.next();
        BATON_ASSERT(same && again.done());
        wire::client::encode(*same, twice);
        BATON_ASSERT(once == twice);
        if (const auto* const call = std::get_if<wire::client::call>(&*read)) {
            if (const auto how = wire::client::decode_resolution(call->value))
                BATON_ASSERT(wire::client::decode_resolution(
                    wire::client::encode_resolution(how->replaced, how->value)));
        }
        if (const auto* const reply = std::get_if<wire::client::reply>(&*read)) {
            if (const auto page = wire::client::decode_watch_page(reply->value)) {
                std::string whole;
                wire::client::put_reached(whole, page->reached);
                for (const auto& each : page->keys) wire::client::put_watched(whole, each);
                BATON_ASSERT(wire::client::decode_watch_page(whole));
            }
            for (const auto& each :
                 wire::client::read_entries(reply->value).value_or(std::vector<std::string>{})) {
                if (const auto one = wire::client::decode_sibling(each))
                    BATON_ASSERT(wire::client::decode_sibling(wire::client::encode_sibling(*one)));
            }
        }
    }
    if (const auto question = discovery::decode_question(bytes))
        BATON_ASSERT(discovery::decode_question(discovery::encode(*question)));
    if (const auto answer = discovery::decode_answer(bytes))
        BATON_ASSERT(discovery::decode_answer(discovery::encode(*answer)));
    return 0;
}
