#!/bin/sh
# handover.sh PROGRAM: two services run until each has seen the seconds of the other; the first ends safely.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" >"$folder/one" &
one=$!
"$1" >"$folder/other" &
other=$!

# Whoever has met the other one has counted more seconds than it has served itself.
met() { awk 'END { exit !($2 > NR) }' "$folder/$1"; }
until met one && met other; do sleep 0.1; done

kill "$one"
wait "$one"
ended=$?
while kill "$other" 2>/dev/null; do sleep 0.5; done # it has nobody, which a second signal makes short
wait "$other"
cat "$folder/one"
exit "$ended"
