#include "wire/client_watch.hpp"

#include "wire/client_frame.hpp"
#include "wire/codec.hpp"

namespace baton::wire::client {

std::string head_of(const watched_key& from) {
    std::string to;
    put_entry(to, from.key);
    put_varint(to, from.types);
    if ((from.types & watched_key::counter) != 0) put_varint(to, from.sum);
    if ((from.types & watched_key::reg) == 0) return to;
    to += from.written.replica.view();
    put_varint(to, from.written.counter);
    put_varint(to, from.epoch);
    put_varint(to, from.siblings);
    put_varint(to, from.total);
    return to;
}

void put_watched(std::string& to, const watched_key& from) {
    auto entry = head_of(from);
    if ((from.types & watched_key::reg) != 0) {
        put_varint(entry, from.value ? 1 : 0);
        if (from.value) entry += *from.value;
    }
    put_entry(to, entry);
}

void put_reached(std::string& to, const crdt::cut& reached) {
    put_entry(to, reached.empty() ? std::string{} : encode_cut(reached));
}

namespace {

std::optional<watched_key> decode_watched(std::string_view bytes) {
    byte_reader in(bytes);
    watched_key made;
    made.key = in.bytes(in.varint());
    const auto types = in.varint();
    if (!in.ok() || types > watched_key::all_types) return std::nullopt;
    made.types = static_cast<unsigned>(types);
    if ((made.types & watched_key::counter) != 0) made.sum = in.varint();
    if ((made.types & watched_key::reg) == 0)
        return in.ok() && in.done() ? std::optional(made) : std::nullopt;
    const auto id = replica_id::from_bytes(in.bytes(16));
    if (!in.ok() || !id) return std::nullopt;
    made.written = {*id, in.varint()};
    made.epoch = in.varint();
    made.siblings = in.varint();
    made.total = in.varint();
    const auto has_value = in.varint();
    if (has_value == 1) made.value = in.bytes(made.total);
    return in.ok() && in.done() && has_value <= 1 ? std::optional(made) : std::nullopt;
}

} // namespace

std::optional<watch_page> decode_watch_page(std::string_view bytes) {
    byte_reader in(bytes);
    const auto next = [&in] { return in.bytes(in.varint()); };
    watch_page made;
    if (const auto reached = next(); in.ok() && !reached.empty()) {
        auto read = decode_cut(reached);
        if (!read) return std::nullopt;
        made.reached = *std::move(read);
    }
    while (in.ok() && !in.done()) {
        const auto entry = next();
        if (!in.ok()) break;
        const auto key = decode_watched(entry);
        if (!key) return std::nullopt;
        made.keys.push_back(*key);
    }
    return in.ok() ? std::optional(std::move(made)) : std::nullopt;
}

} // namespace baton::wire::client
