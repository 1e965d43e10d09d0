// Frames: decode∘encode is the identity for every kind and form; truncated and altered bytes are refused, or
// decode to something within bounds, but never crash (with the sanitizers, never read past the end).
#include "samples.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::wire;
using namespace samples;

namespace {

/// A frame of the kind with these fields in front of what follows them.
template <class Fields>
std::string raw_frame(kind what, std::uint32_t fields, Fields put) {
    std::string bytes;
    frame_writer out(bytes, fields + 2);
    out.number(version_max).number(static_cast<std::uint64_t>(what));
    put(out);
    return bytes;
}

template <class Frame>
Frame back_of_bytes(const std::string& bytes) {
    const auto back = decode(bytes);
    REQUIRE(back);
    REQUIRE(std::holds_alternative<Frame>(*back));
    return std::get<Frame>(*back); // the views of the samples' rows are compared by their encoding only
}

template <class Frame>
Frame back_of(const frame& from) {
    return back_of_bytes<Frame>(encode(from));
}

} // namespace

TEST_CASE("frame: each kind and form comes back as it was sent", "[wire][law]") {
    for (const auto& each : one_of_each()) {
        const auto bytes = encode(each);
        const auto back = decode(bytes);
        CAPTURE(each.index());
        REQUIRE(back);
        REQUIRE(back->index() == each.index());
        REQUIRE(encode(*back) == bytes);
    }
}

TEST_CASE("frame: each kind and form is the same in every version", "[wire][law]") {
    for (auto version = version_min; version <= version_max; ++version) {
        for (const auto& each : one_of_each()) {
            CAPTURE(version, each.index());
            const auto bytes = encode(each, version);
            const auto back = decode(bytes, {version, version});
            REQUIRE(back);
            REQUIRE(encode(*back, version) == bytes);
            // The fields of version 5 are empty in version 4; everything else is the same.
            REQUIRE(encode(*back) == encode(version == version_max ? each : samples::without_later(each)));
        }
    }
}

TEST_CASE("frame: a field that version 5 has added may be missing, and version 4 does not have it",
          "[wire]") {
    const frame chunk = state{1, 0, 0, 9, {}, {}, {}, {}, {}, {}, 7, 0};
    for (const frame& each : {frame{credit{1, 2, false, 7}}, chunk}) {
        const auto walk_of = [](const result<frame>& f) {
            REQUIRE(f);
            return std::visit(
                [](const auto& body) -> std::uint64_t {
                    if constexpr (requires { body.walk; }) return body.walk;
                    return 99;
                },
                *f);
        };
        const auto bytes = encode(each);
        REQUIRE(walk_of(decode(bytes)) == 7);
        REQUIRE(walk_of(decode(encode(each, 4))) == 0);
        const std::size_t later = each.index() == chunk.index() ? 2 : 1; // of one byte each
        auto shorter = bytes.substr(0, bytes.size() - later);
        shorter[0] = static_cast<char>(shorter[0] - static_cast<char>(later));
        REQUIRE(walk_of(decode(shorter)) == 0);
        auto mistyped = shorter + '\xa0';
        ++mistyped[0];
        REQUIRE_FALSE(decode(mistyped));
        mistyped[1] = 4; // skipped there, whatever it is
        REQUIRE(walk_of(decode(mistyped)) == 0);
    }
}

TEST_CASE("frame: what the state of a hello's sender takes is told from version 5 on, where it is known",
          "[wire]") {
    auto f = std::get<hello>(samples::one_of_each()[0]);
    const auto live_of = [&](std::uint64_t version) {
        const auto back = decode(encode(f, version));
        REQUIRE(back);
        return std::get<hello>(*back).live;
    };
    CHECK(live_of(5).value_or(0) == 99);
    CHECK_FALSE(live_of(4));
    f.live = 0;
    CHECK(live_of(5).value_or(1) == 0);
    f.live.reset();
    CHECK_FALSE(live_of(5));
}

TEST_CASE("frame: of a version that is not spoken only a hello is read, up to the id", "[wire]") {
    // A frame of a much later version, with fields that this build does not know.
    const auto later = raw_frame(kind::hello, 6, [](frame_writer& out) {
        out.text("cluster").number(2).number(90).id(replica(3)).number(1).text("of another kind");
    });
    const auto as = [](std::string bytes, std::uint64_t version) {
        bytes[1] = static_cast<char>(version); // after the head of a short array
        return bytes;
    };
    const auto head = back_of_bytes<hello>(as(later, 90));
    REQUIRE(head.head_only);
    REQUIRE(head.cluster == "cluster");
    REQUIRE(head.versions.min == 2);
    REQUIRE(head.versions.max == 90);
    REQUIRE(head.id == replica(3));
    REQUIRE(head.name.empty());
    REQUIRE_FALSE(decode(as(later, 91))); // outside its own range
    for (const auto& each : one_of_each()) {
        const auto bytes = encode(each, 4);
        const auto back = decode(bytes, {5, 5});
        REQUIRE(back.operator bool() == std::holds_alternative<hello>(each));
        if (back) REQUIRE(std::get<hello>(*back).head_only);
    }
}

TEST_CASE("frame: the newest version that both speak", "[wire]") {
    REQUIRE(versions{4, 5}.common({4, 4}) == 4);
    REQUIRE(versions{4, 5}.common({5, 9}) == 5);
    REQUIRE(versions{4, 5}.common({1, 90}) == 5);
    REQUIRE(versions{4, 5}.common({6, 7}) == 0);
    REQUIRE(versions{6, 7}.common({4, 5}) == 0);
    REQUIRE(versions{4, 5}.to_string() == "4 to 5");
}

TEST_CASE("frame: a pull says what it knows by cut, or by what it has been told", "[wire]") {
    for (const auto flags : {0, 1, 2, 3, 4, 6}) {
        CAPTURE(flags);
        pull p;
        p.session = 7;
        p.id = replica(3);
        p.flags = static_cast<std::uint64_t>(flags);
        p.seen = some_cut();
        p.archive = {5, 6};
        p.told = 9;
        if ((flags & 1) != 0) p.closed.raise({replica(5), 12});
        const auto back = back_of<pull>(p);
        REQUIRE(back.flags == p.flags);
        REQUIRE(back.told == 9);
        REQUIRE(back.seen == p.seen);
        REQUIRE(back.closed == p.closed);
        REQUIRE(back.archive == ((flags & 4) != 0 ? digest{} : p.archive));
    }
}

TEST_CASE("frame: a commit has its standing and its floor, other chunks have neither", "[wire]") {
    state s;
    s.flags = state::commit | state::compared | state::difference;
    s.at = some_standing();
    s.server = replica(8);
    s.floor.raise({replica(7), 70});
    const auto last = back_of<state>(s);
    REQUIRE(last.flags == s.flags);
    REQUIRE(last.at.seen == s.at.seen);
    REQUIRE(last.at.archive == s.at.archive);
    REQUIRE(last.at.has_state);
    REQUIRE(last.floor == s.floor);
    REQUIRE(last.server == s.server);
    s.flags = state::archive;
    const auto chunk = back_of<state>(s);
    REQUIRE(chunk.floor.empty());
    REQUIRE(chunk.at.seen.empty());
}

TEST_CASE("frame: an acknowledgement says whether its sender stays and lacks nothing", "[wire]") {
    for (const bool staying : {false, true}) {
        for (const bool whole : {false, true}) {
            const auto back = back_of<ack>(ack{replica(3), staying, whole, 7, some_cut()});
            REQUIRE(back.staying == staying);
            REQUIRE(back.whole == whole);
            REQUIRE(back.answers == 7);
            REQUIRE(back.seen == some_cut());
        }
    }
}

TEST_CASE("frame: the view of an ack is bounded, ascending and of whole ids", "[wire]") {
    ack f{replica(3), true, true, 0, some_cut(), 8, true, false, true};
    std::string ids;
    for (std::size_t i = 0; i < view_ids_max; ++i) {
        auto id = replica(7);
        id.bytes[0] = static_cast<std::uint8_t>(i >> 8), id.bytes[1] = static_cast<std::uint8_t>(i);
        ids += id.view();
    }
    f.view = ids;
    const auto bytes = encode(f);
    const auto back = decode(bytes);
    REQUIRE(back);
    REQUIRE(std::get<ack>(*back).view == ids);
    REQUIRE(std::get<ack>(*back).has_view);
    REQUIRE_FALSE(std::get<ack>(*back).view_cut_short);
    REQUIRE(std::get<ack>(*back).unread_spill);
    const auto refuses = [&](const std::string& wrong) {
        f.view = wrong;
        return !decode(encode(f));
    };
    REQUIRE(refuses(ids + std::string(replica(255).view())));
    REQUIRE(refuses(std::string(replica(3).view()) + std::string(replica(3).view())));
    REQUIRE(refuses(std::string(replica(3).view()) + std::string(replica(2).view())));
    REQUIRE(refuses(std::string(15, 'x')));
    REQUIRE_FALSE(refuses({}));
}

TEST_CASE("frame: a heartbeat without news is at most 48 bytes", "[wire]") {
    REQUIRE(encode(brief{replica(255), ~0ULL, ~0ULL, counter_max}).size() <= 48);
}

TEST_CASE("frame: every truncation is refused, every later field is skipped", "[wire]") {
    for (auto each : one_of_each()) {
        // A field that is left out when it is 0 has to be there before a later one.
        if (auto* const greeting = std::get_if<hello>(&each)) greeting->door = 5680;
        const auto bytes = encode(each);
        CAPTURE(each.index());
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            // A copy of its own, so that a sanitizer sees a read beyond the end.
            const std::string cut_short(bytes, 0, size);
            REQUIRE_FALSE(decode(cut_short));
        }
        REQUIRE_FALSE(decode(bytes + '\x01'));
        // One more field, of a kind that this version does not know: a map that holds an array.
        const auto head = static_cast<unsigned char>(bytes[0]);
        const bool wide = head == 0xdc; // MessagePack's array 16; else a fixarray
        const auto fields = wide ? static_cast<unsigned char>(bytes[2]) : head & 0x0fU;
        auto later = std::string("\xdc\x00", 2) + static_cast<char>(fields + 1) + bytes.substr(wide ? 3 : 1);
        later += std::string("\x81\x01\x92\x02\x03", 5);
        const auto back = decode(later);
        REQUIRE(back);
        REQUIRE(encode(*back) == bytes);
    }
}

TEST_CASE("frame: random and altered bytes never do more than be refused", "[wire][law]") {
    REQUIRE(rc::check([](const std::string& noise) { (void)decode(noise); }));
    const auto frames = one_of_each();
    REQUIRE(rc::check([&] {
        auto bytes = encode(frames[*rc::gen::inRange<std::size_t>(0, frames.size())]);
        bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] ^=
            static_cast<char>(1 << *rc::gen::inRange(0, 8));
        const auto back = decode(bytes);
        const auto* const head = back ? std::get_if<hello>(&*back) : nullptr;
        if (back && (head == nullptr || !head->head_only)) RC_ASSERT(decode(encode(*back)).has_value());
    }));
}

TEST_CASE("frame: deep nesting and lying lengths are refused", "[wire]") {
    REQUIRE_FALSE(decode(std::string(100000, '\x91')));
    REQUIRE_FALSE(decode(std::string("\xdd\xff\xff\xff\xff", 5)));
    REQUIRE_FALSE(decode(std::string("\x92\x02\xc6\xff\xff\xff\xff", 7)));
    REQUIRE_FALSE(decode("\xc0"));
    REQUIRE_FALSE(decode(""));
}

TEST_CASE("frame: another version and an unknown kind are refused", "[wire]") {
    auto bytes = encode(credit{1, 2, true});
    REQUIRE(decode(bytes));
    for (const char version : std::initializer_list<char>{0, 1, 2, 3, 6}) {
        bytes[1] = version;
        REQUIRE_FALSE(decode(bytes));
    }
    bytes[1] = 4;
    for (const char what : std::initializer_list<char>{0, 13, 127}) {
        bytes[2] = what;
        REQUIRE_FALSE(decode(bytes));
    }
}

TEST_CASE("frame: counters above 48 bits are refused", "[wire]") {
    REQUIRE_FALSE(decode(encode(brief{replica(3), 1, 2, counter_max + 1})));
    REQUIRE_FALSE(decode(encode(leaving{replica(3), 9, counter_max + 1, {}, {}})));
    REQUIRE_FALSE(decode(encode(left{replica(3), counter_max + 1, true, false, replica(9)})));
    delta d{replica(3), counter_max, 1, {}, {}, {}, "xx"};
    REQUIRE(decode(encode(d)));
    d.count = 2;
    REQUIRE_FALSE(decode(encode(d)));
    d.first = counter_max + 1;
    d.count = 1;
    REQUIRE_FALSE(decode(encode(d)));
    d.first = ~0ULL;
    REQUIRE_FALSE(decode(encode(d)));
}

TEST_CASE("frame: what contradicts itself is refused", "[wire]") {
    delta d{replica(3), 1, 2, {}, {}, {}, "x"}; // fewer bytes than events
    REQUIRE_FALSE(decode(encode(d)));
    d.count = 1;
    d.depends.raise({replica(3), 1}); // on its own origin
    REQUIRE_FALSE(decode(encode(d)));
    d.depends = {};
    d.replicas = "short of an id";
    REQUIRE_FALSE(decode(encode(d)));
    REQUIRE_FALSE(decode(encode(state{1, 0, 0, 0, {}, "x", "", {}, {}, {}})));
    REQUIRE_FALSE(decode(encode(fingerprint{1, 0, 0, 0, {}, "x", ""})));
    REQUIRE_FALSE(decode(encode(leaving{replica(3), 9, 299, some_cut(), {}}))); // not its own counter
    REQUIRE_FALSE(decode(encode(brief{})));                                     // nobody's id
    const auto pull_with = [](std::uint64_t flags, std::string_view archive) {
        return raw_frame(kind::pull, 9, [&](frame_writer& out) {
            out.number(1).id(replica(3)).number(1).number(1).number(flags).number(0);
            out.bytes({}).bytes(archive).bytes({});
        });
    };
    const std::string sum(16, 's');
    REQUIRE(decode(pull_with(0, sum)));
    REQUIRE_FALSE(decode(pull_with(0, "")));
    REQUIRE(decode(pull_with(pull::since_told, "")));
    REQUIRE_FALSE(decode(pull_with(pull::since_told, sum)));
    const auto ack_with = [](std::uint64_t flags) {
        return raw_frame(kind::ack, 5, [&](frame_writer& out) {
            out.id(replica(3)).number(flags).number(0).bytes({}).number(0);
        });
    };
    REQUIRE(decode(encode(leaving{replica(3), 9, 300, some_cut(), std::string_view("\x01k", 2)})));
    for (const auto keys :
         {std::string_view("\x00", 1), std::string_view("\x03ke", 3), std::string_view("\x01", 1)})
        REQUIRE_FALSE(decode(encode(leaving{replica(3), 9, 300, some_cut(), keys})));
    REQUIRE(decode(ack_with(3)));
    REQUIRE_FALSE(decode(ack_with(4)));
}

TEST_CASE("frame: a list of peers is bounded, and what earlier versions do not send may be missing",
          "[wire]") {
    peers all{replica(3), {}};
    for (int i = 0; i < 16; ++i)
        all.all.push_back({replica(static_cast<std::uint8_t>(i + 1)), std::string(256, 'h')});
    REQUIRE(back_of<peers>(all).all.size() == 16);
    all.all.front().hosts += 'h';
    REQUIRE_FALSE(decode(encode(all)));
    all.all.front().hosts.clear();
    all.all.push_back({replica(40), {}});
    REQUIRE_FALSE(decode(encode(all)));

    // A HELLO without its last fields, and with more of them.
    hello h;
    h.cluster = "c";
    h.id = replica(3);
    h.port = h.publish_port = 1;
    const auto bytes = encode(h);
    REQUIRE(bytes[0] == static_cast<char>(0xdc)); // an array of 18
    REQUIRE(bytes[2] == 18);
    auto shorter = bytes;
    for (const char fields : {char{17}, char{16}}) { // 0 and an empty text are one byte each
        shorter.pop_back();
        shorter[2] = fields;
        REQUIRE(decode(shorter));
    }
    auto longer = bytes + "\x01\xc0";
    longer[2] = 20;
    REQUIRE(decode(longer));
}
