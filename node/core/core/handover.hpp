// handover: this node's own leave, step by step, and the answers to leaves of others. A leaving node
// announces its leave, freezes its cut, lets others pull, counts the members that have acknowledged
// everything for this leave, and says goodbye.
//
// Pure; owned by a mesh, same thread contract. When to call again: repeat() at deadline(); answer() whenever
// the cut here has grown.
#pragma once

#include "core/answers.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::core {

class handover {
  public:
    handover(const mesh_options& settings, store& here, membership& members, courier& mail)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , mail_(mail) {}

    // --- as the one that leaves ---
    /// The cut is frozen from now on. `number`: of this leave, drawn at random. `copies`: how many members
    /// are to hold everything.
    void begin(std::uint64_t number, std::size_t copies, instant now);
    [[nodiscard]] bool is_leaving() const { return own_.has_value(); }
    [[nodiscard]] bool has_said_left() const { return own_ && own_->said_left; }
    /// Announces the leave, every 100 ms, to the members that have not acknowledged everything for it.
    void repeat(instant now, outbox& out);
    [[nodiscard]] instant deadline() const;
    /// An acknowledgement; one for another leave has no effect.
    void on_ack(peer& p, const wire::ack& f) const;
    /// All but `pulled`.
    [[nodiscard]] leave_progress progress() const;
    /// The member stays, has room and has not acknowledged everything yet.
    [[nodiscard]] static bool lacks_something(const peer& p);
    /// Keys in one of key_index::shards slices that no staying member is known to hold.
    void unsafe_keys(std::size_t shard, std::vector<std::string>& into);
    /// Says goodbye to all members. Precondition: is_leaving().
    void say_left(outbox& out);
    [[nodiscard]] bool farewell_heard() const;

    // --- as a member ---
    /// A member announces its leave, with keys that perhaps no member has acknowledged yet.
    static void note_leaving(peer& p, const wire::leaving& f);
    /// The leaving member that has announced the key; it sends the key while it is there.
    [[nodiscard]] std::optional<replica_id> on_its_way(std::string_view key) const;
    /// Acknowledges leaves: after applying, and again when asked again. `staying`: this node neither leaves
    /// nor is full.
    void answer(bool staying, outbox& out);

  private:
    struct own_leaving {
        std::uint64_t number;
        std::size_t copies;
        cut final;
        instant repeat_at;
        bool said_left = false;
        bool listed = false;                 ///< `manifest` is complete: everything is folded in
        std::vector<std::string> manifest{}; ///< keys that no member has acknowledged, in bounded pieces
    };
    void list_manifest();
    [[nodiscard]] bool countable(const peer& p) const;

    const mesh_options& settings_;
    store& store_;
    membership& members_;
    courier& mail_;
    std::optional<own_leaving> own_;
    std::vector<staged_view> chain_; ///< scratch
};

} // namespace baton::core
