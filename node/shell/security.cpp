#include "shell/security.hpp"

#include "shell/key_files.hpp"
#include "shell/node_impl.hpp"

#include <sodium.h>

#include <algorithm>

namespace baton {

namespace shell {

result<std::vector<mesh_key>> keys_of(options& settings) {
    auto keys = std::exchange(settings.security.keys, {});
    if (!settings.security.key_file.empty()) {
        auto more = read_key_file(settings.security.key_file);
        if (!more) return more.error();
        for (const auto& key : *more) {
            if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
        }
    }
    if (keys.size() > discovery::keyring::keys_max) {
        return error{errc::bad_key, "security.keys and security.key_file hold more than " +
                                        std::to_string(discovery::keyring::keys_max) + " keys"};
    }
    if (!keys.empty() && sodium_init() < 0)
        return error{errc::bad_key, "libsodium finds no source of random numbers"};
    return keys;
}

std::optional<link_security> security_of(const std::vector<mesh_key>& keys) {
    if (keys.empty()) return std::nullopt;
    link_security made;
    made.own = link_pair::fresh();
    return made;
}

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    randombytes_buf(bytes.data(), bytes.size());
    return bytes;
}

// If any port will do, tries ports until one number is free in both protocols.
result<bound_ports> open_ports(const options& settings, const replica_id& self,
                               const std::optional<link_security>& security) {
    for (int tries = 1;; ++tries) {
        auto links = sockets::open(settings, self, security);
        if (!links) return links.error();
        const bool is_beacons = settings.beacon.enabled && (*links)->port() == settings.beacon.port;
        auto unicast =
            is_beacons ? result<unicast_socket>(error{errc::address_in_use,
                                                      "port equals beacon.port: in a mesh with a key the "
                                                      "node needs UDP on port; choose another port"})
                       : unicast_socket::open(settings.host, (*links)->port(), settings.wait_for_interface);
        if (unicast) return bound_ports{std::move(*links), std::move(*unicast)};
        if (settings.port == 0 && tries < 20) continue;
        if (security) return unicast.error(); // without UDP no node could introduce itself here
        return bound_ports{std::move(*links), std::nullopt};
    }
}

} // namespace shell

// ---------------------------------------------------------------- rotation

namespace {
error no_keys() {
    return {errc::bad_option,
            "the node was started without a key, so its sockets stay open: restart it with a key"};
}
} // namespace

result<void> node::install_key(const mesh_key& key) {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->with([&](core::mesh& mesh) -> result<void> {
        if (mesh.keys().empty()) return no_keys();
        return mesh.keys().install(key);
    });
}

result<void> node::use_key(const key_id& id) {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->with([&](core::mesh& mesh) -> result<void> {
        if (mesh.keys().empty()) return no_keys();
        return mesh.keys().use(id);
    });
}

result<void> node::remove_key(const key_id& id) {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->with([&](core::mesh& mesh) -> result<void> {
        if (mesh.keys().empty()) return no_keys();
        return mesh.keys().remove(id);
    });
}

result<installed_keys> node::keys_installed() const {
    if (impl_->forked()) return shell::forked_error();
    return impl_->engine->with([](core::mesh& mesh) {
        installed_keys all;
        for (const auto& key : mesh.keys().keys()) all.accepted.push_back(key.id());
        if (!all.accepted.empty()) all.in_use = all.accepted.front();
        return all;
    });
}

} // namespace baton
