// The commands of keys that this node owns. A claim lasts until its release, or the end of the program.
#include "session.hpp"

#include <algorithm>

namespace baton::cli {
namespace {

refusal not_claimed(const std::string& key) {
    return {std::string{to_string(errc::claim_lost)}, cited(key) + " is not claimed by this program"};
}

} // namespace

/// `owner` is this node's id, as members() of others show it.
json session::owned(const claim_handle& held) const {
    auto reply = about(held.key());
    reply["epoch"] = held.epoch().number;
    reply["owner"] = node_.id().to_string();
    return reply;
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
            throw refusal{"usage", cited(*option) + " is neither within=DUR nor lease=DUR"};
        }
    }
    const auto deadline =
        std::chrono::steady_clock::now() + how.within.value_or(std::chrono::milliseconds{0});
    for (;;) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        how.within = std::clamp(left, std::chrono::milliseconds{0}, slice);
        auto held = node_.claim(key, how);
        if (!held && held.error().code == errc::absent && left > slice && !ends()) continue;
        auto got = need(std::move(held));
        auto reply = owned(got);
        show(reply, "value", shown(got.taken_over().value, how_.hex));
        reply["siblings"] = got.values_found().size() - 1;
        claims_.insert_or_assign(key, std::move(got));
        return reply;
    }
}

json session::commit(std::string_view rest) {
    words args{rest};
    const auto key = args.next("KEY");
    const auto value = typed(args.last("VALUE"), how_.hex);
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
    auto reply = about(key);
    reply["epoch"] = need(epoch).number;
    reply["owner"] = nullptr;
    return reply;
}

} // namespace baton::cli
