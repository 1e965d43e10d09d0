#include "shell/node_impl.hpp"

#include <baton/monitor.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>

namespace baton {

using namespace std::chrono_literals;

bool monitor::is_alive(std::chrono::milliseconds within) const {
    const auto& of = *watched_->impl_;
    if (of.forked()) return false;
    const auto before = of.engine->rounds();
    const auto until = std::chrono::steady_clock::now() + shell::io_thread::bounded(within);
    of.engine->look();
    // A round may have begun before the call: the second one to end proves something in any case.
    while (of.engine->rounds() - before < 2) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(1ms);
        of.engine->look();
    }
    return true;
}

bool monitor::is_ready() const {
    const auto& of = *watched_->impl_;
    if (of.forked()) return false;
    const auto is_ready = [&] { return of.engine->with([](core::mesh& mesh) { return mesh.is_ready(); }); };
    if (is_ready()) return true;
    of.engine->with([](core::mesh& mesh) { mesh.catch_up(shell::io_thread::now()); });
    of.engine->look();
    return is_ready();
}

result<mesh_view> monitor::view(view_options how) const {
    const auto& of = *watched_->impl_;
    if (of.forked()) return shell::forked_error();
    const auto& engine = *of.engine;
    if (how.ask_within) {
        engine.ask(*how.ask_within,
                   [](core::mesh& mesh, std::uint64_t question) { return mesh.has_answers(question); });
    }
    mesh_view now;
    now.ready = is_ready();
    now.leaving = engine.with([](core::mesh& mesh) {
        if (!mesh.is_leaving()) return std::optional<leave_state>{};
        const auto at = mesh.leaving_progress();
        return std::optional(leave_state{at.copies, at.staying, at.met});
    });
    now.members = engine.members();
    now.links = engine.with([](core::mesh& mesh) { return mesh.links(); });
    constexpr std::size_t members_a_hold = 16;
    for (replica_id after{};;) {
        auto some = engine.with([&](core::mesh& mesh) { return mesh.views(after, members_a_hold); });
        if (some.empty()) break;
        after = some.back().id;
        std::move(some.begin(), some.end(), std::back_inserter(now.views));
    }
    now.syncs = engine.with([](core::mesh& mesh) { return mesh.syncs(); });
    now.claims =
        engine.with([&](core::mesh& mesh) { return mesh.claims_seen(how.claims_max, now.claims_known); });
    return now;
}

} // namespace baton
