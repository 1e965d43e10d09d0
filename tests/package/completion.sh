#!/usr/bin/env bash
# completion.sh FILE: what bash completes for baton, with the completions in FILE.
set -euo pipefail
# shellcheck source=node/packaging/baton.bash
. "$1"

# expect "WORDS" "COMPLETIONS": the last of the words is being typed.
expect() {
    local found
    IFS=' ' read -ra COMP_WORDS <<<"${1% _} "
    if [[ $1 == *" _" ]]; then COMP_WORDS+=(''); fi
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _baton
    found=${COMPREPLY[*]-}
    if [[ $found != "$2" ]]; then
        echo "baton completes '$1' to '$found', not to '$2'" >&2
        exit 1
    fi
}

compopt() { :; } # the shell has it only while it completes
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
touch mesh.key && mkdir spills
expect 'baton ru' run
expect 'baton run --spill-dir-' --spill-dir-optional
expect 'baton run --keep' --keep-spills
expect 'baton run --spill-dir s' spills
expect 'baton run --spill-dir m' ''
expect 'baton run --key-file m' mesh.key
expect 'baton run --interface l' lo
expect 'baton run --cluster _' ''
