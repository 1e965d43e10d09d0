// answers: results of the API as structs of the C ABI.
//
// Any thread. What an answer points to is in one block of memory, which baton_answer_free() frees.
#pragma once

#include "handles.hpp"

#include <baton/baton.h>
#include <baton/client.hpp>
#include <baton/completion.hpp>
#include <baton/event.hpp>
#include <baton/member.hpp>
#include <baton/watch.hpp>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace baton::c {

[[nodiscard]] fault fault_of(const error& failure);
/// `of` if it is on, otherwise no flag.
[[nodiscard]] constexpr std::uint32_t flag(bool on, baton_answer_flag of) {
    return on ? static_cast<std::uint32_t>(of) : 0;
}
[[nodiscard]] baton_version version_of(const version& of);
[[nodiscard]] version version_of(const baton_version& of);

/// Fills an answer; give() moves it to the caller's struct. A claim that is not given ends.
class answer_maker {
  public:
    explicit answer_maker(std::uint64_t tag = 0) { made_.tag = tag; }
    answer_maker(const answer_maker&) = delete;
    ~answer_maker();

    void fail(fault why);
    void take(const write_result& of);
    void take(pickup_result of);
    void take(const leave_report& of);
    void take(claim_handle of);
    void take(client_claim of);
    void take(event of);
    void take(change of);
    void take(std::vector<stored_value> of);
    void take(std::vector<std::string> names);
    void take(const std::vector<member>& of);
    void take(std::vector<lost_write> of);
    void take(const replica_id& who) { add_member(who); }
    void take_text(std::string text) { made_.text = keep(std::move(text)); }
    void set(std::uint32_t flags) { made_.flags |= flags; }
    void set_number(std::int64_t number) { made_.number = number; }
    void set_count(std::uint64_t count) { made_.count = count; }

    /// Writes as much as `into` has room for (null: nothing). Returns the code.
    int give(baton_answer* into);

  private:
    struct memory {
        std::deque<std::string> texts;
        std::vector<baton_value> values;
        std::vector<baton_bytes> names;
        std::vector<baton_member> members;
    };
    friend void free_memory(void* of);
    baton_bytes keep(std::string text);
    void add_value(stored_value of);
    void add_member(const replica_id& id);

    std::unique_ptr<memory> memory_ = std::make_unique<memory>();
    baton_answer made_{};
};

void free_memory(void* of);

} // namespace baton::c
