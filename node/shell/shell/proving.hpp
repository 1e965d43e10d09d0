// proving: a write of the program, and the wait until enough members hold it: the common part of every write
// of a node and of a claim. Private to the shell.
//
// Any thread. begin() takes the node's lock once, prove() waits without a lock of its own.
#pragma once

#include "shell/io_thread.hpp"

#include <baton/write.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

namespace baton::shell {

/// A write that has been made, and the wanted acknowledgements.
struct unproven {
    core::proof wanted;
    std::uint64_t ticket = 0; ///< of mesh::await_holders
    bool changed = true;      ///< false: there was nothing to remove, and no write was made
};

[[nodiscard]] inline result<void> check_level(ack_level level, std::size_t mesh_size) {
    if (level == ack_level::majority() && mesh_size == 0)
        return error{errc::bad_argument, "ack_level::majority() needs options::mesh_size, which is not set"};
    if (level == ack_level::copies(0))
        return error{errc::bad_argument,
                     "ack_level::copies(0) proves nothing: this node itself counts as the first copy"};
    return {};
}

/// Asks members to acknowledge `written`. Best called in the same hold of the lock as the write.
[[nodiscard]] inline unproven await_proof(core::mesh& mesh, const moment& at, const version& written,
                                          ack_level level) {
    unproven made{{written.id, level, {}}, 0, true};
    if (level == ack_level::local()) return made;
    if (level == ack_level::all_up()) made.wanted.all = mesh.members_up();
    made.ticket = mesh.await_holders(at, written.id);
    return made;
}

/// The last event of this node. Right after a removal, in the same hold of the lock, it is the removal's last
/// event: a member that holds it holds the whole removal.
[[nodiscard]] inline version last_written(core::mesh& mesh) {
    const auto& self = mesh.settings().self;
    return version{{self, mesh.state().counter_of(self)}};
}

/// `write(mesh, moment)` is a result<version>, or of a removal a result<bool>: whether there was something.
template <class Write>
[[nodiscard]] result<unproven> write_and_await(core::mesh& mesh, const moment& at, ack_level level,
                                               const Write& write) {
    if (const auto good = check_level(level, mesh.settings().mesh_size); !good) return good.error();
    const auto written = write(mesh, at);
    if (!written) return written.error();
    if constexpr (std::is_same_v<decltype(written), const result<bool>>) {
        if (!*written) return unproven{{{}, level, {}}, 0, false};
        return await_proof(mesh, at, last_written(mesh), level);
    } else {
        return await_proof(mesh, at, *written, level);
    }
}

/// The same for a write of this node or of another one that was made earlier.
[[nodiscard]] inline result<unproven> await_known(core::mesh& mesh, const moment& at, const version& written,
                                                  ack_level level) {
    if (const auto good = check_level(level, mesh.settings().mesh_size); !good) return good.error();
    if (!mesh.state().has_seen(written.id) || written.id.counter == 0)
        return error{errc::unknown_version, "this node has not seen " + written.id.to_string()};
    return await_proof(mesh, at, written, level);
}

template <class Write>
[[nodiscard]] result<unproven> begin(io_thread& engine, const write_options& how, Write write) {
    return engine.write(
        [&](core::mesh& mesh, const moment& at) { return write_and_await(mesh, at, how.ack, write); },
        how.within);
}

[[nodiscard]] inline write_result answer_of(const unproven& made, const core::ack_count& held) {
    return {version{made.wanted.id}, held.copies, held.met, true};
}

/// The result if no wait is needed; nullopt if the call must wait for members.
[[nodiscard]] inline std::optional<write_result> proven_at_once(const unproven& made) {
    const bool local = made.wanted.level == ack_level::local();
    if (!made.changed) return write_result{{}, 0, local, false};
    return local ? std::optional(answer_of(made, {1, true})) : std::nullopt;
}

/// Waits until the level is met or the time is over.
[[nodiscard]] inline result<write_result> prove(io_thread& engine, const result<unproven>& begun,
                                                std::chrono::milliseconds within) {
    if (!begun) return begun.error();
    if (const auto known = proven_at_once(*begun)) return *known;
    return answer_of(*begun, engine.wait_held(begun->wanted, begun->ticket, within));
}

[[nodiscard]] inline error not_synced_error(std::chrono::milliseconds within) {
    return {errc::timeout, "the node is not synced after " + std::to_string(within.count()) + " ms"};
}

} // namespace baton::shell
