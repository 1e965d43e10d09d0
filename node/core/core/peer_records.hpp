// peer_records: what each machine keeps of one other node. The records are parts of a peer, and begin and end
// with it.
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
    cut seen;                                ///< everything that it has reported as applied
    cut told;                                ///< its whole cut, as it stood at one moment
    bool overfull = false;                   ///< its last whole cut named more than is kept (told.hpp)
    digest archive{};                        ///< of its archive, as of the last standing
    bool full = false;                       ///< it applies no deltas at present
    std::optional<std::uint64_t> live_bytes; ///< of its state; nullopt: not reported
    std::uint64_t standing_hash = 0;
    bool hash_known = false;
    bool told_otherwise = false; ///< it has a later report of ours than the last one on PUB
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
    bool sees_me = false;                 ///< its PUB has seen this node's subscription
    bool routable = false;                ///< our ROUTER has heard it, so it can be answered there
    bool address_taken = false;           ///< another node has its address, and has stated so itself
    instant asked_at{};                   ///< when it was last asked for a HELLO that was lost
};

/// Whether it lives (failure_detector.hpp).
struct health_record {
    discovery::liveness life;
    instant redialled_at{}; ///< when its connection was last replaced for its silence
    instant inquire_at{};   ///< when to ask others about it
    instant probe_at{};     ///< when to probe it
    std::uint32_t probed_from = 0, probes = 0, inquired_from = 0,
                  inquiries = 0; ///< numbers of the probes since it was last heard
    std::optional<instant>
        one_way_since; ///< it is heard, but only one direction works, although it was up for a while
    bool one_way_told = false;
    instant probed_at{}; ///< when it was last asked for a sign of life for another member
    /// The members that want a report when it is heard: by a link, or by a datagram.
    struct inquirer {
        bool by_link = false;
        std::string endpoint{};
        std::uint32_t number = 0;
    };
    std::map<replica_id, inquirer> inquirers;
};

/// Whether it replaces another member (namesakes.hpp).
struct namesake_record {
    std::optional<replica_id> older; ///< a member of the same name that has been asked for a sign of life
    instant asked_at{};
};

/// Acknowledgements and questions (proofs.hpp).
struct proof_record {
    std::uint64_t owes = 0; ///< it waits for this node's acknowledgement of its events up to here
    cut wanted;             ///< and these
    mesh_clock::duration round_trip{std::chrono::milliseconds(10)}; ///< smoothed
    bool timed = false;      ///< measured by acknowledgements, not a guess
    instant awaited_since{}; ///< of the first write that a call waits for and it has not acknowledged
    instant ask_at{};        ///< when to ask it; zero: never
    mesh_clock::duration ask_every{};
    std::uint64_t asked = 0; ///< highest number of an ASK sent to it
    instant asked_question_at{};
    answer_record answer; ///< to the latest question that it has answered

    /// It is gone: no call waits for it, and it waits for no acknowledgement. The measured round trip stays.
    void forget() {
        owes = 0;
        wanted = {};
        ask_at = awaited_since = {};
        answer = {};
    }
};

/// Sessions of this node's own with it as the server (session_receiver.hpp).
struct pull_record {
    std::optional<instant> at; ///< it holds events that this node lacks: when to ask, if it still does
    pull_pace pace;            ///< but not before this
    bool wants_archive = false, compare_next = false, wants_cut = false; ///< for the next PULL
    bool overstated = false; ///< it has reported more than its COMMIT held
};

/// Sessions with it as the receiver (session_server.hpp).
struct serve_record {
    std::uint64_t begun = 0; ///< highest number of its PULLs that was accepted
};

/// Its leave, and its answers to this node's leave (handover.hpp).
struct handover_record {
    std::set<std::string, std::less<>> manifest; ///< what it announced as it began to leave
    std::size_t manifest_bytes = 0;
    bool told_manifest = false;  ///< it has been sent ours
    std::uint64_t to_answer = 0; ///< number of its LEAVING that this node has not answered yet
    instant since{};             ///< when it announced that
    std::uint64_t rumoured = 0;  ///< number of a LEAVING in its name on PUB; it has not confirmed it yet
    instant rumoured_at{};       ///< when that was last looked into
    std::optional<instant> goodbye_at{}; ///< when a frame on PUB stated, while it was up, that it has left
    std::uint64_t goodbye = 0;           ///< with this final counter
    std::optional<cut> acked;            ///< what it acknowledged in answer to this node's LEAVING
    bool acked_whole = false;            ///< that was everything under this node's cut
    bool acked_staying = false;
    bool heard_farewell = false;

    /// It is gone. If it is gone for good, it will not send what it has announced.
    void forget(bool for_good) {
        acked.reset();
        to_answer = 0;
        if (for_good) manifest.clear();
    }
};

/// How far it is behind, and what waits for it (stability.hpp).
struct lag_record {
    std::optional<cut> settling; ///< once it has seen this, residues of its shares up to then may go
    std::size_t settling_count = 0;
    bool kept_up = false;  ///< has been no more than lag_max behind
    bool evicted = false;  ///< too far behind to hold back others (I7)
    std::uint64_t low = 0; ///< the smallest lag since it fell behind
    instant since{};
};

} // namespace baton::core
