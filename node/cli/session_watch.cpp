// watch and unwatch.
#include "session.hpp"

namespace baton::cli {

// Its lines follow the reply: until that is written the first of them waits.
json session::watch(std::string_view rest) {
    words args{rest};
    const auto prefix = args.next("PREFIX");
    args.end();
    if (watches_.contains(prefix)) throw refusal{"usage", cited(prefix) + " is watched already"};
    told_ = false;
    auto made = node_.watch(prefix, [this, prefix](const change& what) {
        told_.wait(false);
        out_.write(to_json(what, prefix, how_.hex));
    });
    if (!made) told_ = true;
    watches_.emplace(prefix, need(std::move(made)));
    json reply;
    show(reply, "prefix", prefix);
    return reply;
}

json session::unwatch(std::string_view rest) {
    words args{rest};
    const auto prefix = args.next("PREFIX");
    args.end();
    json reply;
    show(reply, "prefix", prefix);
    reply["watched"] = watches_.erase(prefix) != 0;
    return reply;
}

void session::told() {
    if (told_.exchange(true)) return;
    told_.notify_all();
}

} // namespace baton::cli
