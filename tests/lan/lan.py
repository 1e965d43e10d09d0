#!/usr/bin/env python3
"""Proves that baton works on a LAN, not only on loopback: hosts find each other by broadcast, or by multicast, alone,
hand off, and survive that one of them is cut off and comes back.

lan.py PROGRAM [SCENARIO…] makes network namespaces (hosts) with a bridge between them (a namespace of its own), runs
`baton run` in each, and prints one verdict line a scenario. Exit status: 0 all ok, 1 one failed, 77 not possible here.
Nothing outside its namespaces is touched, and everything is gone afterwards.
"""
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

SLOWDOWN = max(1.0, float(os.environ.get("BATON_TEST_SLOWDOWN", "1")))
NAMES = ["a", "b", "c"]
SCENARIO_SECONDS = 60
CUT_SECONDS = 8


class Failure(Exception):
    """What a scenario expected and did not get."""


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Node:
    """`baton run` on one host; commands out, JSON lines in."""

    def __init__(self, namespace, name, *words):
        self.name = name
        self.lines = []  # read, and not yet asked for
        self.unread = b""
        self.numbers = itertools.count(1)
        self.log = tempfile.TemporaryFile()
        # `ip netns exec` becomes the program: its pid is the node's.
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, PROGRAM, "run", "-v", "--name", name, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def take(self, what, wanted, within=10.0):
        """The next line for which wanted(line) holds; others wait for their turn."""
        until = time.monotonic() + within * SLOWDOWN
        while True:
            for line in self.lines:
                if wanted(line):
                    self.lines.remove(line)
                    return line
            left = until - time.monotonic()
            if left <= 0 or not self.read(left):
                raise Failure(f"{self.name}: no {what} within {within} s; unread: {self.lines}")

    def read(self, within):
        """Reads what comes within that time; false if nothing does."""
        if not select.select([self.process.stdout], [], [], within)[0]:
            return False
        piece = os.read(self.process.stdout.fileno(), 1 << 16)
        *whole, self.unread = (self.unread + piece).split(b"\n")
        self.lines += [json.loads(line) for line in whole]
        return bool(piece)

    def event(self, kind, name=None, within=10.0):
        return self.take(f"{kind} {name or ''}", lambda line: line.get("event") == kind
                         and name in (None, line["name"]), within)

    def ask(self, command, within=10.0):
        number = str(next(self.numbers))
        self.process.stdin.write(f"#{number} {command}\n".encode())
        self.process.stdin.flush()
        reply = self.take(f"reply to {command}", lambda line: line.get("id") == number and "reply" in line, within)
        if "error" in reply:
            raise Failure(f"{self.name}: {command}: {reply}")
        return reply

    def last_words(self, count=15):
        self.log.seek(0)
        return [f"  {self.name}: {line}" for line in self.log.read().decode(errors="replace").splitlines()[-count:]]

    def leave(self):
        """SIGTERM; what the leave reached, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        report = self.take("farewell", lambda line: line.get("reply") == "leave", 30)
        return report, self.process.wait(10 * SLOWDOWN)


class Lan:
    """Three hosts, 10.77.0.1 to 10.77.0.3, on one bridge."""

    def __init__(self):
        self.switch = f"baton-{os.getpid()}-switch"
        self.namespaces = []
        self.nodes = []

    def __enter__(self):
        try:
            self.add_namespace(self.switch)
            ip("-n", self.switch, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            ip("-n", self.switch, "link", "set", "br0", "up")
            for number, name in enumerate(NAMES, 1):
                self.add_host(name, number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.process.kill()
            node.process.wait()
        for namespace in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)

    def add_namespace(self, namespace):
        ip("netns", "add", namespace)
        self.namespaces.append(namespace)
        ip("-n", namespace, "link", "set", "lo", "up")

    def host(self, name):
        return f"baton-{os.getpid()}-{name}"

    def add_host(self, name, number):
        host = self.host(name)
        self.add_namespace(host)
        ip("link", "add", "eth0", "address", self.mac(number), "netns", host,
           "type", "veth", "peer", "name", name, "netns", self.switch)
        ip("-n", host, "addr", "add", f"10.77.0.{number}/24", "brd", "+", "dev", "eth0")
        ip("-n", host, "link", "set", "eth0", "up")
        ip("-n", self.switch, "link", "set", "dev", name, "master", "br0", "up")

    @staticmethod
    def mac(number):
        return f"02:00:00:77:00:{number:02x}"

    def start(self, *words):
        """A node on each host, all of which have met; each is given those words."""
        for name in NAMES:
            self.nodes.append(Node(self.host(name), name, *words))
        started = [node.event("started") for node in self.nodes]
        for number, line in enumerate(started, 1):
            if not line["endpoint"].startswith(f"tcp://10.77.0.{number}:"):
                raise Failure(f"{line['name']} is reachable at {line['endpoint']}")
        for node, other in itertools.permutations(self.nodes, 2):
            node.event("joined", other.name)
        return self.nodes

    def set_port(self, name, *words):
        ip("-n", self.switch, "link", "set", "dev", name, *words)


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r} instead of {wanted!r}")


def agree(nodes, within=15.0):
    """Waits until all have the same digest, and gives it."""
    until = time.monotonic() + within * SLOWDOWN
    while True:
        digests = [node.ask("digest") for node in nodes]
        if len({(one["digest"], one["keys"]) for one in digests}) == 1 and digests[0]["digest"]:
            return digests[0]
        if time.monotonic() > until:
            raise Failure(f"no equal digests within {within} s: {digests}")
        time.sleep(0.02)


def check_exchange(nodes):
    """What each stashes, the others pick up."""
    for node in nodes:
        node.ask(f"stash from-{node.name} hello")
    for node, other in itertools.permutations(nodes, 2):
        expect(f"from-{node.name} at {other.name}", other.ask(f"pickup from-{node.name} within=5s")["value"], "hello")


# ---- scenarios ----

def broadcast(net):
    """The bridge passes no multicast."""
    for name in NAMES:
        net.set_port(name, "type", "bridge_slave", "mcast_flood", "off")
    check_exchange(net.start())


def multicast(net):
    """The bridge passes no broadcast, ARP included: the hosts know each other's MAC addresses."""
    for name in NAMES:
        net.set_port(name, "type", "bridge_slave", "bcast_flood", "off")
        for number in range(1, len(NAMES) + 1):
            ip("-n", net.host(name), "neigh", "replace", f"10.77.0.{number}", "lladdr", net.mac(number), "dev", "eth0")
    check_exchange(net.start())


def handoff(net):
    """One gets SIGTERM and leaves safely; what it held is on both others."""
    a, b, c = net.start()
    a.ask("load 1000 100")
    report, status = a.leave()
    held = [len(node.ask("keys key-")["keys"]) for node in (b, c)]
    expect("outcome", (report["outcome"], status), ("safe", 0))
    expect("keys at the others", held, [1000, 1000])
    for node in (b, c):
        node.event("left", "a")
    expect("keys", agree([b, c])["keys"], 1000)


def cut(net):
    """One is cut off while both sides write and remove; it comes back, and nothing removed does."""
    a, b, c = net.start()
    a.ask("load 100 100 shared-")
    agree([a, b, c])
    net.set_port("c", "down")
    since = time.monotonic()
    for node, gone in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("crashed", gone)
    told = time.monotonic() - since
    for number in range(10):
        a.ask(f"drop shared-{number:016}")
        c.ask(f"drop shared-{number + 10:016}")
        a.ask(f"stash here-{number} 1")
        c.ask(f"stash there-{number} 1")
    a.ask("stash both of-a")
    c.ask("stash both of-c")
    agree([a, b])
    time.sleep(max(0.0, since + CUT_SECONDS - time.monotonic()))

    net.set_port("c", "up")
    healed_at = time.monotonic()
    for node, back in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("joined", back, within=20)
    expect("keys", agree([a, b, c])["keys"], 80 + 20 + 1)
    healed = time.monotonic() - healed_at
    for node in (a, b, c):
        for number in range(20):
            reply = node.ask(f"pickup shared-{number:016}")
            expect(f"removed key at {node.name}", reply["result"], "absent_unsynced")
    expect("values of a key written on both sides", b.ask("pickup both")["siblings"], 1)
    return f"told after {told:.1f} s, healed after {healed:.1f} s"


def secure(net):
    """Everybody has the key; one host is lost, and comes back as a new incarnation; a stranger hears nothing."""
    with tempfile.TemporaryDirectory() as place:
        key = os.path.join(place, "key")
        subprocess.run([PROGRAM, "keygen", key], check=True, stderr=subprocess.DEVNULL)
        a, b, c = net.start("--key-file", key)
        check_exchange([a, b, c])
        c.process.kill()
        for node in (a, b):
            node.event("crashed", "c")
        since = time.monotonic()
        again = Node(net.host("c"), "again", "--key-file", key)
        net.nodes.append(again)
        for node in (a, b):
            node.event("joined", "again")
        joined = time.monotonic() - since
        check_exchange([a, b, again])
        stranger = Node(net.host("c"), "stranger")
        net.nodes.append(stranger)
        a.event("refused")
        stranger.event("refused")
        expect("members of the stranger", stranger.ask("members")["members"], [])
        expect("keys of the stranger", stranger.ask("keys")["keys"], [])
        for node in (a, b, again):
            expect(f"members up at {node.name}", node.ask("stats")["members_up"], 2)
    return f"back after {joined:.2f} s"


SCENARIOS = [broadcast, multicast, handoff, cut, secure]


def missing():
    """The sentence that says why it cannot run here; None if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    probe = Lan()
    try:
        with probe:
            return None
    except FileNotFoundError:
        return "the command `ip` is missing (package iproute2)"
    except Failure as failure:
        return f"network namespaces do not work here: {failure}"


def run(scenario):
    def too_long(*_):
        raise Failure(f"not over within {SCENARIO_SECONDS} s")

    started, figures, fault, net = time.monotonic(), "", "", Lan()
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(SCENARIO_SECONDS * SLOWDOWN))
    try:
        with net:
            figures = scenario(net) or ""
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:
        fault = str(failure)
    finally:
        signal.alarm(0)
    took = "; ".join(filter(None, [f"{time.monotonic() - started:.1f} s", figures]))
    print(f"lan: {scenario.__name__}: {'FAILED ' + fault if fault else 'ok'} ({took})", flush=True)
    if fault:
        print("\n".join(line for node in net.nodes for line in node.last_words()), flush=True)
    return not fault


def main():
    def stop(*_):
        sys.exit(1)  # through every `with`, so that nothing stays behind

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    sentence = missing()
    if sentence:
        print(f"lan: skipped: {sentence}")
        return 77
    wanted = [one for one in SCENARIOS if one.__name__ in sys.argv[2:] or not sys.argv[2:]]
    return 0 if all([run(scenario) for scenario in wanted]) else 1


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    sys.exit(main())
