// node_impl: what a node is made of, and how its calls reach the mesh. Private to node's own files.
//
// Any thread; each call takes the node's lock for as long as one look or one write needs.
#pragma once

#include "shell/dispatcher.hpp"
#include "shell/engine_link.hpp"
#include "shell/io_thread.hpp"
#include "shell/merger.hpp"
#include "shell/threads.hpp"

#include <baton/node.hpp>

#include <mutex>

namespace baton {

using strings = std::vector<std::string>;

inline error forked_error() {
    return {errc::forked, "the node belongs to the parent process: start one here after fork()"};
}

/// Reads and removals ask this; writes are checked by the mesh.
inline result<void> check(const core::mesh& mesh, const slot_name& slot) {
    if (const auto good = mesh.check_key(slot.key); !good) return good.error();
    if (slot.element.size() > element_bytes_max) {
        return error{errc::key_too_long, "the element or field has " + std::to_string(slot.element.size()) +
                                             " bytes; at most " + std::to_string(element_bytes_max) +
                                             " are allowed"};
    }
    return {};
}

struct node::impl {
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

    /// A committed sync is folded in slice by slice; what looks at many keys does the rest itself.
    void finish_folding() const {
        while (engine->with([](core::mesh& mesh) { return mesh.state().fold(256); })) {
        }
    }
    /// What is absent may be of another type.
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
    /// `look(store&)` under the lock, if that is a slot that can be read.
    template <class Look>
    auto read(const slot_name& slot, Look look) const -> result<std::invoke_result_t<Look, store&>> {
        if (forked()) return forked_error();
        return engine->with([&](core::mesh& mesh) -> result<std::invoke_result_t<Look, store&>> {
            if (const auto good = check(mesh, slot); !good) return good.error();
            return look(mesh.state());
        });
    }
    [[nodiscard]] result<strings> members(value_type type, std::string_view key) const {
        if (forked()) return forked_error();
        return when_folded([&](core::mesh& mesh) -> result<strings> {
            if (const auto good = mesh.check_key(key); !good) return good.error();
            strings all;
            mesh.state().elements(type, key, all);
            return all;
        });
    }
    result<version> put(const slot_name& slot, std::string_view value) {
        if (forked()) return forked_error();
        return engine->write([&](core::mesh& mesh, const moment& at) { return mesh.put(at, slot, value); });
    }
    result<bool> remove(const slot_name& slot) {
        if (forked()) return forked_error();
        return engine->write([&](core::mesh& mesh, const moment& at) -> result<bool> {
            if (const auto good = check(mesh, slot); !good) return good.error();
            return mesh.remove(at, slot);
        });
    }
    /// A write whose holders somebody wants to know.
    struct pending {
        core::proof wanted;
        std::uint64_t ticket = 0;
    };
    static pending await(core::mesh& mesh, const moment& at, const version& written, ack_level level) {
        pending p{{written.id, level, {}}, 0};
        if (level == ack_level::local()) return p;
        if (level == ack_level::all_up()) p.wanted.all = mesh.members_up();
        p.ticket = mesh.await_holders(at, written.id);
        return p;
    }
    [[nodiscard]] result<void> check_level(ack_level level) const {
        if (level == ack_level::majority() && settings.mesh_size == 0)
            return error{errc::bad_argument,
                         "ack_level::majority() needs options::mesh_size, which is not set"};
        if (level == ack_level::copies(0))
            return error{errc::bad_argument,
                         "ack_level::copies(0) proves nothing: this node itself counts as the first copy"};
        return {};
    }
    /// Writes; in the same hold of the lock members are asked to acknowledge it.
    template <class Write>
    result<pending> begin(const stash_options& how, Write write) {
        if (forked()) return forked_error();
        if (const auto good = check_level(how.ack); !good) return good.error();
        return engine->write(
            [&](core::mesh& mesh, const moment& at) -> result<pending> {
                const auto written = write(mesh, at);
                if (!written) return written.error();
                return await(mesh, at, *written, how.ack);
            },
            how.within);
    }
    [[nodiscard]] result<stashed> prove(const result<pending>& begun, const stash_options& how) const {
        if (!begun) return begun.error();
        const version written{begun->wanted.id};
        if (how.ack == ack_level::local()) return stashed{written};
        const auto held = engine->wait_held(begun->wanted, begun->ticket, how.within);
        return stashed{written, held.copies, held.met};
    }
    [[nodiscard]] bool forked() const { return shell::forks() != fork_generation; }
    ~impl() {
        stop_watches();
        if (forked()) { // its threads and sockets are the parent's
            (void)merger.release();
            (void)engine.release();
            (void)new std::shared_ptr(std::exchange(watches, {})); // NOLINT
        } else if (engine) { // whoever is waiting to write stops with the leave
            engine->leave(settings.destructor_leave_within, 2);
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
