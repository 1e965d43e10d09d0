"""What the tests of the Python package share: a mesh of its own on loopback, and C++ nodes in it (`baton run`)."""
from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

SLOWDOWN = float(os.environ.get("BATON_TEST_SLOWDOWN", "1"))
PATIENCE = 60 * SLOWDOWN  # seconds, for what should come soon: time is lost only where a test fails

_count = itertools.count()


class Mesh:
    """Options by which nodes of one test find each other, by seeds alone."""

    def __init__(self) -> None:
        self.cluster = f"py-{os.getpid()}-{next(_count)}"
        self.programs: list[Program] = []

    def options(self, name: str, *seeds: str, **more: Any) -> dict[str, Any]:
        return dict(network="loopback", cluster=self.cluster, name=name, no_beacon=True, seed=list(seeds), leave_within="500ms",
                    destructor_leave_within="100ms") | more

    def program(self, name: str, *seeds: str, arguments: tuple[str, ...] = ()) -> Program:
        made = Program(self, name, seeds, arguments)
        self.programs.append(made)
        return made

    def close(self) -> None:
        for each in self.programs:
            each.end()


class Program:
    """A C++ node: `baton run`, whose commands and answers are lines."""

    def __init__(self, mesh: Mesh, name: str, seeds: tuple[str, ...], arguments: tuple[str, ...]) -> None:
        words = [os.environ["BATON_PROGRAM"], "run", "--host", "127.0.0.1", "--no-beacon", "--cluster", mesh.cluster, "--name",
                 name, "--leave-within", "500ms", *(word for seed in seeds for word in ("--seed", seed)), *arguments]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._lines: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._kept: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.endpoint: str = self.event("started")["endpoint"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put(None)

    def _line(self, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line that fits; others are kept for later."""
        for each in self._kept:
            if fits(each):
                self._kept.remove(each)
                return each
        until = time.monotonic() + PATIENCE
        while True:
            line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            assert line is not None, "the program has ended"
            if fits(line):
                return line
            self._kept.append(line)

    def event(self, kind: str, name: str | None = None) -> dict[str, Any]:
        return self._line(lambda line: line.get("event") == kind and name in (None, line.get("name")))

    def __call__(self, command: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        word = command.split()[0]
        return self._line(lambda line: line.get("reply") == word or "error" in line)

    def end(self) -> None:
        assert self._process.stdin is not None
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._reader.join()


def eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True
