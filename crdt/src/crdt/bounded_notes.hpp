// bounded_notes: notes for later work, up to a bound. Beyond the bound a note is dropped; the reader then
// learns that notes are missing, and scans everything instead.
//
// Owned by a store; same thread contract. note() and miss() are O(1).
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace baton::crdt {

template <class Note>
class bounded_notes {
  public:
    explicit bounded_notes(std::size_t most)
        : most_(most) {}

    /// Makes a note of `parts`, if there is room for one more.
    template <class... Parts>
    void note(Parts&&... parts) {
        if (notes_.size() >= most_) {
            missed_ = true;
        } else {
            notes_.push_back(Note{std::forward<Parts>(parts)...});
        }
    }
    /// Something to look at has no note.
    void miss() { missed_ = true; }
    /// The notes that are kept, in order; `change(Note&)` may change them.
    template <class Change>
    void each(Change change) {
        for (auto& note : notes_) change(note);
    }
    /// Moves all notes to `into`, in order. True: some are missing since the last call.
    bool take(std::vector<Note>& into) {
        into.clear();
        into.swap(notes_);
        return std::exchange(missed_, false);
    }
    [[nodiscard]] bool empty() const { return notes_.empty() && !missed_; }

  private:
    std::size_t most_;
    bool missed_ = false;
    std::vector<Note> notes_;
};

} // namespace baton::crdt
