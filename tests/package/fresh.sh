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

task=fresh
# shellcheck source=tests/package/systems.sh
. "$root/tests/package/systems.sh"

for release in "${releases[@]}"; do
    make "$release" baton baton-clang
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
