// One frame of each kind and form, with every field other than its default.
#include "samples.hpp"

namespace samples {

using namespace baton;
using namespace baton::wire;

namespace {

constexpr std::string_view one_id = "0123456789abcdef";
constexpr std::string_view two_ids = "0123456789abcdef0123456789abcdeg";

hello some_hello() {
    hello h;
    h.cluster = "default";
    h.id = replica(3);
    h.flags = hello::wants_answer | hello::is_full;
    h.name = "alder";
    h.hosts = "127.0.0.1";
    h.port = 1;
    h.publish_port = 2;
    h.at = some_standing();
    h.latest = 300;
    h.clock = timestamp::at(5);
    h.reach = "10.0.0.5 fd00::5";
    h.live = 99;
    return h;
}

pull some_pull(std::uint64_t flags) {
    pull p;
    p.session = 1;
    p.id = replica(3);
    p.chunk_bytes = 1000;
    p.credit_bytes = 2000;
    p.flags = flags;
    p.seen = some_cut();
    if ((flags & pull::has_archive) != 0) p.closed.raise({replica(5), 12});
    if ((flags & pull::since_told) != 0) {
        p.told = 0x123456789abcdef0;
    } else {
        p.archive = {5, 6};
    }
    return p;
}

state some_state(std::uint64_t flags) {
    state s;
    s.session = 1;
    s.chunk = 2;
    s.flags = flags;
    s.records = 99;
    s.base = timestamp::at(8);
    s.replicas = one_id;
    s.rows = "rows";
    s.walk = 7;
    s.bytes = 5000;
    if ((flags & state::commit) != 0) {
        s.at = some_standing();
        s.server = replica(8);
        s.floor.raise({replica(7), 70});
    }
    return s;
}

fingerprint some_fingerprint(std::uint64_t number, std::uint64_t flags) {
    fingerprint f;
    f.session = 4;
    f.number = number;
    f.flags = flags;
    f.chunks = 6;
    if (number == 0) f.seen = some_cut();
    f.replicas = one_id;
    f.rows = "rows";
    f.walk = 0xfedcba9876543210;
    return f;
}

} // namespace

std::vector<frame> one_of_each() {
    delta d{replica(3), 5, 1, timestamp::at(7), some_cut(), one_id, "x", true};
    d.depends.set(replica(3), 0);
    auto folding = some_hello();
    folding.at.has_state = false;
    folding.at.state = {};
    return {some_hello(),
            folding,
            brief{replica(3), 1, 2, 3},
            d,
            some_pull(0),
            some_pull(pull::has_archive),
            some_pull(pull::compare),
            some_pull(pull::since_told),
            some_pull(pull::compare | pull::since_told),
            some_state(0),
            some_state(state::busy),
            some_state(state::archive),
            some_state(state::wants_archive),
            some_state(state::wants_cut),
            some_state(state::commit),
            some_state(state::commit | state::whole_archive),
            some_state(state::commit | state::compared | state::difference),
            credit{1, 2, false},
            credit{1, 2, true, 7},
            ack{replica(3), false, false, 7, some_cut()},
            ack{replica(3), true, false, 7, some_cut()},
            ack{replica(3), false, true, 0, some_cut()},
            ack{replica(3), true, true, 7, {}},
            ack{replica(3), true, true, 0, some_cut(), 8},
            ack{replica(3), true, true, 0, some_cut(), 8, true, true, true, two_ids},
            ask{replica(3), 8, some_cut()},
            inquiry{replica(3), replica(4)},
            word{replica(3), replica(4), 17},
            leaving{replica(3), 9, 300, some_cut(), {}},
            leaving{replica(3), 9, 300, some_cut(), std::string_view("\x03key\x01k", 6)},
            left{replica(3), 300, true, false, replica(9)},
            left{replica(3), 300, false, true, replica(3)},
            some_fingerprint(0, 0),
            some_fingerprint(0, fingerprint::whole_archive),
            some_fingerprint(2, 0),
            some_fingerprint(2, fingerprint::question),
            some_fingerprint(3, fingerprint::question | fingerprint::done),
            peers{replica(3), {{replica(4), "10.0.0.5:1/2 [fd00::5]:1/2"}, {replica(5), ""}}},
            peers{replica(3), {}}};
}

frame without_later(frame from) {
    std::visit(
        [](auto& body) {
            if constexpr (requires { body.walk; }) body.walk = 0;
            if constexpr (requires { body.live; }) body.live.reset();
            if constexpr (std::is_same_v<std::decay_t<decltype(body)>, state>) body.bytes = 0;
            if constexpr (requires { body.view; })
                body.has_view = body.view_cut_short = body.unread_spill = false, body.view = {};
        },
        from);
    return from;
}

} // namespace samples
