// client_watch: what a member reports to a watching client: the value of the REPLY to a `watch`, as structs
// and bytes. wire/PROTOCOL.md, chapter 15, is the reference.
//
// Pure; values; any thread. Decoded views point into the bytes that were given.
#pragma once

#include "crdt/cut.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::wire::client {

/// What a key holds now.
struct watched_key {
    /// Bits of `types`; the same as in the reply to `types`.
    enum type : unsigned { reg = 1, counter = 2, set = 4, map = 8, flag = 16, all_types = 31 };
    std::string_view key;
    unsigned types = 0;                      ///< 0: the key is gone
    std::uint64_t sum = 0;                   ///< of a counter, by zigzag
    dot written{};                           ///< this and the rest: of a register
    std::uint64_t epoch = 0, siblings = 0;   ///< as in a reply
    std::uint64_t total = 0;                 ///< bytes of the value
    std::optional<std::string_view> value{}; ///< nullopt: the client has it, or reads it by a pickup
};
/// All of it but the value. Two heads of a key are equal exactly if what they describe is; a head does not
/// show what a set, a map or a flag contains.
[[nodiscard]] std::string head_of(const watched_key& from);

/// Appends one entry of a page. The first entry is put_reached().
void put_watched(std::string& to, const watched_key& from);
/// `reached`: everything up to these entries of the member's cut is reported with this page; empty: not yet.
void put_reached(std::string& to, const crdt::cut& reached);

struct watch_page {
    crdt::cut reached;
    std::vector<watched_key> keys;
};
/// nullopt if it is malformed.
[[nodiscard]] std::optional<watch_page> decode_watch_page(std::string_view bytes);

} // namespace baton::wire::client
