#!/usr/bin/env bash
# abi.sh [--keep] LIBRARY STORED HEADERS: is the shared library LIBRARY compatible with the one whose description is the file
# STORED? Programs linked with that one must run with this one: no symbol may go, no type change its layout; new symbols may
# come. With --keep the file is written from LIBRARY instead. LIBRARY has debugging information; what is not declared in the
# folder HEADERS is no part of the interface. Exit status 0: compatible, or no release has stored a description yet.
set -euo pipefail

keep=
if [[ ${1-} == --keep ]]; then keep=yes && shift; fi
library=${1:?} stored=${2:?} headers=${3:?}

if [[ -n $keep ]]; then
    mkdir -p "$(dirname "$stored")"
    abidw --no-corpus-path --no-comp-dir-path --drop-private-types --headers-dir "$headers" --out-file "$stored" "$library"
    echo "abi: wrote $stored"
elif [[ ! -e $stored ]]; then
    echo "abi: $stored does not exist: no release has stored its description yet"
else
    abidiff --no-added-syms --drop-private-types --headers-dir2 "$headers" "$stored" "$library"
    echo "abi: $library is compatible with $stored"
fi
