#include "core/contact/hello_writer.hpp"

#include "core/standing.hpp"

namespace baton::core {

namespace {
// In addition to key and value: the head of a block, and its entries in index and log.
constexpr std::size_t record_bytes = 41;
} // namespace

std::uint64_t live_bytes(const store& of) { return of.key_value_bytes() + of.records() * record_bytes; }

wire::hello hello_writer::make(std::uint64_t flags) const {
    wire::hello f;
    f.cluster = settings_.cluster;
    f.versions = settings_.versions;
    f.id = settings_.self;
    f.flags = flags;
    if (leave_.is_leaving()) f.flags |= wire::hello::is_leaving;
    if (room_.is_full()) f.flags |= wire::hello::is_full;
    f.name = settings_.name;
    f.hosts = settings_.hosts;
    f.port = settings_.port;
    f.publish_port = settings_.publish_port;
    f.door = settings_.door;
    f.at = standing_of(store_);
    f.latest = store_.counter_of(settings_.self);
    f.clock = writes_.clock.last();
    f.reach = settings_.reach;
    if (f.at.has_state) f.live = live_bytes(store_);
    return f;
}

} // namespace baton::core
