#!/usr/bin/env python3
"""Runs clang-tidy over what has changed, or over everything.

clang_tidy.py ROOT BUILD [--all] [--minutes N]: ROOT is the checkout, BUILD a build folder of it with compile commands of
clang and without precompiled headers. Exits 1 if clang-tidy finds something (.clang-tidy says what it looks for).

Checked are the .cpp files that differ from the base commit, committed or not; and for each header that differs, a .cpp
that includes it: the one of its name, or else one that includes as many such headers as possible. The base is
$BATON_BASE, or where this branch left origin/main, or the commit before this one; without any, everything is checked.

A file that was clean is not checked again until it, a header of the project that it includes, its compile command or
.clang-tidy changes: BUILD/clean remembers. With --minutes no file is started later than that; those left out are named,
and are no failure.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import include_graph

FIRST = ("crdt/", "wire/", "discovery/", "node/")  # users run these: they are checked before tests and examples
NOISE = re.compile(r"^\d+ warnings?( and \d+ errors?)? generated\.$|^Suppressed |^Use -header-filter")


def git(root, *arguments):
    """The lines of git's answer, or None where git has none."""
    done = subprocess.run(["git", "-C", root, "-c", "core.quotePath=off", *arguments], capture_output=True,
                          encoding="utf-8", check=False)
    return done.stdout.splitlines() if done.returncode == 0 else None


def base_of(root):
    """A commit, or None. On main itself, where nothing differs from origin/main, the commit before the newest one."""
    if os.environ.get("BATON_BASE"):
        return os.environ["BATON_BASE"]
    head, left = git(root, "rev-parse", "HEAD"), git(root, "merge-base", "HEAD", "origin/main")
    if left and left != head:
        return left[0]
    parent = git(root, "rev-parse", "--verify", "--quiet", "HEAD^1")
    return parent[0] if parent else None


def changed_since(root, base):
    """Files that differ from the base or are in no commit, but not those that only have another name; None if the base is
    not in this clone."""
    committed = git(root, "diff", "--name-only", "--find-renames=100%", "--diff-filter=AMT", base, "--")
    return None if committed is None else {*committed, *(git(root, "ls-files", "--others", "--exclude-standard") or ())}


def chosen(graph, units, changed):
    """The units to check for these changed files, and the headers among those files that no unit includes."""
    picked = [unit for unit in units if unit in changed]
    sees = {unit: include_graph.closure(graph, unit) for unit in units}
    open_headers = {file for file in changed if file.endswith(".hpp") and file in graph}
    for unit in picked:
        open_headers -= sees[unit]
    for header in sorted(open_headers):
        own = [unit for unit in units if pathlib.PurePath(unit).stem == pathlib.PurePath(header).stem and header in sees[unit]]
        if header in open_headers and own:
            picked.append(own[0])
            open_headers -= sees[own[0]]
    while open_headers:
        best = max(units, key=lambda unit: (len(sees[unit] & open_headers), -len(sees[unit])), default=None)
        if best is None or not sees[best] & open_headers:
            break
        picked.append(best)
        open_headers -= sees[best]
    return picked, sorted(open_headers)


def identity(root, graph, unit, command, setting):
    """What a result depends on, as one number: all of it but the headers of the system."""
    digest = hashlib.sha256(f"{setting}\0{command.replace(str(root), '')}".encode())
    for file in sorted(include_graph.closure(graph, unit)):
        digest.update(file.encode() + b"\0" + (root / file).read_bytes() + b"\0")
    return digest.hexdigest()


def check(root, build, unit):
    """Why the file is not clean, or nothing. -w: the compiler's own warnings are the build's."""
    done = subprocess.run(["clang-tidy", "-p", build, "--quiet", "--extra-arg=-w", root / unit], cwd=root,
                          capture_output=True, encoding="utf-8", check=False)
    if done.returncode == 0:
        return ""
    said = [line for line in (done.stdout + done.stderr).splitlines() if not NOISE.search(line)]
    return "\n".join(said).replace(f"{root}/", "") or f"{unit}: clang-tidy ended with {done.returncode}"


def run(root, build, graph, commands, units, minutes):
    """Checks the units side by side; → their findings, and the units that were clean before, and that were left out."""
    started, clean = time.monotonic(), build / "clean"
    clean.mkdir(exist_ok=True)
    setting = subprocess.run(["clang-tidy", "--version"], capture_output=True, encoding="utf-8", check=True).stdout
    setting += "".join(path.read_text(encoding="utf-8") for path in [*root.glob(".clang-tidy"), *root.glob("*/.clang-tidy")])
    findings, known, left_out = [], [], []

    def one(unit):
        remembered = clean / identity(root, graph, unit, commands[unit], setting)
        if remembered.exists():
            known.append(unit)
        elif minutes is not None and time.monotonic() - started > 60 * minutes:
            left_out.append(unit)
        elif found := check(root, build, unit):
            print(found, flush=True)
            findings.append(unit)
        else:
            remembered.touch()

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, units))
    return findings, known, left_out


def main():
    parser = argparse.ArgumentParser(prog="./dev check", description="clang-tidy: see tests/package/clang_tidy.py")
    parser.add_argument("root", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help="every file, not only what has changed")
    parser.add_argument("--minutes", type=float, metavar="N", help="start no file later than this, and name those left out")
    asked = parser.parse_args()
    root, build = asked.root.resolve(), asked.build.resolve()
    graph = include_graph.includes(root)
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        commands.setdefault(os.path.relpath(entry["file"], root), entry["command"])
    units = sorted((unit for unit in commands if unit in graph), key=lambda unit: (not unit.startswith(FIRST), unit))

    base = None if asked.all else base_of(root)
    changed = changed_since(root, base) if base else None
    if changed is None:
        print("clang-tidy: every file" + ("" if asked.all else ": there is no commit here to compare with"))
        wanted, unseen = units, []
    else:
        wanted, unseen = chosen(graph, units, changed)
        unseen += sorted(file for file in changed if file.endswith(".cpp") and file not in commands)
        print(f"clang-tidy: {len(wanted)} files for what differs from {base[:12]} (everything: ./dev check --all)", flush=True)
        if any(file.endswith(".clang-tidy") for file in changed):
            print("clang-tidy: .clang-tidy differs, too: only ./dev check --all sees what that means for the other files")
    for file in unseen:
        print(f"clang-tidy: {file} is compiled by no target of {build.name}: not checked")
    findings, known, left_out = run(root, build, graph, commands, wanted, asked.minutes)
    if left_out:
        print(f"clang-tidy: time is up; {len(left_out)} files are not checked: {' '.join(sorted(left_out))}")
    checked = len(wanted) - len(left_out)
    print(f"clang-tidy: {checked} files, {len(known)} of them unchanged since they were clean; "
          + (f"not clean: {' '.join(sorted(findings))}" if findings else "clean"))
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
