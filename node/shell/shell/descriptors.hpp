// descriptors: what a node needs of the process's open files, and what it holds back for a bad day.
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

/// Of the node itself: sockets, libzmq's own, the spares, and of spills one that is written, one that is
/// looked through, one that is read, their folder and a bell; and of each member: DEALER, its monitor, and
/// four connections.
constexpr std::size_t own_descriptors = 54, descriptors_each = 7;
/// Enough to dial one member, to look at the interfaces and to write a spill.
constexpr std::size_t spare_descriptors = 12;

/// What one node may count on, beside the other nodes of this process. Given back with its object.
class descriptor_share {
  public:
    /// For so many members, if the process can have them: raises the soft limit (RLIMIT_NOFILE) as far as
    /// that needs, never above the hard one. Errors: network, when not even one member can be had.
    [[nodiscard]] static result<descriptor_share> take(std::size_t members);
    descriptor_share(descriptor_share&& other) noexcept
        : members_(other.members_)
        , limit_(other.limit_)
        , taken_(std::exchange(other.taken_, 0)) {}
    descriptor_share& operator=(descriptor_share&&) = delete;
    ~descriptor_share();
    /// For how many members it suffices; at most as many as were asked for.
    [[nodiscard]] std::size_t members() const { return members_; }
    /// The soft limit as it is now.
    [[nodiscard]] std::size_t limit() const { return limit_; }

  private:
    descriptor_share(std::size_t members, std::size_t limit, std::size_t taken)
        : members_(members)
        , limit_(limit)
        , taken_(taken) {}
    std::size_t members_, limit_, taken_;
};

/// Descriptors of nothing, to be let go when there are no others.
class spares {
  public:
    /// Until it has so many; false, and it has what it had, when there are none to be had.
    bool fill(std::size_t count);
    void shrink(std::size_t count) { held_.resize(std::min(count, held_.size())); }

  private:
    std::vector<descriptor> held_;
};

} // namespace baton::shell
