#!/usr/bin/env python3
"""Prints which share of the library's lines and branches the tests have reached, by folder; writes HTML beside it.

coverage.py ROOT BUILD: BUILD has been built with clang's coverage, and its tests have left BUILD/profiles/*.profraw.
"""
import collections
import json
import os
import pathlib
import subprocess
import sys

FOLDERS = ("crdt", "wire", "discovery", "node/core", "node/shell", "node/cli")
HOMES = {"node/include/baton": "node/shell"}  # the API is implemented there


def programs(build):
    """Every program and library of the build that can have left a profile."""
    for path in sorted(build.rglob("*")):
        if path.is_file() and os.access(path, os.X_OK) and "CMakeFiles" not in path.parts:
            with path.open("rb") as opened:
                if opened.read(4) == b"\x7fELF":
                    yield path


def folder_of(name):
    for folder, home in HOMES.items():
        if name.startswith(folder):
            return home
    return next((folder for folder in FOLDERS if name.startswith(folder + "/")), None)


def run(*arguments):
    return subprocess.run([str(each) for each in arguments], check=True, capture_output=True, encoding="utf-8").stdout


def main():
    root, build = (pathlib.Path(each).resolve() for each in sys.argv[1:3])
    profiles, merged = sorted((build / "profiles").glob("*.profraw")), build / "merged.profdata"
    run("llvm-profdata", "merge", "-sparse", *profiles, "-o", merged)
    objects = [word for path in programs(build) for word in ("-object", path)]
    sources = [root / folder for folder in ("crdt", "wire", "discovery", "node")]
    report = json.loads(run("llvm-cov", "export", "-summary-only", "-instr-profile", merged, *objects[1:], *sources))
    totals = collections.defaultdict(lambda: collections.Counter())
    for file in report["data"][0]["files"]:
        folder = folder_of(os.path.relpath(file["filename"], root))
        for kind in ("lines", "functions", "branches"):
            for into in (folder, "all"):
                totals[into][kind] += file["summary"][kind]["count"]
                totals[into][kind, "reached"] += file["summary"][kind]["covered"]
    print(f"{'folder':<12} {'lines':>7} {'reached':>8} {'functions':>10} {'branches':>9}")
    for folder in (*FOLDERS, "all"):
        found = totals[folder]
        share = {kind: 100 * found[kind, "reached"] / max(found[kind], 1) for kind in ("lines", "functions", "branches")}
        print(f"{folder:<12} {found['lines']:>7} {share['lines']:>7.1f}% {share['functions']:>9.1f}% {share['branches']:>8.1f}%")
    run("llvm-cov", "show", "-format=html", f"-output-dir={build / 'html'}", "-show-branches=count",
        "-instr-profile", merged, *objects[1:], *sources)
    print(f"dev: {build / 'html' / 'index.html'}")


if __name__ == "__main__":
    main()
