// web_server: a small HTTP/1.1 server with firm bounds, on libmicrohttpd: one thread for all connections,
// each of which carries one request.
//
// Contract: constructed and destroyed by one thread. The handler runs on the server's thread, one request at
// a time, and must not block for longer than a probe may wait. publish() may be called by any thread.
//
// Bounds: 32 connections, the last 4 of them for probes; 8 KiB of head within 2 s; a reply within 10 s; 8
// streams. A stream has no queue: it sends the latest text that was published, and skips those that came in
// between.
#pragma once

#include "http/guard.hpp"

#include <baton/result.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::cli {

/// A socket that listens, before anything answers there.
class listener {
  public:
    /// `where` is ADDR:PORT or [ADDR]:PORT; port 0: any free one. Errors: bad_option, address_in_use,
    /// network; the sentence names `where`.
    static result<listener> open(const std::string& where);
    /// Whether `where` has that form. Opens nothing. Errors: bad_option.
    static result<void> check(const std::string& where);
    listener(listener&& other) noexcept;
    listener& operator=(listener&&) = delete;
    ~listener();
    /// "http://ADDR:PORT/", with the real port.
    [[nodiscard]] const std::string& url() const { return url_; }
    /// The descriptor, which belongs to the caller from now on.
    [[nodiscard]] int release();

  private:
    listener(int fd, std::string url)
        : fd_(fd)
        , url_(std::move(url)) {}
    int fd_;
    std::string url_;
};

class web_server {
  public:
    static constexpr std::size_t connections_max = 32, probe_places = 4, streams_max = 8;
    static constexpr std::size_t head_bytes_max = 8192, stream_bytes_max = std::size_t{256} << 10;

    struct request {
        std::string_view path;
        request_head head;
    };
    struct reply {
        unsigned status = 200;
        std::string_view type = "text/plain; charset=utf-8";
        std::shared_ptr<const std::string> body{};
        int stream = -1; ///< not negative: a stream of the texts of that channel
        std::string_view extra_header{}, extra_value{};
    };
    struct terms {
        std::vector<std::string> names{}; ///< that a Host header may have
        std::function<reply(const request&)> handler{};
        std::function<bool(std::string_view path)> is_probe{};
    };
    /// Throws std::runtime_error if the server cannot start.
    web_server(listener where, terms how);
    ~web_server(); ///< ends every connection
    web_server(const web_server&) = delete;

    /// The latest text of a channel, for its streams; an event of `text/event-stream`, or a comment.
    void publish(int channel, const std::shared_ptr<const std::string>& text);
    [[nodiscard]] std::size_t streams(int channel) const;

  private:
    struct body;
    std::unique_ptr<body> body_;
};

} // namespace baton::cli
