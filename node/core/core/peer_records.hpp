// peer_records: what each machine keeps of one other node. They live and end together, as parts of a peer.
//
// Plain records. A machine changes its own; `holdings` is what the node has reported, and all may read it.
#pragma once

#include "core/evidence.hpp"
#include "core/io.hpp"
#include "core/pull_pace.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/time.hpp"
#include "discovery/address.hpp"
#include "discovery/liveness.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace baton::core {

/// What a node has reported of its own state.
struct holdings {
    cut seen;                                ///< all it has told that it has applied
    cut told;                                ///< its whole cut, as it stood at one moment
    bool overfull = false;                   ///< its last whole cut named more than is kept (told.hpp)
    digest archive{};                        ///< of its archive, as of the last standing
    bool full = false;                       ///< it applies no deltas at present
    std::optional<std::uint64_t> live_bytes; ///< of its state; nullopt: not reported
    std::uint64_t standing_hash = 0;
    bool hash_known = false;
    bool told_otherwise = false; ///< it has a later word of ours than the last one on PUB
    bool diverged = false;       ///< its cut was equal to ours, and its digest was not
};

/// Where it is, and how far the two have greeted (contact/contact.hpp).
struct contact_record {
    std::optional<link_id> via; ///< this node's link to it
    std::string host;           ///< where it was last seen
    std::string endpoint;       ///< of its ROUTER
    std::string publish_endpoint;
    std::vector<discovery::address> ways; ///< other addresses, the latest last; bounded
    std::uint64_t beacon_sequence = 0;    ///< of its last beacon
    bool greeted = false;                 ///< a HELLO of this incarnation has come
    bool sees_me = false;                 ///< its PUB has seen our subscription
    bool routable = false;                ///< our ROUTER has heard it, so it can be answered there
    bool address_taken = false;           ///< another node has its address, and says so itself
    instant asked_at{};                   ///< for a HELLO that was lost
};

/// Whether it lives (failure_detector.hpp).
struct health_record {
    discovery::liveness life;
    instant redialled_at{}; ///< when its connection was last replaced for its silence
    instant inquire_at{};   ///< when others are to be asked about it
    instant probe_at{};     ///< when it is to be probed
    std::uint32_t probed_from = 0, probes = 0, inquired_from = 0,
                  inquiries = 0; ///< numbers of the probes since it was last heard
    std::optional<instant>
        one_way_since; ///< it has been heard, but not both ways work; one that was up for a while
    bool one_way_told = false;
    instant probed_at{}; ///< when it was last asked for a sign of life on somebody's behalf
    /// Who wants to know when it is heard: by a link, or by a datagram.
    struct inquirer {
        bool by_link = false;
        std::string endpoint{};
        std::uint32_t number = 0;
    };
    std::map<replica_id, inquirer> inquirers;
    std::optional<replica_id> namesake; ///< a member of the same name that has been asked whether it lives
    instant namesake_asked_at{};
};

/// Acknowledgements and questions (proofs.hpp).
struct proof_record {
    std::uint64_t owes = 0; ///< it waits to hear that we have applied its events up to here
    cut wanted;             ///< and these
    mesh_clock::duration round_trip{std::chrono::milliseconds(10)}; ///< smoothed
    bool timed = false;      ///< it is of acknowledgements, not a guess
    instant awaited_since{}; ///< of the first write it has not acknowledged though somebody waits
    instant ask_at{};        ///< when to ask it; never, when zero
    mesh_clock::duration ask_every{};
    std::uint64_t asked = 0; ///< highest number of an ASK sent to it
    instant asked_question_at{};
    answer_record answer; ///< to the latest that it has answered

    /// It is gone: nobody waits for it, and it waits for nobody. How fast it answers stays.
    void forget() {
        owes = 0;
        wanted = {};
        ask_at = awaited_since = {};
        answer = {};
    }
};

/// Sessions of this node's own with it as the server (session_receiver.hpp).
struct pull_record {
    std::optional<instant> at; ///< it holds something we lack: ask for it then, if that is still so
    pull_pace pace;            ///< but not before this
    bool wants_archive = false, compare_next = false, wants_cut = false; ///< for the next PULL
    bool overstated = false; ///< it has told of more than its COMMIT held
};

/// Sessions with it as the receiver (session_server.hpp).
struct serve_record {
    std::uint64_t begun = 0; ///< highest number of its PULLs that was taken
};

/// Its leaving, and what it says of ours (handover.hpp).
struct handover_record {
    std::set<std::string, std::less<>> manifest; ///< what it announced as it began to leave
    std::size_t manifest_bytes = 0;
    bool told_manifest = false;  ///< it has been sent ours
    std::uint64_t to_answer = 0; ///< number of its LEAVING that we have not answered yet
    std::uint64_t rumoured = 0;  ///< number of a LEAVING that PUB says is its; its own word is awaited
    instant rumoured_at{};       ///< when that was last looked into
    std::optional<instant> goodbye_at{}; ///< when PUB said, while it was up, that it has left
    std::uint64_t goodbye = 0;           ///< with this final counter
    std::optional<cut> acked;            ///< what it acknowledged in answer to our LEAVING
    bool acked_whole = false;            ///< that was everything under our cut
    bool acked_staying = false;
    bool heard_farewell = false;

    /// It is gone; for good, and then it sends nothing that it has announced.
    void forget(bool for_good) {
        acked.reset();
        to_answer = 0;
        if (for_good) manifest.clear();
    }
};

/// How far it is behind, and what waits for it (stability.hpp).
struct lag_record {
    std::optional<cut> settling; ///< once it has seen this, its counter leftovers up to then may go
    std::size_t settling_count = 0;
    bool kept_up = false;  ///< has been no more than lag_max behind
    bool evicted = false;  ///< too far behind to hold back others (I7)
    std::uint64_t low = 0; ///< the smallest lag since it fell behind
    instant since{};
};

} // namespace baton::core
