# Reads typed values and writes them again: values.py LIBRARY, for values_test.py; lines in `NAME HEX`, out `NAME READ HEX`.
import importlib
import sys

library = sys.argv[1]
try:
    module = importlib.import_module(library)
except ImportError as missing:
    print(f"skipped: {missing}; apt-get install python3-{'msgpack' if library == 'msgpack' else 'u-msgpack'}")
    sys.exit(77)
print("with", library, ".".join(map(str, module.version)))


def described(value):
    if isinstance(value, dict):
        return "map:" + ",".join(sorted(value))
    if isinstance(value, (str, bytes)):
        return f"text:{value.encode().hex()}" if isinstance(value, str) else f"bytes:{value.hex()}"
    return f"{type(value).__name__}:{value}"


for line in sys.stdin:
    name, digits = line.split()
    try:
        version, value = module.unpackb(bytes.fromhex(digits))
        print(name, described(value), module.packb([version, value]).hex())
    except Exception as fault:  # of any kind: what it is, is what is asked for
        print(name, "fails", type(fault).__name__)
