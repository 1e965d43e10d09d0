#!/usr/bin/env python3
"""Proves which files clang_tidy.py checks, in a small repository and with a clang-tidy that finds every "bad" line."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

FAKE = """#!/bin/sh
case $1 in --version) echo version 1; exit ;; esac
for file; do :; done
if grep -n bad "$file"; then exit 1; fi
"""
FILES = {
    ".clang-tidy": "Checks: all\n",
    "wire/src/wire/frame.hpp": "#pragma once\n",
    "wire/src/wire/rows.hpp": '#include "wire/frame.hpp"\n',
    "wire/src/frame.cpp": '#include "wire/frame.hpp"\n',
    "wire/src/spill.cpp": '#include "wire/rows.hpp"\n',
    "tests/wire/a_test.cpp": '#include "wire/rows.hpp"\n#include "wire/frame.hpp"\n',
    "tests/wire/alone.hpp": "#pragma once\n",
    "tests/bench/slow.cpp": "int main() {}\n",  # compiled by no target
}
UNITS = ["wire/src/frame.cpp", "wire/src/spill.cpp", "tests/wire/a_test.cpp"]
failed = []


class repository:
    """One commit with FILES, on branch main, and a build folder that git does not know."""

    def __init__(self, folder, with_git=True):
        self.root, self.build = pathlib.Path(folder, "root"), pathlib.Path(folder, "build")
        self.tools = pathlib.Path(folder, "tools")
        self.write(FILES)
        for path in (self.build, self.tools):
            path.mkdir()
        (self.tools / "clang-tidy").write_text(FAKE, encoding="utf-8")
        (self.tools / "clang-tidy").chmod(0o755)
        commands = [{"directory": str(self.build), "file": str(self.root / unit), "command": f"clang++ -c {self.root / unit}"}
                    for unit in UNITS]
        (self.build / "compile_commands.json").write_text(json.dumps(commands), encoding="utf-8")
        if with_git:
            self.git("init", "--quiet", "--initial-branch=main")
            self.commit()

    def write(self, files):
        for name, contents in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(contents, encoding="utf-8")

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=nobody", "-c", "user.email=nobody@example.org",
                        "-c", "commit.gpgSign=false", *arguments], check=True)

    def commit(self, files=None):
        self.write(files or {})
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "text")

    def expect(self, case, *parts, arguments=(), status=0, base=None, cached=False):
        """Runs it, with nothing remembered unless `cached`; each part must be in what it prints."""
        if not cached:
            shutil.rmtree(self.build / "clean", ignore_errors=True)
        environment = {name: value for name, value in os.environ.items() if name != "BATON_BASE"}
        environment |= {"PATH": f"{self.tools}:{os.environ['PATH']}"} | ({"BATON_BASE": base} if base else {})
        done = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("clang_tidy.py"), self.root, self.build,
                               *arguments], capture_output=True, encoding="utf-8", env=environment, check=False)
        missing = [part for part in parts if part not in done.stdout]
        if missing or done.returncode != status:
            failed.append(f"{case}: expected {missing or parts} and {status}, found {done.returncode}: {done.stdout}{done.stderr}")


with tempfile.TemporaryDirectory() as folder:
    repository(folder, with_git=False).expect("no git", "every file: there is no commit", "tidy: 3 files, 0 of them")
if shutil.which("git"):
    with tempfile.TemporaryDirectory() as folder:
        here = repository(folder)
        here.expect("one commit", "every file: there is no commit", "tidy: 3 files, 0 of them unchanged")
        here.expect("again", "3 files, 3 of them unchanged", cached=True)
        here.commit({"wire/src/spill.cpp": "bad line\n", "README.md": "text\n"})
        here.expect("the last commit", "1 files for", "1:bad", "not clean: wire/src/spill.cpp", status=1)
        here.expect("a finding is not remembered", "0 of them unchanged", "not clean", cached=True, status=1)
        here.expect("all", "every file\n", "not clean: wire/src/spill.cpp", arguments=["--all"], status=1)
        here.expect("no time", "time is up; 1 files are not checked: wire/src/spill.cpp", "tidy: 0 files",
                    arguments=["--minutes=-1"])
        here.commit({"wire/src/spill.cpp": FILES["wire/src/spill.cpp"]})
        here.commit({"wire/src/wire/frame.hpp": "#pragma once\nint one;\n"})
        here.expect("a header by the file of its name", "1 files for", "tidy: 1 files, 0 of them")
        here.expect("a header unchanged", "1 files, 1 of them unchanged", cached=True)
        here.write({"wire/src/wire/frame.hpp": "#pragma once\nint two;\n"})
        here.expect("a header changed", "1 files, 0 of them unchanged", cached=True)
        here.write({"wire/src/wire/rows.hpp": '#include "wire/frame.hpp"\nint one;\n', "wire/src/frame.cpp": "bad line\n"})
        here.expect("two headers by one file", "2 files for", "not clean: wire/src/frame.cpp", status=1)
        here.write({"tests/wire/alone.hpp": "int one;\n", "tests/bench/slow.cpp": "int one;\n", "wire/src/new.cpp": "bad\n"})
        here.expect("files of no target", "alone.hpp is compiled by no target", "slow.cpp is compiled by no target",
                    "new.cpp is compiled by no target", status=1)
        here.git("checkout", "--quiet", "--force", "HEAD")
        here.git("update-ref", "refs/remotes/origin/main", "HEAD")
        here.git("checkout", "--quiet", "-b", "branch")
        here.expect("on main, all of it there", "1 files for")
        here.git("mv", "wire/src/spill.cpp", "tests/wire/spill.cpp")
        here.expect("a file of another name", "1 files for", base="HEAD^1")
        here.git("reset", "--quiet", "--hard")
        here.commit({"wire/src/spill.cpp": "int one;\n"})
        here.commit({"tests/wire/a_test.cpp": "int one;\n"})
        here.expect("a branch of two commits", "2 files for")
        here.expect("a base of one's own", "1 files for", base="HEAD~1")
        here.expect("a base that is not here", "every file: there is no commit", base="0123456")
print("\n".join(failed) or "clang_tidy.py checks what it should")
sys.exit(bool(failed))
