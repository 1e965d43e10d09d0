// Proves that a DELTA or a STATE with one malformed row is refused as a whole, counted by its reason, and
// changes nothing. garbage_test.cpp covers bytes that are no frame at all.
#include "bad_rows.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

using namespace bad;

wire::delta delta_of(const replica_id& origin, std::uint64_t first, std::uint64_t count,
                     std::string_view rows) {
    return bad::delta_of(origin, first, count, {}, rows);
}
wire::state_writer one_record(const dot& id, const slot_name& slot, std::string_view value,
                              block::kind kind = block::kind::record) {
    wire::state_writer rows(now);
    rows.chain(slot, {{kind, id, now, 0, value}}, {});
    return rows;
}

} // namespace

TEST_CASE("bad rows: a row of an unknown type, with an unknown flag, or of a shape its type has not",
          "[core][scenario]") {
    awaiting s;
    s.provoke();
    const auto honest = one_put("key");
    const auto first = s.mesh(1).state().counter_of(s.at(2).id) + 1;
    const auto deltas_refused = s.refused(1, "malformed delta");
    std::uint64_t count = 0;
    const auto refuse_delta = [&](std::string_view rows, std::uint64_t events) {
        const auto bytes = wire::encode(delta_of(s.at(2).id, first, events, rows));
        const auto* const why = s.give(1, core::broadcast_arrived{bytes}).refused;
        REQUIRE(why != nullptr);
        CHECK(std::string(why) == "malformed delta");
        ++count;
    };
    for (unsigned byte = 0; byte < 256; ++byte) { // every value of the first byte of a row
        const bool known_type = byte >> 4 < value_types, known_flags = (byte & 15) < 8;
        if (known_type && known_flags) continue;
        std::string rows(honest.rows());
        rows[0] = static_cast<char>(byte);
        refuse_delta(rows, 1);
        refuse_delta(std::string(honest.rows()) + rows, 2); // after an honest one
    }
    const auto refuse_event = [&](const event_view& event) {
        wire::event_writer rows(now);
        rows.add(event);
        refuse_delta(rows.rows(), 1);
    };
    refuse_event({false, {value_type::scope, "key", {}}, now, 0, "", {}});
    refuse_event({false, {value_type::archive, std::string(16, 'r'), {}}, now, 0, std::string(8, '\1'), {}});
    refuse_event({true, {value_type::archive, "short", {}}, now, 0, std::string(8, '\1'), {}});
    refuse_event({true, {value_type::scope, "key", {}}, now, 0, std::string(23, 'c'), {}});
    // One id is named twice.
    refuse_event({true, {value_type::scope, "key", {}}, now, 0, std::string(48, 'c'), {}});
    refuse_event({false, {value_type::counter, "key", {}}, now, 0, "12345", {}});
    refuse_event({true, {value_type::counter, "key", {}}, now, 0, std::string(31, 's'), {}});
    refuse_event({false, {value_type::set, "key", "element"}, now, 0, "a value", {}});
    refuse_event({false, {value_type::flag, "key", {}}, now, 0, "a value", {}});
    refuse_event({false, {value_type::set, "key", std::string(513, 'e')}, now, 0, "", {}});
    CHECK(s.refused(1, "malformed delta") - deltas_refused == count);
    s.unchanged();
    s.recover();
}

TEST_CASE("bad rows: a STATE that is bad in its last row ends the session, whole", "[core][scenario]") {
    std::string rows;
    awaiting s;
    s.provoke();
    const dot id{s.at(0).id, 4}, beyond{s.at(0).id, too_large};
    const auto honest = one_record(id, {value_type::reg, "honest", {}}, "value");
    const slot_name reg{value_type::reg, "key", {}};
    const int which = GENERATE(range(0, 9));
    CAPTURE(which);
    switch (which) {
    case 0: // an unknown type
        rows = one_record(id, reg, "value").rows();
        rows[0] = '\x72';
        break;
    case 1: // an unknown sort of row
        rows = one_record(id, reg, "value").rows();
        rows[0] = '\x04';
        break;
    case 2: // a kind of entry that only a store uses internally
        rows = one_record(id, reg, "", block::kind::dead).rows();
        break;
    case 3:
        rows = one_record(beyond, reg, "value").rows();
        break;
    case 4: // 0, as a difference to the row before
        rows = one_record({s.at(0).id, std::uint64_t{0} - id.counter}, reg, "value").rows();
        break;
    case 5:
        rows = one_record(id, {value_type::scope, "key", {}}, "").rows();
        break;
    case 6:
        rows = one_record(id, {value_type::counter, "key", {}}, "12345").rows();
        break;
    case 7:
        rows = one_record(id, {value_type::reg, std::string(513, 'k'), {}}, "value").rows();
        break;
    default: // cut short
        rows = one_record(id, reg, "value").rows();
        rows.pop_back();
        break;
    }
    wire::state f;
    f.session = s.session;
    f.base = now;
    f.replicas = honest.replicas();
    const auto both = std::string(honest.rows()) + rows;
    f.rows = both;
    (void)s.answer(f); // its rows are checked later, slice by slice
    CHECK(s.refused(1, "malformed state") == 1);
    CHECK(s.mesh(1).stats().sessions_failed == 1);
    CHECK(s.mesh(1).state().staged_slots() == 0);
    s.unchanged();
    s.recover();
}
