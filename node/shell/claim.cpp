#include "shell/claiming.hpp"

#include <baton/claim.hpp>

#include <utility>

namespace baton {

claim_handle::claim_handle(std::unique_ptr<body> of)
    : body_(std::move(of)) {}
claim_handle::claim_handle(claim_handle&&) noexcept = default;

claim_handle& claim_handle::operator=(claim_handle&& other) noexcept {
    if (this != &other) {
        claim_handle former(std::move(*this)); // releases what was held here
        body_ = std::move(other.body_);
    }
    return *this;
}

// Nothing to be done about a release that fails: it was lost, or the node is gone and has released it.
claim_handle::~claim_handle() {
    if (body_) (void)release();
}

const std::string& claim_handle::key() const { return body_->key; }
std::uint64_t claim_handle::epoch() const { return body_->epoch; }
const picked& claim_handle::taken() const { return body_->shown.front(); }
const std::vector<picked>& claim_handle::shown() const { return body_->shown; }

result<version> claim_handle::commit(std::string_view value, std::chrono::milliseconds ttl) {
    return body_->node->with([&](shell::io_thread& engine) {
        return engine.write([&](core::mesh& mesh, const moment& at) {
            return mesh.commit(at, body_->key, body_->number, value, shell::ttl_of(ttl));
        });
    });
}

result<void> claim_handle::renew() {
    return body_->node->with([&](shell::io_thread& engine) {
        return engine.write(
            [&](core::mesh& mesh, const moment& at) { return mesh.renew(at, body_->key, body_->number); });
    });
}

// Does not wait for others' sake, as a write does: it makes nobody's queue much longer.
result<std::uint64_t> claim_handle::release() {
    return body_->node->with([&](shell::io_thread& engine) {
        return engine.write_now(
            [&](core::mesh& mesh, const moment& at) { return mesh.release(at, body_->key, body_->number); });
    });
}

bool claim_handle::lost() const {
    const auto owns = body_->node->with([&](shell::io_thread& engine) -> result<bool> {
        return engine.write_now([&](core::mesh& mesh, const moment& at) -> result<bool> {
            return mesh.owns(at, body_->key, body_->number); // which may end a lease
        });
    });
    return !owns.value_or(false);
}

bool claim_handle::tentative() const {
    const auto is = body_->node->with([&](shell::io_thread& engine) -> result<bool> {
        return engine.with([&](core::mesh& mesh) { return mesh.is_tentative(body_->key, body_->number); });
    });
    return is.value_or(true);
}

} // namespace baton
