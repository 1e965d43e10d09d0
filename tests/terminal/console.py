"""console: a program at a terminal, as a person sees it: a pty, and an emulator that knows what is on the screen.

One thread. Nothing sleeps: every wait is for what is on the screen or in a pipe, has a deadline, which BATON_TEST_SLOWDOWN
multiplies, and fails with what is there. Programs are killed with their objects.
"""
import fcntl
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time

try:
    import pyte
except ImportError:
    print("python3-pyte is not installed: skipped")
    sys.exit(77)

PATIENCE = 60 * float(os.environ.get("BATON_TEST_SLOWDOWN", "1"))
UP, DOWN, TAB, CTRL_A, CTRL_C, CTRL_D = "\x1b[A", "\x1b[B", "\t", "\x01", "\x03", "\x04"


class Failure(AssertionError):
    pass


def free_port(kind):
    """Below those that the system gives out by itself."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket(socket.AF_INET, kind) as trial:
            try:
                trial.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Mesh:
    """A cluster name and a beacon port of its own, on loopback alone."""

    def __init__(self):
        self.cluster = f"terminal-{os.getpid()}-{os.urandom(4).hex()}"
        self.options = ["--host", "127.0.0.1", "--cluster", self.cluster, "--beacon-port",
                        str(free_port(socket.SOCK_DGRAM))]


class Node:
    """`baton run` for scripts: JSON lines over pipes."""

    def __init__(self, program, mesh, name, *options):
        self.process = subprocess.Popen([program, "run", "--name", name, *mesh.options, *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.buffered = b""
        self.started = self.line(lambda line: line.get("event") == "started")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def line(self, wanted):
        until = time.monotonic() + PATIENCE
        while True:
            while b"\n" in self.buffered:
                line, self.buffered = self.buffered.split(b"\n", 1)
                line = json.loads(line)
                if wanted(line):
                    return line
            if not select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                raise Failure("a node's line did not come")
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                raise Failure("a node has ended")
            self.buffered += piece

    def ask(self, command):
        mark = os.urandom(4).hex()
        self.process.stdin.write(f"#{mark} {command}\n".encode())
        self.process.stdin.flush()
        return self.line(lambda line: line.get("id") == mark)

    def event(self, kind, name):
        return self.line(lambda line: line.get("event") == kind and line.get("name") == name)


class Console:
    """A program whose standard input, output and error are one terminal, or pipes where `pipes` names them (0, 1, 2)."""

    def __init__(self, command, rows=40, columns=100, home="/nonexistent", pipes=(), **environment):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.master, slave = os.openpty()
        self.size(rows, columns)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BATON_") and name != "NO_COLOR"}
        clean |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "HOME": home, **environment}
        self.shell_mode = termios.tcgetattr(slave)
        streams = [subprocess.PIPE if each in pipes else slave for each in range(3)]
        self.process = subprocess.Popen(command, stdin=streams[0], stdout=streams[1], stderr=streams[2], env=clean,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0))
        self.slave = slave  # stays open, so that what was written last can be read

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.size(rows, columns)  # the kernel sends SIGWINCH

    def press(self, keys):
        os.write(self.master, keys.encode())

    def enter(self, line):
        self.press(line + "\r")

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines()).rstrip()

    def line(self):
        """Up to the cursor, the line that the cursor is in."""
        return self.screen.display[self.screen.cursor.y][:self.screen.cursor.x]

    def read(self, until):
        if not select.select([self.master], [], [], max(0, until - time.monotonic()))[0]:
            return False
        piece = os.read(self.master, 1 << 16)
        self.raw += piece
        self.stream.feed(piece)
        return True

    def until(self, holds, what):
        until = time.monotonic() + PATIENCE
        while not holds():
            if not self.read(until):
                raise Failure(f"{what} did not come; the screen:\n{self.text()}\n-- cursor after {self.line()!r}, "
                              f"exit status {self.process.poll()}")

    def shows(self, text):
        self.until(lambda: text in self.text(), repr(text))

    def prompt(self, text):
        self.until(lambda: self.line() == text, f"the prompt {text!r}")

    def wrote(self, text):
        """At any time, wherever it is now."""
        self.until(lambda: text.encode() in self.raw, f"written: {text!r}")

    def end(self):
        """Its exit status; the terminal has been given back as it was."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > until:
                raise Failure(f"it has not ended; the screen:\n{self.text()}")
            self.read(time.monotonic() + 0.05)
        while self.read(time.monotonic() + 0.05):
            pass
        if termios.tcgetattr(self.slave)[:4] != self.shell_mode[:4]:
            raise Failure("the terminal's mode has not been restored")
        return self.process.returncode

    def signal(self, number):
        self.process.send_signal(number)


def interrupt(console):
    console.signal(signal.SIGINT)
