#include "shell/key_files.hpp"

#include "discovery/key_file.hpp"
#include "shell/descriptor.hpp"

#include <baton/key_file.hpp>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace baton {

namespace {

error about(const std::string& path, const std::string& what) {
    return {errc::bad_key, "key file '" + path + "': " + what};
}
error system_error(const std::string& path) {
    return about(path, errno == ELOOP ? "it is a symbolic link: name the file itself" : std::strerror(errno));
}

std::string octal(mode_t mode) {
    std::string text = "0";
    for (const int shift : {6, 3, 0}) text += static_cast<char>('0' + ((mode >> shift) & 7));
    return text;
}

} // namespace

result<std::string> shell::read_secret_file(const std::string& path) {
    const shell::descriptor file(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return system_error(path);
    struct stat about_it {};
    if (::fstat(file.get(), &about_it) != 0) return system_error(path);
    if (S_ISDIR(about_it.st_mode)) return about(path, "it is a folder");
    if (!S_ISREG(about_it.st_mode)) return about(path, "it is not a regular file");
    if (about_it.st_uid != ::geteuid() && about_it.st_uid != 0)
        return about(path, "it belongs to another user, who can read it and write it");
    if ((about_it.st_mode & 077) != 0) {
        return about(path, "its mode is " + octal(about_it.st_mode) + ": other users can use it; chmod 600");
    }
    if (about_it.st_size > static_cast<off_t>(discovery::key_file_bytes_max)) {
        return about(path, "it has " + std::to_string(about_it.st_size) + " bytes; at most " +
                               std::to_string(discovery::key_file_bytes_max) + " are allowed");
    }
    std::array<char, discovery::key_file_bytes_max + 1> text; // NOLINT: filled by read
    std::size_t size = 0;
    while (size < text.size()) {
        const auto got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error(path);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    std::string made(text.data(), size);
    sodium_memzero(text.data(), text.size());
    return made;
}

result<std::vector<mesh_key>> shell::read_key_file(const std::string& path) {
    auto text = read_secret_file(path);
    if (!text) return text.error();
    auto keys = discovery::parse_key_file(*text);
    sodium_memzero(text->data(), text->size());
    if (!keys) return about(path, keys.error().what);
    return keys;
}

result<mesh_key> new_key() {
    std::array<char, mesh_key::size> raw{};
    if (sodium_init() < 0) return error{errc::bad_key, "libsodium finds no source of random numbers"};
    randombytes_buf(raw.data(), raw.size());
    const auto made = mesh_key::from_bytes({raw.data(), raw.size()});
    sodium_memzero(raw.data(), raw.size());
    if (!made) return error{errc::bad_key, "the system's random numbers are all zero"};
    return *made;
}

std::string to_key_file(const mesh_key& key) { return discovery::key_file_text(key); }

result<void> write_key_file(const std::string& path, const mesh_key& key) {
    const shell::descriptor file(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) {
        return about(path, errno == EEXIST ? "the file exists, and a key file is never overwritten"
                                           : std::strerror(errno));
    }
    auto text = to_key_file(key);
    std::size_t written = 0;
    int fault = ::fchmod(file.get(), 0600); // independent of the umask
    while (fault == 0 && written < text.size()) {
        const auto put = ::write(file.get(), text.data() + written, text.size() - written);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fault = -1;
        if (put > 0) written += static_cast<std::size_t>(put);
    }
    if (fault == 0) fault = ::fsync(file.get());
    const int why = errno;
    sodium_memzero(text.data(), text.size());
    if (fault == 0) return {};
    ::unlink(path.c_str());
    return about(path, std::strerror(why));
}

} // namespace baton
