// key_notes: names of the keys that have changed since the last call, while they are wanted. A note is only
// the name; the store has the present value.
//
// Owned by a store; same thread contract. Names are stored one after the other in a buffer of at most a
// megabyte. If there are more, the notes only report that any key may have changed. A name may be noted
// twice.
#pragma once

#include "crdt/plain_names.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace baton::crdt {

class key_notes {
  public:
    static constexpr std::size_t bytes_max = std::size_t{1} << 20;

    void want(bool on) {
        wanted_ = on;
        if (!on) clear();
    }
    [[nodiscard]] bool wanted() const { return wanted_; }
    [[nodiscard]] bool empty() const { return names_.empty() && !all_; }

    /// Only while wanted().
    void note(std::string_view key) {
        if (all_ || last() == key) return;
        if (names_.size() + key.size() > bytes_max) return note_all();
        last_ = names_.size();
        names_ += static_cast<char>(key.size() >> 8);
        names_ += static_cast<char>(key.size() & 0xff);
        names_ += key;
    }
    void note_all() {
        clear();
        all_ = wanted_;
    }
    /// Passes every name, in the order of the notes, to `visit(std::string_view)`, and removes all notes.
    /// True: any other key may have changed, too.
    template <class Visit>
    bool take(Visit visit) {
        for (std::size_t at = 0; at < names_.size();) {
            const auto key = name_at(at);
            visit(key);
            at += 2 + key.size();
        }
        const bool all = all_;
        clear();
        return all;
    }

  private:
    [[nodiscard]] std::string_view name_at(std::size_t at) const {
        const auto bytes = std::size_t{static_cast<unsigned char>(names_[at])} << 8 |
                           static_cast<unsigned char>(names_[at + 1]);
        return std::string_view(names_).substr(at + 2, bytes);
    }
    [[nodiscard]] std::string_view last() const {
        return names_.empty() ? std::string_view{} : name_at(last_); // no key is empty
    }
    void clear() {
        names_.clear();
        last_ = 0;
        all_ = false;
    }

    std::string names_;
    std::size_t last_ = 0;
    bool wanted_ = false, all_ = false;
};

} // namespace baton::crdt
