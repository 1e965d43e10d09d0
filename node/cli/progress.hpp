// progress: shows a person how far a sync of this node is, on standard error if that is a terminal, and
// otherwise does nothing. Where a line is edited on the terminal, it appears above that line.
//
// One thread calls look(), several times a second.
#pragma once

#include "prompt.hpp"
#include "sync_meter.hpp"

#include <baton/node.hpp>

namespace baton::cli {

class progress {
  public:
    /// `line`: nullptr, or the prompt that owns the terminal.
    progress(const node& served, prompt* line);
    ~progress();
    progress(const progress&) = delete;

    void look();

  private:
    void show(const std::string& line);
    void show_for_good(const std::string& line);

    const node& node_;
    prompt* const line_;
    const bool to_terminal_;
    bool shown_ = false;
    sync_meter meter_;
    sync_meter::clock::time_point looked_at_{};
};

} // namespace baton::cli
