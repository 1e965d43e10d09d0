// samples: what the wire tests share: replicas by number, a cut, and one frame of each kind and form.
#pragma once

#include "support/replica.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <string>
#include <utility>
#include <vector>

namespace samples {

using support::replica;

inline baton::crdt::cut some_cut() {
    baton::crdt::cut c;
    c.raise({replica(3), 300});
    c.raise({replica(9), baton::crdt::counter_max});
    return c;
}

inline baton::wire::standing some_standing() { return {some_cut(), {3, 4}, {1, 2}, true}; }

/// One of each kind, and of each form that has other fields. Views are of literals.
std::vector<baton::wire::frame> one_of_each();
/// The same frame as a version 4 reader has it.
baton::wire::frame without_later(baton::wire::frame from);

} // namespace samples
