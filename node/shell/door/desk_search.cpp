// Clients that search for a door by UDP: see discovery/search.hpp.
#include "discovery/search.hpp"
#include "shell/door/desk.hpp"

#include <algorithm>

namespace baton::shell {

namespace client = wire::client;

// To its source alone, never more bytes than it has sent, and only so many a second: whoever forges the
// source gains nothing.
void desk::answer_search(const search_letter& from) {
    if (!searches_ || leaving_) return;
    const auto at = now();
    const auto most = static_cast<double>(settings_.clients.searches_max);
    const std::chrono::duration<double> passed = at - searches_at_;
    searches_at_ = at;
    searches_left_ = std::min(most, searches_left_ + passed.count() * most);
    if (searches_left_ < 1) return;

    std::string_view asked = from.bytes;
    const auto keys = engine_.with([](core::mesh& mesh) { return mesh.keys(); });
    std::vector<mesh_key> derived;
    for (const auto& each : keys.keys()) derived.push_back(discovery::search_key_of(each));
    const discovery::keyring ring(derived);
    const mesh_key* by = nullptr;
    if (!keys.empty()) {
        const auto opened = discovery::unseal(asked, discovery::purpose::search, ring);
        if (opened.why != discovery::unsealed::fault::none) return;
        asked = opened.payload;
        by = opened.by;
    }
    const auto question = discovery::decode_question(asked);
    if (!question || question->cluster != settings_.cluster) return;
    --searches_left_;
    discovery::search_answer said{
        settings_.cluster, client::version_min, client::version_max, question->nonce, self_, door_->port()};
    auto bytes = discovery::encode(said);
    if (by != nullptr) discovery::seal(bytes, discovery::purpose::found, *by);
    auto endpoint = from.endpoint;
    const auto host = discovery::host_in(endpoint);
    if (question->port != 0) endpoint = discovery::endpoint_of(host, question->port);
    (void)searches_->send(endpoint, bytes);
}

} // namespace baton::shell
