// spill: the bytes of a whole session in a file: a head, the STATE frames that a newcomer would get, ended by
// their COMMIT, and a tail. Each piece has its own checksum, and the tail has one over all of them. So a
// reader knows whether a file is whole before it believes anything, and finds the readable pieces of a
// damaged one. In a mesh with a key the checksums are keyed: only a holder of the key can make them, and
// every piece is checked whenever it is read. wire/PROTOCOL.md §13 is the reference.
//
// Pure: the caller reads the file and passes its bytes to the reader. A writer or reader belongs to one
// thread. A reader holds one chunk at a time.
#pragma once

#include "crdt/digest.hpp"
#include "crdt/time.hpp"
#include "wire/frame.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::wire {

constexpr std::uint64_t spill_format = 1, sealed_spill_format = 2;
constexpr std::size_t spill_chunk_bytes_max = std::size_t{17} << 20; ///< more than any frame may have

struct spill_head {
    std::uint64_t version = version_min; ///< of the frames in it: the build before may have to read it
    std::string cluster;
    replica_id id{};              ///< the node that wrote it
    timestamp clock{};            ///< above every timestamp in it that its writer accepted
    std::uint64_t written_ms = 0; ///< when, by the writer's wall clock; 0: not known
};

/// A key of the mesh, as used for files.
struct spill_seal {
    std::string key_id; ///< 8 bytes, which the head names
    /// A keyed hash over both, one after the other.
    std::function<digest(std::string_view head, std::string_view content)> hash;
};

class spill_writer {
  public:
    /// Without a seal the checksums detect faults, not forgeries.
    explicit spill_writer(spill_head head, std::optional<spill_seal> seal = {});
    /// The bytes to be written, in this order: head() once, chunk() for each frame, tail() once.
    [[nodiscard]] std::string head();
    [[nodiscard]] std::string chunk(std::string_view bytes);
    [[nodiscard]] std::string tail();

  private:
    [[nodiscard]] std::string piece(std::string_view marker, std::string_view content);
    spill_head head_;
    std::optional<spill_seal> seal_;
    std::uint64_t tag_;
    std::uint32_t number_ = 0;
    digest all_{};
};

/// Which files are accepted.
struct spill_trust {
    std::vector<spill_seal> seals{}; ///< files sealed with these keys
    bool keyless = true;             ///< files without a seal
};

class spill_reader {
  public:
    /// Copies up to `bytes` bytes from `offset` of the file and returns how many: fewer at its end, or if it
    /// cannot be read.
    using source = std::function<std::size_t(std::uint64_t offset, char* into, std::size_t bytes)>;
    /// `cluster`, and the writer `named`, identify the file if its head is unreadable.
    spill_reader(source from, std::uint64_t bytes, std::string_view cluster, const replica_id& named,
                 spill_trust trusted = {});

    /// Nothing is read of a file that is neither `ours` nor `headless`.
    enum class state : std::uint8_t {
        ours,
        foreign,     ///< of another cluster, or in a format or version that this build does not know
        keyless,     ///< not sealed, but a seal is required
        unknown_key, ///< sealed by a key that is not among those of `trust`
        headless     ///< its head is damaged: each piece is checked by itself
    };
    [[nodiscard]] state whose() const { return whose_; }
    [[nodiscard]] const spill_head& head() const { return head_; }
    /// 8 bytes; empty: not sealed, or not known.
    [[nodiscard]] const std::string& key_id() const { return key_id_; }

    enum class step : std::uint8_t {
        chunk, ///< `into` is the next readable frame
        again, ///< nothing readable yet: call again. One call reads at most 1 MiB and one chunk
        end
    };
    [[nodiscard]] step next(std::string& into);
    /// After the end: the file had every chunk and the tail, and nothing else.
    [[nodiscard]] bool is_whole() const { return whole_; }
    /// Starts again from the first chunk.
    void rewind();

  private:
    struct place {
        std::uint32_t number = 0, length = 0;
        bool tail = false;
        digest sum{};
        std::uint64_t seed = 0;
    };
    [[nodiscard]] bool read_exactly(std::uint64_t at, std::size_t bytes, std::string& into);
    void read_head(std::string_view cluster, const replica_id& named);
    [[nodiscard]] std::optional<place> piece_at(std::string_view bytes) const;
    [[nodiscard]] bool is_genuine(const place& found, std::string_view before,
                                  std::string_view content) const;
    void look_further();

    source from_;
    spill_trust trusted_;
    const spill_seal* seal_ = nullptr; ///< of trusted_: the one that the head names
    std::string key_id_;
    std::uint64_t bytes_, at_ = 0, body_ = 0;
    state whose_ = state::headless;
    spill_head head_;
    std::uint64_t tag_ = 0;
    digest head_sum_{}, all_{};
    std::uint32_t number_ = 0;
    bool intact_ = true, whole_ = false;
    std::string buffer_;
};

} // namespace baton::wire
