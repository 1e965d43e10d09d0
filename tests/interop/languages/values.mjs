// Reads typed values and writes them again: values.mjs LIBRARY, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
import { createRequire } from "node:module"
import { createInterface } from "node:readline"

const [library, option] = process.argv[2].split("?")
const require = createRequire(`${process.env.BATON_NPM}/node_modules/`)
let module
try {
    module = require(library)
    const found = require.resolve(library).replace(new RegExp(`(node_modules/${library}/).*`), "$1package.json")
    console.log(`with ${library} ${require(found).version}${option ? ", " + option : ""}`)
} catch (missing) {
    console.log(`skipped: ${missing.message.split("\n")[0]}; npm install --prefix $BATON_NPM ${library}`)
    process.exit(77)
}
const settings = option === "useBigInt64" ? { useBigInt64: true } : undefined
const decode = library === "msgpackr" ? module.unpack : data => module.decode(data, settings)
const encode = library === "msgpackr" ? module.pack : data => module.encode(data, settings)

function described(value) {
    if (typeof value === "string") return `text:${Buffer.from(value).toString("hex")}`
    if (value instanceof Uint8Array || value instanceof ArrayBuffer) return `bytes:${Buffer.from(value).toString("hex")}`
    if (typeof value === "object") return `map:${Object.keys(value).sort()}`
    const whole = typeof value === "bigint" || Number.isInteger(value)
    return whole ? `int:${BigInt(value)}` : `float:${value}`
}

for await (const line of createInterface({ input: process.stdin })) {
    const [name, digits] = line.split(" ")
    try {
        const [version, read] = decode(Buffer.from(digits, "hex"))
        const value = name === "made" ? 2 ** 32 : read // a program's own number, not one that was read
        console.log(`${name} ${described(value)} ${Buffer.from(encode([version, value])).toString("hex")}`)
    } catch (fault) {
        console.log(`${name} fails ${fault.constructor.name}`)
    }
}
