// client_frame: the messages between a client and the door of a member, as structs, and their bytes.
// wire/PROTOCOL.md, chapter 15, is the reference. Their versions are their own: a mesh may move to a new wire
// while its clients stay as they are.
//
// Pure; values; any thread. Decoded views point into the bytes that were given to the reader.
#pragma once

#include "crdt/cut.hpp"
#include "wire/codec.hpp"
#include "wire/frame.hpp"

#include <baton/dot.hpp>
#include <baton/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace baton::wire::client {

/// The range of versions of these frames that this build speaks.
constexpr std::uint64_t version_min = 1, version_max = 1;
constexpr std::size_t message_bytes_max = std::size_t{512} << 10; ///< of one message, of several frames
constexpr std::size_t part_bytes = std::size_t{256} << 10;        ///< of a value or a list in one frame
constexpr std::size_t value_bytes_max = std::size_t{8} << 20;
constexpr std::size_t whole_bytes_max =
    value_bytes_max + (std::size_t{64} << 10); ///< of a call, with its lists
constexpr std::size_t calls_max = 1024;        ///< that one client may have under way
constexpr std::size_t text_bytes_max = 512;    ///< of a sentence, and of a key, element or token
constexpr std::size_t doors_bytes_max = 4096;
constexpr std::size_t replaced_max = 2000; ///< versions that one resolve replaces
constexpr std::size_t watches_max = 256;   ///< of one client
constexpr std::size_t writers_max = 4096;  ///< entries of a cut that a client keeps

enum class kind : std::uint8_t { open = 1, welcome = 2, refused = 3, call = 4, reply = 5, credit = 6 };

/// Client to member, first of all and after every new connection.
struct open {
    std::string_view cluster;
    wire::versions versions{version_min, version_max};
    replica_id id{};               ///< of the client, drawn at random at its start
    std::string_view name;         ///< for people
    std::string_view token;        ///< proof that it may come in (access.hpp); empty in an open mesh
    std::uint64_t patience_ms = 0; ///< how long a call waits for what the client has seen already
    cut seen;                      ///< what the client has seen: of every replica the highest counter
};

/// Member to client: come in. It is sent again when `doors` have changed.
struct welcome {
    enum flag : std::uint64_t {
        known = 1, ///< the member remembers the results of this client's calls
    };
    std::uint64_t version = version_max; ///< the version that the member answers in
    replica_id id{};                     ///< of the member
    std::string_view name;
    std::uint64_t flags = 0;
    std::uint64_t credit_bytes = 0; ///< that may be on their way, in each direction
    std::uint64_t silent_ms = 0;    ///< after so much silence the member forgets the client
    std::string_view doors;         ///< endpoints of other members' doors, separated by blanks
};

/// Member to client: it accepts no calls from this client, and why.
struct refused {
    enum class why : std::uint8_t {
        cluster = 1,  ///< it is of another one
        version = 2,  ///< no version that both speak
        token = 3,    ///< no proof, or a wrong one
        many = 4,     ///< the member has no room for another client
        leaving = 5,  ///< the member leaves: go to another one
        stranger = 6, ///< the member does not know the client (any more): send OPEN
        flood = 7,    ///< the client has sent more than it had credit for
    };
    why reason{};
    std::string_view sentence;
    std::string_view cluster; ///< of the member
    wire::versions versions{version_min, version_max};
};

enum class verb : std::uint8_t {
    ping = 1,
    stash = 2,
    pickup = 3,
    drop = 4,
    add = 5,
    count = 6,
    insert = 7,
    erase = 8,
    contains = 9,
    elements = 10,
    set_field = 11,
    field = 12,
    erase_field = 13,
    fields = 14,
    enable = 15,
    disable = 16,
    enabled = 17,
    types = 18,
    keys = 19,
    members = 20,
    stats = 21,
    leave = 22,
    confirm = 23,
    siblings = 24,
    field_siblings = 25,
    resolve = 26,
    stash_all = 27,
    claim = 28,
    commit = 29,
    release = 30,
    owns = 31,
    watch = 32,
    unwatch = 33,
};
[[nodiscard]] bool is_write(verb what);

/// Client to member: do this. A call of a value over part_bytes comes in several frames of one number.
struct call {
    enum flag : std::uint64_t {
        if_version = 1, ///< write only if the key is at `expected`, whose counter 0 means absent
        until_known = 2,
        has_within = 4,
        more = 8, ///< the value goes on in the next frame of this number
        if_free = 16,
        if_epoch = 32, ///< claim only at the epoch `amount`, or the next one
        begins = 64,   ///< of watch: from the start; `value` is the cut up to which the client has everything
    };
    std::uint64_t number = 0; ///< from 1; each client counts its own
    verb what{};
    std::uint64_t flags = 0;
    std::uint64_t within_ms = 0;
    std::uint64_t level = 0, copies = 0; ///< ack_level: 0 local, 1 copies, 2 majority, 3 all_up
    std::uint64_t ttl_ms = 0;            ///< 0: none; of claim the lease, 0: 10 s
    /// Of if_version and confirm; of a later part the version that it continues; the sibling that is wanted.
    dot expected{};
    std::uint64_t amount = 0; ///< of add, by zigzag; of a claim its epoch; of a watch its number
    std::uint64_t offset = 0; ///< of a part of a value: its first byte
    std::string_view key;
    std::string_view element; ///< or field; of a list the name to continue from
    std::string_view value;
};

/// Member to client: what has become of the call.
struct reply {
    enum flag : std::uint64_t {
        yes = 1,     ///< met; or what was asked for is so
        changed = 2, ///< of a write; of owns: the claim is tentative
        more = 4,    ///< of a list: it goes on from `text`
        begins = 8,  ///< of watch: from here on the names of all keys follow
        ends = 16,   ///< of watch: they have all been named
    };
    std::uint64_t number = 0;
    std::string_view failure; ///< the name of the error (to_string(errc)); empty: none
    std::uint64_t flags = 0;
    std::uint64_t outcome =
        0;                 ///< of pickup: 0 found, 1 pending_handoff, 2 absent_confirmed, 3 absent_unsynced
    std::string_view text; ///< the sentence of a failure; of a list the name where it goes on
    dot written{};
    std::uint64_t copies = 0; ///< or of claim the epoch before it
    std::uint64_t siblings = 0;
    std::uint64_t epoch = 0; ///< of a register, 0: never claimed; of claim and release the new one
    /// Bytes of the whole value; or a sum by zigzag; or types as bits; of watch how many changes were
    /// dropped.
    std::uint64_t total = 0;
    std::string_view value; ///< from call::offset on, at most part_bytes
    cut seen; ///< entries of the member's cut that have changed since the last reply to this client
};

/// "I have taken in that many bytes of messages from you since OPEN", in both directions.
struct credit {
    std::uint64_t taken = 0;
    bool wants_answer = false;
};

using frame = std::variant<open, welcome, refused, call, reply, credit>;

/// Appends the frame.
void encode(const frame& from, std::string& to, std::uint64_t version = version_max);

/// Reads the frames of one message, one after another.
class message_reader {
  public:
    explicit message_reader(std::string_view bytes)
        : bytes_(bytes) {}
    [[nodiscard]] bool done() const { return failed_ || offset_ == bytes_.size(); }
    /// The next frame. Of an OPEN in another version it reads the head, up to `id`, which all versions have
    /// in common, as they have all of REFUSED; other frames of another version are malformed. Errors:
    /// malformed; then nothing more is read of the message.
    [[nodiscard]] result<frame> next();

  private:
    std::string_view bytes_;
    std::size_t offset_ = 0;
    bool failed_ = false;
};

// --- lists in a reply's value: each entry is a varint length and so many bytes ---

void put_entry(std::string& to, std::string_view entry);
/// nullopt if they are malformed.
[[nodiscard]] std::optional<std::vector<std::string>> read_entries(std::string_view bytes);

/// A value of siblings: its version, and the value itself where `value` is not nullopt.
struct sibling_entry {
    dot written{};
    std::uint64_t epoch = 0, total = 0; ///< `total`: bytes of the value
    std::optional<std::string_view> value{};
};
[[nodiscard]] std::string encode_sibling(const sibling_entry& from);
[[nodiscard]] std::optional<sibling_entry> decode_sibling(std::string_view bytes);

// --- the value of resolve: which versions it replaces, and by what ---

[[nodiscard]] std::string encode_resolution(const std::vector<dot>& replaced, std::string_view value);
struct resolution {
    std::vector<dot> replaced;
    std::string_view value;
};
[[nodiscard]] std::optional<resolution> decode_resolution(std::string_view bytes);

} // namespace baton::wire::client
