// Typed values under faults: random operations on a few keys of every type, while messages are lost, doubled,
// late, and nodes are cut off, killed, restarted and leave. Whatever a node shows, at any moment, is what its
// cut says (typed_oracle); and in the end all show the same. A failing seed is printed;
// BATON_TYPED_SEEDS=first:count runs others.
#include "scene.hpp"
#include "typed_oracle.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>

using namespace baton;
using namespace baton::sim;

namespace {

using deed = typed_oracle::deed;
constexpr std::array types{value_type::reg, value_type::counter, value_type::set, value_type::map,
                           value_type::flag};
constexpr std::size_t slots = 4, key_total = 4, name_total = 3;

struct random_story : scene {
    explicit random_story(std::uint64_t seed)
        : scene(settings_of(seed))
        , luck(seed * 77 + 1) {
        for (slot_number slot = 0; slot < slots; ++slot) start(slot);
        run_for(100ms);
    }
    static settings settings_of(std::uint64_t seed) {
        dice luck(seed);
        settings how;
        how.seed = seed;
        how.faults.loss = luck.below(150), how.faults.duplicate = luck.below(100);
        how.faults.reorder = luck.below(100), how.faults.slices = luck.below(300);
        how.faults.late = luck.below(20), how.faults.late_max = 500ms;
        how.node.limits.chunk_bytes_max = 256 << luck.below(4);
        how.node.limits.credit_bytes = how.node.limits.chunk_bytes_max * 2;
        how.node.liveness.archive_after = std::chrono::milliseconds(luck.between(500, 5000));
        if (luck.below(3) == 0) how.node.limits.lag_max = luck.between(5, 40);
        return how;
    }
    [[nodiscard]] cut cut_of(process_number who) {
        return joined(mesh(who).state().seen(), mesh(who).state().archived());
    }
    [[nodiscard]] std::string key_of(std::size_t number) const { return "typed-" + std::to_string(number); }

    /// Runs `write`, and tells the oracle what it has written.
    template <class Write>
    void operate(process_number who, deed what, const slot_name& slot, std::string_view value,
                 std::int64_t amount, Write write) {
        auto saw = cut_of(who);
        const auto before = mesh(who).state().counter_of(at(who).id);
        saw.set(at(who).id, before);
        write();
        const auto after = mesh(who).state().counter_of(at(who).id);
        REQUIRE(after - before <= 1);
        if (after == before) return; // refused, or nothing to remove
        oracle.note({{at(who).id, after},
                     what,
                     slot.type,
                     std::string(slot.key),
                     std::string(slot.element),
                     std::string(value),
                     amount,
                     std::move(saw)});
    }
    void write_something(process_number who) {
        const auto key = key_of(luck.below(key_total));
        const auto type = types[luck.below(types.size())];
        const auto name = has_element(type) ? "e" + std::to_string(luck.below(name_total)) : std::string();
        const slot_name slot{type, key, name};
        const bool valued = type == value_type::reg || type == value_type::map;
        const auto value =
            valued ? std::to_string(++written) + std::string(luck.below(60), 'v') : std::string();
        auto& m = mesh(who);
        const auto now = moment_at(who);
        if (luck.below(10) < 7) {
            if (type == value_type::counter) {
                const auto amount = static_cast<std::int64_t>(luck.below(100)) - 30;
                operate(who, deed::add, slot, {}, amount, [&] { (void)m.add(now, key, amount); });
            } else {
                operate(who, deed::put, slot, value, 0, [&] { (void)m.put(now, slot, value); });
            }
        } else if (luck.below(3) != 0) {
            operate(who, deed::remove, slot, {}, 0, [&] { (void)m.remove(now, slot); });
        } else { // a drop of the key is up to three events
            operate(who, deed::remove, {value_type::reg, key, {}}, {}, 0, [&] {
                (void)m.remove(now, {value_type::reg, key, {}});
            });
            operate(who, deed::remove, counter(key), {}, 0, [&] { (void)m.remove(now, counter(key)); });
            operate(who, deed::remove_scope, {value_type::scope, key, {}}, {}, 0,
                    [&] { (void)m.drop(now, key); });
        }
        give(who, core::time_passed{});
    }
    void start_again(slot_number slot, duration delay) {
        after(delay, [this, slot] {
            if (!at_slot(slot)) start(slot);
        });
    }
    void disturb() {
        const auto slot = luck.below(slots), other = luck.below(slots);
        const auto who = at_slot(slot);
        switch (luck.below(8)) {
        case 0:
        case 1:
        case 2:
            if (slot == other) return;
            sever(slot, other, true);
            return after(luck.between(10ms, 8000ms), [this, slot, other] { sever(slot, other, false); });
        case 3: // an island of one
            for (slot_number each = 0; each < slots; ++each) {
                if (each == slot) continue;
                sever(slot, each, true);
                after(luck.between(3000ms, 12000ms), [this, slot, each] { sever(slot, each, false); });
            }
            return;
        case 4:
            if (!who || alive().size() < 3) return;
            crash(*who, luck.below(2) == 0);
            return start_again(slot, luck.between(10ms, 9000ms));
        case 5:
            if (!who || alive().size() < 3 || at(*who).leaving) return;
            leave(*who, 1, 2s);
            return start_again(slot, luck.between(2500ms, 9000ms));
        default:
            return;
        }
    }
    /// Checks that what a node shows is what its cut says.
    void look(process_number who) {
        auto& store = mesh(who).state();
        const auto under = cut_of(who);
        const bool folding = store.folding();
        CAPTURE(at(who).name, folding, now().time_since_epoch().count());
        std::vector<record_view> found;
        for (std::size_t number = 0; number < key_total; ++number) {
            const auto key = key_of(number);
            CAPTURE(key);
            REQUIRE(store.count(key).value_or(0) == oracle.count(key, under));
            for (const auto type : {value_type::reg, value_type::set, value_type::map, value_type::flag}) {
                for (std::size_t name = 0; name < (has_element(type) ? name_total : 1); ++name) {
                    const auto element = has_element(type) ? "e" + std::to_string(name) : std::string();
                    const slot_name slot{type, key, element};
                    store.siblings(slot, found);
                    std::vector<std::string> values;
                    for (const auto& record : found) values.emplace_back(record.value);
                    std::sort(values.begin(), values.end());
                    CAPTURE(static_cast<int>(type), element);
                    REQUIRE(values == oracle.values(slot, under));
                }
                if (has_element(type) && !folding)
                    REQUIRE(elements(who, type, key) == oracle.elements(type, key, under));
            }
        }
    }
    void run() {
        for (std::size_t step = 0; step < 300; ++step) {
            const auto all = alive();
            const auto who = all[luck.below(all.size())];
            if (!at(who).leaving) write_something(who);
            if (luck.below(12) == 0) disturb();
            run_for(luck.below(5) == 0 ? luck.between(1ms, 1500ms) : luck.between(10us, 20ms));
            const auto now_alive = alive();
            if (now_alive.empty()) break;
            look(now_alive[luck.below(now_alive.size())]);
        }
        faults() = {};
        run_for(15s); // every partition is over, and every node that was away is back or gone
        settle(30s);
        for (const auto who : alive()) look(who);
        check_everything();
    }
    dice luck;
    typed_oracle oracle;
    std::size_t written = 0;
};

} // namespace

TEST_CASE("typed: under every fault each node reads what its cut says", "[core][scenario][law]") {
    std::uint64_t first = 1, count = 40;
    if (const auto* const asked = std::getenv("BATON_TYPED_SEEDS"))
        (void)std::sscanf(asked, "%" SCNu64 ":%" SCNu64, &first, &count);
    for (auto seed = first; seed < first + count; ++seed) {
        CAPTURE(seed);
        random_story story(seed);
        story.run();
    }
}
