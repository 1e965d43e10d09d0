// What a project without CMake does: starts a node on loopback, stashes and leaves. Compiled and linked with
// what pkg-config says, and nothing else.
#include <baton/node.hpp>

int main() {
    auto settings = baton::options::loopback();
    settings.cluster = "package-test";
    settings.beacon.enabled = false;
    auto node = baton::node::start(settings);
    return node && node->stash("key", "value") && node->leave({.nobody_stays = true}) ? 0 : 1;
}
