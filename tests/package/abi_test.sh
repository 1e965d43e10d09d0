#!/usr/bin/env bash
# abi_test.sh COMPILER: abi.sh accepts the same library and a new function, and refuses a function that is gone and a type
# that has grown. Exit status 77: no abigail-tools here.
set -euo pipefail
if ! command -v abidw abidiff >/dev/null; then echo 'skipped: needs abigail-tools' && exit 77; fi
compiler=${1:?} check=$(dirname "${BASH_SOURCE[0]}")/abi.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# library NAME 'MEMBERS OF STRUCT' 'FURTHER FUNCTIONS': libNAME.so, compiled against its own header.
library() {
    mkdir -p "$folder/$1"
    printf 'struct options { %s };\n%s\n' "$2" "$3" >"$folder/$1/api.hpp"
    { echo '#include "api.hpp"' && sed '1d;s/);/) { return 0; }/g' "$folder/$1/api.hpp"; } >"$folder/$1/lib.cpp"
    "$compiler" -g -shared -fPIC "$folder/$1/lib.cpp" -o "$folder/$1/lib.so"
}
both='int start(const options& how); int stop(int status);'
library first 'int port; int seeds;' "$both"
library same 'int port; int seeds;' "$both"
library more 'int port; int seeds;' "$both int pause(int seconds);"
library less 'int port; int seeds;' 'int start(const options& how);'
library grown 'int port; long seeds;' "$both"

"$check" --keep "$folder/first/lib.so" "$folder/stored.abi" "$folder/first"
for name in same more; do "$check" "$folder/$name/lib.so" "$folder/stored.abi" "$folder/$name"; done
for name in less grown; do
    if "$check" "$folder/$name/lib.so" "$folder/stored.abi" "$folder/$name" >"$folder/said"; then
        echo "abi.sh takes '$name' for compatible" >&2
        exit 1
    fi
    grep -qE 'Removed|changed' "$folder/said"
done
"$check" "$folder/same/lib.so" "$folder/none.abi" "$folder/same"
