// ordered_keys: a set of keys in the order of their bytes, for listings by prefix. It stores the keys
// themselves instead of handles: an overwrite moves a record in the arena, and would have to update the
// handle here. So only a new or removed key costs time.
//
// Owned by its maker; same thread contract. Keys are stored front-coded (each is what it shares with the one
// before it, and the rest) in chunks of at most about a kilobyte, chunks in pages of 256. insert, erase and
// the start of a listing are O(log keys).
// Source: front coding of sorted term lists (Witten, Moffat, Bell, "Managing Gigabytes", 1999) in the leaves
// of a B+ tree of fixed height.
#pragma once

#include "crdt/plain_names.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::crdt {

class ordered_keys {
  public:
    /// False: the key was present. A key has at most 4096 bytes.
    bool insert(std::string_view key);
    /// False: the key was absent.
    bool erase(std::string_view key);
    [[nodiscard]] bool contains(std::string_view key) const;
    /// Visits the keys from `from` on, in order, while `visit(std::string_view)` returns true. The set must
    /// not change during the call.
    template <class Visit>
    void each_from(std::string_view from, Visit visit) const {
        if (pages_.empty()) return;
        auto [p, c] = locate(from);
        std::string key;
        for (; p < pages_.size(); ++p, c = 0) {
            for (; c < pages_[p].size(); ++c) {
                for (reader in(pages_[p][c]); in.next();) {
                    key.resize(in.shared);
                    key += in.rest;
                    if (std::string_view(key) < from) continue;
                    if (!visit(std::string_view(key))) return;
                }
            }
        }
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    /// Taken from the system. O(keys / thousands).
    [[nodiscard]] std::size_t bytes() const;
    /// Drops the keys of 256 chunks and returns their memory; true while some are left.
    bool shed();

  private:
    struct chunk {
        std::unique_ptr<char[]> bytes;
        std::uint16_t used = 0, room = 0;
    };
    using page = std::vector<chunk>; // neither pages nor chunks are ever empty
    struct place {
        std::size_t page, chunk;
    };
    /// Goes through the entries of a chunk.
    struct reader {
        explicit reader(const chunk& from)
            : at(from.bytes.get())
            , end(at + from.used) {}
        bool next();
        const char* at; ///< behind the entry that was read last
        const char* end;
        const char* entry = nullptr; ///< where that one begins
        std::size_t shared = 0;      ///< bytes it has in common with the one before it
        std::string_view rest{};
    };
    /// Where a key is in a chunk, or would be.
    struct spot {
        const char* at;          ///< the entry that is the key, or the first after it; or the end
        bool found = false;      ///< it is the key
        std::size_t shared = 0;  ///< what the key has in common with the entry before
        std::size_t shared2 = 0; ///< and with the one at `at`, if there is one
    };

    [[nodiscard]] static std::string_view first_of(const chunk& c);
    [[nodiscard]] static std::string last_of(const chunk& c);
    [[nodiscard]] static spot find(const chunk& c, std::string_view key);
    [[nodiscard]] place locate(std::string_view key) const;
    void replace(chunk& c, std::size_t from, std::size_t to, std::string_view with);
    void make_room(chunk& c, std::size_t bytes);
    void split(place at, bool at_end);
    void shrink(place at);
    bool merge(page& in, std::size_t left);

    std::vector<page> pages_;
    std::size_t size_ = 0, chunk_bytes_ = 0;
    std::string edit_; ///< what replaces a part of a chunk
};

} // namespace baton::crdt
