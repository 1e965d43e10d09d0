// A mesh with a key: only nodes that have the file can join, and everything on the wire is encrypted. The
// file is made once, by this program or by `baton keygen mesh.key`, and copied to every machine.
//
// Run it in two terminals: key_file mesh.key ada, then key_file mesh.key bob; the first one makes the file. A
// third one with another file is refused. ^C ends one. Each prints
//     made mesh.key, key 4e5f…
//     joined bob
//     refused 127.0.0.1: …

#include <baton/key_file.hpp>
#include <baton/signals.hpp>

#include <filesystem>
#include <iostream>

using namespace std::chrono_literals;

/// Makes the file unless it is there; false if it cannot be made.
bool make_key(const std::string& path) {
    if (std::filesystem::exists(path)) return true;
    const auto key = baton::new_key();
    if (!key) return false;
    const auto written = baton::write_key_file(path, *key); // mode 0600, never over another file
    if (written) std::cout << "made " << path << ", key " << key->id().to_string() << std::endl;
    return written.has_value();
}

int main(int argc, char** argv) {
    auto stop = baton::stop_signals::block(); // before the program's first thread
    const std::string path = argc > 1 ? argv[1] : "mesh.key";
    if (!make_key(path)) {
        std::cerr << "cannot make " << path << '\n';
        return 1;
    }
    auto settings = baton::options::loopback();
    settings.name = argc > 2 ? argv[2] : "ada";
    settings.cluster = argc > 3 ? argv[3] : "key-file";
    settings.security.key_file = path; // only its owner may be able to read it, or the start fails
    auto node = baton::node::start(settings);
    if (!stop || !node) {
        std::cerr << (stop ? node.error() : stop.error()).what << '\n';
        return 1;
    }
    std::cout << node->name() << " is at " << node->endpoint() << std::endl;

    while (!stop->stopping()) {
        const auto happened = node->next_event(100ms);
        if (!happened) continue; // errc::timeout: none came
        std::cout << to_string(happened->kind) << ' ' << happened->name;
        if (!happened->reason.empty()) std::cout << ": " << happened->reason;
        std::cout << std::endl;
    }
    const auto report = baton::leave_on_signal(*node, *stop);
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
