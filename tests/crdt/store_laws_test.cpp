// The store against an oracle that knows every event (history.hpp): rapidcheck draws what happens in a small
// world (world.hpp), and after each step what can be read from the stores concerned must be what the oracle
// computes from their cut alone (I1), for values of every type, through sessions in portions, failover,
// forgetting (I7, I8) and closed origins (I9). What fails is shrunk to a few steps.
#include "support/catch.hpp"
#include "world.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::crdt;
using namespace baton::test;

namespace {

enum class deed : std::uint8_t {
    put,
    replace,
    claim,
    release,
    add,
    remove,
    remove_scope,
    archive,
    deliver,
    pull,
    serve,
    receive,
    sync,
    abandon,
    fold,
    tell,
    collect,
    settle,
    tidy,
    restart,
};

struct step {
    deed what;
    std::uint8_t a, b, slot, extra;
};

void showValue(const step& s, std::ostream& out) { // the name is rapidcheck's
    static constexpr const char* names[] = {"put",    "replace",      "claim",   "release", "add",
                                            "remove", "remove_scope", "archive", "deliver", "pull",
                                            "serve",  "receive",      "sync",    "abandon", "fold",
                                            "tell",   "collect",      "settle",  "tidy",    "restart"};
    out << names[static_cast<int>(s.what)] << '(' << +s.a << ' ' << +s.b << ' ' << +s.slot << ' ' << +s.extra
        << ')';
}

/// How often each deed is drawn.
using weights = std::vector<std::pair<int, deed>>;
const weights everything{
    {12, deed::put},   {3, deed::replace},      {3, deed::claim},   {1, deed::release},  {5, deed::add},
    {6, deed::remove}, {2, deed::remove_scope}, {1, deed::archive}, {14, deed::deliver}, {4, deed::pull},
    {14, deed::serve}, {14, deed::receive},     {2, deed::sync},    {1, deed::abandon},  {3, deed::fold},
    {4, deed::tell},   {3, deed::collect},      {2, deed::settle},  {1, deed::tidy},     {1, deed::restart}};

rc::Gen<std::vector<step>> steps(const weights& drawn, std::size_t count) {
    std::vector<deed> urn;
    for (const auto& [times, what] : drawn) urn.insert(urn.end(), static_cast<std::size_t>(times), what);
    const auto byte = rc::gen::inRange<std::uint8_t>(0, 240); // drawn without regard to rapidcheck's size
    const auto one = rc::gen::build<step>(rc::gen::set(&step::what, rc::gen::elementOf(urn)),
                                          rc::gen::set(&step::a, byte), rc::gen::set(&step::b, byte),
                                          rc::gen::set(&step::slot, byte), rc::gen::set(&step::extra, byte));
    return rc::gen::resize(static_cast<int>(count), rc::gen::container<std::vector<step>>(one));
}

slot_key slot_of(std::uint8_t number) {
    const auto key = "k" + std::to_string(number % 2);
    const auto element = "e" + std::to_string(number / 2 % 2);
    constexpr value_type types[] = {value_type::reg,  value_type::set, value_type::map,
                                    value_type::flag, value_type::reg, value_type::set};
    const auto type = types[number / 4 % 6];
    return has_element(type) ? slot_key(type, key, element) : slot_key(type, key);
}

void take(world& w, const step& s, int& serial) {
    const auto slot = slot_of(s.slot);
    const bool valued = slot.type == value_type::reg || slot.type == value_type::map;
    switch (s.what) {
    case deed::put:
        return w.put(s.a, slot, valued ? "v" + std::to_string(serial++) : "");
    case deed::replace: // of registers and fields: some siblings go, under the odd and even epochs of claims
        if (!valued) return;
        return w.replace(s.a, slot, s.b,
                         s.extra % 3 == 0 ? std::nullopt : std::optional("r" + std::to_string(serial++)),
                         s.extra % 5);
    case deed::claim:
        return w.claim(s.a, slot.key);
    case deed::release: {
        const auto owned = w.at(s.a).read(slot.key);
        if (!owned || owned->id.replica != w.at(s.a).self() || !is_claim(owned->epoch)) return;
        return w.replace(s.a, {value_type::reg, slot.key}, 0, std::string(owned->value),
                         release_epoch(owned->epoch));
    }
    case deed::add:
        return w.add(s.a, slot.key, s.extra % 16 == 0 ? INT64_MAX : s.extra % 7 - 2);
    case deed::remove:
        return w.remove(s.a, s.extra % 3 == 0 ? slot_key(value_type::counter, slot.key) : slot);
    case deed::remove_scope:
        return w.remove_scope(s.a, slot.key);
    case deed::archive:
        return w.archive(s.a, s.b);
    case deed::deliver: // several, mostly of one that lives
        for (int i = 0; i <= s.extra % 4; ++i) s.slot % 4 == 0 ? w.deliver(s.a, s.b) : w.tell_next(s.a, s.b);
        return;
    case deed::pull:
        return w.pull(s.a, s.b, s.extra % 4U * 3, s.slot % 8 == 0);
    case deed::serve:
        for (int i = 0; i <= s.slot % 8; ++i) w.serve(s.a, s.extra % 4);
        return;
    case deed::receive:
        for (int i = 0; i <= s.extra % 8; ++i) w.receive(s.a);
        return;
    case deed::sync:
        return w.sync(s.a, s.b);
    case deed::abandon:
        w.abandon(s.a, s.extra % 4 != 0);
        (void)w.at(s.a).sweep(s.extra % 3);
        return;
    case deed::fold:
        (void)w.at(s.a).fold(1 + s.extra % 3);
        return;
    case deed::tell:
        return w.tell(s.a, s.b);
    case deed::collect:
        return w.collect(s.a, s.extra % 4 == 0 ? 1 : 1000, s.extra % 3 == 0 ? 1U << s.b % w.size() : 0);
    case deed::settle:
        return w.settle(s.a);
    case deed::tidy:
        return w.tidy(s.a);
    case deed::restart:
        if (s.extra % 4 == 0) w.restart(s.a);
        return;
    }
}

void run(world& w, const std::vector<step>& all) {
    int serial = 0;
    for (const auto& s : all) {
        take(w, s, serial);
        RC_ASSERT(w.check(s.a, s.extra) == "");
        if (s.b % w.size() != s.a % w.size()) RC_ASSERT(w.check(s.b, s.extra) == "");
    }
    // In the end every node gets every event, and all are equal.
    for (std::size_t i = 0; i < w.size(); ++i) w.abandon(i, false);
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < w.size(); ++i) {
            for (std::size_t j = 0; j < w.size(); ++j) {
                if (i != j) w.sync(i, j);
                RC_ASSERT(w.check(i) == "");
            }
        }
    }
    for (std::size_t i = 1; i < w.size(); ++i) {
        RC_ASSERT(w.seen(i) == w.seen(0));
        RC_ASSERT(*w.at(i).state_digest() == *w.at(0).state_digest());
    }
}

} // namespace

TEST_CASE("store: what is visible is what the oracle computes from the cut", "[crdt][law]") {
    REQUIRE(rc::check([] {
        const auto count = *rc::gen::inRange<std::size_t>(2, 5);
        const auto all = *steps(everything, 300);
        world w(count);
        run(w, all);
    }));
}
