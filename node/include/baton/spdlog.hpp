// spdlog_sink: lets a node log through a program's own spdlog logger.
//
// Thread contract: the sink is called on the node's I/O thread and must not block, so give it a logger whose
// sinks are thread-safe (`_mt`) and, where they may be slow, an asynchronous one. The sink shares ownership
// of the logger. Header-only; the using program links spdlog.
#pragma once

#include <baton/options.hpp>

#include <spdlog/spdlog.h>

#include <memory>
#include <string_view>
#include <utility>

namespace baton {

/// The same severity in spdlog's words.
[[nodiscard]] inline spdlog::level::level_enum to_spdlog(log_level level) {
    switch (level) {
    case log_level::debug:
        return spdlog::level::debug;
    case log_level::info:
        return spdlog::level::info;
    case log_level::warning:
        return spdlog::level::warn;
    case log_level::error:
        return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// A sink for options::log. The logger's level and pattern apply; no logger means silence.
[[nodiscard]] inline log_sink spdlog_sink(std::shared_ptr<spdlog::logger> logger) {
    if (!logger) return {};
    return [logger = std::move(logger)](log_level level, std::string_view line) {
        logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
    };
}

} // namespace baton
