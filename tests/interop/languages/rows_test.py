# Every row of wire/PEERS.md is one that a test tries, and every version that the tests know has a row.
# Exit status: 0 so it is, 1 it is not. Needs no package.
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = HERE.parents[2] / "wire" / "PEERS.md"
TESTS = (HERE.parent / "CMakeLists.txt").read_text(encoding="utf-8")
VERSION = re.compile(r"\b\d+(?:\.\d+)+\w*")
# binding: the file that tries it, and its CTest entry
BINDINGS = {"pyzmq": ("../reader.py", "python_"), "zeromq.js": ("peer.mjs", "javascript"), "ffi-rzmq (Ruby)": ("peer.rb", "ruby"),
            "ZMQ::FFI (Perl)": ("peer.pl", "perl"), "php-zmq": ("peer.php", "php"), "JeroMQ (Java)": ("Peer.java", "java")}


def table(heading):
    """The rows of the table below a heading, as lists of cells."""
    text = PEERS.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return rows[2:]


def libraries():
    """The versions that values_test.py knows, without importing what it needs: variants are told apart by a comma."""
    text = (HERE / "values_test.py").read_text(encoding="utf-8")
    block = text[text.index("SEEN = {"):text.index("def family")]
    keys = re.findall(r'^    "([^"]+)": \{|^SEEN\["([^"]+)"\]', block, re.M)
    return [one or other for one, other in keys]


def main():
    faults = []
    bindings = {row[0] for row in table("Bindings of ZeroMQ")}
    faults += [f"{one}: a row without a test" for one in bindings - set(BINDINGS)]
    for name, (file, entry) in BINDINGS.items():
        if name not in bindings or not (HERE / file).exists() or entry not in TESTS:
            faults.append(f"{name}: no row, no {file} or no CTest entry with {entry}")
    rows = table("MessagePack libraries and typed values")
    shown = {version for row in rows for version in VERSION.findall(re.sub(r"Lua [\d.]+|Debian \d+", "", row[1]))}
    known = libraries()
    tried = {version for name in known for version in VERSION.findall(re.sub(r"\.jar$", "", name))}
    faults += [f"{version}: in PEERS.md, and no test knows it" for version in sorted(shown - tried)]
    faults += [f"{version}: tried, and has no row" for version in sorted(tried - shown)]
    variants, with_comma = sum(row[0].startswith("the same") for row in rows), sum("," in name for name in known)
    if variants != with_comma:
        faults.append(f"{variants} rows of variants, and {with_comma} are tried")
    print("\n".join(faults) or f"{len(bindings)} bindings, {len(tried)} versions of libraries: each row is tried")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
