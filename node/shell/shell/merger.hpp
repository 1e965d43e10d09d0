// merger: calls the program's merge functions on a thread of its own, and writes their results in place of
// the siblings.
//
// Thread contract: add() and wake() from any thread; wake() under the node's lock. Destroy it after the
// engine has stopped writing and before the engine is destroyed; the destructor waits for a function that is
// running.
#pragma once

#include "shell/io_thread.hpp"

#include <baton/node.hpp>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace baton::shell {

class merger {
  public:
    explicit merger(io_thread& engine);
    ~merger();
    merger(const merger&) = delete;
    merger& operator=(const merger&) = delete;

    void add(std::string_view prefix, merge_function merge);
    void wake();

  private:
    void run();
    void merge_all();
    [[nodiscard]] merge_function function_for(std::string_view key);
    [[nodiscard]] std::uint64_t generation();
    void give_up(const core::merge_task& task, std::uint64_t tried, const std::string& why);

    io_thread& engine_;
    std::mutex mutex_; // taken under the node's, never the other way round
    std::condition_variable woken_;
    std::map<std::string, merge_function> functions_;
    std::uint64_t generation_ = 0; ///< grows with every function
    bool due_ = false, ends_ = false;
    std::thread thread_;
};

} // namespace baton::shell
