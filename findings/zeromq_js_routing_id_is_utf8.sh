#!/usr/bin/env bash
# zeromq 6.8.0 of npm (ZeroMQ for Node.js). Seen on 2026-11-29 with Node.js 20.
#
# Behaviour: the option `routingId` is declared as a string, and a string is sent as UTF-8. A binary id of 17 bytes that is
# given as a "latin1" string reaches the other side with 22 bytes, without an error, so a ROUTER there does not know it.
# A Buffer, which the declaration does not allow, is sent as it is. Reading the option back stops at the first zero byte in
# both cases, so the check that a careful programmer would make looks wrong even where the id is right.
#
# Output seen:
#   as a string: 22 bytes arrive, 1 is read back
#   as a Buffer: 17 bytes arrive, 1 is read back
#
# Ends with 0 while that is so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" zeromq@6.8.0 >/dev/null 2>&1
cat >ids.mjs <<'SCRIPT'
import * as zmq from "zeromq"

const id = Buffer.from("4200ff80c3281122334455667788990011", "hex")

async function sent(routingId) {
    const router = new zmq.Router({ receiveTimeout: 5000, linger: 0 })
    await router.bind("tcp://127.0.0.1:*")
    const dealer = new zmq.Dealer({ routingId, linger: 0 })
    dealer.connect(router.lastEndpoint)
    await dealer.send("hello")
    const [arrived] = await router.receive()
    const readBack = dealer.routingId.length
    dealer.close()
    router.close()
    return { arrived, readBack }
}

const text = await sent(id.toString("latin1"))
const bytes = await sent(id)
console.log(`as a string: ${text.arrived.length} bytes arrive, ${text.readBack} is read back`)
console.log(`as a Buffer: ${bytes.arrived.length} bytes arrive, ${bytes.readBack} is read back`)
const same = text.arrived.length === 22 && bytes.arrived.equals(id) && text.readBack === 1 && bytes.readBack === 1
process.exit(same ? 0 : 1)
SCRIPT
node ids.mjs
