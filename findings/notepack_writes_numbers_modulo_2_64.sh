#!/usr/bin/env bash
# notepack.io 3.0.1 of npm (MessagePack for JavaScript). Seen on 2026-11-29 with Node.js 20.
#
# Behaviour: a number without a fraction is written as an integer of 64 bits, whatever its size, and its higher bits are
# dropped without an error. The largest uint64, read and written again, is 0, as reading it has rounded it to 2^64. A float64
# such as 1e20, which MessagePack holds exactly, is read back as another number.
#
# Output seen:
#   2^64 - 1, read and written again: 0
#   1e20, written and read: 7766279631452242000
#   -1e20, written and read: -7766279631452242000
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" notepack.io@3.0.1 >/dev/null 2>&1
cat >numbers.mjs <<'SCRIPT'
import notepack from "notepack.io"

const { decode, encode } = notepack
const again = value => decode(encode(value))
console.log(`2^64 - 1, read and written again: ${again(decode(Buffer.from("cfffffffffffffffff", "hex")))}`)
console.log(`1e20, written and read: ${again(1e20)}`)
console.log(`-1e20, written and read: ${again(-1e20)}`)
SCRIPT
seen=$(node numbers.mjs)
echo "$seen"
[[ $seen == "2^64 - 1, read and written again: 0
1e20, written and read: 7766279631452242000
-1e20, written and read: -7766279631452242000" ]]
