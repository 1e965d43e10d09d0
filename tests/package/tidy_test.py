#!/usr/bin/env python3
"""Proves that tidy.py finds each kind of offence, by a small tree that commits them, and nothing in a clean one."""
import pathlib
import sys
import tempfile

import tidy

CLEAN = {
    "LICENSE": "MIT License\n",
    "README.md": "text\n\n```cpp\nint main() {}\n```\n",
    "examples/embed/main.cpp": "// [readme]\nint main() {}\n// [/readme]\n",
    "node/include/baton/node.hpp": "#include <atomic>\n",
    "wire/src/wire/codec.hpp": '#include "crdt/store.hpp"  // never ::now()\n',
}
BAD = {  # one offence each: file, contents
    "zmq": ("crdt/src/a.cpp", "zmq::context_t context;\n"),
    "thread": ("wire/src/a.cpp", "#include <thread>\n"),
    "mutex": ("wire/src/a.cpp", "#include <mutex>\n"),
    "atomic": ("discovery/src/a.cpp", "#include <atomic>\n"),
    "clock": ("node/core/core/a.cpp", "auto t = std::chrono::steady_clock::now();\n"),
    "random_device": ("crdt/src/a.cpp", "std::random_device device;\n"),
    "distribution": ("crdt/src/a.cpp", "std::uniform_int_distribution<int> dice;\n"),
    "getenv": ("crdt/src/a.cpp", "std::getenv(\"HOME\");\n"),
    "iostream": ("crdt/src/a.cpp", "#include <iostream>\n"),
    "spdlog": ("crdt/src/a.cpp", "#include <spdlog/spdlog.h>\n"),
    "unordered": ("crdt/src/a.cpp", "std::unordered_map<int, int> map;\n"),
    "higher layer": ("crdt/src/a.cpp", '#include "wire/codec.hpp"\n'),
    "higher public header": ("wire/src/a.cpp", "#include <baton/node.hpp>\n"),
    "assert": ("wire/src/a.cpp", "BATON_ASSERT(true);\n"),
    "tab": ("tests/a.cpp", "\tint a;\n"),
    "trailing blank": ("a.md", "a \n"),
    "to do": ("dev", "# TO" "DO\n"),
    "no newline": ("a.txt", "a"),
    "long file": ("tests/a.cpp", "\n" * 501),
    "readme drift": ("README.md", "```cpp\nint main() {}\n```\n```cpp\nint other;\n```\n"),
    "readme without the snippet": ("README.md", "text\n"),
    "licence": ("LICENSE", "All rights reserved\n"),
}


def offences(files):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, contents in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(contents, encoding="utf-8")
        return [(str(name), message) for name, _, message in tidy.offences(root)]


failed = [f"clean tree: {found}" for found in offences(CLEAN)]
for case, (name, contents) in BAD.items():
    found = offences(CLEAN | {name: contents})
    if [file for file, _ in found] != [name]:
        failed.append(f"{case}: expected one offence in {name}, found {found}")
print("\n".join(failed) or f"tidy finds all {len(BAD)} kinds of offence")
sys.exit(bool(failed))
