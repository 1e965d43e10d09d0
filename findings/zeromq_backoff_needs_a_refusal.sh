#!/usr/bin/env bash
# libzmq 4.3.5, as bundled by the npm package zeromq 6.8.0 (the same with libzmq 4.3.4 of Debian 12). Seen on 2026-11-29.
#
# Behaviour: ZMQ_RECONNECT_IVL_MAX makes the interval between two attempts to connect grow, but only while attempts are
# refused. Where a connection is accepted and then closed before the handshake is over, the interval stays at
# ZMQ_RECONNECT_IVL for ever. A load balancer, a port forwarder or a container's proxy whose backend is gone does exactly
# that. So one socket with an interval of 20 ms and a maximum of 1 s makes some forty connections a second there, and
# two or three a second where nobody listens.
#
# Output seen:
#   libzmq 4.3.5
#   refused: 10 attempts in 5 s
#   accepted and closed: 223 attempts in 5 s
#
# Ends with 0 while that is so: more than five times as many attempts in the second case.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" zeromq@6.8.0 >/dev/null 2>&1
cat >attempts.mjs <<'SCRIPT'
import net from "node:net"
import * as zmq from "zeromq"

const seconds = 5

async function attempts(accepts) {
    const server = net.createServer(connection => connection.destroy())
    await new Promise(done => server.listen(0, "127.0.0.1", done))
    const { port } = server.address()
    if (!accepts) await new Promise(done => server.close(done))
    const dealer = new zmq.Dealer({ linger: 0, reconnectInterval: 20, reconnectMaxInterval: 1000 })
    let count = 0
    dealer.events.on("connect:retry", () => ++count)
    dealer.connect(`tcp://127.0.0.1:${port}`)
    await new Promise(done => setTimeout(done, seconds * 1000))
    dealer.close()
    server.close()
    return count
}

const refused = await attempts(false)
const closed = await attempts(true)
console.log(`libzmq ${zmq.version}`)
console.log(`refused: ${refused} attempts in ${seconds} s`)
console.log(`accepted and closed: ${closed} attempts in ${seconds} s`)
process.exit(refused > 0 && closed > 5 * refused ? 0 : 1)
SCRIPT
node attempts.mjs
