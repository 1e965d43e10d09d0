// A raw libzmq socket over tcp loopback, for the references: no batching, no wrapper on the hot path.
//
// One thread. Publishing sockets are XPUB, which is PUB that lets its owner see that somebody has subscribed;
// no high-water mark, so that nothing is dropped.
#pragma once

#include <zmq.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace baton::bench {

class zmq_socket {
  public:
    explicit zmq_socket(int type)
        : context_(zmq_ctx_new())
        , socket_(zmq_socket_of(context_, type)) {
        const int none = 0;
        check(zmq_setsockopt(socket_, ZMQ_SNDHWM, &none, sizeof none));
        check(zmq_setsockopt(socket_, ZMQ_RCVHWM, &none, sizeof none));
        check(zmq_setsockopt(socket_, ZMQ_LINGER, &none, sizeof none));
        if (type == ZMQ_SUB) check(zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, "", 0));
    }
    ~zmq_socket() {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }
    zmq_socket(const zmq_socket&) = delete;
    zmq_socket& operator=(const zmq_socket&) = delete;

    /// Binds, to any port of 127.0.0.1 unless told where, and returns where. (A SUB should connect: one that
    /// binds does not send its subscription until it is asked for messages.)
    std::string bind(const std::string& where = "tcp://127.0.0.1:*") {
        check(zmq_bind(socket_, where.c_str()));
        char endpoint[64];
        std::size_t size = sizeof endpoint;
        check(zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, endpoint, &size));
        return endpoint;
    }
    void connect(const std::string& endpoint) { check(zmq_connect(socket_, endpoint.c_str())); }
    void send(const void* bytes, std::size_t size, int flags = 0) {
        check(zmq_send(socket_, bytes, size, flags));
    }
    /// Blocks for the next message, or part of one, and copies it; valid until the next call.
    std::string_view receive() {
        const auto size = zmq_recv(socket_, received_, sizeof received_, 0);
        check(size);
        return {received_, static_cast<std::size_t>(size)};
    }
    /// XPUB: until somebody has subscribed.
    void await_subscriber() { receive(); }

  private:
    static void* zmq_socket_of(void* context, int type) { return ::zmq_socket(context, type); }
    static void check(int outcome) {
        if (outcome < 0) throw std::runtime_error(zmq_strerror(zmq_errno()));
    }
    void* context_;
    void* socket_;
    char received_[256];
};

/// "libzmq 4.3.4"
inline std::string zmq_name() {
    int major, minor, patch;
    zmq_version(&major, &minor, &patch);
    return "libzmq " + std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

} // namespace baton::bench
