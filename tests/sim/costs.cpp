#include "sim/costs.hpp"

#include "wire/frame.hpp"

#include <algorithm>

namespace baton::sim {

namespace {

// A server sends its state to each other node, and sends lost chunks again.
constexpr std::uint64_t state_base = 64 << 10, state_copies = 4;
// Within a second each other node may come, be suspected, come back and go, as two incarnations.
constexpr std::uint64_t events_base = 10, events_a_process = 8;
// A server that fails is asked again after 0.2 s, doubling; what a commit leaves missing is asked for at
// once; and a server may ask for more details, twice.
constexpr std::uint64_t pulls_base = 8, pulls_a_process = 4;
// Full once, and once with room again: a node reports room only when a sixteenth of the limit is free.
constexpr std::uint64_t full_max = 2;
// An address is dialled at most every 100 ms, and so is each of its other ways.
constexpr std::uint64_t dials_base = 20, dials_a_process = 20;
// Heartbeats four times a second, probes eight times, questions and their answers: to each of the others.
constexpr std::uint64_t bytes_base = 32 << 10, bytes_a_process = 32 << 10;

std::uint64_t second_of(instant now) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
}

// Without decoding: an array of up to 15 fields, or of more; then the version and the kind.
wire::kind kind_of(std::string_view bytes) {
    const std::size_t at = !bytes.empty() && static_cast<unsigned char>(bytes[0]) == 0xdc ? 4 : 2;
    return static_cast<wire::kind>(at < bytes.size() ? bytes[at] : 0);
}

} // namespace

void spending::raise(const spending& other) {
    pulls = std::max(pulls, other.pulls);
    state_bytes = std::max(state_bytes, other.state_bytes);
    events = std::max(events, other.events);
    full = std::max(full, other.full);
    dials = std::max(dials, other.dials);
    bytes = std::max(bytes, other.bytes);
}

costs::second& costs::second_at(instant now) {
    const auto number = second_of(now);
    auto& s = seconds_[number % remembered];
    if (s.number != number) s = {number, 0, 0, 0};
    return s;
}

void costs::note_write(instant now, std::uint64_t bytes) {
    auto& s = second_at(now);
    ++s.events;
    s.bytes += bytes;
}

void costs::note_change(instant now) { ++second_at(now).changes; }

void costs::add(process_number who, instant now, const core::outbox& out) {
    if (accounts_.size() <= who) accounts_.resize(who + 1);
    auto& entry = accounts_[who];
    entry.number = second_of(now);
    auto& s = entry.now;
    for (const auto& each : out.events) {
        s.events += each.kind != event_kind::conflict && each.kind != event_kind::claim_lost ? 1 : 0;
        s.full += each.kind == event_kind::full ? 1 : 0;
    }
    for (const auto& each : out.actions) {
        std::string_view bytes;
        if (const auto* const b = std::get_if<core::send_broadcast>(&each)) bytes = b->bytes;
        if (const auto* const r = std::get_if<core::send_request>(&each)) bytes = r->bytes;
        if (const auto* const a = std::get_if<core::send_reply>(&each)) bytes = a->bytes;
        if (const auto* const b = std::get_if<core::send_beacon>(&each)) s.bytes += b->bytes.size();
        if (const auto* const d = std::get_if<core::send_datagram>(&each)) s.bytes += d->bytes.size();
        s.dials += std::holds_alternative<core::dial>(each) ? 1 : 0;
        if (bytes.empty()) continue;
        s.bytes += bytes.size();
        const auto kind = kind_of(bytes);
        s.pulls += kind == wire::kind::pull ? 1 : 0;
        s.state_bytes += kind == wire::kind::state ? bytes.size() : 0;
    }
}

costs::second costs::recent(std::uint64_t number) const {
    second sum;
    for (const auto& each : seconds_) {
        if (each.number + remembered <= number || each.number > number) continue;
        sum.events += each.events, sum.bytes += each.bytes, sum.changes += each.changes;
    }
    return sum;
}

std::string costs::judge(process_number who, instant now, const causes& why) {
    if (accounts_.size() <= who || accounts_[who].number == second_of(now)) return {};
    const auto over_now = std::exchange(accounts_[who], {second_of(now), {}});
    const auto& s = over_now.now;
    most_.raise(s);
    const auto cause = recent(over_now.number);
    const auto processes = why.processes + cause.changes;
    const auto content = why.store_bytes + cause.bytes + 100 * cause.events;
    const std::uint64_t state_max = state_base + processes * (state_copies * content + 8 * why.chunk_bytes);
    const std::uint64_t pulls_max = pulls_base + pulls_a_process * processes;
    const std::uint64_t events_max = events_base + events_a_process * processes;
    const std::uint64_t full_most = full_max + cause.events / 2; // something has gone and something has come
    const std::uint64_t dials_max = dials_base + dials_a_process * processes;
    const std::uint64_t bytes_max = bytes_base + bytes_a_process * processes + 2 * state_max;
    const auto over = [](const char* what, std::uint64_t spent, std::uint64_t most) {
        return std::to_string(spent) + ' ' + what + " in a second; at most " + std::to_string(most) +
               " have a cause";
    };
    if (s.state_bytes > state_max) return over("bytes of STATE", s.state_bytes, state_max);
    if (s.pulls > pulls_max) return over("PULLs", s.pulls, pulls_max);
    if (s.full > full_most) return over("times full", s.full, full_most);
    if (s.events > events_max) return over("events", s.events, events_max);
    if (s.dials > dials_max) return over("dials", s.dials, dials_max);
    if (s.bytes > bytes_max) return over("bytes", s.bytes, bytes_max);
    return {};
}

} // namespace baton::sim
