// What a member says to a client.
#include "shell/client/client_engine.hpp"

#include <algorithm>

namespace baton::shell {

namespace client = wire::client;

namespace {
constexpr std::size_t own_writes_max = 1024;
constexpr std::size_t replies_per_turn = 256;
} // namespace

void client_engine::read() {
    zmq::message_t message;
    for (std::size_t i = 0; i < replies_per_turn && link_ && link_->receive(message); ++i) {
        heard_ = clock::now();
        taken_ += message.size();
        take(message.to_string_view());
    }
    if (link_ && is_open_ && link_->look() != door_link::state::fine) lose(link_->endpoint());
}

void client_engine::take(std::string_view bytes) {
    for (client::message_reader in(bytes); link_ && !in.done();) {
        const auto frame = in.next();
        if (!frame) return lose({}); // a fault of the member: try another one
        if (const auto* const welcome = std::get_if<client::welcome>(&*frame)) {
            const bool is_first = !is_open_;
            take(*welcome);
            if (is_first) continue; // which does not count: the credit begins after it
        } else if (const auto* const refused = std::get_if<client::refused>(&*frame)) {
            take(*refused);
        } else if (const auto* const reply = std::get_if<client::reply>(&*frame)) {
            take(*reply);
        } else if (const auto* const credit = std::get_if<client::credit>(&*frame)) {
            told_ = std::min(credit->taken, sent_);
        }
    }
}

void client_engine::take(const client::reply& f) {
    if (!is_open_) return;
    seen_.join(f.seen);
    if (seen_.size() > client::writers_max) seen_ = f.seen;
    const auto at = ops_.find(f.number);
    if (at == ops_.end()) return;
    auto& of = at->second;
    --under_way_;
    const auto requeue = [&] {
        of.offset = 0;
        unsent_.push_front(f.number);
    };
    if (!f.failure.empty()) {
        errc code = errc::malformed;
        for (auto each = errc::bad_option; each <= errc::claimed;
             each = static_cast<errc>(static_cast<int>(each) + 1)) {
            if (to_string(each) == f.failure) code = each;
        }
        if (code == errc::leaving && doors_.knows_others(link_->endpoint()) &&
            of.op.call.what.what != client::verb::leave) {
            note_leaving(); // surely not made: the next member makes it
            if (is_of_session(of)) return finish(f.number, error{code, std::string(f.text)});
            of.sent = false;
            return requeue();
        }
        if (code == errc::conflict && of.in_parts) { // the value has changed since its first part
            of.in_parts = false;
            of.value.clear();
            of.op.call.what.offset = 0;
            of.op.call.what.expected = {};
            return requeue();
        }
        if (code == errc::lost || code == errc::behind) {
            const std::lock_guard lock(mutex_);
            lacking_ = wire::decode_cut(f.value).value_or(crdt::cut{});
        }
        return finish(f.number, error{code, std::string(f.text)});
    }
    kept_reply whole{f, std::string(f.failure), std::string(f.text), std::string(f.value)};
    whole.what.seen = {};
    note_own(of, f);
    using client::verb;
    const auto what = of.op.call.what.what;
    const bool is_value = what == verb::pickup || what == verb::field;
    if (is_value && (f.flags & client::reply::yes) != 0 && (of.in_parts || f.value.size() < f.total)) {
        if (!of.in_parts) of.first = whole;
        of.in_parts = true;
        of.value += f.value;
        if (of.value.size() < f.total && !f.value.empty()) {
            of.op.call.what.offset = of.value.size();
            of.op.call.what.expected = f.written;
            return unsent_.push_front(f.number);
        }
        whole = std::move(of.first);
        whole.value = std::move(of.value);
    }
    finish(f.number, std::move(whole));
}

void client_engine::note_own(const pending& of, const client::reply& f) {
    const auto what = of.op.call.what.what;
    if (!client::is_write(what) || what == client::verb::claim || f.written.counter == 0) return;
    const std::lock_guard lock(mutex_);
    own_.push_back({of.op.call.key, version{f.written}});
    if (own_.size() > own_writes_max) own_.pop_front();
    seen_.raise(f.written);
}

void client_engine::finish(std::uint64_t number, result<kept_reply> with) {
    const auto at = ops_.find(number);
    const auto done = std::move(at->second.op.done);
    ops_.erase(at);
    done(std::move(with));
}

void client_engine::take(const client::welcome& f) {
    doors_.learn(f.doors);
    if (is_open_) return; // other doors
    const bool same = had_session_ && f.id == talked_to_;
    const bool known = (f.flags & client::welcome::known) != 0;
    is_open_ = had_session_ = true;
    leaves_ = false;
    talked_to_ = f.id;
    credit_ = f.credit_bytes;
    sent_ = told_ = taken_ = said_ = 0;
    {
        const std::lock_guard lock(mutex_);
        member_ = f.id;
        last_refusal_.reset();
        all_tried_ = false;
    }
    changed_.notify_all();
    resend(same, known);
}

void client_engine::take(const client::refused& f) {
    using why = client::refused::why;
    if (f.reason == why::leaving) {
        note_leaving();
        if (!is_open_) link_.reset();
        return;
    }
    if (f.reason == why::stranger && is_open_) return open();
    {
        const std::lock_guard lock(mutex_);
        last_refusal_ = error{errc::refused, link_->endpoint() + ": " + std::string(f.sentence)};
    }
    changed_.notify_all();
    lost_at_ = is_open_ ? clock::now() : lost_at_;
    is_open_ = false;
    link_.reset();
    const std::lock_guard lock(mutex_);
    member_.reset();
}

} // namespace baton::shell
