#include "core/contact/herald.hpp"

#include "core/standing.hpp"

#include <utility>

namespace baton::core {

std::optional<wire::standing> herald::publish(outbox& out) {
    const auto sum = store_.state_digest();
    // A full node reports that with every heartbeat, since the first report may be lost.
    const bool unchanged =
        generation_ == store_.generation() && sum == digest_ && full_told_ && !own_.is_full();
    full_told_ = true;
    std::optional<wire::standing> news;
    std::string bytes;
    if (unchanged) {
        bytes = mail_.encode_for_all(wire::brief{store_.self(), wire::hash_of(standing_of(store_)),
                                                 sum ? sum->low : 0, store_.counter_of(store_.self())});
    } else {
        auto f = own_.make(0);
        f.reach.clear();
        bytes = mail_.encode_for_all(f);
        news = std::move(f.at);
        generation_ = store_.generation();
        digest_ = sum.value_or(digest{});
    }
    bytes_ += bytes.size();
    out.actions.push_back(send_broadcast{std::move(bytes)});
    return news;
}

} // namespace baton::core
