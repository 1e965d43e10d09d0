#!/usr/bin/env bash
# msgpack-cxx 4.1.3 (Debian 12: libmsgpack-cxx-dev 4.1.3-1). Seen on 2026-11-29.
#
# Behaviour: `packer::pack(double)` writes a double that is a whole number as a MessagePack integer, so the type on the wire
# depends on the value: 1.5 is a float64 and 1.0 is an integer of one byte. A reader that tells the types apart sees a field
# change its type. The sign of zero is lost: -0.0 is written as the integer 0 and comes back as +0.0. `pack(float)` writes a
# whole float as an integer, too.
#
# Output seen:
#   1.5: cb3ff8000000000000
#   1.0: 01
#   -0.0: 00, read again its sign is +
#   2.0f: 02
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libmsgpack-cxx-dev=4.1.3-1 >/dev/null
dpkg-deb -x libmsgpack-cxx-dev_*.deb .
cat >doubles.cpp <<'SOURCE'
#define MSGPACK_NO_BOOST
#include <msgpack.hpp>

#include <cmath>
#include <cstdio>

template <class T>
msgpack::sbuffer packed(T value) {
    msgpack::sbuffer bytes;
    msgpack::pack(bytes, value);
    return bytes;
}

template <class T>
void show(const char* name, T value, const char* end) {
    const auto bytes = packed(value);
    std::printf("%s: ", name);
    for (std::size_t i = 0; i < bytes.size(); ++i) std::printf("%02x", static_cast<unsigned char>(bytes.data()[i]));
    std::printf("%s", end);
}

int main() {
    show("1.5", 1.5, "\n");
    show("1.0", 1.0, "\n");
    show("-0.0", -0.0, ", ");
    const auto bytes = packed(-0.0);
    const auto again = msgpack::unpack(bytes.data(), bytes.size())->as<double>();
    std::printf("read again its sign is %c\n", std::signbit(again) ? '-' : '+');
    show("2.0f", 2.0F, "\n");
}
SOURCE
g++ -std=c++17 -I usr/include doubles.cpp -o doubles
seen=$(./doubles)
echo "$seen"
[[ $seen == "1.5: cb3ff8000000000000
1.0: 01
-0.0: 00, read again its sign is +
2.0f: 02" ]]
