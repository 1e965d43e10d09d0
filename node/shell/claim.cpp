#include "shell/claiming.hpp"
#include "shell/proving.hpp"

#include <baton/claim.hpp>

#include <utility>

namespace baton {

claim_handle::claim_handle(std::unique_ptr<body> of)
    : body_(std::move(of)) {}
claim_handle::claim_handle(claim_handle&&) noexcept = default;

claim_handle& claim_handle::operator=(claim_handle&& other) noexcept {
    if (this != &other) {
        claim_handle former(std::move(*this)); // releases the claim held so far
        body_ = std::move(other.body_);
    }
    return *this;
}

// A release that fails needs no handling: the claim was lost, or the node is gone and has released it.
claim_handle::~claim_handle() {
    if (body_) (void)release();
}

const std::string& claim_handle::key() const { return body_->key; }
owner_epoch claim_handle::epoch() const { return body_->epoch; }
const stored_value& claim_handle::taken_over() const { return body_->found.front(); }
const std::vector<stored_value>& claim_handle::values_found() const { return body_->found; }

result<write_result> claim_handle::commit(std::string_view value, commit_options how) {
    return body_->node->with([&](shell::io_thread& engine) {
        const auto begun =
            shell::begin(engine, {how.ack, how.within}, [&](core::mesh& mesh, const crdt::moment& at) {
                return mesh.registers().commit(at, body_->key, body_->number, value, how.ttl);
            });
        return shell::prove(engine, begun, how.within);
    });
}

result<void> claim_handle::renew() {
    return body_->node->with([&](shell::io_thread& engine) {
        return engine.write([&](core::mesh& mesh, const crdt::moment& at) {
            return mesh.registers().renew(at, body_->key, body_->number);
        });
    });
}

// Does not wait while members lag, as a write does: a release adds little to their backlog.
result<owner_epoch> claim_handle::release() {
    return body_->node->with([&](shell::io_thread& engine) -> result<owner_epoch> {
        return engine
            .write_now([&](core::mesh& mesh, const crdt::moment& at) {
                return mesh.registers().owned.release(at, body_->key, body_->number);
            })
            .transform([](std::uint64_t number) { return owner_epoch{number}; });
    });
}

bool claim_handle::lost() const {
    const auto owns = body_->node->with([&](shell::io_thread& engine) -> result<bool> {
        return engine.write_now([&](core::mesh& mesh, const crdt::moment& at) -> result<bool> {
            return mesh.registers().owned.owns(at, body_->key, body_->number); // owns() may end a lease
        });
    });
    return !owns.value_or(false);
}

bool claim_handle::tentative() const {
    const auto is = body_->node->with([&](shell::io_thread& engine) -> result<bool> {
        return engine.with(
            [&](core::mesh& mesh) { return mesh.registers().owned.is_tentative(body_->key, body_->number); });
    });
    return is.value_or(true);
}

} // namespace baton
