// Rows of a STATE: chains of every type, runs of them, and parts come back as they were written; bad ones are
// refused, cut short anywhere too.
#include "crdt/counter.hpp"
#include "samples.hpp"
#include "support/catch.hpp"

using namespace baton;
using namespace baton::wire;
using namespace samples;
using entry_kind = block::kind;

namespace {

struct plain {
    slot_name slot;
    std::vector<staged_view> chain;
};

const replica_id of_archive = replica(9); // outlives what views it
const std::string share(counter_value::bytes, 'c');
const std::string context = [] {
    std::string bytes;
    context_entry::append(bytes, {replica(1), 4});
    context_entry::append(bytes, {replica(2), counter_max});
    return bytes;
}();

staged_view record(std::uint8_t from, std::uint64_t counter, std::string_view value) {
    return {entry_kind::record, {replica(from), counter}, timestamp{60 + counter}, 0, value};
}
staged_view removal(std::uint8_t from, std::uint64_t counter, std::string_view value = {}) {
    return {entry_kind::removal, {replica(from), counter}, timestamp{40}, 0, value};
}

/// Every type; runs of one origin, which are written short, and breaks in them.
std::vector<plain> some_chains() {
    using enum value_type;
    const staged_view reference{entry_kind::reference, {replica(4), counter_max}, {}, 0, {}};
    auto with_epoch = record(1, 10, "later");
    with_epoch.epoch = 3;
    auto with_ttl = record(1, 9, "not for ever"), with_both = record(2, 8, "nor this");
    with_ttl.ttl = std::chrono::milliseconds{0}; // it is over
    with_both.ttl = ttl_max;
    with_both.epoch = 4;
    return {{{reg, "a", {}}, {record(1, 7, "one")}},
            {{reg, "b", {}}, {record(1, 8, "two")}},
            {{reg, "t", {}}, {with_ttl}},
            {{reg, "u", {}}, {with_both, reference, record(1, 10, "for ever")}},
            {{map, "m", "field"}, {record(1, 9, "three")}},
            {{map, "m", {}}, {with_epoch}},
            {{set, "s", "element"}, {record(1, 11, {})}},
            {{flag, "f", {}}, {record(1, 12, {})}},
            {{counter, "n", {}}, {record(1, 13, share), record(2, 1, share), removal(3, 9)}},
            {{reg, "a b", {}}, {record(1, counter_max, "v"), removal(2, 3), reference}},
            {{set, "s", "gone"}, {removal(2, 4)}},
            {{flag, "g", {}}, {removal(2, 5)}},
            {{scope, "s", {}}, {removal(2, 6, context), removal(3, 1)}},
            {{archive, of_archive.view(), {}}, {removal(2, 7, "12345678")}}};
}

bool refused(std::string_view replicas, std::string_view rows, row_limits limits = {}) {
    state_reader reader(timestamp{50}, replicas, rows, limits);
    state_row row;
    while (reader.next(row)) {
    }
    return !reader.ok();
}

/// The writer does not judge, so that bad rows can be written.
bool refused(const slot_name& slot, const std::vector<staged_view>& chain,
             const std::vector<dot>& in_parts = {}) {
    state_writer writer(timestamp{50});
    writer.chain(slot, chain, in_parts);
    return refused(writer.replicas(), writer.rows());
}

bool refused(const value_part& piece) {
    state_writer writer(timestamp{50});
    writer.part(piece);
    return refused(writer.replicas(), writer.rows());
}

} // namespace

TEST_CASE("chains: of every type, they come back as they were written", "[wire][law]") {
    state_writer writer(timestamp{50});
    for (const auto& each : some_chains()) writer.chain(each.slot, each.chain, {});
    state_reader reader(writer.base(), writer.replicas(), writer.rows(), {});
    state_row row;
    for (const auto& each : some_chains()) {
        CAPTURE(std::string(each.slot.key));
        REQUIRE(reader.next(row));
        REQUIRE_FALSE(row.part);
        REQUIRE(row.slot == each.slot);
        REQUIRE(row.entries.size() == each.chain.size());
        for (std::size_t i = 0; i < each.chain.size(); ++i) {
            const auto& back = row.entries[i].what;
            REQUIRE(back.what == each.chain[i].what);
            REQUIRE(back.id == each.chain[i].id);
            REQUIRE(back.stamp == each.chain[i].stamp);
            REQUIRE(back.epoch == each.chain[i].epoch);
            REQUIRE(back.ttl == each.chain[i].ttl);
            REQUIRE(back.value == each.chain[i].value);
            REQUIRE_FALSE(row.entries[i].total);
        }
    }
    REQUIRE_FALSE(reader.next(row));
    REQUIRE(reader.ok());
}

TEST_CASE("chains: the next of a run costs six bytes beside its key and value", "[wire]") {
    state_writer writer(timestamp{50});
    writer.chain({value_type::reg, "a", {}}, {record(1, 7, "v")}, {});
    const auto before = writer.bytes();
    writer.chain({value_type::reg, "b", {}}, {record(1, 8, "v")}, {});
    REQUIRE(writer.bytes() - before <= 6);
    // The row needs one before it, and no counter is beyond the last one.
    REQUIRE(refused(replica(1).view(), std::string_view("\x03\x01k\x00\x00", 5)));
    state_writer last(timestamp{50});
    last.chain({value_type::reg, "a", {}}, {record(1, counter_max, "v")}, {});
    last.chain({value_type::reg, "b", {}}, {record(1, counter_max + 1, "v")}, {});
    REQUIRE(refused(last.replicas(), last.rows()));
}

TEST_CASE("chains: a value in parts comes back in parts, its chain with their length", "[wire]") {
    const slot_name slot{value_type::map, "big", "field"};
    const std::string large(1000, 'x');
    const dot id{replica(3), 9};
    state_writer writer(timestamp{50});
    writer.part({slot, id, 1000, 0, std::string_view(large).substr(0, 600)});
    writer.part({slot, id, 1000, 600, std::string_view(large).substr(600)});
    writer.chain(slot, {{entry_kind::record, id, timestamp{70}, 4, large}}, {id});
    state_reader reader(writer.base(), writer.replicas(), writer.rows(), {});
    state_row row;
    REQUIRE(reader.next(row));
    REQUIRE(row.part);
    REQUIRE(row.part->slot == slot);
    REQUIRE(row.part->id == id);
    REQUIRE(row.part->total == 1000);
    REQUIRE(reader.next(row));
    REQUIRE(row.part->offset == 600);
    REQUIRE(row.part->bytes.size() == 400);
    REQUIRE(reader.next(row));
    REQUIRE_FALSE(row.part);
    REQUIRE(row.entries.at(0).total == 1000U);
    REQUIRE(row.entries.at(0).what.value.empty());
    REQUIRE(row.entries.at(0).what.epoch == 4);
    REQUIRE_FALSE(reader.next(row));
    REQUIRE(reader.ok());
}

TEST_CASE("chains: cut short within a row, they are refused", "[wire]") {
    auto chains = some_chains();
    chains.push_back({{value_type::reg, "p", {}}, {}}); // stands for a part
    for (const auto& each : chains) {
        state_writer writer(timestamp{50});
        if (each.chain.empty()) {
            writer.part({each.slot, {replica(1), 2}, 9, 3, "piece"});
        } else {
            writer.chain(each.slot, each.chain, {});
        }
        CAPTURE(std::string(each.slot.key));
        for (std::size_t size = 1; size < writer.rows().size(); ++size)
            REQUIRE(refused(writer.replicas(), std::string(writer.rows(), 0, size)));
        REQUIRE(refused({}, writer.rows())); // no replica of that index
    }
}

TEST_CASE("chains: what is out of bounds, or not of its type's form, is refused", "[wire]") {
    using enum value_type;
    REQUIRE(refused({reg, std::string(513, 'k'), {}}, {record(1, 1, "v")}));
    REQUIRE(refused({reg, {}, {}}, {record(1, 1, "v")}));
    REQUIRE_FALSE(refused({map, "k", std::string(512, 'e')}, {record(1, 1, "v")}));
    REQUIRE(refused({map, "k", std::string(513, 'e')}, {record(1, 1, "v")}));
    REQUIRE(refused({static_cast<value_type>(7), "k", {}}, {record(1, 1, "v")}));
    REQUIRE(refused({reg, "k", {}}, {record(1, 0, "v")}));
    REQUIRE(refused({reg, "k", {}}, {record(1, counter_max + 1, "v")}));
    REQUIRE(refused({reg, "k", {}}, {removal(1, 1, "v")}));
    REQUIRE(refused({set, "k", "e"}, {record(1, 1, "v")}));
    REQUIRE(refused({flag, "k", {}}, {record(1, 1, "v")}));
    REQUIRE(refused({counter, "k", {}}, {record(1, 1, "too short")}));
    REQUIRE(refused({counter, "k", {}}, {record(1, 1, share + share)}));
    REQUIRE(refused({scope, "k", {}}, {removal(1, 1, context.substr(24) + context.substr(0, 24))}));
    REQUIRE(refused({scope, "k", {}}, {record(1, 1, context)}));
    REQUIRE(refused({archive, "k", {}}, {removal(1, 1, "12345678")}));
    REQUIRE(refused({archive, replica(9).view(), {}}, {record(1, 1, "12345678")}));
    REQUIRE(refused({reg, "k", {}}, {record(1, 7, "v"), record(1, 8, "v")}));  // more than there are origins
    REQUIRE(refused(replica(1).view(), std::string_view("\x01\x01k\x00", 4))); // a chain of none
    REQUIRE(refused(replica(1).view(), std::string_view("\x04\x01k\x00", 4))); // no such row
    REQUIRE(refused(replica(1).view(), std::string_view("\x02\x01k\x03\x00\x02", 6))); // no such entry
    REQUIRE(refused(replica(1).view(), std::string_view("\x02\x01k\x22\x00\x02", 6))); // a bit not known
    REQUIRE(
        refused(replica(1).view(), std::string_view("\x02\x01k\x12\x00\x02", 6))); // a reference for a time
    REQUIRE_FALSE(refused(replica(1).view(), std::string_view("\x02\x01k\x02\x00\x02", 6)));
}

TEST_CASE("chains: a time to live is of a register's record, and within its bounds", "[wire]") {
    using enum value_type;
    const auto lasting = [](staged_view of, std::chrono::milliseconds ttl) {
        of.ttl = ttl;
        return std::vector{of};
    };
    REQUIRE_FALSE(refused({reg, "k", {}}, lasting(record(1, 1, "v"), ttl_max)));
    REQUIRE_FALSE(
        refused({reg, "k", {}}, lasting(record(1, 1, std::string(100, 'x')), ttl_max), {{replica(1), 1}}));
    REQUIRE(refused({reg, "k", {}}, lasting(record(1, 1, "v"), ttl_max + std::chrono::milliseconds{1})));
    REQUIRE(refused({reg, "k", {}}, lasting(removal(1, 1), ttl_max)));
    REQUIRE(refused({map, "k", "e"}, lasting(record(1, 1, "v"), ttl_max)));
    REQUIRE(refused({counter, "k", {}}, lasting(record(1, 1, share), ttl_max)));
}

TEST_CASE("parts: empty, beyond the value, or of what never is large, they are refused", "[wire]") {
    using enum value_type;
    const slot_name slot{reg, "k", {}};
    const dot id{replica(1), 1};
    REQUIRE_FALSE(refused({slot, id, 9, 4, "piece"}));
    REQUIRE(refused({slot, id, 9, 4, ""}));
    REQUIRE(refused({slot, id, 9, 5, "piece"}));
    REQUIRE(refused({slot, id, 9, 10, "piece"}));
    REQUIRE(refused({slot, id, 9, ~0ULL, "piece"}));
    REQUIRE(refused({slot, id, ~0ULL, 0, "piece"}));
    REQUIRE(refused({slot, {replica(1), 0}, 9, 0, "piece"}));
    REQUIRE(refused({slot, {replica(1), counter_max + 1}, 9, 0, "piece"}));
    // A chain may name parts for a record of a register or a field only, and no more than a value may have.
    const std::string large(100, 'x');
    REQUIRE_FALSE(refused(slot, {record(1, 1, large)}, {id}));
    REQUIRE_FALSE(refused({map, "k", "e"}, {record(1, 1, large)}, {id}));
    REQUIRE(refused({set, "k", "e"}, {record(1, 1, large)}, {id}));
    REQUIRE(refused({flag, "k", {}}, {record(1, 1, large)}, {id}));
    const std::string_view removal_in_parts("\x02\x01k\x09\x00\x02\x00\x64", 8);
    REQUIRE(refused(replica(1).view(), removal_in_parts));
    const std::string_view share_in_parts("\x12\x01k\x08\x00\x02\x00\x64", 8);
    REQUIRE(refused(replica(1).view(), share_in_parts));
    const std::string_view record_in_parts("\x02\x01k\x08\x00\x02\x00\x64", 8);
    REQUIRE_FALSE(refused(replica(1).view(), record_in_parts));
    REQUIRE(refused(replica(1).view(), record_in_parts, {512, 99}));
}
