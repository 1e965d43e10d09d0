#!/usr/bin/env python3
"""headers.py ROOT COMPILER [--alone] OPTION…: the public headers compile without a warning. Exit status 77: no such compiler.

Together, in one file, which takes seconds; with --alone each in a file of its own, which takes half a minute. That one
header needs no other is shown by consumer.cmake, too."""
import pathlib
import subprocess
import sys
import tempfile

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wno-sign-conversion", "-Wold-style-cast",
            "-Wnon-virtual-dtor", "-Werror"]


def main():
    root, compiler, options = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    alone = "--alone" in options
    options = [option for option in options if option != "--alone"]
    if compiler.endswith("NOTFOUND"):
        print(f"skipped: {compiler}")
        return 77
    roots = [root / folder / "include" for folder in ("crdt", "wire", "discovery", "node")]
    headers = sorted(header for folder in roots for header in (folder / "baton").glob("*.hpp"))
    with tempfile.TemporaryDirectory() as folder:
        includes = [f"#include <baton/{header.name}>\n" for header in headers]
        sources = []
        for number, text in enumerate(includes if alone else ["".join(includes)]):
            sources.append(pathlib.Path(folder, f"{number}.cpp"))
            sources[-1].write_text(text, encoding="utf-8")
        done = subprocess.run([compiler, *options, *WARNINGS, "-fsyntax-only", *(f"-I{folder}" for folder in roots), *sources],
                              check=False)
    print(f"{len(headers)} headers by {compiler} {' '.join(options)}")
    return 1 if done.returncode or len(headers) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
