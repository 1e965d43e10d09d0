#include "sync_meter.hpp"

#include <array>
#include <cstdio>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto shown_after = 200ms;                           // shorter ones come and go all the time
constexpr std::uint64_t large_bytes = std::uint64_t{1} << 20; // worth a line, however short it was

std::string seconds_text(double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), seconds < 10 ? "%.1f s" : "%.0f s", seconds);
    return text.data();
}

std::string line_of(const sync_sample& now, std::uint64_t bytes, double passed) {
    auto line = "sync: " + with_commas(now.records);
    if (now.records_expected > now.records) line += " of about " + with_commas(now.records_expected);
    line += " keys, " + bytes_text(bytes);
    if (now.records_expected > now.records && now.records != 0 && passed > 0) {
        const auto rate = static_cast<double>(now.records) / passed;
        line += ", " + seconds_text(static_cast<double>(now.records_expected - now.records) / rate) + " left";
    }
    return line;
}

} // namespace

std::optional<std::string> sync_meter::look(const sync_sample& now, clock::time_point at,
                                            std::optional<std::string>& closing) {
    const auto passed = [&](clock::time_point begin) {
        return std::chrono::duration<double>(at - begin).count();
    };
    if (now.open) {
        if (!sync_) sync_ = sync{at, bytes_seen_, false};
        if (at - sync_->begin < shown_after && !sync_->shown) return std::nullopt;
        sync_->shown = true;
        return line_of(now, now.bytes - sync_->bytes_before, passed(sync_->begin));
    }
    // Also one that came and went between two looks.
    const auto over = sync_.value_or(sync{seen_at_, bytes_seen_, false});
    const auto bytes = now.bytes - over.bytes_before;
    sync_.reset();
    bytes_seen_ = now.bytes;
    seen_at_ = at;
    if (over.shown || bytes >= large_bytes)
        closing = "sync: " + bytes_text(bytes) + " received in " + seconds_text(passed(over.begin)) + "; " +
                  with_commas(now.keys) + " keys here";
    return over.shown ? std::optional(std::string{}) : std::nullopt;
}

} // namespace baton::cli
