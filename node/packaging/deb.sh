#!/usr/bin/env bash
# deb.sh FOLDER: builds the Debian packages from this source tree, which may be read-only, into FOLDER. Debian's tools expect
# debian/ at the top of the tree: the source is copied, and node/packaging/debian goes there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
into=$(mkdir -p "${1:?deb.sh: FOLDER}" && cd "$1" && pwd)
version=$(sed -n 's/^project(baton VERSION \([0-9.]*\) .*/\1/p' "$root/CMakeLists.txt")
source=$into/baton-$version

rm -rf "$source" "$into"/*baton*.deb "$into"/baton_*
mkdir "$source"
if git -C "$root" rev-parse --verify -q HEAD >/dev/null 2>&1; then
    git -C "$root" ls-files -z | tar -C "$root" --null --files-from - -c | tar -C "$source" -x
    changed=$(git -C "$root" log -1 --format=%ct)
else
    tar -C "$root" --exclude=./build -c . | tar -C "$source" -x
    changed=$(stat -c %Y "$root/CHANGELOG.md")
fi
cp -r "$source/node/packaging/debian" "$source/debian"
if [[ ! -d $source/node/python/baton ]]; then # no such package then
    awk -v RS= -v ORS='\n\n' '!/Package: python3-baton/' "$root/node/packaging/debian/control" >"$source/debian/control"
    sed -i '/dh-sequence-python3/d;/call install,python3-baton/d' "$source/debian/control" "$source/debian/rules"
fi
cat >"$source/debian/changelog" <<TEXT
baton ($version) UNRELEASED; urgency=medium

  * See CHANGELOG.md.

 -- $(sed -n 's/^Maintainer: //p' "$source/debian/control")  $(LC_ALL=C date -R -u -d "@$changed")
TEXT
export SOURCE_DATE_EPOCH=$changed
(cd "$source" && dpkg-buildpackage --build=binary --no-sign)
rm -rf "$source"
ls -l "$into"/*.deb
