#!/usr/bin/env bash
# fresh.sh: builds and tests this checkout on new minimal systems of both Debian releases, and lets nodes of both form one
# mesh. For a day's own tries, outside CI: it downloads a few hundred megabytes and compiles everything twice a release.
#
# fresh.sh [--release NAME]… [--quick] [--ccache DIR] [--keep] [--into DIR]
#   --release NAME   bookworm and trixie unless given
#   --quick          the demo, the program and the mesh; no test suite, no clang
#   --ccache DIR     a compiler cache that all systems share (a fresh system has none)
#   --keep           the systems stay in DIR, and are used again as they are
#   --into DIR       where the systems are made; default /var/tmp/baton-fresh
#
# Needs root, debootstrap and unshare. The systems use this machine's network; the tests stay on loopback and in network
# namespaces of their own. Exit status 0: everything built without a warning and passed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

releases=() quick='' cache='' keep='' into=/var/tmp/baton-fresh
while (($#)); do
    case $1 in
    --release) releases+=("${2:?}") && shift ;;
    --quick) quick=yes ;;
    --ccache) cache=$(mkdir -p "${2:?}" && cd "$2" && pwd) && shift ;;
    --keep) keep=yes ;;
    --into) into=${2:?} && shift ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 2 ;;
    esac
    shift
done
if ((${#releases[@]} == 0)); then releases=(bookworm trixie); fi

fail() { printf 'fresh: %s\n' "$*" >&2 && exit 1; }
((EUID == 0)) || fail 'needs root'
command -v debootstrap unshare >/dev/null || fail 'needs debootstrap and unshare (util-linux)'

# Debian as this machine gets it: the first archive of main that apt knows.
mirror=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
    awk '$2 == "main" && $3 == "Debian" && $1 !~ /security/ { print $1; exit }')
[[ -n $mirror ]] || fail "apt's configuration names no Debian archive"

# inside SYSTEM COMMAND…: in namespaces of its own, so that no mount and no process outlives the command.
inside() {
    unshare --mount --pid --fork --kill-child bash -euc '
        system=$1 cache=$2 && shift 2
        for folder in dev sys; do mount --rbind --make-rslave "/$folder" "$system/$folder"; done
        mount -t proc proc "$system/proc"
        mount -t tmpfs tmpfs "$system/tmp"
        if [[ -n $cache ]]; then mkdir -p "$system/cache" && mount --bind "$cache" "$system/cache"; fi
        exec chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 ${cache:+CCACHE_DIR=/cache} "$@"
    ' inside "$1" "$cache" "${@:2}"
}

# make RELEASE: a minimal system with a copy of the checkout, nothing more.
make() {
    local system=$into/$1
    if [[ ! -e $system/made ]]; then
        rm -rf "$system" && mkdir -p "$into"
        debootstrap --variant=minbase "$1" "$system" "$mirror" >"$into/$1.debootstrap" ||
            fail "debootstrap of $1: see $into/$1.debootstrap"
        touch "$system/made"
    fi
    cp /etc/resolv.conf "$system/etc/resolv.conf"
    rm -rf "$system"/baton*
    for copy in baton baton-clang; do
        mkdir "$system/$copy"
        git -C "$root" ls-files -z | tar -C "$root" --null --files-from - -c | tar -C "$system/$copy" -x
    done
}

# step RELEASE NAME COMMAND…: inside; its output is kept in a file, and a warning in it is a failure.
step() {
    local began=$SECONDS log=$into/$1.$2.log
    if ! inside "$into/$1" "${@:3}" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        fail "$1, $2: failed; all of it is in $log"
    fi
    if grep -nE 'warning:|CMake.*Warning' "$log" >&2; then fail "$1, $2: warnings; all of it is in $log"; fi
    printf 'fresh: %s, %s: %d s\n' "$1" "$2" $((SECONDS - began))
}

for release in "${releases[@]}"; do
    make "$release"
    step "$release" demo /baton/dev demo
    step "$release" program /baton/dev build
    if [[ -z $quick ]]; then
        step "$release" test /baton/dev test
        step "$release" clang bash -c 'apt-get install -y -qq --no-install-recommends clang && CXX=clang++ /baton-clang/dev test'
    fi
done

programs=()
for release in "${releases[@]}"; do programs+=("$into/$release"); done
unshare --net bash -euc 'ip link set lo up && exec "$@"' mesh python3 -B "$root/tests/package/one_mesh.py" "${programs[@]}"

if [[ -z $keep ]]; then rm -rf "${programs[@]}"; fi
echo "fresh: OK (${releases[*]})"
