#!/usr/bin/env python3
"""exports.py SHARED STATIC ROOT: libbaton.so exports what the public headers declare, all of it and nothing else.

Both directions, by the symbols that nm shows: of those that SHARED exports, each is a C function baton_* or a name of
namespace baton whose every part is a word of a public header; and each function with such a name that STATIC, which has the
same objects, defines out of line is exported, unless it is part of a class that is marked BATON_LOCAL. Also: the SONAME."""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import tidy

LAYERS = {"crdt", "wire", "discovery", "core", "shell", "c"}
C_NAME = re.compile(r"baton_\w+")


def symbols(library, *options):
    """(type, demangled name) of each symbol that the library defines."""
    lines = subprocess.run(["nm", "--demangle", "--defined-only", "--format=posix", *options, library], check=True,
                           capture_output=True, encoding="utf-8").stdout.splitlines()
    return [(found[2], found[1]) for found in (re.match(r"(.*?) (\w) [0-9a-f]* ?[0-9a-f]*$", line) for line in lines) if found]


def qualified(name):
    """The parts of a function's name, without arguments and ABI tags: baton, node, stash; none of another name."""
    name = re.sub(r"\[abi:\w+\]|@.*", "", name)
    head = name.split("(", 1)[0] if "operator()" not in name else name.split("operator()")[0] + "operator"
    if not re.fullmatch(r"baton(::~?\w+|::operator\S*)+", head):
        return []
    return [re.sub(r"operator.*", "operator", part.lstrip("~")) for part in head.split("::")]


def is_declared(name, words):
    parts = qualified(name)
    return bool(parts) and parts[1] not in LAYERS and set(parts[1:]) <= words


def offences(exported, defined, words, hidden):
    names = set()
    for kind, name in exported:
        name = re.sub(r"@.*", "", name)
        names.add(name)
        if kind == "A" or C_NAME.fullmatch(name):
            continue # the version itself, or C
        if not is_declared(name, words):
            yield f"exports {name}, which no public header declares"
    for kind, name in defined:
        if kind == "T" and name not in names and is_declared(name, words) and not hidden & set(qualified(name)):
            yield f"does not export {name}: a public header declares it; mark it BATON_API"


def main():
    library, archive, root = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    headers = [path.read_text(encoding="utf-8") for folder in ("crdt", "wire", "discovery", "node")
               for path in (root / folder / "include/baton").glob("*.h*")]
    hidden = {name for text in headers for name in re.findall(r"BATON_LOCAL (\w+)", text)}
    exported = symbols(library, "--dynamic")
    found = list(offences(exported, symbols(archive), tidy.public_words(root) | {"operator"}, hidden))
    soname = re.search(r"SONAME.*\[(.*)\]", subprocess.run(["readelf", "-d", library], check=True, capture_output=True,
                                                           encoding="utf-8").stdout)
    if not soname or soname[1] != "libbaton.so.0":
        found.append(f"its SONAME is {soname and soname[1]}, not libbaton.so.0")
    if len(exported) < 50:
        found.append(f"exports {len(exported)} symbols only")
    print("\n".join(f"{library}: {line}" for line in found) or f"{library}: {len(exported)} symbols, as declared")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
