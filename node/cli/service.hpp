// service: reports a node's life to systemd by the protocol of sd_notify, or to anything else that sets
// NOTIFY_SOCKET: READY, STATUS, STOPPING, EXTEND_TIMEOUT_USEC and WATCHDOG.
//
// Constructed and destroyed by one thread, while the node lives. A thread of its own does the work; without
// NOTIFY_SOCKET there is none, and nothing happens.
// Source: sd_notify(3): datagrams of NAME=VALUE lines to a Unix socket.
#pragma once

#include <baton/node.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace baton::cli {

/// Who wants the reports.
struct service_manager {
    std::string socket{};                  ///< a path, or '@' and an abstract name; empty: nobody
    std::chrono::microseconds watchdog{0}; ///< 0: it watches nothing

    /// Takes it out of the environment, so that child processes do not inherit it. Call before the first
    /// thread that may read the environment, the node's included.
    static service_manager take();
};

class service {
  public:
    /// READY is sent when the node is ready (monitor::is_ready), at the latest after `ready_within`.
    service(const node& served, service_manager manager, std::chrono::milliseconds ready_within);
    ~service();
    service(const service&) = delete;

  private:
    void run();
    /// False: nobody has got it; try again.
    [[nodiscard]] bool report(const std::string& lines) const;
    void report_status(const std::string& sentence);
    [[nodiscard]] std::string status(bool ready) const;

    const node& node_;
    const std::chrono::steady_clock::time_point ready_by_;
    const service_manager manager_;
    std::string status_; ///< as last reported
    std::mutex mutex_;
    std::condition_variable changed_;
    bool over_ = false; ///< under the lock
    std::thread thread_;
};

} // namespace baton::cli
