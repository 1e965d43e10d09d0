// door_link: one connection of a client to one door: a DEALER that connects once.
//
// One thread: that of the client_engine.
#pragma once

#include <baton/client_key.hpp>

#include <zmq.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace baton::shell {

class door_link {
  public:
    enum class state : std::uint8_t {
        fine,
        gone,   ///< refused by the system, or closed
        denied, ///< the handshake failed: the keys do not fit
    };
    /// Throws zmq::error_t.
    door_link(zmq::context_t& context, std::string endpoint, const std::optional<client_key>& key);
    ~door_link();
    door_link(const door_link&) = delete;

    [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
    zmq::socket_t& dealer() { return dealer_; }
    zmq::socket_t& monitor() { return monitor_; }
    /// Reads what has become of the connection.
    [[nodiscard]] state look();
    [[nodiscard]] bool receive(zmq::message_t& into);
    void send(std::string_view bytes);

  private:
    std::string endpoint_;
    zmq::socket_t dealer_, monitor_;
    state state_ = state::fine;
};

} // namespace baton::shell
