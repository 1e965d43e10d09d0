// plain_names: the layers above speak of the replicated map in the names of this layer: store, cut, slot_name,
// instant. They use these names without crdt:: in front, in their own namespaces and nowhere else: in `baton`,
// which is the API, a name of this layer is written in full.
//
// Every header that names something here which the layers above use includes this one.
#pragma once

namespace baton::crdt {}

namespace baton::wire {
using namespace crdt;
}
namespace baton::discovery {
using namespace crdt;
}
namespace baton::core {
using namespace crdt;
}
namespace baton::shell {
using namespace crdt;
}
