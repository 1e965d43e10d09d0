#!/usr/bin/env python3
"""Proves that tidy.py finds each kind of offence, by a small tree that commits them, and nothing in a clean one."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import tidy

CLEAN = {
    "LICENSE": "MIT License\n",
    "README.md": "text\n\n```cpp\nint main() {}\n```\n",
    "examples/embed/main.cpp": "// [readme]\nint main() {}\n// [/readme]\n",
    "node/include/baton/node.hpp": "//     int one() {\n//         return 1;\n//     }\n#pragma once\n#include <atomic>\n"
                                   "namespace baton {\nint one();\n} // namespace baton\n",
    "node/shell/node.cpp": "namespace baton {\nint one() {\n    return 1;\n}\nstruct node::impl {\n};\n\nnamespace {\n"
                           "int two;\n}\n\nnamespace shell {\nint three;\nint four;\n} // namespace shell\n} // namespace baton\n",
    "node/shell/shell/a.hpp": "namespace baton::crdt {\nclass store;\n}\nnamespace baton::shell {\nint five;\n} // namespace\n",
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
    "internal in baton": ("crdt/src/a.cpp", "namespace baton {\nint one;\n} // namespace baton\n"),
    "internal function beside the API": ("node/shell/node.cpp", "namespace baton {\nint two() {\n    return 2;\n}\n} // namespace\n"),
    "internal type beside the API": ("node/shell/node.cpp", "namespace baton {\nusing two = int;\n} // namespace baton\n"),
    "assert": ("wire/src/a.cpp", "BATON_ASSERT(true);\n"),
    "tab": ("tests/a.cpp", "\tint a;\n"),
    "trailing blank": ("a.md", "a \n"),
    "to do": ("dev", "# TO" "DO\n"),
    "no newline": ("a.txt", "a"),
    "test of another name": ("tests/wire/laws.cpp", 'TEST_CASE("a: b") {}\n'),
    "no test of this name": ("tests/wire/world_test.cpp", "int a;\n"),
    "long file": ("tests/a.cpp", "\n" * 501),
    "header without an example": ("wire/include/baton/result.hpp", "// result\n#pragma once\n//     int one;\n" * 3),
    "readme drift": ("README.md", "```cpp\nint main() {}\n```\n```cpp\nint other;\n```\n"),
    "readme without the snippet": ("README.md", "text\n"),
    "long readme": ("README.md", CLEAN["README.md"] + "word\n" * 900),
    "licence": ("LICENSE", "All rights reserved\n"),
}


CYCLE = {  # frame and rows include one another, one of them from its .cpp; codec stands apart
    "wire/src/frame.cpp": '#include "wire/frame.hpp"\n#include "wire/rows.hpp"\n',
    "wire/src/wire/frame.hpp": "#pragma once\n",
    "wire/src/wire/rows.hpp": '#include "wire/codec.hpp"\n#include "wire/frame.hpp"\n',
}
KNOT = frozenset({"wire/src/wire/frame.hpp", "wire/src/wire/rows.hpp"})


def offences(files, knots=frozenset()):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, contents in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(contents, encoding="utf-8")
        return [(str(name), message) for name, _, message in tidy.offences(root, knots)]


def offending_commits(subjects, base=None):
    """The numbers of the subjects that are found in a history with these subjects; the second commit brings the rule."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        as_nobody = ["git", "-C", folder, "-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
        subprocess.run(["git", "init", "--quiet", folder], check=True)
        made = []
        for number, subject in enumerate(subjects):
            (root / ("CONTRIBUTING.md" if number == 1 else f"{number}.txt")).write_text("text\n", encoding="utf-8")
            subprocess.run([*as_nobody, "add", "."], check=True)
            subprocess.run([*as_nobody, "commit", "--quiet", "--no-gpg-sign", "-m", subject], check=True)
            made.append(subprocess.run([*as_nobody, "rev-parse", "--short", "HEAD"], check=True, capture_output=True,
                                       encoding="utf-8").stdout.strip())
        os.environ.pop("BATON_BASE", None)
        if base is not None:
            os.environ["BATON_BASE"] = made[base]
        return sorted(made.index(name.split()[1]) for name, _, _ in tidy.long_subjects(root))


failed = [f"clean tree: {found}" for found in offences(CLEAN)]
for case, (name, contents) in BAD.items():
    found = offences(CLEAN | {name: contents})
    if [file for file, _ in found] != [name]:
        failed.append(f"{case}: expected one offence in {name}, found {found}")
for case, files, knots, expected in (
        ("a cycle", CYCLE, frozenset(), ["wire/src/frame.cpp includes wire/src/wire/rows.hpp, "
                                         "wire/src/wire/rows.hpp includes wire/src/wire/frame.hpp"]),
        ("a named knot", CYCLE, frozenset({KNOT}), []),
        ("a named knot without its cycle", {}, frozenset({KNOT}), ["KNOTS names what is no knot"])):
    found = [message for _, message in offences(CLEAN | files, knots)]
    if len(found) != len(expected) or any(part not in message for part, message in zip(expected, found)):
        failed.append(f"{case}: expected {expected}, found {found}")
if shutil.which("git"):
    history = ["a" * 73, "the rule", "b" * 72, "c" * 73, "d", "e" * 73]
    for base, expected in ((None, [3, 5]), (4, [5])):
        found = offending_commits(history, base)
        if found != expected:
            failed.append(f"subjects after {base}: expected {expected}, found {found}")
print("\n".join(failed) or f"tidy finds all {len(BAD)} kinds of offence, cycles of includes, and long subjects")
sys.exit(bool(failed))
