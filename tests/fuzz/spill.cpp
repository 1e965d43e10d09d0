// A starting node finds a spill file of any bytes. The file may be whole, damaged or neither; the node must
// live, keep its own write, and claim no event of a file that is not whole. The input is the file. So that
// the fuzzer passes the checksums, half of the inputs are lists of frames, with correct checksums. A node
// with a key, and a file of one, are drawn too: a file that is not trusted must not be read at all.
#include "wire/spill.hpp"

#include "../support/replica.hpp"
#include "core/mesh.hpp"
#include "crdt/assert.hpp"

#include <algorithm>
#include <cstring>
#include <deque>

using namespace baton;
using namespace baton::core;

namespace {

using support::replica;

// A hash with a secret seed: as good as any here, where the fuzzer cannot see the seed.
wire::spill_seal seal() {
    return {"the key.", [](std::string_view head, std::string_view content) {
                return hash_wide(std::string(head).append(content), 0x5eedf00d5eedf00d);
            }};
}

// Two length bytes and a frame, and so on, with every checksum right.
std::string file_of(std::string_view frames, bool finished, bool sealed) {
    wire::spill_writer writer(
        {.cluster = "default", .id = replica(9), .clock = {1}, .written_ms = 1699999990000},
        sealed ? std::optional(seal()) : std::nullopt);
    auto bytes = writer.head();
    while (frames.size() >= 2) {
        const auto length = std::min<std::size_t>(static_cast<std::uint8_t>(frames[0]) |
                                                      static_cast<std::uint8_t>(frames[1]) << 8,
                                                  frames.size() - 2);
        bytes += writer.chunk(frames.substr(2, length));
        frames.remove_prefix(2 + length);
    }
    return finished ? bytes + writer.tail() : bytes;
}

class finder {
  public:
    finder(std::string file, bool has_key)
        : has_key_(has_key)
        , file_(std::move(file))
        , node_(settings(), now_)
        , reader_(
              [this](std::uint64_t offset, char* into, std::size_t bytes) {
                  const auto piece =
                      std::string_view(file_).substr(std::min<std::size_t>(offset, file_.size()), bytes);
                  std::memcpy(into, piece.data(), piece.size());
                  return piece.size();
              },
              file_.size(), "default", replica(9),
              has_key ? wire::spill_trust{{seal()}, false} : wire::spill_trust{}) {}

    void run(bool sealed) {
        BATON_ASSERT(node_.stash(now_, "mine", "kept"));
        std::string chunk, last;
        for (;;) {
            const auto step = reader_.next(chunk);
            if (step == wire::spill_reader::step::end) break;
            if (step == wire::spill_reader::step::chunk) last = chunk;
        }
        if (has_key_ && !sealed) BATON_ASSERT(last.empty() && !reader_.is_whole()); // nobody can guess it
        using state = wire::spill_reader::state;
        if (reader_.whose() != state::ours && reader_.whose() != state::headless) return;
        const bool whole = reader_.is_whole();
        give(spill_found{spill_id{1}, whole, reader_.head().clock, last, reader_.head().written_ms,
                         reader_.head().id});
        for (int step = 0; step < 40; ++step) {
            give(time_passed{});
            for (int reads = 0; asked_ && reads < 10'000; ++reads) read();
        }
        std::vector<record_view> mine;
        node_.state().siblings("mine", mine);
        if (!whole) { // no event of it is claimed, and own writes are not replaced
            BATON_ASSERT(node_.state().seen().size() == 1 && node_.state().archived().empty());
            BATON_ASSERT(std::any_of(mine.begin(), mine.end(), [](const record_view& r) {
                return r.id == dot{replica(1), 1};
            }));
        }
        BATON_ASSERT(node_.state().seen().has({replica(1), 1}));
    }

  private:
    void read() {
        const auto from_start = std::exchange(asked_, std::nullopt)->from_start;
        if (from_start) reader_.rewind();
        std::string chunk;
        for (;;) {
            const auto step = reader_.next(chunk);
            if (step == wire::spill_reader::step::again) continue;
            if (step == wire::spill_reader::step::end) chunk.clear();
            break;
        }
        give(spill_read{spill_id{1}, chunk});
    }
    void give(const input& in) {
        now_.now += std::chrono::milliseconds{200};
        now_.wall_ms += 200;
        take([&] { (void)node_.step(now_, in, out_); });
        for (bool more = true; more;) take([&] { more = node_.work(now_, out_); });
    }
    template <class Call>
    void take(Call call) {
        out_.clear();
        call();
        for (const auto& each : out_.actions) {
            if (const auto* const wanted = std::get_if<read_spill>(&each)) asked_ = *wanted;
        }
    }
    static mesh_options settings() {
        mesh_options m;
        m.self = replica(1);
        m.beacon = false;
        m.spills = true;
        m.alone_after = std::chrono::milliseconds{1000};
        return m;
    }
    const bool has_key_;
    std::string file_;
    moment now_{instant{} + std::chrono::hours{1}, 1700000000000};
    mesh node_;
    wire::spill_reader reader_;
    outbox out_;
    std::optional<read_spill> asked_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const bool raw = data[0] % 4 == 0, has_key = data[0] >= 64, sealed = has_key && data[0] < 128;
    finder(raw ? std::string(bytes) : file_of(bytes, data[0] % 4 != 1, sealed || data[0] >= 192),
           has_key && data[0] < 192)
        .run(!raw && sealed);
    return 0;
}
