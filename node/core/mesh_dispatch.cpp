// Inputs. One table lists the handler of each kind of frame and channel, and which id the frame must name as
// its sender. A frame is decoded once, here.
#include "core/mesh.hpp"
#include "discovery/probe.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace baton::core {

namespace {
template <class Frame, class... All>
constexpr std::size_t place_in(const std::variant<All...>*) {
    std::size_t place = 0;
    (void)((std::is_same_v<Frame, All> || (++place, false)) || ...);
    return place;
}
/// The place of a kind among those of wire::frame.
template <class Frame>
constexpr std::size_t place_of = place_in<Frame>(static_cast<wire::frame*>(nullptr));
} // namespace

struct mesh::dispatch {
    enum class channel : std::uint8_t { broadcast, request, reply };
    static constexpr std::size_t channels = 3;
    static constexpr std::uint64_t word_age_max = 60'000; ///< ms
    struct sender {
        channel by;
        arrival from;
        std::string_view bytes;
        replica_id id{};       ///< as the channel proves it; nil on PUB, to which anybody may write
        peer* known = nullptr; ///< not null with an id, but for HELLO and a goodbye
    };

    // --- handlers ---
    static verdict published_hello(mesh& m, const wire::hello& f, const sender&, outbox& out) {
        return m.on_published_hello(f, out);
    }
    static verdict hello(mesh& m, const wire::hello& f, const sender& s, outbox& out) {
        return m.on_hello(f, s.from, out);
    }
    static verdict brief(mesh& m, const wire::brief& f, const sender&, outbox& out) {
        return m.on_brief(f, out);
    }
    static verdict delta(mesh& m, const wire::delta& f, const sender& s, outbox& out) {
        return m.on_delta(s.bytes, f, out);
    }
    static verdict pull(mesh& m, const wire::pull& f, const sender& s, outbox& out) {
        const auto why = m.tally_.counted(m.server_.on_pull(s.id, f, m.time_.now(), out));
        m.wake_by(m.server_.deadline());
        return why;
    }
    static verdict credit(mesh& m, const wire::credit& f, const sender& s, outbox& out) {
        const auto done = m.server_.on_credit(s.id, f, m.time_.now(), out);
        if (done.holds) {
            cut room;
            (void)m.reports_.learn(*s.known, *done.holds, room);
            out.acknowledged = true;
        }
        return m.tally_.counted(done.why);
    }
    static verdict state(mesh& m, const wire::state& f, const sender& s, outbox& out) {
        return m.on_state(s.id, s.bytes, f, out);
    }
    static verdict question(mesh& m, const wire::fingerprint& f, const sender& s, outbox& out) {
        if ((f.flags & wire::fingerprint::question) == 0) return m.refuse("misplaced frame");
        return m.tally_.counted(m.server_.on_question(s.id, f, m.time_.now(), out));
    }
    static verdict listing(mesh& m, const wire::fingerprint& f, const sender& s, outbox& out) {
        if ((f.flags & wire::fingerprint::question) != 0) return m.refuse("misplaced frame");
        return m.settle(m.receiver_.on_answer(s.id, f, m.time_.at(), out), out);
    }
    static verdict ack(mesh& m, const wire::ack& f, const sender& s, outbox& out) {
        return m.on_ack(s.id, f, out);
    }
    static verdict ask(mesh& m, const wire::ask& f, const sender& s, outbox& out) {
        return m.on_ask(s.id, f, out);
    }
    static verdict peers(mesh& m, const wire::peers& f, const sender& s, outbox& out) {
        return m.contact_.on_peers(f, *s.known, out);
    }
    static verdict inquiry(mesh& m, const wire::inquiry& f, const sender& s, outbox& out) {
        m.detector_.on_inquiry(f.about, s.id, {true}, m.time_.now(), out);
        return {};
    }
    static verdict word(mesh& m, const wire::word& f, const sender&, outbox&) {
        if (f.age > word_age_max) return {};
        const auto when = m.time_.now() - std::chrono::milliseconds{f.age};
        if (auto* const p = m.peers_.find(f.about)) {
            p->health.life.vouched(when);
        } else {
            m.registers_.owned.heard(f.about, when);
        }
        return {};
    }
    static verdict rumoured_leaving(mesh& m, const wire::leaving& f, const sender&, outbox& out) {
        return m.on_leaving_rumour(f, out);
    }
    static verdict leaving(mesh& m, const wire::leaving& f, const sender& s, outbox& out) {
        return m.on_leaving(s.id, f, out);
    }
    static verdict left(mesh& m, const wire::left& f, const sender& s, outbox& out) {
        return m.on_left(f, s.from, out);
    }

    // --- the table ---
    using handler = verdict (*)(mesh&, const wire::frame&, const sender&, outbox&);
    using table = std::array<std::array<handler, channels>, std::variant_size_v<wire::frame>>;
    /// What is known of a frame's own id when its handler is called.
    enum class check : std::uint8_t {
        none,   ///< nothing, or the handler looks
        sender, ///< it is the sender's
    };
    template <class Frame>
    using takes = verdict (*)(mesh&, const Frame&, const sender&, outbox&);

    template <class Frame, takes<Frame> Take, check Id>
    static verdict checked(mesh& m, const wire::frame& f, const sender& s, outbox& out) {
        const auto& frame = *std::get_if<Frame>(&f);
        if constexpr (Id == check::sender) {
            if (frame.id != s.id) return m.refuse("stolen identity");
        }
        return Take(m, frame, s, out);
    }
    template <class Frame, check Id, takes<Frame> Take>
    static constexpr void on(table& all, channel by) {
        all[place_of<Frame>][static_cast<std::size_t>(by)] = checked<Frame, Take, Id>;
    }
    template <class Frame, check Id, takes<Frame> Take>
    static constexpr void on_link(table& all) {
        on<Frame, Id, Take>(all, channel::request);
        on<Frame, Id, Take>(all, channel::reply);
    }
    static constexpr table make_table() {
        table all{}; // null: the frame must not come by this channel
        on<wire::hello, check::none, published_hello>(all, channel::broadcast);
        on<wire::hello, check::sender, hello>(all, channel::request);
        // Contact checks the key of the link, if there is one.
        on<wire::hello, check::none, hello>(all, channel::reply);
        on<wire::brief, check::none, brief>(all, channel::broadcast);
        on<wire::delta, check::none, delta>(all, channel::broadcast);
        on<wire::pull, check::sender, pull>(all, channel::request);
        on<wire::credit, check::none, credit>(all, channel::request);
        on<wire::state, check::none, state>(all, channel::reply);
        on<wire::fingerprint, check::none, question>(all, channel::request);
        on<wire::fingerprint, check::none, listing>(all, channel::reply);
        on_link<wire::ack, check::sender, ack>(all);
        on_link<wire::ask, check::sender, ask>(all);
        on_link<wire::peers, check::sender, peers>(all);
        on_link<wire::inquiry, check::sender, inquiry>(all);
        on_link<wire::word, check::sender, word>(all);
        on<wire::leaving, check::none, rumoured_leaving>(all, channel::broadcast);
        on_link<wire::leaving, check::sender, leaving>(all);
        on<wire::left, check::none, left>(all, channel::broadcast);
        on_link<wire::left, check::sender, left>(all);
        return all;
    }

    // --- inputs ---
    static verdict take(mesh& m, const broadcast_arrived& in, outbox& out);
    static verdict take(mesh& m, const request_arrived& in, outbox& out);
    static verdict take(mesh& m, const reply_arrived& in, outbox& out);
    static verdict take(mesh& m, const datagram_arrived& in, outbox& out);
    static verdict take(mesh& m, const subscriber_changed& in, outbox& out);
    static verdict take(mesh& m, const beacon_arrived& in, outbox& out) {
        return met(m, m.contact_.on_beacon(in, out), out);
    }
    static verdict take(mesh& m, const link_changed& in, outbox& out) { return m.contact_.on_link(in, out); }
    static verdict take(mesh& m, const noise_arrived& in, outbox&) { return m.refuse(in.what); }
    static verdict take(mesh&, const time_passed&, outbox&) { return {}; }
    static verdict take(mesh& m, const addresses_changed& in, outbox& out) {
        m.contact_.on_addresses(in, out);
        return {};
    }
    static verdict take(mesh& m, const resolved& in, outbox& out) {
        m.contact_.on_resolved(in, out);
        return {};
    }
    static verdict take(mesh& m, const knocked& in, outbox& out) {
        m.contact_.on_knocked(in, out);
        return {};
    }
    template <class Spill>
    static verdict take(mesh& m, const Spill& in, outbox& out) {
        return m.take(in, out);
    }
    static verdict met(mesh& m, const contact::sighting& seen, outbox& out);

    static verdict pass_on(mesh& m, const wire::frame& f, const sender& s, outbox& out);
    static std::optional<wire::frame> read(mesh& m, channel by, std::string_view bytes, verdict& why);
};

verdict mesh::dispatch::pass_on(mesh& m, const wire::frame& f, const sender& s, outbox& out) {
    static constexpr auto all = make_table();
    const auto handle = all[f.index()][static_cast<std::size_t>(s.by)];
    return handle == nullptr ? m.refuse("misplaced frame") : handle(m, f, s, out);
}

std::optional<wire::frame> mesh::dispatch::read(mesh& m, channel by, std::string_view bytes, verdict& why) {
    static constexpr std::array oversized{"oversized broadcast", "oversized request", "oversized reply"};
    static constexpr std::array malformed{"malformed broadcast", "malformed request", "malformed reply"};
    const auto place = static_cast<std::size_t>(by);
    if (bytes.size() > wire::frame_bytes_max) {
        why = m.refuse(oversized[place]);
        return std::nullopt;
    }
    auto decoded = wire::decode(bytes, m.settings_.versions);
    if (decoded) return std::move(*decoded);
    // A sender may use another version if it has not been greeted yet, or takes this node for the one that
    // had the address before. That is no fault.
    wire::frame_reader head(bytes);
    const auto version = head.number();
    const bool other_version = head.ok() && !m.settings_.versions.has(version);
    why = m.refuse(other_version ? "frame in another wire version" : malformed[place]);
    return std::nullopt;
}

verdict mesh::dispatch::take(mesh& m, const broadcast_arrived& in, outbox& out) {
    verdict why;
    const auto f = read(m, channel::broadcast, in.bytes, why);
    if (!f) return why;
    return pass_on(m, *f, {channel::broadcast, {}, in.bytes}, out);
}

verdict mesh::dispatch::take(mesh& m, const request_arrived& in, outbox& out) {
    verdict why;
    const auto f = read(m, channel::request, in.bytes, why);
    if (!f) return why;
    auto* const p = m.peers_.find(in.from);
    if (!std::holds_alternative<wire::hello>(*f)) {
        // A node may say goodbye whose greeting was dropped because its link was not open yet. That is no
        // fault.
        const auto* const goodbye = std::get_if<wire::left>(&*f);
        if (p == nullptr && (goodbye == nullptr || goodbye->id != in.from)) {
            m.contact_.answer_stranger(in.from, out);
            return m.refuse("request by nobody known");
        }
        if (p != nullptr) {
            p->health.life.heard(m.time_.now(), true);
            p->routable = true;
        }
    }
    return pass_on(m, *f, {channel::request, {std::nullopt, in.from, in.host}, in.bytes, in.from, p}, out);
}

verdict mesh::dispatch::take(mesh& m, const reply_arrived& in, outbox& out) {
    auto* const by = m.contact_.links.find(in.link);
    if (by == nullptr) return {}; // this node has hung up since
    by->answered = true;
    by->asked_at.reset();
    verdict why;
    const auto f = read(m, channel::reply, in.bytes, why);
    if (!f) return why;
    sender s{channel::reply, {in.link, std::nullopt, in.host}, in.bytes};
    if (!std::holds_alternative<wire::hello>(*f)) {
        s.known = m.contact_.links.peer_of(*by);
        if (s.known == nullptr || !s.known->greeted) return m.refuse("reply before hello");
        s.id = *by->peer;
        s.known->health.life.heard(m.time_.now(), by->open);
    }
    return pass_on(m, *f, s, out);
}

verdict mesh::dispatch::take(mesh& m, const datagram_arrived& in, outbox& out) {
    if (discovery::is_probe(in.bytes)) return m.on_probe(in, out);
    return met(m, m.contact_.on_introduction(in, out), out);
}

verdict mesh::dispatch::met(mesh& m, const contact::sighting& seen, outbox& out) {
    if (seen.replaced) m.end_replaced(*seen.replaced, seen.who, out);
    if (seen.met) m.contact_.answer_beacon();
    return seen.why;
}

verdict mesh::dispatch::take(mesh& m, const subscriber_changed& in, outbox& out) {
    if (!in.present) {
        m.contact_.lost_subscriber(in.who);
        return {};
    }
    if (!m.contact_.links.note_subscriber(in.who)) return m.refuse("too many subscribers");
    if (auto* const p = m.peers_.find(in.who); p != nullptr && p->greeted) {
        m.contact_.greetings.tell(in.who, *p, !p->sees_me, out);
        m.maybe_up(in.who, *p, out);
    }
    return {};
}

verdict mesh::step(const moment& at, const input& in, outbox& out) {
    set_moment(at);
    const auto result = std::visit([&](const auto& each) { return dispatch::take(*this, each, out); }, in);
    if (time_.now() >= time_.wake_at()) run_timers(out);
    registers_.owned.report_given_up(out);
    out.wake_at = time_.wake_at();
    return result;
}

} // namespace baton::core
