// pulling: what the tests of the receiver share: a server with something to send, a receiver, and a link on
// which each frame can be lost.
#pragma once

#include "core/session_receiver.hpp"
#include "core/session_server.hpp"
#include "machines/alone.hpp"

#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace baton::core {

struct two_nodes {
    lone_node there{2}, node{1};
    std::mt19937_64 random{1};
    session_server server{there.settings, there.here, there.members, there.mail, random};
    session_server own{node.settings, node.here, node.members, node.mail, random};
    session_receiver receiver{node.settings, node.here, node.members, node.mail, own, random};
    room space{0};
    bool fits = true;
    moment at{start, wall};
    outbox out, answers;
    peer& p = node.up(2);
    std::optional<session_receiver::ended> end; ///< the last one
    std::vector<replica_id> beyond;
    std::uint64_t walk = 0; ///< of the last listing

    two_nodes() {
        there.up(1);
        there.settings.limits.chunk_bytes_max = 256;
        node.settings.limits.chunk_bytes_max = 256;
        node.settings.limits.credit_bytes = 512;
        p.via = link_id{1};
        p.holds.told_otherwise = true; // so that the PULL carries the whole cut
        node.links[*p.via].open = true;
    }
    static void write(lone_node& at, int keys) {
        write_buffers buffers;
        for (int i = 0; i < keys; ++i) {
            const auto number = at.here.counter_of(at.settings.self) + 1;
            at.here.put(register_of("key " + std::to_string(number)), std::string(60, 'v'),
                        timestamp::at(wall), buffers);
        }
    }
    /// The server reports what it holds, and the receiver asks if it lacks some of it.
    void consider() {
        p.holds.seen.join(there.here.seen());
        receiver.note_lack(p, at.now);
        receiver.consider(at, space, out);
    }
    void note(session_receiver::outcome done) {
        if (done.end) end = std::move(done.end);
        if (!done.beyond.empty()) beyond = std::move(done.beyond);
    }
    void tend() { note(receiver.tend(at, out)); }
    session_receiver::outcome take(const wire::state& f) {
        const auto bytes = wire::encode(f, wire::version_max);
        const auto frame = wire::decode(bytes);
        return receiver.on_state(replica(2), bytes, std::get<wire::state>(*frame), fits, at, out);
    }
    session_receiver::outcome answer(const wire::fingerprint& f) {
        const auto bytes = wire::encode(f, wire::version_max);
        const auto frame = wire::decode(bytes);
        return receiver.on_answer(replica(2), std::get<wire::fingerprint>(*frame), at, out);
    }
    /// Both sides exchange frames and work, until nothing more happens or `rounds` are over.
    void run(int rounds = 1000) {
        bool more = true;
        for (int i = 0; more && i < rounds; ++i) {
            more = !out.actions.empty();
            for (const auto& each : std::exchange(out.actions, {})) {
                if (const auto* const f = std::get_if<send_request>(&each)) serve(f->bytes);
            }
            while (server.work(at, answers)) {
            }
            more = more || !answers.actions.empty();
            for (const auto& each : std::exchange(answers.actions, {})) {
                if (const auto* const f = std::get_if<send_reply>(&each)) hear(f->bytes);
            }
            for (bool works = true; works;) {
                auto done = receiver.work(at, out);
                works = done.more && !node.here.folding();
                more = more || works;
                note(std::move(done));
            }
            while (node.here.fold(256)) {
            }
        }
    }
    [[nodiscard]] std::size_t keys() const { return node.here.keys(); }

  private:
    void serve(const std::string& bytes) {
        const auto frame = wire::decode(bytes);
        REQUIRE(frame);
        if (const auto* const f = std::get_if<wire::pull>(&*frame))
            CHECK(server.on_pull(replica(1), *f, at.now, answers));
        if (const auto* const f = std::get_if<wire::credit>(&*frame))
            CHECK(server.on_credit(replica(1), *f, at.now, answers).why);
        if (const auto* const f = std::get_if<wire::fingerprint>(&*frame))
            CHECK(server.on_question(replica(1), *f, at.now, answers));
    }
    void hear(const std::string& bytes) {
        const auto frame = wire::decode(bytes);
        REQUIRE(frame);
        if (const auto* const f = std::get_if<wire::state>(&*frame))
            note(receiver.on_state(replica(2), bytes, *f, fits, at, out));
        if (const auto* const f = std::get_if<wire::fingerprint>(&*frame)) {
            walk = f->walk;
            note(receiver.on_answer(replica(2), *f, at, out));
        }
    }
};

} // namespace baton::core
