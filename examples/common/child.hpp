// child: a process of this same program, with pipes to and from it.
//
// One thread. Owns the process: the destructor kills it if it has not ended. Everything that waits has a
// deadline and throws std::runtime_error when it passes, when the child says "failed", or when it ends
// without a word.
#pragma once

#include "line.hpp"
#include "timing.hpp"

#include <sys/types.h>

#include <deque>
#include <string>
#include <vector>

class child {
  public:
    child(std::string name, const std::vector<std::string>& arguments);
    ~child();
    child(const child&) = delete;
    child& operator=(const child&) = delete;

    void tell(const std::string& word);
    /// The next line with this word; lines with other words are kept for later.
    line hear(const std::string& word, steady::time_point deadline);
    line ask(const std::string& word, steady::time_point deadline) {
        tell(word);
        return hear(word, deadline);
    }
    void terminate(); ///< SIGTERM
    /// Waits for the end: the exit status, or 128 and the signal's number.
    int wait(steady::time_point deadline);

  private:
    void read_more(steady::time_point deadline);

    std::string name_;
    pid_t pid_ = -1; ///< -1 once it has ended
    int to_ = -1, from_ = -1;
    std::string unfinished_;
    std::deque<line> heard_;
};
