// nodes: what the tests of nodes in this process share. See mesh.hpp for the surroundings.
#pragma once

#include "mesh.hpp"
#include "support/catch.hpp"

#include <mutex>
#include <string>
#include <vector>

namespace io {

/// A node that has started; a start that fails throws its sentence.
inline baton::node started(baton::options settings) {
    auto made = baton::node::start(std::move(settings));
    if (!made) throw std::runtime_error(made.error().what);
    return std::move(made).value();
}

/// The next event of this kind; others are passed over. Nothing if none comes within the time.
inline std::optional<baton::event> next_event(baton::node& of, baton::event_kind kind,
                                              milliseconds within = 10s) {
    const auto until = clock::now() + patience(within);
    while (clock::now() < until) {
        auto happened = of.next_event(std::chrono::ceil<milliseconds>(until - clock::now()));
        if (happened && happened->kind == kind) return *happened;
    }
    return std::nullopt;
}

[[nodiscard]] inline bool meet(baton::node& one, baton::node& other) {
    return next_event(one, baton::event_kind::joined) && next_event(other, baton::event_kind::joined);
}

/// True if both have the same visible digest within the time.
[[nodiscard]] inline bool agree(const baton::node& one, const baton::node& other, milliseconds within = 10s) {
    return eventually(within, [&] { return one.digest() && one.digest() == other.digest(); });
}

/// The value of `key` once it is there.
inline std::optional<std::string> value_at(const baton::node& of, std::string_view key,
                                           milliseconds within = 10s) {
    const auto got = of.pickup(key, {.within = patience(within)});
    if (!got || !got->found()) return std::nullopt;
    return got->value;
}

/// A log sink that keeps warnings and errors. Copies share what they keep.
class kept_log {
  public:
    void operator()(baton::log_level level, std::string_view line) const {
        const std::scoped_lock lock{kept_->mutex};
        ++kept_->by_level[static_cast<std::size_t>(level)];
        if (level >= baton::log_level::warning) kept_->lines.emplace_back(line);
    }
    [[nodiscard]] std::vector<std::string> lines_with(std::string_view part) const {
        const std::scoped_lock lock{kept_->mutex};
        std::vector<std::string> found;
        for (const auto& line : kept_->lines)
            if (line.find(part) != line.npos) found.push_back(line);
        return found;
    }
    [[nodiscard]] std::size_t count(baton::log_level level) const {
        const std::scoped_lock lock{kept_->mutex};
        return kept_->by_level[static_cast<std::size_t>(level)];
    }

  private:
    struct state {
        std::mutex mutex;
        std::vector<std::string> lines;
        std::array<std::size_t, 4> by_level{};
    };
    std::shared_ptr<state> kept_ = std::make_shared<state>();
};

} // namespace io
