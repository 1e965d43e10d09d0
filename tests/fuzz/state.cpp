// Any session: chunks, listings and commits in any order, between own writes and events of others. Own writes
// stay unless a chain under the cut of a commit leaves them out, the digest is that of what can be read, and
// nothing can be read that has not been seen.
#include "crdt/counter.hpp"
#include "state_world.hpp"

using namespace baton;
using namespace baton::fuzz;

namespace {

/// The decisions of the fuzzer; zeros once its input is used up.
class choices {
  public:
    choices(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}
    [[nodiscard]] bool done() const { return rest_.empty(); }
    unsigned below(unsigned limit) {
        if (rest_.empty()) return 0;
        const auto value = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return value % limit;
    }
    std::string_view bytes() {
        const auto taken = rest_.substr(0, below(256));
        rest_.remove_prefix(taken.size());
        return taken;
    }

  private:
    std::string_view rest_;
};

const std::string table = [] {
    std::string ids;
    for (std::uint8_t number = 1; number <= 4; ++number) ids += replica(number).view();
    return ids;
}();

dot some_dot(choices& in) {
    const auto who = static_cast<std::uint8_t>(1 + in.below(4));
    return {replica(who), 1 + in.below(12)};
}

cut some_cut(choices& in) {
    cut c;
    for (std::uint8_t number = 1; number <= 4; ++number) c.set(replica(number), in.below(16));
    return c;
}

place some_place(choices& in, unsigned types) {
    place at{static_cast<value_type>(in.below(types)), in.below(2) == 0 ? "k" : "l", {}};
    if (has_element(at.type)) at.element = in.below(2) == 0 ? "" : "e";
    if (at.type == value_type::archive) at.key = replica(static_cast<std::uint8_t>(1 + in.below(4))).view();
    return at;
}

/// A value that the type may carry.
std::string some_value(choices& in, value_type type, bool removal) {
    std::string value;
    switch (type) {
    case value_type::reg:
    case value_type::map:
        if (!removal) value = in.below(2) == 0 ? "v" : "other";
        break;
    case value_type::counter:
        if (removal) {
            if (in.below(2) != 0) removed_sum::append(value, {some_dot(in), 5});
        } else {
            value.resize(counter_value::bytes);
            store_counter(value.data(), {static_cast<std::int64_t>(in.below(8)), in.below(12), 5});
        }
        break;
    case value_type::scope: {
        const auto context = some_cut(in);
        for (const auto& id : context.entries()) context_entry::append(value, id);
        break;
    }
    case value_type::archive:
        value.resize(8);
        put_word(value.data(), in.below(12));
        break;
    default:
        break;
    }
    return value;
}

/// Rows that are well formed, so that not every input is spent on getting there.
void ship(choices& in, state_world& world) {
    wire::state_writer writer(timestamp{500});
    for (auto rows = 1 + in.below(4); rows != 0; --rows) {
        const auto at = some_place(in, value_types);
        std::vector<staged_view> chain(1 + in.below(3));
        std::vector<std::string> values(chain.size());
        for (std::size_t i = 0; i < chain.size(); ++i) {
            auto& each = chain[i];
            each.what = static_cast<block::kind>(in.below(3));
            const bool never_put = at.type == value_type::scope || at.type == value_type::archive;
            if (never_put && each.what == block::kind::record) each.what = block::kind::removal;
            each.id = some_dot(in);
            each.stamp = timestamp{500 + in.below(4)};
            const bool removal = each.what == block::kind::removal;
            if (removal && at.type == value_type::counter) continue; // its effect is on the records
            if (each.what != block::kind::reference) values[i] = some_value(in, at.type, removal);
            each.value = values[i];
        }
        writer.chain(at.name(), chain, {});
    }
    world.chunk(writer.base(), writer.replicas(), writer.rows());
}

void list(choices& in, state_world& world) {
    wire::listing_writer writer;
    const auto last = some_dot(in);
    wire::listed_range all{{last.replica, 0, last.counter}, true, {}, {}};
    for (std::uint64_t counter = 1; counter <= last.counter; ++counter) {
        if (in.below(2) != 0) all.records.push_back({counter, 1, false});
    }
    writer.add(all);
    world.listing(writer.replicas(), writer.rows());
}

void happen(choices& in, state_world& world) {
    const auto at = some_place(in, value_types);
    event_view event;
    event.removal = in.below(2) != 0 || at.type == value_type::scope || at.type == value_type::archive;
    event.slot = at.name();
    event.stamp = timestamp{500 + in.below(8)};
    const auto value = some_value(in, at.type, event.removal);
    event.value = value;
    std::vector<dot> kills(in.below(3));
    for (auto& each : kills) each = some_dot(in);
    event.kills = kills;
    const auto from = replica(static_cast<std::uint8_t>(2 + in.below(3)));
    world.event({from, world.local().counter_of(from) + 1}, event);
}

void step(choices& in, state_world& world) {
    auto& local = world.local();
    constexpr unsigned own_types = 5;
    switch (in.below(16)) {
    case 0: {
        const auto at = some_place(in, own_types);
        if (at.type == value_type::counter) return world.add(at.key, static_cast<int>(in.below(8)));
        return world.put(at, some_value(in, at.type, false));
    }
    case 1:
        return world.remove(some_place(in, own_types));
    case 2:
        return world.remove_scope(in.below(2) == 0 ? "k" : "l");
    case 3:
        return world.chunk(timestamp{500}, table, in.bytes());
    case 4:
    case 5:
        return ship(in, world);
    case 6:
        return list(in, world);
    case 7:
        return world.listing(table, in.bytes());
    case 8:
    case 9: {
        const auto how = in.below(4);
        return world.commit(how == 3 ? joined(local.seen(), local.archived()) : some_cut(in), how == 3,
                            how == 2);
    }
    case 10:
        return world.fold(1 + in.below(3));
    case 11:
        return world.fold(100);
    case 12:
        (void)local.collect(some_cut(in), in.below(8));
        return;
    case 13:
        return in.below(2) == 0 ? world.keep() : world.closed(some_cut(in));
    case 14: {
        const auto how = in.below(4);
        if (how == 0) return world.abort();
        if (how == 1) return void(local.sweep(in.below(4)));
        if (how == 2 && !local.folding() && local.staged_slots() == 0) local.tidy();
        return;
    }
    default:
        return happen(in, world);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    choices in(data, std::min<std::size_t>(size, 2048));
    state_world world;
    while (!in.done()) {
        step(in, world);
        world.check();
    }
    world.fold(1000);
    world.check();
    world.abort();
    (void)world.local().sweep(1000);
    BATON_ASSERT(world.local().staged_slots() == 0 && world.local().staged_bytes() == 0);
    return 0;
}
