// The commands of keys that this node owns. A claim lasts until its release, or the end of the program.
#include "session.hpp"

#include <algorithm>

namespace baton::cli {
namespace {

refusal not_claimed(const std::string& key) {
    return {std::string{to_string(errc::claim_lost)}, "\"" + key + "\" has not been claimed here"};
}

} // namespace

// Of a key that has been claimed.
void show_owner(json& line, std::uint64_t epoch, const std::optional<replica_id>& owner) {
    if (epoch == 0) return;
    line["epoch"] = epoch;
    line["owner"] = owner ? json(owner->to_string()) : json(nullptr);
}

/// `owner` is this node's id, as members() of others show it.
json session::owned(const claim_handle& held) const {
    return {{"key", held.key()}, {"epoch", held.epoch()}, {"owner", node_.id().to_string()}};
}

json session::claim(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    claim_options how;
    while (const auto option = args.maybe()) {
        const std::string_view text{*option};
        if (text.starts_with("within=")) {
            how.within = duration_of(text.substr(7));
        } else if (text.starts_with("lease=")) {
            how.lease = duration_of(text.substr(6));
        } else {
            throw refusal{"usage", "'" + *option + "' is neither within=DUR nor lease=DUR"};
        }
    }
    const auto deadline = std::chrono::steady_clock::now() + how.within;
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        how.within = std::clamp(left, std::chrono::milliseconds{0}, slice);
        auto held = node_.claim(key, how);
        if (!held && held.error().code == errc::absent && left > slice && !stop_.stopping()) continue;
        auto got = need(std::move(held));
        auto reply = owned(got);
        reply["value"] = shown(got.taken().value, hex_);
        reply["siblings"] = got.shown().size() - 1;
        claims_.insert_or_assign(key, std::move(got));
        return reply;
    }
}

json session::commit(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto value = typed(args.last("VALUE"), hex_);
    const auto held = claims_.find(key);
    if (held == claims_.end()) throw not_claimed(key);
    need(held->second.commit(value));
    return owned(held->second);
}

json session::release(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    args.end();
    const auto held = claims_.find(key);
    if (held == claims_.end()) throw not_claimed(key);
    const auto epoch = held->second.release();
    claims_.erase(held); // lost or not
    return {{"key", key}, {"epoch", need(epoch)}, {"owner", nullptr}};
}

} // namespace baton::cli
