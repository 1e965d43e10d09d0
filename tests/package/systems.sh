# shellcheck shell=bash disable=SC2154 # set by the scripts that source this
# systems.sh: new minimal Debian systems in a folder, for fresh.sh and debian.sh, which source it. They set before:
#   root    the checkout
#   into    where the systems are made
#   cache   a compiler cache that all systems share, or nothing
#   task    the name of the script, for messages
# Needs root, debootstrap and unshare. The systems use this machine's network.

fail() { printf '%s: %s\n' "$task" "$*" >&2 && exit 1; }
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

# make RELEASE COPY…: a minimal system with copies of the checkout by these names, and nothing more.
make() {
    local system=$into/$1 copy
    if [[ ! -e $system/made ]]; then
        rm -rf "$system" && mkdir -p "$into"
        debootstrap --variant=minbase "$1" "$system" "$mirror" >"$into/$1.debootstrap" ||
            fail "debootstrap of $1: see $into/$1.debootstrap"
        touch "$system/made"
    fi
    cp /etc/resolv.conf "$system/etc/resolv.conf"
    rm -rf "$system"/baton*
    for copy in "${@:2}"; do copy_source "$system" "$copy"; done
}

# copy_source SYSTEM NAME: a copy of the checkout, without its history.
copy_source() {
    rm -rf "${1:?}/$2" && mkdir "$1/$2"
    git -C "$root" ls-files -z | tar -C "$root" --null --files-from - -c | tar -C "$1/$2" -x
}

# step RELEASE NAME COMMAND…: inside; its output is kept in a file, and a warning in it is a failure.
step() {
    local began=$SECONDS log=$into/$1.$2.log
    if ! inside "$into/$1" "${@:3}" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        fail "$1, $2: failed; all of it is in $log"
    fi
    if grep -nE 'warning:|CMake.*Warning' "$log" >&2; then fail "$1, $2: warnings; all of it is in $log"; fi
    printf '%s: %s, %s: %d s\n' "$task" "$1" "$2" $((SECONDS - began))
}
