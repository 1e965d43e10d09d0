# Bindings of ZeroMQ in other languages and a real node: peers_test.py PROGRAM LANGUAGE starts `baton run` on loopback and lets
# the listening member of that language join it, twice: one that says its address, and one that leaves `hosts` empty.
# Exit status: 0 what was seen is what wire/PEERS.md says, 1 it is not, 77 the binding is missing.
import json
import os
import queue
import subprocess
import sys
import threading
import time

import languages

try:
    import msgpack
    import zmq
except ImportError as missing:
    languages.skip(f"{missing}; apt-get install python3-zmq python3-msgpack")

PATIENCE = 120 * max(1.0, float(os.environ.get("BATON_TEST_SLOWDOWN", "1")))
OLD = "JeroMQ, as libzmq 3."  # speaks ZMTP 2: nodes send nothing over a link to it, and it has no CURVE


class Failure(Exception):
    """What was expected and did not come."""


def expect(condition, what):
    if not condition:
        raise Failure(what)


class Child:
    """A program whose lines come by a queue; it is ended with the test."""

    def __init__(self, words, **environment):
        self.lines, self.told = queue.Queue(), []
        self.process = subprocess.Popen(words, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, **environment})
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, wanted, seconds=PATIENCE):
        """The first line from here on that `wanted` likes; None at the program's end or when time is up."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            if line is None:
                return None
            self.told.append(line)
            if wanted(line):
                return line

    def line(self, start):
        found = self.until(lambda line: line.startswith((start, "skipped")))
        if found and found.startswith("skipped"):
            print(found)
            sys.exit(77)
        expect(found, f"no line \"{start}…\" of {self.process.args}, but {self.told[-5:]}")
        return found[len(start):].strip()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Node(Child):
    """`baton run`, whose values are hexadecimal digits."""

    def __init__(self, program):
        super().__init__([program, "run", "--hex", "--name", "node", "--host", "127.0.0.1", "--no-beacon"])
        self.endpoint = self.answer("event", "started")["endpoint"]

    def answer(self, kind, name, seconds=PATIENCE):
        line = self.until(lambda line: json.loads(line).get(kind) == name, seconds)
        expect(line, f"no {kind} {name} of the node")
        return json.loads(line)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def ask(self, command):
        self.tell(command)
        found = self.answer("reply", command.split()[0])
        expect("error" not in found, f"{command}: {found}")
        return found

    def state_of(self, id):
        return next((m["state"] for m in self.ask("members")["members"] if m["id"] == id), "unknown")


def listens(program, command, hosts, children):
    """A peer that joins, hears what the node writes, and leaves, or cannot join. Returns what it is made with."""
    node = Node(program)
    children.append(node)
    peer = Child([*command, "listen", node.endpoint, hosts])
    children.append(peer)
    made_with = peer.line("with")
    if made_with.startswith(OLD):
        node.answer("event", "one_way")
        print(f"{made_with}: never up, event one_way")
        return made_with
    id = peer.line("up")
    end = time.monotonic() + PATIENCE
    while node.state_of(id) != "up":
        expect(time.monotonic() < end, f"the node says that the peer is {node.state_of(id)}")
        time.sleep(0.01)

    key, value = "color", b"blue\0\xff".hex()
    node.ask(f"stash {key} {value}")
    expect(peer.line("heard") == f"{key.encode().hex()} {value}", f"what was heard: {peer.told[-1]}")
    got = subprocess.run([program, "get", key, "--hex", "--seed", node.endpoint, "--host", "127.0.0.1", "--no-beacon"],
                         capture_output=True, text=True, timeout=PATIENCE, check=False)
    expect(got.stdout.strip() == value, f"baton get: {got.stdout}{got.stderr}")

    node.ask("stash typed/ship " + msgpack.packb([1, ["ferry", 41]]).hex())
    expect(peer.line("typed") == "typed/ship 1 ferry 41", f"a typed value: {peer.told[-1]}")
    absent = node.ask("pickup nothing within=20s until=known")
    expect(absent["result"] == "absent_confirmed", f"the peer answers a question: {absent}")
    refused = node.ask("stats")["refused_frames"]
    expect(refused == 0, f"{refused} frames of the peer were refused")

    node.tell("stash end 00")  # its reply and the event of the end may come in either order
    peer.line("left")
    expect(peer.process.wait(PATIENCE) == 0, "the peer's end")
    node.answer("event", "left")
    node.end()
    print(f"{made_with}: joins, hears, leaves" + ("" if hosts else ", without `hosts`, too"))
    return made_with


def is_refused_without_address(program, command, children):
    """Of one that speaks ZMTP 2 the node knows no address, so it cannot dial it where it names none."""
    node = Node(program)
    children.append(node)
    peer = Child([*command, "listen", node.endpoint, ""])
    children.append(peer)
    peer.line("with")
    end = time.monotonic() + PATIENCE
    while "hello without an address" not in str(node.ask("stats")["refused_by_reason"]):
        expect(time.monotonic() < end, "the node does not refuse a peer without an address")
        time.sleep(0.01)
    expect(not node.ask("members")["members"], "a member without an address")


def seals(command, children):
    """True if a link with CURVE comes about: a server of libzmq, the peer's DEALER."""
    context = zmq.Context()
    server, secret = zmq.curve_keypair()
    router = context.socket(zmq.ROUTER)
    router.curve_server, router.curve_secretkey, router.linger = True, secret, 1000
    endpoint = f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}"
    ours, own_secret = zmq.curve_keypair()
    peer = Child([*command, "curve", endpoint, *(key.decode() for key in (server, ours, own_secret))])
    children.append(peer)
    try:
        end = time.monotonic() + PATIENCE
        while not router.poll(50):
            if peer.process.poll() is not None or time.monotonic() > end:
                return False
        parts = router.recv_multipart()
        router.send_multipart(parts)
        return parts[1] == b"sealed" and peer.process.wait(PATIENCE) == 0
    finally:
        context.destroy()


def main():
    program, language = sys.argv[1:]
    command = languages.command("peer", language, program)
    children = []
    try:
        made_with = listens(program, command, "127.0.0.1", children)
        old = made_with.startswith(OLD)
        if old:
            is_refused_without_address(program, command, children)
            print("refused without `hosts`")
        else:
            listens(program, command, "", children)
        sealed = seals(command, children)
        print(f"CURVE: {'yes' if sealed else 'no'}")
        expect(sealed != old, "CURVE is other than wire/PEERS.md says")
    except Failure as failure:
        print(f"failed: {failure}")
        return 1
    finally:
        for child in children:
            child.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
