// The C++ side of values_test.py. It stashes one typed value of each kind in a node of its own and prints
// their bytes; then it tells whether pickup<T> reads the same value from bytes that come back. Lines: out
// `NAME HEX`; in the same, out again `NAME same`, `NAME other` or `NAME refused: WHY`.
#include <baton/node.hpp>
#include <baton/typed.hpp>

#include <cstdint>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace {

struct ship {
    std::uint32_t speed = 12;
    std::string name = "ferry";
    bool operator==(const ship&) const = default;
    MSGPACK_DEFINE_MAP(speed, name)
};

std::string to_hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        out += {digits[value >> 4], digits[value & 15]};
    }
    return out;
}

std::string from_hex(std::string_view digits) {
    std::string out;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
        out += static_cast<char>(std::stoi(std::string{digits.substr(at, 2)}, nullptr, 16));
    return out;
}

using check = std::function<std::string(const std::string& bytes)>;

/// Stashes `value` and prints its bytes; the check stashes others' bytes in its place.
template <class T>
check shown(baton::node& node, const std::string& name, T value) {
    if (!baton::stash(node, name, value)) std::exit(1);
    std::cout << name << ' ' << to_hex(node.pickup(name)->value) << std::endl;
    return [&node, name, value = std::move(value)](const std::string& bytes) -> std::string {
        if (!node.stash(name, bytes)) return "refused: by the node";
        const auto read = baton::pickup<T>(node, name);
        if (!read) return "refused: " + read.error().what;
        return *read == value ? "same" : "other";
    };
}

} // namespace

int main() {
    auto settings = baton::options::loopback();
    settings.cluster = "typed values";
    settings.beacon.enabled = false;
    auto node = baton::node::start(settings);
    if (!node) {
        std::cerr << node.error().what << '\n';
        return 1;
    }
    using std::int64_t;
    using std::uint64_t;
    std::map<std::string, check> checks;
    const auto show = [&](const std::string& name, auto value) {
        checks[name] = shown(*node, name, std::move(value));
    };
    show("small", uint64_t{7});
    show("whole", uint64_t{1} << 32);
    show("made", uint64_t{1} << 32);
    show("exact", (uint64_t{1} << 53) + 1); // no float64 is equal to it
    show("signed", -(int64_t{1} << 53) - 1);
    show("top", std::numeric_limits<uint64_t>::max());
    show("bottom", std::numeric_limits<int64_t>::min());
    show("fraction", 0.1);
    show("one", 1.0);
    show("text", std::string{"k\xc3\xa4se"});
    show("bytes", std::vector<char>{0, -1, 'a', -128});
    show("map", ship{});
    std::cout << "shown" << std::endl;

    for (std::string name, digits; std::cin >> name >> digits;)
        std::cout << name << ' ' << checks.at(name)(from_hex(digits)) << std::endl;
    return 0;
}
