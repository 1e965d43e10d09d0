#include "shell/spill_shelf.hpp"

#include "shell/spill_file.hpp"
#include "shell/text.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t files_max = 1000, names_max = 100'000;
constexpr auto fresh_for = 5s; // the longest time from the creation of a file to its lock
constexpr std::time_t trial_over_after = 60;

// The writer that the name of a file gives: "baton-<32 hexadecimal digits>" and the suffix.
std::optional<replica_id> writer_of(std::string_view name, std::string_view suffix) {
    if (name.size() != spill_prefix.size() + 32 + suffix.size() || !name.starts_with(spill_prefix) ||
        !name.ends_with(suffix))
        return std::nullopt;
    const auto value = [](char digit) {
        return digit >= '0' && digit <= '9'   ? digit - '0'
               : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                              : -1;
    };
    replica_id id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        const auto high = value(name[spill_prefix.size() + 2 * i]),
                   low = value(name[spill_prefix.size() + 2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return id;
}

std::optional<replica_id> writer_of(std::string_view name) {
    if (name.ends_with(unfinished_suffix)) name.remove_suffix(unfinished_suffix.size());
    return writer_of(name, spill_suffix);
}

// A shortage that may pass.
bool is_short_of_room() { return errno == EMFILE || errno == ENFILE || errno == ENOMEM; }

bool is_fresh(std::string_view name) {
    if (!name.starts_with('.')) return false;
    name.remove_prefix(1);
    return writer_of(name, spill_suffix) || writer_of(name, trial_suffix);
}

std::string octal(mode_t mode) {
    std::string text = "0";
    for (const int shift : {6, 3, 0}) text += static_cast<char>('0' + ((mode >> shift) & 7));
    return text;
}

// The rule of key files: any user who may write the file may have written it.
std::string fault_of(const struct stat& about) {
    if (!S_ISREG(about.st_mode)) return "it is not a regular file";
    if (about.st_uid != ::geteuid() && about.st_uid != 0)
        return "it belongs to another user (" + std::to_string(about.st_uid) + ")";
    if ((about.st_mode & 077) != 0)
        return "its mode is " + octal(about.st_mode) + ": other users can use it; chmod 600";
    return {};
}

bool is_same(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size;
}

std::string hexadecimal(std::string_view key_id) {
    baton::key_id id;
    std::copy_n(key_id.begin(), std::min(key_id.size(), id.bytes.size()), id.bytes.begin());
    return id.to_string();
}

} // namespace

// A file that is not locked yet: its writer is about to lock it, or was killed before.
void spill_shelf::note_fresh(const std::string& name, instant now) {
    const auto path = dir_ + '/' + name;
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0 || !fault_of(about).empty()) return;
    if (name.ends_with(trial_suffix)) {
        if (about.st_mtime + trial_over_after < std::time(nullptr)) ::unlink(path.c_str());
        return;
    }
    const auto since = fresh_.try_emplace(name, now).first->second;
    if (now - since < fresh_for) return;
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
}

void spill_shelf::scan(instant now) {
    DIR* const folder = ::opendir(dir_.c_str());
    unlisted_ = folder == nullptr && is_short_of_room();
    if (unlisted_) return;
    if (folder == nullptr) {
        if (!std::exchange(unreadable_, true))
            complaints_.push_back("event=spill_dir reason=\"cannot read " + dir_ + ": " + message_of_errno() +
                                  '"');
        return;
    }
    std::set<std::string> names, fresh;
    while (const auto* const entry = ::readdir(folder)) {
        const std::string name = entry->d_name;
        if (const auto writer = writer_of(name)) {
            if (writer != self_ && names.size() < names_max) names.insert(name);
        } else if (is_fresh(name) && name.find(self_.to_string()) == std::string::npos) {
            fresh.insert(name);
        }
    }
    ::closedir(folder);
    std::erase_if(fresh_, [&](const auto& each) { return !fresh.contains(each.first); });
    for (const auto& name : fresh) note_fresh(name, now);
    later_.clear();
    for (const auto& name : names) {
        const bool queued = std::find(unseen_.begin(), unseen_.end(), name) != unseen_.end();
        if (!queued && !known_.contains(name) && !too_many_) unseen_.push_back(name);
    }
}

spill_shelf::fault spill_shelf::open(const std::string& path, const replica_id& named, opened& into,
                                     std::string& why) const {
    into.file = descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (into.file.get() < 0) {
        if (errno == ENOENT) return fault::gone;
        if (is_short_of_room()) return fault::later;
        why = errno == ELOOP ? "it is a symbolic link" : message_of_errno();
        return fault::refused;
    }
    if (::fstat(into.file.get(), &into.about) != 0) {
        why = message_of_errno();
        return fault::refused;
    }
    why = fault_of(into.about);
    if (!why.empty()) return fault::refused;
    if (::flock(into.file.get(), LOCK_SH | LOCK_NB) != 0) return fault::later; // its writer still writes it
    // The file may have grown before the lock was taken.
    if (::fstat(into.file.get(), &into.about) != 0 || into.about.st_nlink == 0) return fault::gone;
    const auto source = [number = into.file.get()](std::uint64_t offset, char* bytes, std::size_t count) {
        std::size_t done = 0;
        while (done < count) {
            const auto got = ::pread(number, bytes + done, count - done, static_cast<off_t>(offset + done));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            done += static_cast<std::size_t>(got);
        }
        return done;
    };
    into.reader = std::make_unique<wire::spill_reader>(source, static_cast<std::uint64_t>(into.about.st_size),
                                                       cluster_, named, trusted_());
    return fault::none;
}

std::optional<spill_shelf::found> spill_shelf::look() {
    const auto name = unseen_.front();
    const auto named = *writer_of(name);
    found what;
    what.path = dir_ + '/' + name;
    const auto done = [&](std::set<std::string>& with) {
        looking_.reset();
        unseen_.pop_front();
        with.insert(name);
    };
    if (!looking_) {
        switch (open(what.path, named, looking_.emplace(opened{}), what.refused)) {
        case fault::none:
            last_.clear();
            return std::nullopt;
        case fault::gone:
            looking_.reset();
            unseen_.pop_front();
            return std::nullopt;
        case fault::later:
            done(later_);
            return std::nullopt;
        case fault::refused:
            done(known_);
            return what;
        }
    }
    auto& reader = *looking_->reader;
    std::string chunk;
    const auto step = reader.next(chunk);
    if (step == wire::spill_reader::step::chunk) {
        last_ = std::move(chunk);
        last_.shrink_to_fit();
    }
    if (step != wire::spill_reader::step::end) return std::nullopt;
    using state = wire::spill_reader::state;
    const auto trusted = trusted_();
    if (reader.whose() == state::foreign) {
        what.foreign = reader.head().cluster != cluster_;
        what.refused = what.foreign ? "it belongs to another cluster" : "this node does not know its version";
    } else if (reader.whose() == state::unknown_key) {
        what.refused = "key " + hexadecimal(reader.key_id()) + " has sealed it, which " +
                       (trusted.seals.empty() ? "a mesh without a key does not have"
                                              : "is not among those of this node");
    } else if (reader.whose() == state::keyless ||
               (reader.whose() == state::headless && last_.empty() && !trusted.keyless)) {
        what.refused = "no key of this mesh has sealed it";
    }
    if (!what.refused.empty()) {
        done(known_);
        return what;
    }
    if (all_.size() == files_max) {
        too_many_ = true;
        complaints_.push_back("event=spill_dir reason=\"more than " + std::to_string(files_max) +
                              " spills in " + dir_ +
                              ": the next start reads the rest, and this node confirms no key as absent\"");
        looking_.reset();
        unseen_.clear();
        return std::nullopt;
    }
    what.file = core::spill_id{static_cast<std::uint32_t>(all_.size())};
    what.whole = reader.is_whole();
    what.clock = reader.head().clock;
    what.written_ms = reader.head().written_ms;
    what.writer = reader.head().id;
    what.commit = std::move(last_);
    all_.push_back({what.path, named, looking_->about});
    done(known_);
    return what;
}

// A file that is gone, or was replaced, has no chunks.
std::optional<std::string> spill_shelf::read(core::spill_id file, bool from_start) {
    auto& one = all_[static_cast<std::uint32_t>(file)];
    stuck_ = false;
    if (from_start || !reading_ || reads_ != file) {
        std::string why;
        const auto how = open(one.path, one.named, reading_.emplace(opened{}), why);
        reads_ = file;
        if (how == fault::later) {
            reading_.reset();
            stuck_ = true;
            return std::nullopt;
        }
        if (how != fault::none || !is_same(reading_->about, one.about)) {
            reading_.reset();
            return std::string{};
        }
    }
    std::string chunk;
    switch (reading_->reader->next(chunk)) {
    case wire::spill_reader::step::chunk:
        return chunk;
    case wire::spill_reader::step::end:
        reading_.reset();
        return std::string{};
    case wire::spill_reader::step::again:
        break;
    }
    return std::nullopt;
}

void spill_shelf::remove(core::spill_id file) {
    if (reading_ && reads_ == file) reading_.reset();
    ::unlink(path(file).c_str()); // another node that shares the folder may have been faster
}

void spill_shelf::keep_aside(core::spill_id file) {
    auto& one = all_[static_cast<std::uint32_t>(file)];
    auto aside = one.path;
    if (aside.ends_with(unfinished_suffix)) aside.resize(aside.size() - unfinished_suffix.size());
    aside += ".damaged";
    if (::rename(one.path.c_str(), aside.c_str()) == 0) one.path = std::move(aside);
}

std::string spill_shelf::path(core::spill_id file) const {
    const auto number = static_cast<std::uint32_t>(file);
    return number < all_.size() ? all_[number].path : std::string{};
}

} // namespace baton::shell
