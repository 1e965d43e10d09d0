// A listening member of a baton mesh in JavaScript; README.md says what it does, and the same is there in other languages.
import { createRequire } from "node:module"
import { randomBytes } from "node:crypto"

const [mode, endpoint, ...words] = process.argv.slice(2)
let zmq, msgpack, release
try {
    const require = createRequire(`${process.env.BATON_NPM}/node_modules/`)
    zmq = require("zeromq")
    msgpack = require("@msgpack/msgpack")
    release = require("zeromq/package.json").version
} catch (missing) {
    console.log(`skipped: ${missing.message.split("\n")[0]}; npm install --prefix $BATON_NPM zeromq @msgpack/msgpack`)
    process.exit(77)
}
console.log(`with zeromq ${release} of npm, libzmq ${zmq.version}`)

const HELLO = 1, DELTA = 3, ACK = 7, LEAVING = 8, LEFT = 9, ASK = 11
const WANTS_ANSWER = 1, SEES_YOU = 2, FULL = 8 // of a HELLO; in a LEFT 1 is the same, and 2 says that it is the answer
const ANSWERS = 2
const id = Buffer.concat([Buffer.from([255, 0]), randomBytes(14)]) // with a zero byte, as any may have
const pack = fields => Buffer.from(msgpack.encode([5, ...fields], { useBigInt64: true }))
// Timestamps, hashes and digests have 64 bits: without useBigInt64 they lose the lowest.
const unpack = data =>
    msgpack.decode(data, { useBigInt64: true }).map(field => (field instanceof Uint8Array ? Buffer.from(field) : field))
const port = socket => Number(socket.lastEndpoint.split(":").at(-1))

function* events(rows) {
    let at = 0
    const varint = () => {
        for (let value = 0n, shift = 0n; ; shift += 7n) {
            const byte = rows[at++]
            value |= BigInt(byte & 127) << shift
            if (byte < 128) return value
        }
    }
    const text = () => {
        const length = Number(varint())
        return rows.subarray(at, (at += length))
    }
    while (at < rows.length) {
        const head = rows[at++], type = (head >> 4) & 7, removal = head & 1
        varint() // time
        const key = text()
        if (type === 2 || type === 3) text()
        const value = !removal || [1, 5, 6].includes(type) ? text() : null
        if (head & 4) varint() // epoch
        if (head & 8) varint() // ttl
        if (head & 2) for (let kills = varint(); kills > 0n; --kills) varint(), varint()
        if (type === 0 && !removal) yield [Buffer.from(key), Buffer.from(value)]
    }
}

async function listen(hosts) {
    const router = new zmq.Router({ linger: 500, handover: true })
    const xpub = new zmq.XPublisher({ linger: 500, verbosity: "allSubs" })
    const sub = new zmq.Subscriber()
    await router.bind("tcp://127.0.0.1:*")
    await xpub.bind("tcp://127.0.0.1:*")
    sub.subscribe("", Buffer.concat([Buffer.from([1]), id]))
    const links = new Map(), marks = new Set() // by id; before its first HELLO the seed has none
    const seed = dial(endpoint)
    let leaving = false

    const hello = (link, flags) =>
        pack([HELLO, "default", 5, 5, id, flags | FULL | (link?.marked ? SEES_YOU : 0), "javascript", hosts, port(router),
              port(xpub), 0, BigInt(Date.now()) << 16n, Buffer.alloc(0), Buffer.alloc(16), Buffer.alloc(0)])
    const sending = new Map() // one message of a socket is under way at a time
    function send(socket, ...parts) {
        sending.set(socket, (sending.get(socket) ?? Promise.resolve()).then(() => socket.send(parts)).catch(() => {}))
    }

    function dial(address) {
        const dealer = new zmq.Dealer({ linger: 500, routingId: Buffer.concat([Buffer.from("B"), id]) })
        const link = { dealer, seesMe: false, marked: false, up: false }
        dealer.connect(address)
        each(dealer, data => receive(data, link, reply => send(dealer, reply)))
        return link
    }

    /** The link of who has greeted; it is dialled, and what it publishes subscribed to, the first time. */
    function met(fields, link) {
        const known = fields[3].toString("hex"), flags = fields[4]
        if (!links.has(known)) {
            const address = `tcp://127.0.0.1:${fields[7]}` // its greeting may come by its own link first
            links.set(known, link ?? (address === endpoint ? seed : dial(address)))
            sub.connect(`tcp://127.0.0.1:${fields[8]}`)
        }
        link = links.get(known)
        link.marked = marks.has(known)
        link.seesMe ||= Boolean(flags & SEES_YOU)
        if (link === seed && !link.up && link.seesMe && link.marked) console.log(`up ${id.toString("hex")}`)
        link.up = link.seesMe && link.marked
        return link
    }

    function receive(data, link, answer) {
        const [version, kind, ...fields] = unpack(data)
        if (version !== 5) {
            if (kind === HELLO) answer(hello(link, WANTS_ANSWER)) // it has not heard yet which version is spoken here
        } else if (kind === HELLO) {
            link = met(fields, link)
            if (fields[4] & WANTS_ANSWER) answer(hello(link, 0))
        } else if (kind === ASK) {
            answer(pack([ACK, id, 0, 0, Buffer.alloc(0), fields[1], 4, Buffer.alloc(0)]))
        } else if (kind === LEAVING) {
            answer(pack([ACK, id, 0, fields[1], Buffer.alloc(0), 0]))
        } else if (kind === LEFT && leaving && fields[2] & ANSWERS) {
            console.log("left")
            process.exit(0)
        } else if (kind === LEFT) {
            if (fields[2] & WANTS_ANSWER) answer(pack([LEFT, id, 0, ANSWERS, fields[3]]))
            links.delete(fields[0].toString("hex"))
        }
    }

    async function each(socket, handle) {
        for await (const parts of socket) handle(...parts)
    }
    each(router, (from, data) => receive(data, null, reply => send(router, from, reply)))
    each(xpub, topic => {
        if (topic.length !== 18 || topic[1] !== 1) return
        const known = topic.subarray(2).toString("hex"), link = links.get(known)
        topic[0] === 1 ? marks.add(known) : marks.delete(known)
        if (!link) return
        link.marked = topic[0] === 1
        send(link.dealer, hello(link, 0))
    })
    each(sub, data => {
        const [, kind, , , , , , , rows] = unpack(data)
        if (kind !== DELTA) return
        for (const [key, value] of events(rows)) {
            console.log(`heard ${key.toString("hex")} ${value.toString("hex")}`)
            const name = key.toString()
            if (name.startsWith("typed/")) console.log(`typed ${name} ${msgpack.decode(value).flat().join(" ")}`)
            if (name !== "end") continue
            leaving = true
            send(xpub, pack([LEFT, id, 0, 0, id]))
            send(seed.dealer, pack([LEFT, id, 0, WANTS_ANSWER, id]))
        }
    })
    setInterval(() => {
        send(xpub, hello(null, 0))
        for (const link of new Set([seed, ...links.values()])) if (!link.up) send(link.dealer, hello(link, WANTS_ANSWER))
    }, 250)
}

async function knock([server, ours, secret]) {
    const dealer = new zmq.Dealer({ curveServerKey: server, curvePublicKey: ours, curveSecretKey: secret })
    dealer.connect(endpoint)
    await dealer.send("sealed")
    await dealer.receive()
    process.exit(0)
}

await (mode === "curve" ? knock(words) : listen(words[0] ?? ""))
