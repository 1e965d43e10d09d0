#!/usr/bin/env python3
"""Finds what breaks the project's rules where neither the compiler nor the include roots can see it.

tidy.py ROOT prints every offence as file:line: message and exits 1 if there is one. The rules: the pure layers stay
pure and see only lower layers; internals are in the namespace of their layer; no files include one another in a circle,
but for named knots; text is clean; files are short; files with test cases are named so; nothing is left "to do"; the
README is short, and its C++ is C++ that the examples compile; every public header begins with an example; every assert is
accounted for; the licence is there; subjects of commits are short.
"""
import os
import pathlib
import re
import subprocess
import sys

import include_graph

LAYERS = ["crdt", "wire", "discovery", "core", "shell"]  # each may include those before it, and itself
FOLDERS = {"crdt": "crdt", "wire": "wire", "discovery": "discovery", "node/core": "core"}  # the pure ones
LINES_MAX = 500
README_WORDS_MAX = 900
SUBJECT_CHARACTERS_MAX = 72
EXAMPLE_LINES = range(3, 18)
CODE = {".cpp", ".hpp", ".py", ".sh", ".cmake"}
TEXT = CODE | {".md", ".txt", ".json", ".in", ""}  # "": dev, .ci/run, LICENSE, dot-files
SKIPPED = {"build", ".git", ".cache", "corpus", "__pycache__"}

IMPURE = {
    r"\bzmq(\.hpp|\.h|::|_\w+)": "ZeroMQ",
    r"#include <(thread|stop_token|future|mutex|shared_mutex|condition_variable|atomic|semaphore)>": "threads",
    r"\bstd::(jthread|thread|mutex|atomic)\b": "threads",
    r"::now\(\)": "a clock",
    r"#include <(ctime|sys/time\.h|time\.h)>": "a clock",
    r"\brandom_device\b": "hidden randomness",
    r"\b\w+_distribution\b": "a distribution, which differs between standard libraries",
    r"\bgetenv\b": "the environment",
    r"#include <(iostream|fstream|print)>": "input or output",
    r"#include <(sys/(?!types)\w+|netinet/\w+|arpa/\w+|net/\w+|unistd|poll|fcntl)\.h>": "the operating system",
    r"\bspdlog\b": "a log library",
    r"\bunordered_(multi)?(map|set)\b": "an unordered container",
}
# Outside the public headers only these declare anything in plain `namespace baton`: they define what the API declares.
API_FILES = {
    "crdt/src/dot.cpp", "wire/src/result.cpp", "discovery/src/access.cpp", "discovery/src/key.cpp", "node/core/names.cpp",
    *(f"node/shell/{name}.cpp" for name in ("async", "claim", "completions", "dispatcher", "key_files", "monitor", "node", "node_values",
                                            "option_files", "options", "security", "signals", "stats")),
    "node/shell/client/client.cpp", "node/shell/client/client_claim.cpp", "node/shell/client/client_watches.cpp", "node/shell/shell/claiming.hpp",
    "node/shell/shell/client/client_impl.hpp", "node/shell/shell/node_impl.hpp",
}
LAYER_FOLDERS = ("crdt", "wire", "discovery", "node/core", "node/shell")
DECLARATION = re.compile(r"(?:(?:template <.*>|inline|constexpr|static|const) )*"
                         r"(?:(?:struct|class|enum class|enum|union|using) (?P<type>[\w:]+)|[\w\[].*?(?P<call>[\w:~]+)\(|"
                         r"[\w:<>]+ (?P<object>\w+)[ {=;])")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
REGION = re.compile(r"^// \[readme\]\n(.*?)^// \[/readme\]$", re.MULTILINE | re.DOTALL)
CPP_BLOCK = re.compile(r"^```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_files(root):
    """Files of the project that people write, as (path from the root, contents), sorted."""
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        if path.is_file() and not SKIPPED & set(name.parts) and path.suffix in TEXT:
            yield name, path.read_text(encoding="utf-8")


def without_comments(line):
    return line.split("//", 1)[0]


def layer_of(name):
    for folder, layer in FOLDERS.items():
        if name.is_relative_to(folder):
            return layer
    return None


def public_headers(root):
    """baton/<header> → the layer it belongs to. The core speaks in node's own public types: options, member, event."""
    homes = {"crdt": "crdt", "wire": "wire", "discovery": "discovery", "node": "core"}
    return {f"baton/{path.name}": layer for folder, layer in homes.items()
            for path in (root / folder / "include/baton").glob("*.hpp")}


def impurities(layer, contents, public):
    for number, line in enumerate(contents.splitlines(), 1):
        code = without_comments(line)
        for pattern, what in IMPURE.items():
            if re.search(pattern, code):
                yield number, f"{what} in a pure layer ({layer})"
        included = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', code)
        if included:
            header = included[1]
            owner = public.get(header, header.split("/")[0])
            if owner in LAYERS and LAYERS.index(owner) > LAYERS.index(layer):
                yield number, f"{layer} includes {header}, which belongs to a higher layer ({owner})"


def without_literals(line):
    return without_comments(re.sub(r'"(?:\\.|[^"\\])*"', '""', line))


def public_words(root):
    """Every word of the code of the public headers."""
    return {word for folder in ("crdt", "wire", "discovery", "node")
            for path in (root / folder / "include/baton").glob("*.hpp")
            for line in path.read_text(encoding="utf-8").splitlines()
            for word in re.findall(r"\w+", without_literals(line))}


def stray_internals(name, contents, words):
    """What is declared in plain `namespace baton` is the API: members of its classes, and names of its headers. Relies on
    the layout that clang-format gives: namespaces begin and end in the first column."""
    if "include/baton" in str(name):
        return
    open_ones, opened_at = [], 0
    for number, line in enumerate(contents.splitlines(), 1):
        code = without_literals(line)
        opened = re.match(r"(?:inline )?namespace ?([\w:]*) ?\{(?!\})", code)
        if opened:
            open_ones.append(opened[1])
            opened_at = number
            if open_ones == ["baton"] and str(name) not in API_FILES:
                yield number, "declares an internal in namespace baton, which is the API: use the layer's namespace"
        elif open_ones and (line.startswith("} // namespace") or (line == "}" and opened_at == number - 2)):
            open_ones.pop()
        elif open_ones == ["baton"] and str(name) in API_FILES and "operator" not in code:
            found = DECLARATION.match(code)
            declared = found and (found["type"] or found["call"] or found["object"])
            if declared and "::" not in declared and declared not in words and declared != "namespace":
                yield number, f"declares {declared} in namespace baton, and no public header does: use the layer's namespace"


def untidiness(name, contents):
    lines = contents.splitlines()
    for number, line in enumerate(lines, 1):
        if "\t" in line and name.name != "rules": # a makefile
            yield number, "a tab"
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if UNFINISHED.search(line):
            yield number, "something left to do: do it, or open an issue"
    if contents and not contents.endswith("\n"):
        yield len(lines), "no newline at the end of the file"
    if name.suffix in CODE and len(lines) > LINES_MAX:
        yield len(lines), f"more than {LINES_MAX} lines: split the file"


def misnamed_test(name, contents):
    """A file with test cases is called SUBJECT_test.cpp, and no other file is."""
    if name.suffix == ".cpp" and name.is_relative_to("tests") and ("TEST_CASE(" in contents) != name.stem.endswith("_test"):
        yield 1, "a file with test cases ends in _test.cpp, and no other does"


def readme_drift(root):
    """Each C++ block of README.md and GUIDE.md is the marked region of an example; embed's is in the README."""
    readme = root / "README.md"
    regions = [region for path in sorted((root / "examples").rglob("*.cpp"))
               for region in REGION.findall(path.read_text(encoding="utf-8"))]
    found = {}
    for name in ("README.md", "GUIDE.md"):
        text = (root / name).read_text(encoding="utf-8") if (root / name).exists() else ""
        found[name] = list(CPP_BLOCK.finditer(text))
        for block in found[name]:
            if block[1] not in regions:
                yield name, text.count("\n", 0, block.start()) + 1, "C++ that is no marked region of an example"
    embed = root / "examples/embed/main.cpp"
    snippet = REGION.findall(embed.read_text(encoding="utf-8")) if embed.exists() else []
    if not snippet or snippet[0] not in [block[1] for block in found["README.md"]]:
        yield "README.md", 1, "lacks the marked region of examples/embed/main.cpp as a ```cpp block"


def headers_without_example(root):
    """The head of a public header has a short example, in lines that begin with "//     ". consumer.cmake compiles it."""
    for folder in ("crdt", "wire", "discovery", "node"):
        for path in sorted((root / folder / "include/baton").glob("*.hpp")):
            head = path.read_text(encoding="utf-8").split("#pragma once")[0]
            lines = sum(line.startswith("//     ") for line in head.splitlines())
            if lines not in EXAMPLE_LINES:
                yield path.relative_to(root), 1, (f"its head has an example of {lines} lines: write one of about ten, in "
                                                  'lines that begin with "//     "')


def long_readme(root):
    readme = root / "README.md"
    words = len(readme.read_text(encoding="utf-8").split()) if readme.exists() else 0
    if words > README_WORDS_MAX:
        yield "README.md", 1, f"{words} words; at most {README_WORDS_MAX}: move details to GUIDE.md or LIMITS.md"


def long_subjects(root):
    """Commits after $BATON_BASE, or after the one that brought CONTRIBUTING.md and with it the rule. A tree without a
    history of its own has none to check; of a shallow clone its own commits count."""
    def git(*arguments):
        done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, encoding="utf-8", check=False)
        return done.stdout.splitlines() if done.returncode == 0 else []

    if not (root / ".git").exists():
        return
    added = git("log", "--diff-filter=A", "--format=%H", "--", "CONTRIBUTING.md")
    base = os.environ.get("BATON_BASE") or (added[-1] if added else None)
    for line in git("log", "--no-merges", "--format=%h %s", f"{base}..HEAD") if base else []:
        commit, _, subject = line.partition(" ")
        if len(subject) > SUBJECT_CHARACTERS_MAX:
            yield f"commit {commit}", 1, (f"its subject has {len(subject)} characters, at most "
                                          f"{SUBJECT_CHARACTERS_MAX}: say the rest in the body")


def unlisted_asserts(root):
    """crdt/ASSERTS.md says of each BATON_ASSERT why no input reaches it: its counts are those of the code."""
    table = root / "crdt/ASSERTS.md"
    text = table.read_text(encoding="utf-8") if table.exists() else ""
    listed = {path: int(count) for path, count in re.findall(r"^\| `(\S+)` \| (\d+) \|", text, re.MULTILINE)}
    found = {}
    for folder in ("crdt", "wire", "discovery", "node"):
        for path in (root / folder).rglob("*.[ch]pp"):
            count = sum("BATON_ASSERT(" in without_comments(line) and "#define" not in line
                        for line in path.read_text(encoding="utf-8").splitlines())
            if count:
                found[str(path.relative_to(root))] = count
    for path in sorted(listed.keys() | found.keys()):
        if listed.get(path, 0) != found.get(path, 0):
            yield path, 1, f"{found.get(path, 0)} asserts, and {listed.get(path, 0)} are listed in crdt/ASSERTS.md"


def offences(root, knots=frozenset(include_graph.KNOTS)):
    public, words = public_headers(root), public_words(root)
    for name, contents in text_files(root):
        layer = layer_of(name)
        if layer and name.suffix in {".cpp", ".hpp"}:
            yield from ((name, *found) for found in impurities(layer, contents, public))
        if name.suffix in {".cpp", ".hpp"} and any(name.is_relative_to(folder) for folder in LAYER_FOLDERS):
            yield from ((name, *found) for found in stray_internals(name, contents, words))
        yield from ((name, *found) for found in untidiness(name, contents))
        yield from ((name, *found) for found in misnamed_test(name, contents))
    yield from readme_drift(root)
    yield from headers_without_example(root)
    yield from long_readme(root)
    yield from long_subjects(root)
    yield from unlisted_asserts(root)
    yield from include_graph.offences(root, knots)
    licence = root / "LICENSE"
    if not licence.exists() or not licence.read_text(encoding="utf-8").startswith("MIT License"):
        yield "LICENSE", 1, "is not the MIT licence"


def main():
    found = list(offences(pathlib.Path(sys.argv[1])))
    for name, number, message in found:
        print(f"{name}:{number}: {message}")
    print(f"tidy: {len(found)} offences" if found else "tidy: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
