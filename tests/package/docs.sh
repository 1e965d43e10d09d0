#!/usr/bin/env bash
# docs.sh ROOT FOLDER: Doxygen warns of every public name without a comment, and a warning is an error; what it writes goes
# into FOLDER. Exits with 77 if there is no Doxygen.
set -euo pipefail
cd "$1"
command -v doxygen >/dev/null || exit 77
mkdir -p "$2"
doxygen - < <(cat Doxyfile && printf 'OUTPUT_DIRECTORY = %s\n' "$2") >/dev/null
