// node_impl: the parts of a node, and how its calls reach the mesh. Private to node's own files.
//
// Any thread; each call takes the node's lock for one read or one write.
#pragma once

#include "shell/dispatcher.hpp"
#include "shell/engine_link.hpp"
#include "shell/io_thread.hpp"
#include "shell/merger.hpp"
#include "shell/proving.hpp"
#include "shell/threads.hpp"

#include <baton/node.hpp>

#include <mutex>

namespace baton::shell {

class desk; // door/desk.hpp

inline error forked_error() {
    return {errc::forked, "the node belongs to the parent process: start one here after fork()"};
}

/// Checks the key of reads and removals; the mesh checks writes.
inline result<void> check(const core::mesh& mesh, const slot_name& slot) {
    if (const auto good = mesh.check_key(slot.key); !good) return good.error();
    if (slot.element.size() > element_bytes_max) {
        return error{errc::key_too_long, "the element or field has " + std::to_string(slot.element.size()) +
                                             " bytes; at most " + std::to_string(element_bytes_max) +
                                             " are allowed"};
    }
    return {};
}

} // namespace baton::shell

namespace baton {

struct node::impl {
    using strings = std::vector<std::string>;

    explicit impl(shell::descriptor_share taken)
        : share(std::move(taken)) {}

    shell::descriptor_share share;
    options settings;
    replica_id id{};
    std::string endpoint;          ///< as of the start
    std::uint16_t moving_port = 0; ///< not 0: the host may change with the machine's addresses
    int fork_generation = 0;
    std::unique_ptr<shell::io_thread> engine;
    std::shared_ptr<shell::dispatcher> watches;
    std::once_flag merging;
    std::unique_ptr<shell::merger> merger;       ///< once there is a function
    std::shared_ptr<shell::engine_link> handles; ///< by which they reach the engine
    std::shared_ptr<shell::desk> clients;        ///< where there is a door

    /// A committed sync is folded in slice by slice; a call that reads many keys folds in the rest itself.
    void finish_folding() const {
        while (engine->with([](core::mesh& mesh) { return mesh.state().fold(256); })) {
        }
    }
    /// An absent register may be a key of another type.
    void know_types() const {
        while (engine->with([](core::mesh& mesh) {
            auto& state = mesh.state();
            return state.folding_typed() && state.fold(256);
        })) {
        }
    }
    /// As engine->with(), while nothing is being folded in.
    template <class Use>
    auto when_folded(Use use) const {
        for (;;) {
            auto answer = engine->with([&](core::mesh& mesh) {
                return mesh.state().folding() ? std::nullopt : std::make_optional(use(mesh));
            });
            if (answer) return *std::move(answer);
            finish_folding();
        }
    }
    /// Calls `look(store&)` under the lock, if the slot is valid.
    template <class Look>
    auto read(const crdt::slot_name& slot, Look look) const
        -> result<std::invoke_result_t<Look, crdt::store&>> {
        if (forked()) return shell::forked_error();
        return engine->with([&](core::mesh& mesh) -> result<std::invoke_result_t<Look, crdt::store&>> {
            if (const auto good = shell::check(mesh, slot); !good) return good.error();
            return look(mesh.state());
        });
    }
    [[nodiscard]] result<strings> members(crdt::value_type type, std::string_view key) const {
        if (forked()) return shell::forked_error();
        return when_folded([&](core::mesh& mesh) -> result<strings> {
            if (const auto good = mesh.check_key(key); !good) return good.error();
            strings all;
            mesh.state().elements(type, key, all);
            return all;
        });
    }
    /// A write that waits for its acknowledgements: `write` as for shell::begin().
    template <class Write>
    [[nodiscard]] result<write_result> write(const write_options& how, Write write) {
        if (forked()) return shell::forked_error();
        return shell::prove(*engine, shell::begin(*engine, how, std::move(write)), how.within);
    }
    result<write_result> put(const crdt::slot_name& slot, std::string_view value, const write_options& how) {
        return write(how,
                     [&](core::mesh& mesh, const crdt::moment& at) { return mesh.put(at, slot, value); });
    }
    result<write_result> remove(const crdt::slot_name& slot, const write_options& how) {
        return write(how, [&](core::mesh& mesh, const crdt::moment& at) -> result<bool> {
            if (const auto good = shell::check(mesh, slot); !good) return good.error();
            return mesh.remove(at, slot);
        });
    }
    [[nodiscard]] bool forked() const { return shell::forks() != fork_generation; }
    ~impl() {
        stop_watches();
        if (forked()) {                                            // its threads and sockets are the parent's
            (void)new std::shared_ptr(std::exchange(clients, {})); // NOLINT
            (void)merger.release();
            (void)engine.release();
            (void)new std::shared_ptr(std::exchange(watches, {})); // NOLINT
        } else if (engine) { // a caller that waits to write stops with the leave
            engine->leave(settings.destructor_leave_within, 2);
            clients.reset();
            merger.reset();
            if (handles) handles->cut();
        }
    }
    /// A handler that is being called may use the node until it returns.
    void stop_watches() const {
        if (watches && !forked()) watches->stop();
    }
};

} // namespace baton
