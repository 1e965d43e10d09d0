// A library that uses baton, and whose users get it with the library.
#include <baton/node.hpp>

baton::result<std::string> greeting() {
    auto settings = baton::options::loopback();
    settings.cluster = "package-test";
    settings.beacon.enabled = false;
    auto node = baton::node::start(settings);
    if (!node) return node.error();
    if (const auto stashed = node->stash("greeting", "hello"); !stashed) return stashed.error();
    auto found = node->pickup("greeting");
    if (!found) return found.error();
    if (const auto left = node->leave({.nobody_stays = true}); !left) return left.error();
    return found->value;
}
