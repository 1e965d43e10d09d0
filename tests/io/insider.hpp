// insider: a program that speaks the protocol by hand: with the key of a mesh and a key pair of its own, or
// to a mesh without a key. Its frames are well-formed and sealed; the test decides what they say.
#pragma once

#include "discovery/beacon.hpp"
#include "discovery/seal.hpp"
#include "mesh.hpp"
#include "wire/frame.hpp"

#include <zmq.hpp>

#include <array>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>

namespace io {

/// A key of 32 equal bytes.
inline baton::mesh_key key(char number) {
    return *baton::mesh_key::from_bytes(std::string(baton::mesh_key::size, number));
}

class insider {
  public:
    using link_key = baton::discovery::link_key;
    using purpose = baton::discovery::purpose;

    insider(std::string cluster_name, std::optional<baton::mesh_key> its_key)
        : cluster(std::move(cluster_name))
        , secret(std::move(its_key)) {
        std::array<char, 41> shown{}, hidden{};
        zmq_curve_keypair(shown.data(), hidden.data());
        zmq_z85_decode(own.bytes.data(), shown.data());
        public_z85 = shown.data();
        secret_z85 = hidden.data();
        std::random_device entropy;
        for (auto& byte : id.bytes) byte = static_cast<std::uint8_t>(entropy());
    }
    /// A sealed beacon or introduction for a mesh with a key; with a nonce it is a question.
    [[nodiscard]] std::string sealed(purpose what, std::string nonce = {},
                                     std::uint64_t sequence = 10) const {
        baton::discovery::beacon b{
            cluster,    baton::wire::version_min, baton::wire::version_max, id, sequence, port, publish_port,
            "127.0.0.1"};
        b.time_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                .count());
        b.key = own;
        b.nonce = std::move(nonce);
        auto bytes = baton::discovery::encode(b, b.nonce.empty() ? 0 : 1100);
        baton::discovery::seal(bytes, what, *secret);
        return bytes;
    }
    /// Asks a node for its link key: the answer is sealed and repeats the nonce. From then on the node lets
    /// this key pair in.
    [[nodiscard]] baton::discovery::beacon introduce(std::uint16_t node_port) const {
        const socket_holder from{SOCK_DGRAM, port};
        const auto there = socket_holder::loopback(node_port);
        const std::string nonce(16, 'n');
        const auto question = sealed(purpose::introduction, nonce);
        for (int tries = 0; tries < 20; ++tries) {
            sendto(from.fd(), question.data(), question.size(), 0, reinterpret_cast<const sockaddr*>(&there),
                   sizeof there);
            pollfd wait{from.fd(), POLLIN, 0};
            if (poll(&wait, 1, 200) != 1) continue;
            std::array<char, 2048> buffer{};
            const auto got = recv(from.fd(), buffer.data(), buffer.size(), 0);
            const auto opened =
                baton::discovery::unseal({buffer.data(), static_cast<std::size_t>(got)},
                                         purpose::introduction, baton::discovery::keyring({*secret}));
            const auto answer = baton::discovery::decode_beacon(opened.payload);
            if (!answer || answer->echo != nonce) continue; // a question of its own
            if (static_cast<std::size_t>(got) > question.size())
                throw std::runtime_error("an answer that is longer than its question");
            return *answer;
        }
        throw std::runtime_error("nobody answers an introduction");
    }
    [[nodiscard]] std::string hello(std::uint64_t flags = baton::wire::hello::wants_answer) const {
        baton::wire::hello f;
        f.cluster = cluster;
        f.id = id;
        f.flags = flags;
        f.name = "insider";
        f.hosts = "127.0.0.1";
        f.port = port;
        f.publish_port = publish_port;
        return baton::wire::encode(f);
    }
    /// A client that drops unsent frames at its end; with a key pair of its own if the mesh has a key.
    [[nodiscard]] zmq::socket_t client(zmq::context_t& context, zmq::socket_type type, const link_key& server,
                                       const std::string& routing_id = {}) const {
        zmq::socket_t made{context, type};
        made.set(zmq::sockopt::linger, 0);
        made.set(zmq::sockopt::sndtimeo, static_cast<int>(patience(3s).count()));
        made.set(zmq::sockopt::rcvtimeo, static_cast<int>(patience(3s).count()));
        if (!routing_id.empty()) made.set(zmq::sockopt::routing_id, routing_id);
        if (!secret) return made;
        zmq_setsockopt(made.handle(), ZMQ_CURVE_SERVERKEY, server.bytes.data(), server.bytes.size());
        made.set(zmq::sockopt::curve_publickey, public_z85);
        made.set(zmq::sockopt::curve_secretkey, secret_z85);
        return made;
    }
    /// A server at this port of 127.0.0.1, for nodes that dial the insider.
    [[nodiscard]] zmq::socket_t server(zmq::context_t& context, zmq::socket_type type,
                                       std::uint16_t at) const {
        zmq::socket_t made{context, type};
        made.set(zmq::sockopt::linger, 0);
        if (secret) {
            made.set(zmq::sockopt::curve_server, true);
            made.set(zmq::sockopt::curve_secretkey, secret_z85);
        }
        made.bind("tcp://127.0.0.1:" + std::to_string(at));
        return made;
    }
    [[nodiscard]] std::string route() const { return "B" + std::string(id.view()); }

    std::string cluster, public_z85, secret_z85;
    std::optional<baton::mesh_key> secret; ///< none: it speaks to an open mesh
    link_key own;
    baton::replica_id id;
    std::uint16_t port = free_port(SOCK_DGRAM), publish_port = free_port(SOCK_STREAM);
};

} // namespace io
