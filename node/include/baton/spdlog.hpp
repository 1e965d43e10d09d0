// spdlog_sink: lets a node log through a program's own spdlog logger.
//
//     // Warnings and errors of the node go to the program's logger.
//     baton::options logged(baton::options settings) {
//         auto logger = spdlog::default_logger()->clone("baton");
//         logger->set_level(baton::to_spdlog(baton::log_level::warning));
//         settings.log = baton::spdlog_sink(std::move(logger));
//         return settings;
//     }
//
// Thread contract: the node calls the sink on its I/O thread, and the sink must not block. So use thread-safe
// spdlog sinks (`_mt`), and an asynchronous logger if they may be slow. The sink shares ownership of the
// logger. Header-only; the program links spdlog.
#pragma once

#include <baton/options.hpp>

#include <spdlog/spdlog.h>

#include <memory>
#include <string_view>
#include <utility>

namespace baton {

/// The spdlog level of the same severity.
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

/// A sink for options::log that writes to `logger` with its level and pattern; an empty sink without a
/// logger.
[[nodiscard]] inline log_sink spdlog_sink(std::shared_ptr<spdlog::logger> logger) {
    if (!logger) return {};
    return [logger = std::move(logger)](log_level level, std::string_view line) {
        logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
    };
}

} // namespace baton
