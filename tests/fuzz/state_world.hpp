// state_world: a store that receives sessions as a mesh passes them to it, and a list of its own writes that
// must still be there.
//
// One thread; owns the store. It refuses what a mesh refuses before a COMMIT (records above its cut, a claim
// on the counter of the receiver); anything else from a peer goes through.
#pragma once

#include "crdt/assert.hpp"
#include "crdt/store.hpp"
#include "wire/rows.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace baton::fuzz {

using namespace crdt;

inline replica_id replica(std::uint8_t number) {
    replica_id id;
    id.bytes.fill(number);
    return id;
}

/// A slot that owns its names.
struct place {
    value_type type{};
    std::string key, element;
    friend auto operator<=>(const place&, const place&) = default;
    [[nodiscard]] slot_name name() const { return {type, key, element}; }
    [[nodiscard]] static place of(const slot_name& slot) {
        return {slot.type, std::string(slot.key), std::string(slot.element)};
    }
};

class state_world {
  public:
    state_world()
        : store_(replica(1), 7) {}
    [[nodiscard]] store& local() { return store_; }
    [[nodiscard]] const std::set<place>& places() const { return places_; }

    // --- own writes ---
    void put(const place& at, std::string_view value);
    void add(const std::string& key, std::int64_t amount);
    void remove(const place& at);
    void remove_scope(const std::string& key);

    // --- a session ---
    /// Stages the rows of a STATE chunk; a bad one ends the session.
    void chunk(timestamp base, std::string_view replicas, std::string_view rows);
    /// Marks as dead the records that are here, in a range of the listing, and not listed.
    void listing(std::string_view replicas, std::string_view rows);
    void closed(const cut& entries) { staged_archive_.join(entries); }
    void commit(cut server, bool by_union, bool raise);
    void abort();
    /// Another server continues.
    void keep();
    void fold(std::size_t slots);
    void event(const dot& id, const event_view& event);

    /// Checks what must hold while nothing is being folded in.
    void check();

  private:
    void excuse_scope(std::string_view key);
    store store_;
    write_buffers buffers_;
    std::uint64_t clock_ = 1000;
    std::map<place, dot> mine_;                         ///< own records that nothing has removed
    std::set<place> places_;                            ///< every slot that was ever named
    std::map<place, std::vector<staged_view>> shipped_; ///< of this session, values left out
    std::set<dot> dead_;
    cut staged_, staged_archive_, absent_;
    bool cached_ = false;
};

} // namespace baton::fuzz
