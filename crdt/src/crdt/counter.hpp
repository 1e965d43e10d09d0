// counter_value: what one replica has contributed to a counter, and how much of that has been removed. The
// counter reads the sum of total - base_total over all replicas that have a record in its slot.
//
// Values. Sums are modulo 2^64. A removal names, for each replica, the dot that it saw and the total at that
// dot. A node that applies it raises the base to that total, whatever the replica has added since. So a
// removal takes exactly what its writer saw, in any order. A record whose whole total is removed (base == its
// own counter) is a residue: it adds nothing to a read, and stays only until no older record of its replica
// can arrive.
#pragma once

#include "crdt/plain_names.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace baton::crdt {

struct counter_value {
    std::int64_t total = 0;
    std::uint64_t base = 0;      ///< the counter of the replica's last event whose total has been removed
    std::int64_t base_total = 0; ///< the total at that event

    static constexpr std::size_t bytes = 24; ///< as it is stored and travels: three words, little-endian
    [[nodiscard]] std::int64_t reading() const {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(total) -
                                         static_cast<std::uint64_t>(base_total));
    }
};

inline void put_word(char* to, std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) to[byte] = static_cast<char>(value >> (8 * byte));
}
[[nodiscard]] inline std::uint64_t get_word(const char* from) {
    std::uint64_t value = 0;
    for (int byte = 7; byte >= 0; --byte) value = value << 8 | static_cast<unsigned char>(from[byte]);
    return value;
}

inline void store_counter(char* to, const counter_value& value) {
    put_word(to, static_cast<std::uint64_t>(value.total));
    put_word(to + 8, value.base);
    put_word(to + 16, static_cast<std::uint64_t>(value.base_total));
}
/// `from` has counter_value::bytes bytes.
[[nodiscard]] inline counter_value load_counter(std::string_view from) {
    return {static_cast<std::int64_t>(get_word(from.data())), get_word(from.data() + 8),
            static_cast<std::int64_t>(get_word(from.data() + 16))};
}

/// One replica's share of what a removal saw: 16 bytes of id, counter, total.
struct removed_sum {
    static constexpr std::size_t bytes = 32;
    dot seen{};
    std::int64_t total = 0;

    static void append(std::string& to, const removed_sum& what) {
        char words[16];
        put_word(words, what.seen.counter);
        put_word(words + 8, static_cast<std::uint64_t>(what.total));
        to += what.seen.replica.view();
        to.append(words, sizeof words);
    }
    [[nodiscard]] static removed_sum load(std::string_view from) {
        return {{*replica_id::from_bytes(from.substr(0, 16)), get_word(from.data() + 16)},
                static_cast<std::int64_t>(get_word(from.data() + 24))};
    }
};

/// One entry of the context of a scope removal: 16 bytes of id, counter.
struct context_entry {
    static constexpr std::size_t bytes = 24;
    static void append(std::string& to, const dot& id) {
        char word[8];
        put_word(word, id.counter);
        to += id.replica.view();
        to.append(word, sizeof word);
    }
    [[nodiscard]] static dot load(std::string_view from) {
        return {*replica_id::from_bytes(from.substr(0, 16)), get_word(from.data() + 16)};
    }
};

/// Whether `id` is under a context, which is sorted by replica. O(log entries).
[[nodiscard]] bool is_under(std::string_view context, const dot& id);

} // namespace baton::crdt
