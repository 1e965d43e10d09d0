#include "shell/calls.hpp"

#include "shell/proving.hpp"
#include "shell/reading.hpp"

#include <utility>
#include <variant>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {

/// A call with one result, which done() receives.
template <class T>
class call_for : public pending_call {
  public:
    explicit call_for(answer_to<T> done)
        : done_(std::move(done)) {}
    void finish() override { done_(*std::exchange(answer_, std::nullopt)); }

  protected:
    waits_for end_with(result<T> answer) {
        answer_ = std::move(answer);
        return over{};
    }

  private:
    answer_to<T> done_;
    std::optional<result<T>> answer_;
};

/// Writes when there is room, then waits for acknowledgements.
class write_call final : public call_for<write_result> {
  public:
    using attempt = std::function<result<unproven>(core::mesh&, const moment&)>;
    enum class needs : std::uint8_t { nothing, room, all_folded };

    write_call(needs first, attempt write, answer_to<write_result> done)
        : call_for(std::move(done))
        , needs_(first)
        , write_(std::move(write)) {}

    waits_for look(const pending_view& now) override {
        if (!made_) {
            if (needs_ != needs::nothing && now.why == occasion::end) return end_with(left_error());
            if (!may_write(now)) {
                if (now.why == occasion::late) return end_with(busy_error());
                return for_room{};
            }
            auto made = write_(now.mesh, now.at);
            if (!made) return end_with(made.error());
            if (const auto known = proven_at_once(*made)) return end_with(*known);
            made_ = *std::move(made);
            since_ = now.at.now;
            write_ = nullptr;
        }
        const auto held = now.mesh.measure(made_->wanted);
        if (!held.met && now.why != occasion::late && now.why != occasion::end)
            return for_holders{&made_->wanted};
        now.mesh.stop_awaiting(made_->ticket);
        if (held.met) now.others.met.note(now.at.now - since_);
        return end_with(answer_of(*made_, held));
    }

  private:
    [[nodiscard]] bool may_write(const pending_view& now) const {
        if (needs_ == needs::nothing) return true;
        auto& state = now.mesh.state();
        if (needs_ == needs::all_folded && state.folding() && state.has_typed_keys()) return false;
        return now.first && has_room(now.mesh) && !state.folding_typed();
    }

    needs needs_;
    attempt write_;
    std::optional<unproven> made_;
    instant since_{}; ///< when it was made
};

class pickup_call final : public call_for<pickup_result> {
  public:
    pickup_call(std::string key, pickup_options how, answer_to<pickup_result> done)
        : call_for(std::move(done))
        , key_(std::move(key))
        , waits_(how.within.value_or(0ms) > 0ms)
        , known_(how.until == pickup_until::known) {}

    waits_for look(const pending_view& now) override {
        if (const auto good = core::mesh::check_key(key_); !good) return end_with(good.error());
        if (auto found = value_in(now.mesh.state(), {crdt::value_type::reg, key_, {}}))
            return end_with(pickup_result{*std::move(found), pickup_outcome::found, {}, {}});
        late_ = late_ || now.why == occasion::late;
        const bool last = !waits_ || late_ || now.why == occasion::end;
        const for_key waiting{key_, true, known_};
        if (!last && now.why != occasion::answered) return waiting;
        // It may be a key of another type; which one shows when all types are folded in.
        if (now.mesh.state().folding_typed() && now.why != occasion::end)
            return last ? waits_for(for_types{}) : waits_for(waiting);
        auto answer = absent(now.mesh, key_, [&] { return now.absence(); });
        if (!last && answer.outcome != pickup_outcome::absent_confirmed) return waiting;
        return end_with(std::move(answer));
    }

  private:
    std::string key_;
    bool waits_, known_, late_ = false;
};

class claim_call final : public call_for<core::claim_grant> {
  public:
    claim_call(std::string key, const claim_options& how, answer_to<core::claim_grant> done)
        : call_for(std::move(done))
        , key_(std::move(key))
        , how_(terms_of(how)) {}

    waits_for look(const pending_view& now) override {
        if (now.why == occasion::end) return end_with(left_error());
        late_ = late_ || now.why == occasion::late;
        if (!now.first || !has_room(now.mesh) || now.mesh.state().folding_typed()) return for_room{};
        auto grant = now.mesh.registers().claim(now.at, key_, how_);
        if (!grant && grant.error().code == errc::absent && !late_) return for_key{key_};
        return end_with(std::move(grant));
    }

  private:
    std::string key_;
    core::claim_terms how_;
    bool late_ = false;
};

class sync_call final : public call_for<std::monostate> {
  public:
    sync_call(std::chrono::milliseconds within, answer_to<std::monostate> done)
        : call_for(std::move(done))
        , within_(within) {}
    waits_for look(const pending_view& now) override {
        if (now.mesh.is_caught_up()) return end_with(std::monostate{});
        if (now.why == occasion::end) return end_with(error{errc::leaving, "the node has left unsynced"});
        if (now.why != occasion::late) return for_sync{};
        return end_with(not_synced_error(within_));
    }

  private:
    std::chrono::milliseconds within_;
};

class leave_call final : public call_for<leave_report> {
  public:
    using call_for::call_for;
    waits_for look(const pending_view& now) override {
        if (now.left == nullptr) return for_end{};
        return end_with(*now.left);
    }
};

} // namespace

core::claim_terms terms_of(const claim_options& how) {
    core::claim_terms made;
    if (how.lease) made.lease = io_thread::bounded(*how.lease);
    made.if_free = how.if_free;
    if (how.if_epoch) made.if_epoch = how.if_epoch->number;
    return made;
}

void begin_write(io_thread& engine, const write_options& how, write_of write, answer_to<write_result> done) {
    const auto attempt = [how, write = std::move(write)](core::mesh& mesh, const moment& at) {
        return write_and_await(mesh, at, how.ack, write);
    };
    engine.begin(std::make_unique<write_call>(write_call::needs::room, attempt, std::move(done)), how.within);
}

void begin_removal(io_thread& engine, const write_options& how, removal_of remove, bool whole,
                   answer_to<write_result> done) {
    const auto first = whole ? write_call::needs::all_folded : write_call::needs::room;
    const auto attempt = [how, remove = std::move(remove)](core::mesh& mesh, const moment& at) {
        return write_and_await(mesh, at, how.ack, remove);
    };
    engine.begin(std::make_unique<write_call>(first, attempt, std::move(done)), how.within);
}

void begin_confirm(io_thread& engine, version written, ack_level level, std::chrono::milliseconds within,
                   answer_to<write_result> done) {
    const auto attempt = [=](core::mesh& mesh, const moment& at) {
        return await_known(mesh, at, written, level);
    };
    engine.begin(std::make_unique<write_call>(write_call::needs::nothing, attempt, std::move(done)), within);
}

void begin_pickup(io_thread& engine, std::string key, pickup_options how, answer_to<pickup_result> done) {
    engine.begin(std::make_unique<pickup_call>(std::move(key), how, std::move(done)), how.within);
}

void begin_claim(io_thread& engine, std::string key, claim_options how, answer_to<core::claim_grant> done) {
    engine.begin(std::make_unique<claim_call>(std::move(key), how, std::move(done)),
                 how.within.value_or(0ms));
}

void begin_wait_synced(io_thread& engine, std::chrono::milliseconds within,
                       std::function<void(result<void>)> done) {
    engine.with([](core::mesh& mesh) { mesh.catch_up(io_thread::now()); });
    engine.look();
    const auto answer = [done = std::move(done)](const result<std::monostate>& synced) {
        done(synced ? result<void>() : result<void>(synced.error()));
    };
    engine.begin(std::make_unique<sync_call>(within, answer), within);
}

void begin_leave(io_thread& engine, std::chrono::milliseconds within, std::size_t copies, bool nobody_stays,
                 answer_to<leave_report> done) {
    engine.begin_leave(within, copies, nobody_stays);
    engine.begin(std::make_unique<leave_call>(std::move(done)), std::nullopt);
}

} // namespace baton::shell
