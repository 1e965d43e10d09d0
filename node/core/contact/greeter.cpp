#include "core/contact/greeter.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
std::uint64_t flag(bool set, std::uint64_t bit) { return set ? bit : 0; }

constexpr auto stranger_answered_every = 20ms;
} // namespace

std::uint64_t greeter::flags_for(const replica_id& id, bool wants_answer) const {
    return flag(wants_answer, wire::hello::wants_answer) |
           flag(links_.has_subscribed(id), wire::hello::sees_you);
}

void greeter::send_back(const arrival& from, const replica_id& id, std::string bytes, outbox& out) {
    if (from.route) {
        out.actions.push_back(send_reply{id, std::move(bytes)});
    } else {
        out.actions.push_back(send_request{*from.link, std::move(bytes)});
    }
}

void greeter::greet(link_id number, bool wants_answer, outbox& out) {
    auto& l = links_[number];
    auto* const p = links_.peer_of(l);
    if (p != nullptr) p->holds.told_otherwise = true;
    if (wants_answer && !l.asked_at) l.asked_at = time_.now();
    // A node of an older version may have the address by now.
    const auto* const reader = l.doubted ? nullptr : p;
    const auto to_anybody = flag(wants_answer, wire::hello::wants_answer);
    const auto flags = l.peer ? flags_for(*l.peer, wants_answer) : to_anybody;
    out.actions.push_back(send_request{number, mail_.encode_for(reader, own_.make(flags))});
}

void greeter::tell(const replica_id& id, peer& p, bool wants_answer, outbox& out) {
    p.holds.told_otherwise = true;
    mail_.send_to(id, p, own_.make(flags_for(id, wants_answer)), out);
}

void greeter::answer(const arrival& from, const replica_id& id, peer& p, bool first, outbox& out) {
    p.holds.told_otherwise = true;
    send_back(from, id, mail_.encode_for(&p, own_.make(flags_for(id, first && !p.sees_me))), out);
}

void greeter::answer_in(std::uint64_t version, const arrival& from, const replica_id& id, outbox& out) {
    send_back(from, id, wire::encode(own_.make(wire::hello::wants_answer), version), out);
}

void greeter::present(const replica_id& to, bool wants_answer, outbox& out) {
    const auto flags = flag(wants_answer, wire::hello::wants_answer);
    out.actions.push_back(send_reply{to, mail_.encode_for(nullptr, own_.make(flags))});
}

void greeter::answer_stranger(const replica_id& from, outbox& out) {
    if (settings_.broken == mutation::strangers_ignored) return;
    if (time_.now() - strangers_answered_at_ < stranger_answered_every) return;
    strangers_answered_at_ = time_.now();
    present(from, true, out);
}

// A link is asked until its peer answers on it, and once more after it has been open for a while: on a bad
// network the late handshake of another way to the same peer ends this link without a sign
// (link_table::check_later).
void greeter::greet_links(outbox& out) {
    const auto now = time_.now();
    std::vector<link_id> silent;
    for (auto& [number, l] : links_.all()) {
        if (!l.open) continue;
        if (l.check_at && now >= *l.check_at) {
            l.check_at.reset();
            l.doubted = true;
            links_.greet_now(l, 250ms);
        }
        if (l.check_at) time_.wake_by(*l.check_at);
        const auto* const p = links_.peer_of(l);
        const bool settled = p != nullptr && p->sees_me && links_.has_subscribed(*l.peer) &&
                             p->state != member_state::contacting && p->state != member_state::suspect &&
                             p->state != member_state::crashed;
        if (settled && !l.doubted) continue;
        if (l.asked_at && now - *l.asked_at >= settings_.liveness.crashed_after) silent.push_back(number);
        if (now >= l.greet_at) {
            greet(number, true, out);
            l.greet_at = now + l.greet_every;
            l.greet_every = std::min<mesh_clock::duration>(l.greet_every * 2, 1s);
        }
        time_.wake_by(l.greet_at);
    }
    for (const auto number : silent) {
        const auto id = links_[number].peer;
        auto* const p = links_.peer_of(links_[number]);
        if (!id) { // the link of a seed: it is dialled again
            links_.hang_up(number, out);
            time_.wake_by(now + 1ms);
        } else if (p != nullptr && p->via == number) {
            links_.redial(*id, *p, out);
        }
    }
}

} // namespace baton::core
