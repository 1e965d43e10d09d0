// descriptors: how many open files of the process a node needs, and the spares that it keeps for a shortage.
//
// A share: any thread. Spares: one thread.
#pragma once

#include "shell/descriptor.hpp"

#include <baton/result.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace baton::shell {

/// For the node itself: sockets, libzmq's own descriptors, the spares, and for spills a file being written, a
/// file being checked, a file being read, their folder and a bell. For each member: DEALER, its monitor, and
/// four connections.
constexpr std::size_t own_descriptors = 54, descriptors_each = 7;
/// Enough to dial one member, to look at the interfaces and to write a spill.
constexpr std::size_t spare_descriptors = 12;

/// The descriptors reserved for one node of this process. Released with the object.
class descriptor_share {
  public:
    /// Reserves enough for so many members, or fewer: raises the soft limit (RLIMIT_NOFILE) as far as needed,
    /// never above the hard one. Errors: network, if they are not enough for one member.
    [[nodiscard]] static result<descriptor_share> take(std::size_t members);
    /// Reserves `most` descriptors, or what the limit leaves, for something other than members. Errors:
    /// network, if that is less than `least`.
    [[nodiscard]] static result<descriptor_share> take_some(std::size_t least, std::size_t most);
    descriptor_share(descriptor_share&& other) noexcept
        : members_(other.members_)
        , limit_(other.limit_)
        , taken_(std::exchange(other.taken_, 0)) {}
    descriptor_share& operator=(descriptor_share&&) = delete;
    ~descriptor_share();
    /// The number of members that it is enough for; at most as many as were asked for.
    [[nodiscard]] std::size_t members() const { return members_; }
    /// The number of descriptors.
    [[nodiscard]] std::size_t taken() const { return taken_; }
    /// The soft limit as it is now.
    [[nodiscard]] std::size_t limit() const { return limit_; }

  private:
    descriptor_share(std::size_t members, std::size_t limit, std::size_t taken)
        : members_(members)
        , limit_(limit)
        , taken_(taken) {}
    std::size_t members_, limit_, taken_;
};

/// Unused descriptors, to be released when no others are free.
class spares {
  public:
    /// Opens descriptors until it has so many. False, and it keeps its former ones, if none are free.
    bool fill(std::size_t count);
    void shrink(std::size_t count) { held_.resize(std::min(count, held_.size())); }

  private:
    std::vector<descriptor> held_;
};

} // namespace baton::shell
