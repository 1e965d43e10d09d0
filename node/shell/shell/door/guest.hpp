// guest: one client at the door: what it may do, what it has under way, and what it has been answered.
//
// Owned by the desk's thread.
#pragma once

#include "crdt/cut.hpp"
#include "crdt/time.hpp"
#include "discovery/access.hpp"
#include "wire/client_frame.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace baton::shell {

using crdt::cut, crdt::instant;

/// A list in one reply has about so many bytes.
constexpr std::size_t page_bytes = std::size_t{128} << 10;

/// A call that outlives its message.
struct kept_call {
    wire::client::call what{}; ///< its texts are those below
    std::string key, element, value;

    kept_call() = default;
    explicit kept_call(const wire::client::call& from)
        : what(from)
        , key(from.key)
        , element(from.element)
        , value(from.value) {}
    [[nodiscard]] wire::client::call view() const {
        auto seen = what;
        seen.key = key;
        seen.element = element;
        seen.value = value;
        return seen;
    }
    [[nodiscard]] std::size_t bytes() const { return key.size() + element.size() + value.size() + 200; }
};

/// A reply that waits to be sent.
struct kept_reply {
    wire::client::reply what{}; ///< its texts are those below
    std::string failure, text, value;

    [[nodiscard]] wire::client::reply view() const {
        auto seen = what;
        seen.failure = failure;
        seen.text = text;
        seen.value = value;
        return seen;
    }
    [[nodiscard]] std::size_t bytes() const { return failure.size() + text.size() + value.size() + 200; }
};

[[nodiscard]] inline kept_reply reply_to(const wire::client::call& f) {
    kept_reply made;
    made.what.number = f.number;
    return made;
}

struct guest {
    replica_id id{};
    std::string route; ///< its routing id; empty: it has no connection at present
    std::string name;
    discovery::access rights{};
    instant heard{};
    std::chrono::milliseconds patience{};

    // credit, in bytes of messages since its OPEN
    std::uint64_t taken = 0, told = 0;     ///< from the client; and as the client knows it
    std::uint64_t sent = 0, confirmed = 0; ///< to the client
    instant moved{};                       ///< when it last took something in, or had nothing to take in

    // the session
    crdt::cut owed;     ///< what it has seen elsewhere and is not applied here yet; calls wait for it
    crdt::cut sent_cut; ///< what it knows of this node's cut
    std::uint64_t generation = 0; ///< of the store, when that was
    std::deque<kept_call> behind; ///< calls that wait for `owed`
    instant behind_since{};
    std::uint64_t question = 0; ///< the round of questions that they rely on; 0: the next one

    // calls and their results
    std::set<std::uint64_t> under_way;
    std::map<std::uint64_t, kept_call> arriving; ///< calls whose value comes in parts
    std::deque<kept_reply> replies;
    struct result {
        instant at{};
        kept_reply reply;
    };
    std::map<std::uint64_t, result> results; ///< of writes, by the number of the call
    std::uint64_t forgotten = 0;             ///< the highest number whose result is forgotten

    [[nodiscard]] std::size_t unanswered() const {
        return under_way.size() + behind.size() + replies.size() + arriving.size();
    }
};

} // namespace baton::shell
