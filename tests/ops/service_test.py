#!/usr/bin/env python3
"""Proves what the program reports to systemd, by a notify socket of the test's own: READY when it is ready and not
before, STOPPING, more time while a leave goes on, and a watchdog that stops with the I/O thread.

service_test.py [CASE…]; the program is $BATON_PROGRAM, the unit files are checked by systemd-analyze where it is there.
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from program import PATIENCE, Node, wait_until

UNITS = pathlib.Path(__file__).resolve().parents[2] / "examples/operations/systemd"


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, abstract=False):
        self.folder = tempfile.TemporaryDirectory()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.name = f"\0baton-ops-{os.getpid()}" if abstract else self.folder.name + "/notify"
        self.socket.bind(self.name)
        self.socket.settimeout(0.05)
        self.heard = []

    def environment(self, watchdog_usec=None):
        made = {"NOTIFY_SOCKET": self.name.replace("\0", "@")}
        if watchdog_usec:
            made["WATCHDOG_USEC"] = str(watchdog_usec)
        return made

    def listen(self):
        """Everything that has come so far."""
        while True:
            try:
                self.heard += self.socket.recv(4096).decode().split("\n")
            except TimeoutError:
                return self.heard

    def wait_for(self, start):
        return wait_until(lambda: [line for line in self.listen() if line.startswith(start)], start)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.folder.cleanup()


class Service(unittest.TestCase):
    def test_ready_after_synced(self):
        with Manager() as manager, Node("--name", "alder", "--alone-after", "1h", "--ready-within", "1h", http=None,
                                        environment=manager.environment()) as alder:
            manager.wait_for("STATUS=this node has met no member")
            self.assertNotIn("READY=1", manager.listen())
            with Node("--name", "birch", seeds=[alder.endpoint], http=None):
                manager.wait_for("READY=1")
                manager.wait_for("STATUS=0 keys, 2 nodes")
            self.assertEqual(manager.listen().count("READY=1"), 1)

    def test_ready_when_alone(self):
        with Manager(abstract=True) as manager, Node("--alone-after", "200ms", "--ready-within", "1h", http=None,
                                                     environment=manager.environment()):
            manager.wait_for("READY=1")

    def test_ready_within_a_bound(self):
        with Manager() as manager, Node("--alone-after", "1h", "--ready-within", "300ms", http=None,
                                        environment=manager.environment()):
            manager.wait_for("READY=1")
            manager.wait_for("STATUS=this node has met no member")

    def test_a_long_leave_asks_for_time(self):
        with Manager() as manager, Node("--founding", http=None, environment=manager.environment()) as node:
            manager.wait_for("READY=1")
            node.ask("stash k v")
            node.tell("leave 3s")  # nobody is there to take it over
            manager.wait_for("STOPPING=1")
            manager.wait_for("EXTEND_TIMEOUT_USEC=")
            manager.wait_for("STATUS=this node is leaving")
            self.assertEqual(node.process.wait(PATIENCE), 4)
            self.assertEqual(manager.listen().count("STOPPING=1"), 1)

    def test_sigterm_stops(self):
        with Manager() as manager, Node("--founding", http=None, environment=manager.environment()) as node:
            manager.wait_for("READY=1")
            node.process.send_signal(signal.SIGTERM)
            manager.wait_for("STOPPING=1")
            self.assertEqual(node.process.wait(PATIENCE), 0)

    def test_watchdog(self):
        """At least every half of the time, while the process runs; nothing while it is stopped."""
        with Manager() as manager, Node("--founding", http=None, environment=manager.environment(2_000_000)) as node:
            manager.wait_for("WATCHDOG=1")
            before = manager.listen().count("WATCHDOG=1")
            wait_until(lambda: manager.listen().count("WATCHDOG=1") >= before + 3, "three more")
            node.process.send_signal(signal.SIGSTOP)
            time.sleep(0.1)  # the kernel stops its threads
            manager.listen()
            count = manager.heard.count("WATCHDOG=1")
            time.sleep(1.5)  # more than a third of the watchdog's time: a running node reports in it
            self.assertEqual(manager.listen().count("WATCHDOG=1"), count)
            node.process.send_signal(signal.SIGCONT)
            wait_until(lambda: manager.listen().count("WATCHDOG=1") > count, "it goes on")

    def test_watchdog_of_another_process_is_not_ours(self):
        with Manager() as manager:
            environment = manager.environment(200_000) | {"WATCHDOG_PID": "1"}
            with Node("--founding", http=None, environment=environment):
                manager.wait_for("READY=1")
                time.sleep(0.5)
                self.assertNotIn("WATCHDOG=1", manager.listen())

    def test_no_manager(self):
        with Node("--founding", http=None, environment={"NOTIFY_SOCKET": "/nonexistent/notify"}) as node:
            self.assertEqual(node.ask("stash k v")["met"], True)

    def test_unit_files(self):
        tool = shutil.which("systemd-analyze")
        if not tool:
            self.skipTest("systemd-analyze is not installed")
        with tempfile.TemporaryDirectory() as folder:
            text = (UNITS / "baton@.service").read_text(encoding="utf-8")
            program = os.path.abspath(os.environ["BATON_PROGRAM"])
            unit = pathlib.Path(folder, "baton@.service")
            unit.write_text(text.replace("/usr/bin/baton", program), encoding="utf-8")
            for check in (["verify", "--recursive-errors=no", "--man=no", str(unit).replace("@", "@here")],
                          ["security", "--offline=true", "--threshold=25", str(unit)]):
                if check[0] == "verify":
                    shutil.copy(unit, check[-1])
                done = subprocess.run([tool, *check], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                if check[0] == "verify":
                    self.assertNotIn("baton", done.stderr)


if __name__ == "__main__":
    unittest.main()
