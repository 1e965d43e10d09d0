// handles: numbers that stand for the objects of the C ABI. A number names the slot, how often the slot was
// used before, and in which process: so none is ever used twice, and a closed one is an error by
// construction.
//
// Any thread. The table is never destroyed, since other threads may call while the process ends; a child of a
// fork begins with an empty one, as the lock of its parent's may be held for ever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace baton::c {

/// Why a function of the C ABI failed: a number of baton_code, and a sentence.
struct fault {
    int code = 0; ///< BATON_OK: it did not
    std::string what{};
};

enum class kind : std::uint8_t { node = 1, queue = 2, watch = 3, claim = 4, client = 5, client_claim = 6 };

/// What a handle stands for. Each class has `static constexpr kind its_kind`.
class object {
  public:
    virtual ~object() = default;
    /// Ends the calls that wait; later ones end at once.
    virtual void wake() = 0;
};

/// An object that is being used: it cannot be closed as long as this exists.
class use {
  public:
    use(std::shared_ptr<object> of, std::uint64_t handle)
        : of_(std::move(of))
        , handle_(handle) {}
    use(use&& other) noexcept
        : of_(std::move(other.of_))
        , handle_(std::exchange(other.handle_, 0)) {}
    use& operator=(use&&) = delete;
    ~use();
    [[nodiscard]] object* get() const { return of_.get(); }

  private:
    std::shared_ptr<object> of_;
    std::uint64_t handle_;
};

/// A new handle. Throws std::bad_alloc.
[[nodiscard]] std::uint64_t add(kind what, std::shared_ptr<object> of);
/// Of which kind the handle is, if it is one. O(1), as everything here.
[[nodiscard]] kind kind_of(std::uint64_t handle);
/// The object of a handle of that kind. Faults: closed, forked; then `get()` is null.
[[nodiscard]] use take(std::uint64_t handle, kind what, fault& why);
/// Wakes callers and waits for them. Faults: closed, forked.
[[nodiscard]] fault close(std::uint64_t handle);

/// The same, as T.
template <class T>
class using_a {
  public:
    using_a(std::uint64_t handle, fault& why)
        : held_(take(handle, T::its_kind, why)) {}
    explicit operator bool() const { return held_.get() != nullptr; }
    T* operator->() const { return static_cast<T*>(held_.get()); }
    T& operator*() const { return *static_cast<T*>(held_.get()); }

  private:
    use held_;
};

} // namespace baton::c
