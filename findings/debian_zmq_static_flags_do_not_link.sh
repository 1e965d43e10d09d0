#!/usr/bin/env bash
# libzmq3-dev 4.3.4-6 and libnorm-dev 1.5.9+dfsg-2 of Debian 12. Seen on 2026-11-30.
#
# Behaviour: `pkg-config --static --libs libzmq` does not link, whatever is installed. libzmq.pc requires norm.pc, whose
# Libs.private is the bare word "libprotokit.a". libnorm-dev has that archive in the library directory, but a linker takes a
# bare word for a file in the current directory. With -l:libprotokit.a instead, the linker finds it.
#
# baton.pc names what its library needs itself and does not require libzmq.pc.
#
# Output seen:
#   named: libprotokit.a
#   archives of that name: 1
#   as told: cannot find libprotokit.a
#   as -l:libprotokit.a: found
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
# The development packages whose .pc files libzmq.pc requires for a static link.
apt-get download -qq libzmq3-dev=4.3.4-6 libnorm-dev=1.5.9+dfsg-2 libpgm-dev libsodium-dev libxml2-dev libkrb5-dev \
    krb5-multidev libicu-dev liblzma-dev zlib1g-dev libbsd-dev libmd-dev >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb -x "$package" root; done
here=root/usr/lib/$(gcc -print-multiarch)
export PKG_CONFIG_LIBDIR="$here/pkgconfig:$here/pkgconfig/mit-krb5:root/usr/share/pkgconfig"
named=$(pkg-config --static --libs libzmq | tr ' ' '\n' | grep -x 'libprotokit.a' || true)
archives=$(find "$here" -name libprotokit.a | wc -l)
printf 'int main(void) { return 0; }\n' >main.c
link() { gcc main.c -o main -L"$here" "$1" 2>&1 | grep -c 'libprotokit.a' || true; }
told=found other=found
[[ $(link "$named") == 0 ]] || told="cannot find libprotokit.a"
[[ $(link "-l:$named") == 0 ]] || other="cannot find libprotokit.a"
printf 'named: %s\narchives of that name: %s\nas told: %s\nas -l:libprotokit.a: %s\n' "$named" "$archives" "$told" "$other"
[[ $named == libprotokit.a && $archives == 1 && $told != found && $other == found ]]
