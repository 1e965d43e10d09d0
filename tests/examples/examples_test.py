#!/usr/bin/env python3
"""Runs one example as its head says, several processes where it needs them, and checks that it does what it shows.

examples_test.py NAME PROGRAM. Nothing sleeps: every wait is for a line of output, has a deadline, and fails with what was
printed. BATON_TEST_SLOWDOWN multiplies deadlines.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE = 60 * float(os.environ.get("BATON_TEST_SLOWDOWN", "1"))
CLUSTER = f"example-{os.getpid()}-{os.urandom(4).hex()}"


class Program:
    """A running example: its lines, as they come."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, bufsize=1)
        self.lines, self.changed = [], threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def line(self, pattern):
        """The first line that matches; waits for it."""
        until = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                for line in self.lines:
                    if found := re.search(pattern, line):
                        return found
                if not self.changed.wait(until - time.monotonic()) or time.monotonic() > until:
                    raise AssertionError(f"no line matches {pattern!r}:\n" + "\n".join(self.lines))

    def type(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def stop(self, again=False):
        """The exit status after ^C; `again`: a second one ends a leave that waits for a successor."""
        self.process.send_signal(signal.SIGINT)
        until = time.monotonic() + PATIENCE
        while again and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self):
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return status


def finished(*arguments):
    program = Program(*arguments)
    return program.end(), "\n".join(program.lines)


def versioned_struct():
    status, text = finished()
    assert status == 0, text
    assert "the new program reads 400 points" in text, text
    assert "the old program now: not_readable: " in text, text


def claim_free():
    """The steps of both workers add up to what the shards are at: nothing lost, nothing done twice."""
    shards = 6
    ada = Program("ada", str(shards), CLUSTER)
    ada.line(r"ada owns shard/0, at step 0")
    for shard in range(1, shards):
        ada.line(rf"ada owns shard/{shard},")
    bob = Program("bob", str(shards), CLUSTER)  # too late for all of them: it waits for one to become free
    assert ada.stop() == 0, ada.lines
    by_ada = int(ada.line(r"ada did (\d+) steps")[1])
    for shard in range(shards):  # ada's shards go on where she has stopped
        bob.line(rf"bob owns shard/{shard}, at step [1-9]")
    bob.stop(again=True)  # there is nobody left to hand over to
    did = bob.line(r"bob did (\d+) steps; the shards are at (\d+) in all")
    assert by_ada > 0 and by_ada + int(did[1]) == int(did[2]), (by_ada, did[0])


def epoll():
    ada, bob = Program("ada", CLUSTER), Program("bob", CLUSTER)
    ada.line("event: joined bob")
    bob.line("event: joined ada")
    bob.type("hello")
    ada.line("^chat/bob: hello$")
    bob.line("^chat/bob: hello$")
    ada.process.stdin.close()  # the end of input is not the end of the program
    bob.type("still there?")
    ada.line(r"^chat/bob: still there\?$")
    assert bob.stop() == 0, bob.lines
    ada.line("event: left bob")
    ada.stop(again=True)


def asio():
    ada, bob = Program("ada", CLUSTER), Program("bob", CLUSTER)
    ada.line("event: joined bob")
    bob.line("2 nodes have counted [1-9]")
    assert ada.stop() == 0, ada.lines
    ada.line("left: safe")
    bob.line("event: left ada")
    bob.line("1 nodes have counted")
    bob.stop(again=True)


def spdlog():
    status, text = finished()
    assert status == 0, text
    assert re.search(r"^\d\d:\d\d:\d\d \[info\] \[baton\] event=started name=ada id=\w+ endpoint=tcp://127", text, re.M), text
    assert re.search(r"\[warning\] \[baton\] event=open_mesh ", text), text
    assert "[info] [baton] left: " in text, text


def key_file():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        ada = Program(str(path / "mesh.key"), "ada", CLUSTER)
        ada.line("made .*mesh.key, key [0-9a-f]{16}")
        assert (path / "mesh.key").stat().st_mode & 0o777 == 0o600
        ada.line("ada is at tcp://127")
        bob = Program(str(path / "mesh.key"), "bob", CLUSTER)
        ada.line("joined bob")
        assert not any(line.startswith("made") for line in bob.lines), bob.lines
        eve = Program(str(path / "other.key"), "eve", CLUSTER)
        ada.line("^refused ")
        eve.stop(again=True)
        assert not any("joined" in line for line in eve.lines), eve.lines
        assert bob.stop() == 0, bob.lines
        ada.stop(again=True)


def seeds():
    ada = Program("ada")
    at = ada.line(r"ada is at tcp://(127\.0\.0\.1:\d+)")[1]
    bob, eve = Program("bob", at), Program("eve", at)
    for who, others in ((ada, ("bob", "eve")), (bob, ("ada", "eve")), (eve, ("ada", "bob"))):
        for other in others:
            who.line(f"joined {other}")
    for who in (bob, eve):
        assert who.stop() == 0, who.lines
    ada.stop(again=True)
    status, text = finished("bad", "no port")
    assert status == 1 and "'no port'" in text, text


def spill():
    with tempfile.TemporaryDirectory() as folder:
        for expected in ("a new game, round 1", "round 2, as the file says", "round 3, as the file says"):
            status, text = finished(folder + "/spills", CLUSTER)
            assert status == 0 and expected in text and "left: spilled, in " in text, text


def metrics():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "baton.prom"
        status, text = finished(str(path))
        assert status == 0 and "keys 100, stashes 100" in text, text
        page = path.read_text()
        assert 'baton_keys{node="ada"} 100\n' in page and 'baton_stashes_total{node="ada"} 100\n' in page, page


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[2])
    globals()[sys.argv[1]]()
