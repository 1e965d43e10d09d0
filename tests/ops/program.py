"""A `baton run` process on loopback, and raw HTTP: what the tests of this folder are made of."""
import json
import os
import queue
import socket
import subprocess
import threading
import time

PATIENCE = 30 * float(os.environ.get("BATON_TEST_SLOWDOWN", "1"))  # seconds; it only ends a test that fails
PROGRAM = os.environ.get("BATON_PROGRAM", "baton")


def wait_until(condition, what):
    """Returns the first true result."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not in {PATIENCE:.0f} s: {what}")


class Node:
    """One process; lines of its output as objects."""

    def __init__(self, *options, cluster=None, seeds=(), environment=None, http="127.0.0.1:0", beacon=False):
        arguments = [PROGRAM, "run", "--host", "127.0.0.1", "--cluster", cluster or f"ops-{os.getpid()}"]
        if not beacon:
            arguments.append("--no-beacon")
        if http:
            arguments += ["--http", http]
        for seed in seeds:
            arguments += ["--seed", seed]
        self.process = subprocess.Popen([*arguments, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.lines, self.events = queue.Queue(), []
        self.errors = []
        self.readers = [threading.Thread(target=self._read, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()
        self.first = self.line()
        self.endpoint = self.first.get("endpoint", "").removeprefix("tcp://")
        self.url = self.first.get("http", "")
        self.port = int(self.url.rstrip("/").rsplit(":", 1)[1]) if self.url else 0

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def line(self):
        return self.lines.get(timeout=PATIENCE)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def ask(self, command):
        """The reply; events that come before it are kept."""
        self.tell(command)
        while True:
            line = self.line()
            if line is None:
                raise AssertionError(f"the program ended instead of answering {command!r}: {self.errors}")
            if "reply" in line:
                return line
            self.events.append(line)

    def end(self, command="leave now"):
        """The exit status."""
        if self.process.poll() is None:
            try:
                self.tell(command)
            except (BrokenPipeError, ValueError):
                pass
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Reply:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0] else 0
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}

    @property
    def text(self):
        return self.body.decode("utf-8")


def connect(port, timeout=None):
    return socket.create_connection(("127.0.0.1", port), timeout=timeout or PATIENCE)


def read_all(connection):
    raw = b""
    try:
        while piece := connection.recv(65536):
            raw += piece
    except ConnectionResetError:
        pass
    return raw


def http(port, path="/", method="GET", headers=None, host=None, version="1.1", timeout=None):
    """One request by a socket of its own, as raw as it gets."""
    lines = [f"{method} {path} HTTP/{version}"]
    if host is not False:
        lines.append(f"Host: {host or f'127.0.0.1:{port}'}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    with connect(port, timeout) as connection:
        try:
            connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have answered before it has read everything
        return Reply(read_all(connection))


class Stream:
    """The events of /events; HTTP/1.0, so that nothing but the events is in the body."""

    def __init__(self, port, headers=None, receive_buffer=None):
        self.connection = socket.socket()
        if receive_buffer:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.connection.settimeout(PATIENCE)
        self.connection.connect(("127.0.0.1", port))
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        self.connection.sendall(f"GET /events HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n".encode())
        self.raw = b""
        self.head = Reply(self._until(b"\r\n\r\n"))

    def _until(self, end):
        while end not in self.raw:
            piece = self.connection.recv(65536)
            if not piece:
                raise EOFError("the stream has ended")
            self.raw += piece
        found, _, self.raw = self.raw.partition(end)
        return found

    def next(self):
        return json.loads(self._until(b"\n\n").removeprefix(b"data: "))

    def wait_for(self, condition, what):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            state = self.next()
            if condition(state):
                return state
        raise AssertionError(f"not in {PATIENCE:.0f} s: {what}")

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
