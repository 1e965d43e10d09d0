#include "shell/client/client_impl.hpp"

#include <baton/client_claim.hpp>

#include <utility>

namespace baton {

using shell::call_of, shell::kept_reply;
using wire::client::call, wire::client::reply, wire::client::verb;

struct client_claim::body {
    std::weak_ptr<client::impl> made_by;
    std::string key;
    owner_epoch epoch{};
    stored_value taken_over;

    /// A call about this claim.
    [[nodiscard]] shell::kept_call about(verb what, std::string_view value = {}) const {
        auto made = call_of(what, key, {}, value);
        made.what.amount = epoch.number;
        return made;
    }
    template <class Use>
    std::invoke_result_t<Use, const client::impl&> with(Use use) const {
        const auto held = made_by.lock();
        if (!held) return error{errc::unreachable, "the client of this claim is closed"};
        return use(*held);
    }
    /// What the member says of it; nullopt: it is lost.
    [[nodiscard]] result<std::optional<bool>> is_tentative() const {
        return with([&](const client::impl& of) -> result<std::optional<bool>> {
            const auto got = of.ask(about(verb::owns));
            if (!got) return got.error();
            if ((got->what.flags & reply::yes) == 0) return std::optional<bool>();
            return std::optional((got->what.flags & reply::changed) != 0);
        });
    }
};

client_claim::client_claim(std::unique_ptr<body> of)
    : body_(std::move(of)) {}
client_claim::client_claim(client_claim&&) noexcept = default;

client_claim& client_claim::operator=(client_claim&& other) noexcept {
    if (this != &other) {
        client_claim former(std::move(*this)); // releases the claim held so far
        body_ = std::move(other.body_);
    }
    return *this;
}

// If the release does not arrive, the lease ends the claim.
client_claim::~client_claim() {
    if (!body_) return;
    const auto held = body_->made_by.lock();
    if (held && !held->forked())
        held->engine->submit({body_->about(verb::release), client_retry::never, [](result<kept_reply>&&) {}});
}

const std::string& client_claim::key() const { return body_->key; }
owner_epoch client_claim::epoch() const { return body_->epoch; }
const stored_value& client_claim::taken_over() const { return body_->taken_over; }

result<write_result> client_claim::commit(std::string_view value, client_commit_options how) {
    auto what = body_->about(verb::commit, value);
    if (const auto good = shell::set_ttl(what, how.ttl); !good) return good.error();
    return body_->with([&](const client::impl& of) {
        return of.write(std::move(what), {how.ack, how.within, client_retry::never});
    });
}

result<owner_epoch> client_claim::release() {
    return body_->with([&](const client::impl& of) -> result<owner_epoch> {
        return of.ask(body_->about(verb::release)).transform([](const kept_reply& got) {
            return owner_epoch{got.what.epoch};
        });
    });
}

result<bool> client_claim::holds() const {
    return body_->is_tentative().transform([](const auto& held) { return held.has_value(); });
}

result<bool> client_claim::tentative() const {
    return body_->is_tentative().transform([](const auto& held) { return held.value_or(true); });
}

result<client_claim> client::claim(std::string_view key, client_claim_options how) {
    auto what = call_of(verb::claim, key);
    if (how.lease.count() <= 0)
        return error{errc::bad_argument, "the lease of a client's claim is 3 to 60 s"};
    what.what.ttl_ms = shell::milliseconds_of(how.lease);
    shell::set_within(what, how.within);
    if (how.if_free) what.what.flags |= call::if_free;
    if (how.if_epoch) {
        what.what.flags |= call::if_epoch;
        what.what.amount = how.if_epoch->number;
    }
    auto got = impl_->ask(std::move(what));
    if (!got) return got.error();
    auto held = std::make_unique<client_claim::body>();
    held->made_by = impl_;
    held->key = key;
    held->epoch = owner_epoch{got->what.epoch};
    const auto before = std::exchange(got->what.epoch, got->what.copies); // the epoch that was taken over
    const auto bytes = got->what.total;
    held->taken_over = shell::stored_by(*std::move(got));
    client_claim made(std::move(held));
    if (bytes == made.taken_over().value.size()) return made;
    // A value that the reply did not carry: what is read now is the same value, written again by the claim.
    auto whole = pickup(key);
    if (!whole) return whole.error();
    if (!whole->found() || whole->epoch != owner_epoch{before})
        return error{errc::claim_lost, "\"" + std::string(key) + "\" was taken over at once"};
    made.body_->taken_over.value = std::move(whole->value);
    return made;
}

} // namespace baton
