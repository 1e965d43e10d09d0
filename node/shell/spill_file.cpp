#include "shell/spill_file.hpp"

#include "shell/text.hpp"
#include "wire/codec.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>

namespace baton::shell {

namespace {

constexpr std::size_t waiting_bytes_max = std::size_t{8} << 20;
// The message; its hash under the mesh key is the key of the seal.
constexpr std::string_view seal_key_of = "baton spill 2";

error failed(const std::string& what, const std::string& path) {
    return {errc::network, what + " " + path + ": " + message_of_errno()};
}

// Makes the parent folders with the usual permissions, and the folder itself for this user only. A failure
// shows when the folder is used.
void make_folder(const std::string& dir) {
    std::error_code ignored;
    const auto above = std::filesystem::path(dir + '/').parent_path().parent_path();
    std::filesystem::create_directories(above, ignored);
    ::mkdir(dir.c_str(), 0700);
}

// Makes a new file of this user alone. It follows no link and writes to no existing file.
descriptor make_file(const std::string& path) {
    return descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
}

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

struct secret {
    std::array<unsigned char, 32> bytes{};
    ~secret() { sodium_memzero(bytes.data(), bytes.size()); }
};

} // namespace

bool sync_folder(const std::string& dir, const disk_calls& calls) {
    const descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.get() >= 0 && calls.sync(folder.get()) == 0;
}

std::string trial_path(const std::string& dir, const replica_id& self) {
    return dir + "/." + std::string(spill_prefix) + self.to_string() + std::string(trial_suffix);
}

result<void> try_spill_dir(const std::string& dir, const replica_id& self) {
    const auto unusable = [&](const char* what) {
        return error{errc::bad_option, "spill_dir '" + dir + "': " + what + ": " + message_of_errno()};
    };
    make_folder(dir);
    const descriptor folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) return unusable("the folder cannot be read");
    const auto path = trial_path(dir, self);
    const auto file = make_file(path);
    if (file.get() < 0) return unusable("no file can be created in the folder");
    const std::string block(4096, 'b');
    std::optional<error> fault;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        fault = unusable("a file in the folder cannot be locked");
    } else if (::write(file.get(), block.data(), block.size()) != static_cast<ssize_t>(block.size())) {
        fault = unusable("a file in the folder cannot be written");
    }
    ::unlink(path.c_str());
    if (fault) return *fault;
    return {};
}

std::optional<std::string> doubt_about(const std::string& dir) {
    struct stat about {};
    if (::stat(dir.c_str(), &about) != 0) return std::nullopt;
    const bool others = (about.st_mode & S_IWOTH) != 0,
               foreign = about.st_uid != ::geteuid() && about.st_uid != 0;
    if (!others && !foreign) return std::nullopt;
    return "spill_dir " + dir + (others ? " can be written by everybody" : " belongs to another user") +
           ": other users can remove files in it";
}

wire::spill_seal seal_of(const mesh_key& key) {
    auto derived = std::make_shared<secret>();
    crypto_generichash(derived->bytes.data(), derived->bytes.size(), raw(seal_key_of), seal_key_of.size(),
                       key.bytes().data(), key.bytes().size());
    return {std::string(key.id().view()), [derived](std::string_view head, std::string_view content) {
                std::string sum(16, '\0');
                crypto_generichash_state state;
                crypto_generichash_init(&state, derived->bytes.data(), derived->bytes.size(), sum.size());
                crypto_generichash_update(&state, raw(head), head.size());
                crypto_generichash_update(&state, raw(content), content.size());
                crypto_generichash_final(&state, reinterpret_cast<unsigned char*>(sum.data()), sum.size());
                sodium_memzero(&state, sizeof state);
                return *wire::decode_digest(sum);
            }};
}

// ---------------------------------------------------------------- one file

// The file gets its name once it is locked: a reader may take an unlocked file for abandoned.
result<spill_file> spill_file::open(const std::string& dir, wire::spill_head head,
                                    std::optional<wire::spill_seal> seal) {
    const auto name = std::string(spill_prefix) + head.id.to_string() + std::string(spill_suffix);
    const auto fresh = dir + "/." + name;
    auto file = make_file(fresh);
    if (file.get() < 0) {
        if (errno == EEXIST)
            return error{errc::network, "cannot write " + fresh + ": another process has created that file"};
        return failed("cannot write", fresh);
    }
    spill_file opened(dir, name, std::move(file), wire::spill_writer(std::move(head), std::move(seal)));
    if (::flock(opened.file_.get(), LOCK_EX | LOCK_NB) != 0 ||
        ::rename(fresh.c_str(), opened.path_.c_str()) != 0) {
        auto why = failed("cannot write", opened.path_);
        ::unlink(fresh.c_str());
        return why;
    }
    if (const auto good = opened.put(opened.writer_.head()); !good) return good.error();
    return opened;
}

result<void> spill_file::put(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = calls_.write(file_.get(), bytes.data(), bytes.size());
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            auto why = failed("cannot write", path_);
            abandon(false);
            return why;
        }
    }
    return {};
}

result<void> spill_file::add(std::string_view frame) { return put(writer_.chunk(frame)); }

result<std::string> spill_file::finish() {
    if (const auto good = put(writer_.tail()); !good) return good.error();
    const auto path = dir_ + '/' + name_;
    if (calls_.sync(file_.get()) != 0 || ::rename(path_.c_str(), path.c_str()) != 0) {
        auto why = failed("cannot finish", path);
        abandon(false);
        return why;
    }
    path_ = path;
    if (!sync_folder(dir_, calls_)) return failed("cannot sync", dir_);
    return path;
}

void spill_file::abandon(bool keep) {
    if (file_.get() < 0) return;
    if (!keep) ::unlink(path_.c_str());
    file_ = descriptor();
}

// ---------------------------------------------------------------- beside a leave

spill_net::spill_net(std::string dir, wire::spill_head head, std::optional<wire::spill_seal> seal, int bell)
    : dir_(std::move(dir))
    , head_(std::move(head))
    , seal_(std::move(seal))
    , bell_(bell) {}

bool spill_net::has_room() const {
    const std::lock_guard lock(mutex_);
    return standing_.is == state::writing && !closed_ && bytes_ < waiting_bytes_max;
}

void spill_net::add(std::string frame) {
    const std::lock_guard lock(mutex_);
    bytes_ += frame.size();
    frames_.push_back(std::move(frame));
    changed_.notify_all();
}

void spill_net::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

spill_net::standing spill_net::look() const {
    const std::lock_guard lock(mutex_);
    return standing_;
}

spill_net::standing spill_net::settle(bool keep, bool keep_part) {
    const std::lock_guard lock(mutex_);
    if (!settled_) {
        settled_ = true;
        keep_ = keep;
        keep_part_ = keep_part;
        changed_.notify_all();
    }
    return standing_;
}

// Nullopt: the file is settled; or, with `last`, there are no more frames.
std::optional<std::string> spill_net::next_frame(bool& last) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return settled_ || closed_ || !frames_.empty(); });
    last = !settled_ && frames_.empty();
    if (settled_ || last) return std::nullopt;
    auto frame = std::move(frames_.front());
    frames_.pop_front();
    const bool was_full = bytes_ >= waiting_bytes_max;
    bytes_ -= frame.size();
    if (was_full && bytes_ < waiting_bytes_max) bell_.ring();
    return frame;
}

void spill_net::become(state is, std::string text) {
    {
        const std::lock_guard lock(mutex_);
        standing_.is = is;
        (is == state::whole ? standing_.path : standing_.fault) = std::move(text);
        frames_.clear();
        bytes_ = 0;
    }
    bell_.ring();
}

// The file stays locked until its fate is known, so that no reader opens it before.
void spill_net::wait_for_word(spill_file& file) {
    bool keep = false;
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return settled_; });
        keep = keep_;
    }
    file.abandon(keep);
}

void spill_net::run() {
    auto file = spill_file::open(dir_, head_, std::move(seal_));
    if (!file) return become(state::failed, file.error().what);
    bool last = false;
    while (const auto frame = next_frame(last)) {
        if (const auto good = file->add(*frame); !good) return become(state::failed, good.error().what);
    }
    if (!last) return file->abandon(keep_part_);
    auto path = file->finish();
    if (!path) return become(state::failed, path.error().what);
    become(state::whole, *std::move(path));
    wait_for_word(*file);
}

} // namespace baton::shell
