# MessagePack libraries of other languages and typed values: values_test.py PROGRAM TYPED LANGUAGE [LIBRARY] lets the library
# read what typed.hpp has written, and write it again; TYPED says whether pickup<T> reads the same then.
# Exit status: 0 what differs is what wire/PEERS.md says, 1 it is not, 77 the library is missing, or of a version it does not name.
import os
import subprocess
import sys

import languages

PATIENCE = 240 * max(1.0, float(os.environ.get("BATON_TEST_SLOWDOWN", "1")))

READ = {"small": "int:7", "whole": "int:4294967296", "made": "int:4294967296", "exact": "int:9007199254740993",
        "signed": "int:-9007199254740993", "top": "int:18446744073709551615", "bottom": "int:-9223372036854775808",
        "fraction": "float:0.1", "one": "int:1",  # msgpack-cxx packs a double that is whole as an integer
        "text": "text:6bc3a47365", "bytes": "bytes:00ff6180", "map": "map:name,speed"}
FAMILIES = [(0x00, 0x80, "int"), (0x80, 0x90, "map"), (0xa0, 0xc0, "text"), (0xc4, 0xc7, "bytes"), (0xca, 0xcb, "float32"),
            (0xcb, 0xcc, "float64"), (0xcc, 0xd4, "int"), (0xd9, 0xdc, "text"), (0xde, 0xe0, "map"), (0xe0, 0x100, "int")]

ROUNDED = {"exact": "reads int:9007199254740992", "signed": "reads int:-9007199254740992", "top": "reads int:18446744073709551616"}
ONE_STRING = {"text": "reads string:6bc3a47365", "bytes": "reads string:00ff6180 writes text"}
# The rows of wire/PEERS.md: by the library and its version, what differs from READ and from what was read, and how C++ reads that.
SEEN = {
    "@msgpack/msgpack 3.1.3": {"exact": f"{ROUNDED['exact']} writes float64 other", "bottom": "writes float64",
                               "signed": f"{ROUNDED['signed']} writes float64 other",
                               "top": f"{ROUNDED['top']} writes float64 refused"},
    "@msgpack/msgpack 3.1.3, useBigInt64": {"made": "writes float64"},
    "msgpackr 2.1.4": {"made": "writes float64"},
    "notepack.io 3.0.1": {case: f"{seen} other" for case, seen in ROUNDED.items()},
    "msgpack 1.0.3": {},
    "umsgpack 2.3.0": {"map": "fails AttributeError"},
    "umsgpack 2.8.0": {},
    "msgpack 1.4.2 of Ruby": {},
    "msgpack 1.7.2 of Ruby": {},
    "Data::MessagePack 1.02": {"text": "writes bytes", "map": "refused"},
    "Data::MessagePack 1.02, utf8": {"bytes": "writes text"},
    "php-msgpack 2.2.0RC2": {"top": "reads string:3138343436373434303733373039353531363135 writes text refused", **ONE_STRING},
    "msgpack-core-0.9.3.jar": {},
    "msgpack-core-0.9.6.jar": {},
    "lua-MessagePack 0.5.2": {"top": "reads int:-1 refused", **ONE_STRING},
    "vmihailenco/msgpack 5.3.5": {},
    "vmihailenco/msgpack 5.4.1": {},
}
SEEN["php-msgpack 3.0.0"] = SEEN["php-msgpack 2.2.0RC2"]


def family(payload):
    """What [version, object] holds, by the object's first byte; a version may be packed in more bytes than it needs."""
    at = 3 if payload[1:2] in (b"\xcc", b"\xd0") else 2
    return next((name for low, high, name in FAMILIES if low <= payload[at] < high), payload.hex())


def talk(command, lines):
    """Starts a program with `lines` as its whole input; its output by lines."""
    done = subprocess.run(command, input=lines, text=True, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    out = done.stdout.splitlines()
    if done.returncode == 77:
        print("\n".join(out))
        sys.exit(77)
    if done.returncode:
        print(f"failed: {command} ends with {done.returncode} after {out[-3:]}")
        sys.exit(1)
    return out


def differs(name, payload, found, again, judged):
    """What the library did with one value, in words; empty if it reads the value and writes what it has read."""
    if found[0] == "fails":
        return " ".join(found)
    words = [f"reads {found[0]}"] if found[0] != READ[name] else []
    if family(again) != family(payload):
        words.append(f"writes {family(again)}")
    return " ".join(words + [judged] * (judged != "same"))


def main():
    program, typed, language, *library = sys.argv[1:]
    command = languages.command("values", language, program) + library
    shown = talk([typed], "")
    written = {name: bytes.fromhex(digits) for name, digits in (line.split() for line in shown[:shown.index("shown")])}
    made_with, *read = talk(command, "".join(f"{name} {payload.hex()}\n" for name, payload in written.items()))
    found = {name: rest for name, *rest in (line.split() for line in read)}
    again = {name: rest[1] for name, rest in found.items() if rest[0] != "fails"}
    out = talk([typed], "".join(f"{name} {digits}\n" for name, digits in again.items()))
    judged = {name: verdict.split(":")[0] for name, verdict in (line.split(" ", 1) for line in out[out.index("shown") + 1:])}

    made_with = made_with.removeprefix("with ")
    seen = {name: differs(name, payload, found[name], bytes.fromhex(again.get(name, "")), judged.get(name))
            for name, payload in written.items()}
    seen = {name: words for name, words in seen.items() if words}
    print(made_with)
    for name, words in seen.items():
        print(f"  {name}: {words}")
    if made_with not in SEEN:
        languages.skip("wire/PEERS.md does not know this version")
    if seen != SEEN[made_with]:
        print(f"failed: expected was {SEEN[made_with]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
