#include "wire/spill.hpp"

#include "wire/codec.hpp"

#include <algorithm>

namespace baton::wire {

namespace {

constexpr std::string_view magic = "BATONSPL",
                           chunk_marker = "\xb5"
                                          "chk",
                           tail_marker = "\xb5"
                                         "end";
constexpr std::size_t head_bytes_max = 512, sum_bytes = 16;
// The marker, number, length and tag; then their checksum and the checksum of the content.
constexpr std::size_t covered_bytes = 4 + 4 + 4 + 8, piece_bytes = covered_bytes + 8 + sum_bytes;
constexpr std::size_t look_bytes = std::size_t{1} << 20;

void put_little_endian(std::string& to, std::uint64_t value, int bytes) {
    for (int byte = 0; byte < bytes; ++byte) to += static_cast<char>(value >> (8 * byte));
}
std::uint64_t little_endian(std::string_view from) {
    std::uint64_t value = 0;
    for (auto at = from.rbegin(); at != from.rend(); ++at)
        value = value << 8 | static_cast<unsigned char>(*at);
    return value;
}

// Identifies the file that a piece belongs to.
std::uint64_t tag_of(std::string_view cluster, const replica_id& id) {
    return hash_bytes(std::string(cluster).append(id.view()), spill_format);
}

digest follow(const spill_seal* seal, const digest& all, const digest& sum) {
    const auto both = encode_digest(all) + encode_digest(sum);
    return seal != nullptr ? seal->hash(both, {}) : hash_wide(both, spill_format);
}

} // namespace

// ---------------------------------------------------------------- writing

spill_writer::spill_writer(spill_head head, std::optional<spill_seal> seal)
    : head_(std::move(head))
    , seal_(std::move(seal))
    , tag_(tag_of(head_.cluster, head_.id)) {}

std::string spill_writer::head() {
    std::string body;
    frame_writer fields(body, seal_ ? 7 : 6);
    fields.number(seal_ ? sealed_spill_format : spill_format)
        .number(head_.version)
        .text(head_.cluster)
        .id(head_.id)
        .number(head_.clock.raw)
        .number(head_.written_ms);
    if (seal_) fields.bytes(seal_->key_id);
    std::string bytes(magic);
    put_little_endian(bytes, body.size(), 4);
    bytes += body;
    // Without a key, so that every build can tell an unknown format from damage.
    all_ = hash_wide(bytes, spill_format);
    bytes += encode_digest(all_);
    if (!seal_) return bytes;
    all_ = seal_->hash(bytes, {});
    return bytes + encode_digest(all_);
}

std::string spill_writer::piece(std::string_view marker, std::string_view content) {
    std::string bytes(marker);
    bytes.reserve(piece_bytes + content.size());
    put_little_endian(bytes, number_, 4);
    put_little_endian(bytes, content.size(), 4);
    put_little_endian(bytes, tag_, 8);
    const auto seed = hash_bytes(bytes, spill_format);
    put_little_endian(bytes, seed, 8);
    const auto sum = seal_ ? seal_->hash(bytes, content) : hash_wide(content, seed);
    all_ = follow(seal_ ? &*seal_ : nullptr, all_, sum);
    ++number_;
    bytes += encode_digest(sum);
    return bytes.append(content);
}

std::string spill_writer::chunk(std::string_view bytes) { return piece(chunk_marker, bytes); }
std::string spill_writer::tail() { return piece(tail_marker, encode_digest(all_)); }

// ---------------------------------------------------------------- reading

spill_reader::spill_reader(source from, std::uint64_t bytes, std::string_view cluster,
                           const replica_id& named, spill_trust trusted)
    : from_(std::move(from))
    , trusted_(std::move(trusted))
    , bytes_(bytes) {
    read_head(cluster, named);
    rewind();
}

void spill_reader::rewind() {
    at_ = body_;
    all_ = head_sum_;
    number_ = 0;
    intact_ = whose_ == state::ours;
    whole_ = false;
}

bool spill_reader::read_exactly(std::uint64_t at, std::size_t bytes, std::string& into) {
    if (at > bytes_ || bytes > bytes_ - at) return false;
    into.resize(bytes);
    into.resize(from_(at, into.data(), bytes));
    return into.size() == bytes;
}

void spill_reader::read_head(std::string_view cluster, const replica_id& named) {
    head_.cluster = cluster;
    head_.id = named;
    tag_ = tag_of(cluster, named);
    std::string start, rest;
    if (!read_exactly(0, magic.size() + 4, start) || !start.starts_with(magic)) return;
    const auto length = little_endian(std::string_view(start).substr(magic.size()));
    if (length > head_bytes_max || !read_exactly(start.size(), length + sum_bytes, rest)) return;
    const auto body = rest.substr(0, length);
    const auto sum = decode_digest(std::string_view(rest).substr(length));
    auto head_sum = hash_wide(start + body, spill_format);
    if (!sum || *sum != head_sum) return;
    frame_reader in(body);
    spill_head told;
    const auto format = in.number();
    told.version = in.number();
    told.cluster = in.bytes(64);
    told.id = in.id();
    told.clock = {in.number()};
    if (in.more()) told.written_ms = in.number(); // early files of format 1 lack the field
    const bool sealed = format == sealed_spill_format;
    const std::string key(sealed ? in.bytes(8) : std::string_view{});
    if (!in.ok()) return;
    body_ = start.size() + rest.size();
    const auto seal = std::find_if(trusted_.seals.begin(), trusted_.seals.end(),
                                   [&](const spill_seal& each) { return each.key_id == key; });
    if (sealed && seal != trusted_.seals.end()) {
        std::string keyed;
        if (!read_exactly(body_, sum_bytes, keyed)) return;
        head_sum = seal->hash(start + rest, {});
        if (encode_digest(head_sum) != keyed) return; // a damaged head; its pieces may be genuine
        body_ += sum_bytes;
        seal_ = &*seal;
    }
    const bool readable =
        (sealed || format == spill_format) && told.version >= version_min && told.version <= version_max;
    whose_ = !readable || told.cluster != cluster ? state::foreign
             : sealed && seal_ == nullptr         ? state::unknown_key
             : !sealed && !trusted_.keyless       ? state::keyless
                                                  : state::ours;
    head_sum_ = head_sum;
    key_id_ = key;
    head_ = std::move(told);
    tag_ = tag_of(head_.cluster, head_.id);
}

// Of a file without a readable head, a piece counts if any trusted key fits.
bool spill_reader::is_genuine(const place& found, std::string_view before, std::string_view content) const {
    if (seal_ != nullptr) return seal_->hash(before, content) == found.sum;
    if ((whose_ == state::ours || trusted_.keyless) && hash_wide(content, found.seed) == found.sum)
        return true;
    return whose_ == state::headless &&
           std::any_of(trusted_.seals.begin(), trusted_.seals.end(),
                       [&](const spill_seal& each) { return each.hash(before, content) == found.sum; });
}

std::optional<spill_reader::place> spill_reader::piece_at(std::string_view bytes) const {
    place found;
    const auto marker = bytes.substr(0, 4);
    found.tail = marker == tail_marker;
    if (bytes.size() < piece_bytes || (!found.tail && marker != chunk_marker)) return std::nullopt;
    found.number = static_cast<std::uint32_t>(little_endian(bytes.substr(4, 4)));
    found.length = static_cast<std::uint32_t>(little_endian(bytes.substr(8, 4)));
    found.seed = hash_bytes(bytes.substr(0, covered_bytes), spill_format);
    if (little_endian(bytes.substr(12, 8)) != tag_ || found.length > spill_chunk_bytes_max ||
        little_endian(bytes.substr(covered_bytes, 8)) != found.seed)
        return std::nullopt;
    const auto sum = decode_digest(bytes.substr(covered_bytes + 8, sum_bytes));
    if (sum) found.sum = *sum;
    return found;
}

spill_reader::step spill_reader::next(std::string& into) {
    into.clear();
    if ((whose_ != state::ours && whose_ != state::headless) || at_ >= bytes_) return step::end;
    std::string head;
    const auto found = read_exactly(at_, piece_bytes, head) ? piece_at(head) : std::nullopt;
    if (!found || !read_exactly(at_ + piece_bytes, found->length, into) ||
        !is_genuine(*found, std::string_view(head).substr(0, covered_bytes + 8), into)) {
        into.clear();
        look_further();
        return step::again;
    }
    at_ += piece_bytes + found->length;
    intact_ = intact_ && found->number == number_;
    number_ = found->number + 1;
    if (!found->tail) {
        all_ = follow(seal_, all_, found->sum);
        return step::chunk;
    }
    whole_ = intact_ && into == encode_digest(all_) && at_ == bytes_;
    intact_ = false; // a piece after the tail is not part of the file
    into.clear();
    return at_ < bytes_ ? step::again : step::end;
}

// The bytes here are damaged: go on to the next marker.
void spill_reader::look_further() {
    intact_ = whole_ = false;
    const auto from = at_ + 1;
    const auto bytes = std::min<std::uint64_t>(look_bytes, bytes_ - std::min(from, bytes_));
    if (bytes == 0 || !read_exactly(from, bytes, buffer_)) {
        at_ = bytes_;
        return;
    }
    const auto found = std::min(buffer_.find(chunk_marker), buffer_.find(tail_marker));
    constexpr std::uint64_t cut_short = 3; // a marker may begin in the last three bytes
    at_ = found != std::string::npos ? from + found : from + std::max(bytes, cut_short + 1) - cut_short;
}

} // namespace baton::wire
