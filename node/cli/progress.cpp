#include "progress.hpp"

#include "terminal.hpp"

#include <baton/monitor.hpp>

#include <unistd.h>

#include <algorithm>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto looked_every = 100ms;
constexpr const char* erased = "\r\x1b[K"; // the line that the cursor is in

sync_sample sample_of(const node& served) {
    sync_sample now;
    const auto stats = served.stats();
    if (!stats) return now;
    now.bytes = stats->state_bytes_received;
    now.keys = stats->keys;
    const auto view = monitor{served}.view({.claims_max = 0});
    if (!view) return now;
    const auto received = std::ranges::find_if(view->syncs, &sync_progress::receives);
    if (received == view->syncs.end()) return now;
    now.open = true;
    now.records = received->records;
    now.records_expected = received->records_expected;
    return now;
}

} // namespace

progress::progress(const node& served, prompt* line)
    : node_(served)
    , line_(line)
    , to_terminal_(isatty(STDERR_FILENO) == 1 && screen_of(STDERR_FILENO).moves) {}

progress::~progress() {
    if (to_terminal_) show({});
}

void progress::look() {
    const auto now = sync_meter::clock::now();
    if (!to_terminal_ || now - looked_at_ < looked_every) return;
    looked_at_ = now;
    std::optional<std::string> closing;
    if (const auto line = meter_.look(sample_of(node_), now, closing)) show(*line);
    if (closing) show_for_good(*closing);
}

void progress::show(const std::string& line) {
    if (line_ != nullptr) return line_->status(line);
    if (line.empty() && !shown_) return;
    shown_ = !line.empty();
    standard_error().offer(erased + fitted(line, screen_of(STDERR_FILENO).width - 1));
}

void progress::show_for_good(const std::string& line) {
    if (line_ != nullptr) {
        line_->offer(line + '\n');
    } else {
        standard_error().offer(erased + line + '\n');
    }
}

} // namespace baton::cli
