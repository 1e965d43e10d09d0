// plain_names: lets the layers above use the names of this layer, such as store, cut and instant, without
// crdt:: in front. This holds in their own namespaces only: in `baton`, which is the API, the name is written
// in full.
//
// Every header that names something here which a layer above uses includes this one.
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
