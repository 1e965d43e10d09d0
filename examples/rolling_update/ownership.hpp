// ownership: who owned which session from when until when, and whether ever two did at once.
//
// A server owns a session, as it believes, from the moment it begins to answer for it (it has claimed it, and
// every member that is up has acknowledged the claim) to the moment it stops (it is told to end, or learns
// that the claim is lost). Each server writes that down itself, by CLOCK_MONOTONIC, which is one for all
// processes of a machine; the director puts the books side by side.
//
// Plain values.
#pragma once

#include "line.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

struct tenure {
    std::size_t session = 0;
    std::uint64_t epoch = 0;
    std::uint64_t from = 0, until = 0; ///< stamps (timing.hpp); owned in [from, until)
    bool tentative = false;            ///< the handle said so when it began, or at the end
    std::string server{};

    [[nodiscard]] line to_line() const;
    [[nodiscard]] static tenure from_line(const line& said, const std::string& server);
};

class books {
  public:
    void add(tenure one) { of_[one.session].push_back(std::move(one)); }

    /// Sessions that two servers owned at once, neither tentatively. O(tenures log tenures).
    [[nodiscard]] std::size_t duplicated_owners() const;
    /// The same, where one of the two knew that it may not be the only one.
    [[nodiscard]] std::size_t tentative_overlaps() const;

    struct handed {
        std::size_t sessions = 0;
        std::uint64_t longest = 0; ///< microseconds that one of them had no owner
    };
    /// What a server had when it ended, and how long it then took until somebody else had it.
    [[nodiscard]] handed handed_over_by(const std::string& server) const;
    /// Sessions without any owner at the end, of `sessions`.
    [[nodiscard]] std::size_t without_owner(std::size_t sessions, std::uint64_t at) const;

  private:
    [[nodiscard]] std::size_t overlaps(bool tentative) const;
    std::map<std::size_t, std::vector<tenure>> of_; ///< by session
};
