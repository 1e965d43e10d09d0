#!/usr/bin/env bash
# debian.sh: builds the Debian packages on new minimal systems of both Debian releases, has lintian look at them, and tries
# them on systems that have nothing else: the program alone, then the library in a program of one's own, by pkg-config and by
# CMake, shared and static. Outside CI: it downloads some hundred megabytes and compiles the library once a release.
#
# debian.sh [--release NAME]… [--ccache DIR] [--keep] [--into DIR]
#   --release NAME   bookworm and trixie unless given
#   --ccache DIR     a compiler cache that all systems share
#   --keep           the systems stay in DIR, and are used again as they are
#   --into DIR       where the systems are made; default /var/tmp/baton-debian
#
# Needs root, debootstrap and unshare. The packages are left in DIR/RELEASE-packages. Exit status 0: all of it holds.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

releases=() cache='' keep='' into=/var/tmp/baton-debian
while (($#)); do
    case $1 in
    --release) releases+=("${2:?}") && shift ;;
    --ccache) cache=$(mkdir -p "${2:?}" && cd "$2" && pwd) && shift ;;
    --keep) keep=yes ;;
    --into) into=${2:?} && shift ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 2 ;;
    esac
    shift
done
if ((${#releases[@]} == 0)); then releases=(bookworm trixie); fi
task=debian
# shellcheck source=tests/package/systems.sh
. "$root/tests/package/systems.sh"

# Each of these functions runs inside a system, where /baton is the source and /packages what was built from it.
build() {
    /baton/dev deb
    apt-get install -y -qq --no-install-recommends lintian
    lintian --allow-root --fail-on error,warning --suppress-tags initial-upload-closes-no-bugs /baton/build/deb/*.changes
}

try_program() {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends /packages/baton_*.deb /packages/libbaton0_*.deb
    cd /tmp
    baton --version
    mkfifo commands
    baton run --host 127.0.0.1 --no-beacon --port 40123 --name alder <commands >alder.txt &
    exec 3>commands
    until grep -q started alder.txt; do sleep 0.1; done
    baton put greeting hello --host 127.0.0.1 --no-beacon --seed 127.0.0.1:40123
    test "$(baton get greeting --host 127.0.0.1 --no-beacon --seed 127.0.0.1:40123)" = hello
    echo leave now >&3
    wait
    test -s /usr/share/bash-completion/completions/baton
    test -s /usr/share/zsh/vendor-completions/_baton
}

# What a user waits for from here on is compiled in the last lines; DIR/RELEASE-try.try_library.log has the times.
try_library() {
    apt-get install -y -qq --no-install-recommends /packages/libbaton-dev_*.deb /packages/libbaton0_*.deb g++ cmake make pkg-config libspdlog-dev
    cd /baton/tests/package
    local compile shared static
    read -ra compile <<<"$(pkg-config --cflags baton)"
    read -ra shared <<<"$(pkg-config --libs baton)"
    read -ra static <<<"$(pkg-config --libs --static baton)"
    time g++ -std=c++20 "${compile[@]}" by_pkg_config/main.cpp "${shared[@]}" -o /tmp/shared
    time /tmp/shared
    readelf -d /tmp/shared | grep 'NEEDED.*libbaton.so.0'
    g++ -std=c++20 "${compile[@]}" by_pkg_config/main.cpp "${static[@]/#-lbaton/-l:libbaton.a}" -o /tmp/static
    /tmp/static
    if readelf -d /tmp/static | grep 'NEEDED.*libbaton'; then exit 1; fi
    cmake -S by_find_package -B /tmp/by_find_package
    cmake --build /tmp/by_find_package
    /tmp/by_find_package/consumer
}

try_python() {
    if test -e /packages/python3-baton_*.deb; then
        apt-get install -y -qq --no-install-recommends /packages/python3-baton_*.deb /packages/libbaton0_*.deb
        python3 -c "import baton"
    fi
}

remove() {
    DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq baton libbaton0 libbaton-dev
    if find / -xdev -path /baton -prune -o -path /packages -prune -o -name "*baton*" -print | grep .; then exit 1; fi
}

# within SYSTEM FUNCTION
within() { step "$1" "$2" bash -euc "$(declare -f "$2"); $2"; }

for release in "${releases[@]}"; do
    make "$release"
    for use in build try; do # what was tried before must not help
        if [[ $use == try || -z $keep || ! -e $into/$release-$use ]]; then
            rm -rf "${into:?}/$release-$use" && cp -a "$into/$release" "$into/$release-$use"
        fi
        copy_source "$into/$release-$use" baton
    done
    within "$release-build" build
    rm -rf "${into:?}/$release-packages" && cp -a "$into/$release-build/baton/build/deb" "$into/$release-packages"
    cp -a "$into/$release-packages" "$into/$release-try/packages"
    within "$release-try" try_program
    within "$release-try" try_library
    within "$release-try" try_python
    within "$release-try" remove
    rm -rf "${into:?}/$release-try"
    if [[ -z $keep ]]; then rm -rf "${into:?}/$release" "$into/$release-build"; fi
done
echo "debian: OK (${releases[*]})"
