// watch and unwatch, and a change as a line.
#include "session.hpp"

namespace baton::cli {

// Its lines follow the reply: until that is written the first of them waits.
json session::watch(std::string_view rest) {
    words args{rest};
    const auto prefix = args.next("PREFIX");
    args.end();
    if (watches_.contains(prefix)) throw refusal{"usage", "'" + prefix + "' is watched already"};
    told_ = false;
    auto made = node_.watch(prefix, [this, prefix](const change& what) {
        told_.wait(false);
        out_.write(to_json(what, prefix, hex_));
    });
    if (!made) told_ = true;
    watches_.emplace(prefix, need(std::move(made)));
    return {{"prefix", prefix}};
}

json session::unwatch(std::string_view rest) {
    words args{rest};
    const auto prefix = args.next("PREFIX");
    args.end();
    return {{"prefix", prefix}, {"watched", watches_.erase(prefix) != 0}};
}

void session::told() {
    if (told_.exchange(true)) return;
    told_.notify_all();
}

json to_json(const change& what, const std::string& prefix, bool hex) {
    json line{{"change", to_string(what.kind)}, {"watch", prefix}};
    if (what.kind == change_kind::lagged) line["count"] = what.count;
    if (what.kind != change_kind::put && what.kind != change_kind::removed) return line;
    line["key"] = what.key;
    if (what.kind == change_kind::removed) return line;
    line["type"] = to_string(what.type);
    if (what.type == value_kind::reg) {
        line["value"] = shown(what.value, hex);
        line["siblings"] = what.siblings;
        show_owner(line, what.epoch, what.owner());
    }
    if (what.type == value_kind::counter) line["value"] = what.sum;
    return line;
}

} // namespace baton::cli
