// tcp: lines of text over TCP connections on loopback, none of which ever blocks.
//
// One thread each. Owns the descriptors. What the world does (a peer that is gone) is answered with false or
// nothing; std::system_error only where this machine has no socket to give.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

class connection {
  public:
    explicit connection(int fd)
        : fd_(fd) {}
    connection(connection&& other) noexcept;
    connection& operator=(connection&& other) noexcept;
    ~connection();

    /// To "127.0.0.1:PORT"; nothing if nobody listens there.
    [[nodiscard]] static std::optional<connection> to(std::string_view address);

    /// Appends the whole lines that have come, without their ends. False: the peer has closed, or is gone.
    [[nodiscard]] bool receive(std::vector<std::string>& lines);
    /// Keeps the line until flush().
    void say(std::string_view line) { unsent_.append(line) += '\n'; }
    /// Sends what fits. False: the peer is gone.
    [[nodiscard]] bool flush();
    [[nodiscard]] bool has_unsent() const { return !unsent_.empty(); }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    static constexpr std::size_t line_bytes_max = 4096; ///< a peer that sends longer ones is cut off
    int fd_ = -1;
    std::string received_, unsent_;
};

class listener {
  public:
    listener(); ///< any free port of 127.0.0.1
    ~listener();
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;

    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] std::optional<connection> accept() const;
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_ = -1;
    std::string address_;
};
