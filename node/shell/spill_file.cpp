#include "shell/spill_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace baton::shell {

namespace {

constexpr std::size_t files_max = 1000; // each is held open
constexpr std::string_view prefix = "baton-", suffix = ".spill", unfinished = ".tmp";

error failed(const std::string& what, const std::string& path) {
    return {errc::network, what + " " + path + ": " + std::generic_category().message(errno)};
}

// fsync of a folder makes a name in it last.
bool sync_folder(const std::string& dir) {
    const descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.get() >= 0 && ::fsync(folder.get()) == 0;
}

// What is above it is made as others would make it; itself is nobody else's to read. Whether it worked shows
// when it is opened.
void make_folder(const std::string& dir) {
    std::error_code ignored;
    const auto above = std::filesystem::path(dir + '/').parent_path().parent_path();
    std::filesystem::create_directories(above, ignored);
    ::mkdir(dir.c_str(), 0700);
}

// Whose a file should be, by its name: "baton-<32 hexadecimal digits>.spill".
std::optional<replica_id> writer_of(std::string_view name) {
    if (name.size() != prefix.size() + 32 + suffix.size() || !name.starts_with(prefix) ||
        !name.ends_with(suffix))
        return std::nullopt;
    const auto value = [](char digit) {
        return digit >= '0' && digit <= '9'   ? digit - '0'
               : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                                              : -1;
    };
    replica_id id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) {
        const auto high = value(name[prefix.size() + 2 * i]), low = value(name[prefix.size() + 2 * i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    }
    return id;
}

} // namespace

// ---------------------------------------------------------------- writing

// It gets its name when it is locked: whoever looks at an unlocked one may take it for abandoned.
result<spill_writer_file> spill_writer_file::open(const std::string& dir, wire::spill_head head) {
    const auto id = head.id.to_string();
    const auto name = std::string(prefix) + id + std::string(suffix);
    const auto fresh = dir + "/." + name, path = dir + '/' + name + std::string(unfinished);
    descriptor file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return failed("cannot write", fresh);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
        auto why = failed("cannot write", path);
        ::unlink(fresh.c_str());
        return why;
    }
    spill_writer_file opened(dir, name, std::move(file), std::move(head));
    if (const auto good = opened.put(opened.writer_.head()); !good) return good.error();
    return opened;
}

result<void> spill_writer_file::put(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file_.get(), bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            auto why = failed("cannot write", dir_ + '/' + name_);
            abandon(false);
            return why;
        }
    }
    return {};
}

result<void> spill_writer_file::add(std::string_view frame) { return put(writer_.chunk(frame)); }

result<std::string> spill_writer_file::finish() {
    if (const auto good = put(writer_.tail()); !good) return good.error();
    const auto path = dir_ + '/' + name_, written = path + std::string(unfinished);
    if (::fsync(file_.get()) != 0 || ::rename(written.c_str(), path.c_str()) != 0) {
        auto why = failed("cannot finish", path);
        abandon(false);
        return why;
    }
    if (!sync_folder(dir_)) return failed("cannot sync", dir_);
    return path;
}

void spill_writer_file::abandon(bool keep) {
    if (!keep) ::unlink((dir_ + '/' + name_ + std::string(unfinished)).c_str());
    file_ = descriptor();
}

// ---------------------------------------------------------------- reading

spill_shelf::spill_shelf(std::string dir, std::string cluster)
    : dir_(std::move(dir))
    , cluster_(std::move(cluster)) {
    make_folder(dir_);
    DIR* const folder = ::opendir(dir_.c_str());
    if (folder == nullptr) {
        complaint_ = failed("cannot read", dir_).what;
        return;
    }
    std::vector<std::string> names;
    while (const auto* const entry = ::readdir(folder)) names.emplace_back(entry->d_name);
    ::closedir(folder);
    std::sort(names.begin(), names.end());
    for (const auto& name : names) {
        const bool partial = name.ends_with(unfinished);
        const auto id = writer_of(std::string_view(name).substr(0, name.size() - (partial ? 4 : 0)));
        if (!id) continue;
        if (all_.size() == files_max) {
            complaint_ = "more than 1000 spills in " + dir_ + ": the rest is left for the next start";
            break;
        }
        spill one;
        one.path = dir_ + '/' + name;
        one.file = descriptor(::open(one.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        struct stat about {};
        if (one.file.get() < 0 || ::fstat(one.file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
            complaint_ = failed("cannot read", one.path).what;
            continue;
        }
        if (partial && ::flock(one.file.get(), LOCK_SH | LOCK_NB) != 0) continue; // being written
        const auto source = [number = one.file.get()](std::uint64_t offset, char* into, std::size_t bytes) {
            std::size_t done = 0;
            while (done < bytes) {
                const auto got =
                    ::pread(number, into + done, bytes - done, static_cast<off_t>(offset + done));
                if (got < 0 && errno == EINTR) continue;
                if (got <= 0) break;
                done += static_cast<std::size_t>(got);
            }
            return done;
        };
        one.reader = std::make_unique<wire::spill_reader>(source, static_cast<std::uint64_t>(about.st_size),
                                                          cluster_, *id);
        unseen_.push_back(static_cast<std::uint32_t>(all_.size()));
        all_.push_back(std::move(one));
    }
}

std::optional<spill_shelf::found> spill_shelf::look() {
    const auto number = unseen_.front();
    auto& one = all_[number];
    std::string chunk;
    const auto step = one.reader->next(chunk);
    if (step == wire::spill_reader::step::chunk) one.last = std::move(chunk);
    if (step != wire::spill_reader::step::end) return std::nullopt;
    unseen_.pop_front();
    found what;
    what.file = core::spill_id{number};
    what.name = one.path;
    what.ours = one.reader->whose() != wire::spill_reader::state::foreign;
    what.whole = one.reader->is_whole();
    what.clock = one.reader->head().clock;
    what.commit = std::move(one.last);
    if (!what.ours) one.file = descriptor(); // nobody will ask for it
    return what;
}

std::optional<std::string> spill_shelf::read(core::spill_id file, bool from_start) {
    auto& one = all_[static_cast<std::uint32_t>(file)];
    if (from_start) one.reader->rewind();
    std::string chunk;
    switch (one.reader->next(chunk)) {
    case wire::spill_reader::step::chunk:
        return chunk;
    case wire::spill_reader::step::end:
        return std::string{};
    case wire::spill_reader::step::again:
        break;
    }
    return std::nullopt;
}

void spill_shelf::remove(core::spill_id file) {
    auto& one = all_[static_cast<std::uint32_t>(file)];
    ::unlink(one.path.c_str()); // another node of this folder may have been faster
    one.file = descriptor();
}

void spill_shelf::keep_aside(core::spill_id file) {
    auto& one = all_[static_cast<std::uint32_t>(file)];
    auto aside = one.path;
    if (aside.ends_with(unfinished)) aside.resize(aside.size() - unfinished.size());
    aside += ".damaged";
    if (::rename(one.path.c_str(), aside.c_str()) == 0) {
        one.path = std::move(aside);
        sync_folder(dir_);
    }
}

std::string spill_shelf::path(core::spill_id file) const {
    const auto number = static_cast<std::uint32_t>(file);
    return number < all_.size() ? all_[number].path : std::string{};
}

} // namespace baton::shell
