"""What scenarios on a LAN share: hosts in network namespaces, wires between them, and a node on each.

A scenario is a function of a `Lan` in a file `*_scenarios.py` of this folder, listed in its SCENARIOS; `@on(...)` says
what the LAN is like. It returns figures for its verdict line, or nothing, and raises Failure. When it is over, all nodes
that are left have to agree, and to have told nothing that it did not allow (`Lan.allow`).
"""
import itertools
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

SLOWDOWN = max(1.0, float(os.environ.get("BATON_TEST_SLOWDOWN", "1")))
PATIENCE = 6 * SLOWDOWN  # with what should come within some seconds: the machine may be busy
# What a node tells of another one only if something has happened to that one.
GRAVE = {"suspect", "crashed", "restarted", "leaving", "left", "refused", "diverged", "conflict", "dropped"}

GONE = {"crashed", "restarted", "left"}
RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")


class Failure(Exception):
    """What a scenario expected and did not get."""


class Skipped(Exception):
    """What this machine lacks for a scenario."""


def on(waits=False, **topology):
    """The arguments of `Lan` for a scenario; `seconds` it may take. One that `waits` for most of its time runs beside
    all others."""
    def mark(scenario):
        scenario.topology, scenario.waits = topology, waits
        return scenario
    return mark


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"ip {' '.join(words)}: {done.stderr.strip()}")


class HoldUps:
    """How long threads of these processes have been ready to run while the processors were busy with others: the sum over
    all threads, by the kernel's count, looked at ten times a second by a thread of its own."""

    def __init__(self):
        self.pids, self.waited, self.total, self.samples = {os.getpid()}, {}, 0.0, []
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):
        while True:
            for pid in list(self.pids):
                try:
                    tasks = [f"/proc/{pid}/task/{task}/schedstat" for task in os.listdir(f"/proc/{pid}/task")]
                except OSError:
                    self.pids.discard(pid)
                    continue
                for task in tasks:
                    try:
                        with open(task) as file:
                            waited = int(file.read().split()[1]) / 1e9
                    except (OSError, IndexError):
                        continue
                    self.total += waited - self.waited.get(task, 0.0)
                    self.waited[task] = waited
            self.samples.append((time.monotonic(), self.total))
            time.sleep(0.1)

    def within_last(self, seconds):
        since = time.monotonic() - seconds - 0.1
        return self.total - next((total for at, total in self.samples if at >= since), self.total)


HELD_UP = None  # of this process; made with its first node


class Node:
    """`baton run` on one host; commands out, JSON lines in."""
    program = ""  # set by lan.py

    def __init__(self, namespace, name, words=()):
        self.name = name
        self.mesh = ""  # those of one mesh have to agree in the end
        self.lines = []  # read, and not yet asked for
        self.events = []  # all of them, asked for or not
        self.unread = b""
        self.numbers = itertools.count(1)
        self.log = tempfile.TemporaryFile()
        self.began = time.monotonic()
        # `ip netns exec` becomes the program: its pid is the node's.
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, self.program, "run", "-v", "--name", name, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        global HELD_UP
        HELD_UP = HELD_UP or HoldUps()
        HELD_UP.pids.add(self.process.pid)

    def take(self, what, wanted, within=10.0):
        """The next line for which wanted(line) holds; others wait for their turn."""
        until = time.monotonic() + within * PATIENCE
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
        lines = [json.loads(line) for line in whole]
        self.lines += lines
        self.events += [line for line in lines if "event" in line]
        return bool(piece)

    def event(self, kind, name=None, within=10.0):
        return self.take(f"{kind} {name or ''}", lambda line: line.get("event") == kind
                         and name in (None, line["name"]), within)

    def told(self, kind, name):
        """How often it has told that."""
        while self.read(0):
            pass
        return sum(line["event"] == kind and line.get("name") == name for line in self.events)

    def ask(self, command, within=10.0):
        number = str(next(self.numbers))
        self.process.stdin.write(f"#{number} {command}\n".encode())
        self.process.stdin.flush()
        reply = self.take(f"reply to {command}", lambda line: line.get("id") == number and "reply" in line, within)
        if "error" in reply:
            raise Failure(f"{self.name}: {command}: {reply}")
        return reply

    def member(self, name):
        """What it knows of that member; None if nothing."""
        return next((one for one in self.ask("members")["members"] if one["name"] == name), None)

    def last_words(self, count=15):
        self.log.seek(0)
        return [f"  {self.name}: {line}" for line in self.log.read().decode(errors="replace").splitlines()[-count:]]

    def leave(self):
        """SIGTERM; what the leave reached, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        report = self.take("farewell", lambda line: line.get("reply") == "leave", 30)
        return report, self.process.wait(10 * PATIENCE)


class Lan:
    """Hosts `names`, each with an interface eth0, eth1, … on every of `wires` bridges. The first host has 10.77.<wire>.1,
    the next .2, if `ipv4`; and a link-local address each if `ipv6`. Those in `far` are behind a bridge of their own, of the
    first wire, and see the others once something joins the two bridges: `join_halves` or `relay`."""

    def __init__(self, names="abc", wires=1, ipv4=True, ipv6=True, seconds=60, far=""):
        self.names, self.wires, self.ipv4, self.ipv6, self.seconds = list(names), wires, ipv4, ipv6, seconds
        self.far = list(far)
        self.switch = f"baton-{os.getpid()}-switch"
        self.namespaces = []
        self.nodes = []
        self.helpers = []  # other processes that belong to it
        self.allowed = set()

    def __enter__(self):
        try:
            self.add_namespace(self.switch, ipv6=False)
            for wire in range(self.wires):
                ip("-n", self.switch, "link", "add", f"br{wire}", "type", "bridge", "mcast_snooping", "0")
                ip("-n", self.switch, "link", "set", f"br{wire}", "up")
            if self.far:
                ip("-n", self.switch, "link", "add", "far0", "type", "bridge", "mcast_snooping", "0")
                ip("-n", self.switch, "link", "set", "far0", "up")
            for number, name in enumerate(self.names, 1):
                self.add_host(name, number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in [node.process for node in self.nodes] + self.helpers:
            process.kill()
            process.wait()
        for namespace in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)

    def add_namespace(self, namespace, ipv6):
        ip("netns", "add", namespace)
        self.namespaces.append(namespace)
        # Addresses can be used at once: nobody else has them.
        settings = "accept_dad=0" if ipv6 else "disable_ipv6=1"
        name, value = settings.split("=")
        for scope in ("all", "default"):
            subprocess.run(["ip", "netns", "exec", namespace, "sh", "-c",
                            f"echo {value} > /proc/sys/net/ipv6/conf/{scope}/{name}"], stderr=subprocess.DEVNULL)
        ip("-n", namespace, "link", "set", "lo", "up")

    def host(self, name):
        return f"baton-{os.getpid()}-{name}"

    def port(self, name, wire=0):
        """The end of its cable at the bridge."""
        return f"{name}{wire}"

    def address(self, name, wire=0):
        return f"10.77.{wire}.{self.names.index(name) + 1}"

    def mac(self, name, wire=0):
        return f"02:00:00:77:{wire:02x}:{self.names.index(name) + 1:02x}"

    def add_host(self, name, number):
        host = self.host(name)
        self.add_namespace(host, self.ipv6)
        for wire in range(self.wires):
            ip("link", "add", f"eth{wire}", "address", self.mac(name, wire), "netns", host,
               "type", "veth", "peer", "name", self.port(name, wire), "netns", self.switch)
            if self.ipv4:
                ip("-n", host, "addr", "add", f"{self.address(name, wire)}/24", "brd", "+", "dev", f"eth{wire}")
            ip("-n", host, "link", "set", f"eth{wire}", "up")
            bridge = "far0" if name in self.far and wire == 0 else f"br{wire}"
            ip("-n", self.switch, "link", "set", "dev", self.port(name, wire), "master", bridge, "up")

    def set_port(self, name, *words, wire=0):
        ip("-n", self.switch, "link", "set", "dev", self.port(name, wire), *words)

    def block(self, what):
        """The bridges pass no "broadcast", ARP included, or no "multicast"."""
        flood = {"broadcast": "bcast_flood", "multicast": "mcast_flood"}[what]
        for name, wire in itertools.product(self.names, range(self.wires)):
            self.set_port(name, "type", "bridge_slave", flood, "off", wire=wire)
            if what == "broadcast":  # so the hosts know each other's MAC addresses
                for other in self.names:
                    ip("-n", self.host(name), "neigh", "replace", self.address(other, wire), "lladdr",
                       self.mac(other, wire), "dev", f"eth{wire}")

    def firewall(self, name, *words):
        """`iptables` on that host."""
        done = subprocess.run(["ip", "netns", "exec", self.host(name), "iptables", "-w", *words], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise Failure(f"iptables: {done.stderr.strip()}")

    def join_halves(self):
        """A cable between the bridge of the `far` and that of the others."""
        ip("-n", self.switch, "link", "add", "to-far", "type", "veth", "peer", "name", "to-near")
        for end, bridge in (("to-far", "br0"), ("to-near", "far0")):
            ip("-n", self.switch, "link", "set", "dev", end, "master", bridge, "up")

    def shape(self, rate):
        """The cable between the halves carries no more than that, "1mbit", each way, and queues for at most 400 ms."""
        for end in ("to-far", "to-near"):
            done = subprocess.run(["tc", "-n", self.switch, "qdisc", "add", "dev", end, "root", "tbf", "rate", rate, "burst",
                                   "16kb", "latency", "400ms"], capture_output=True, text=True)
            if done.returncode != 0:
                raise Skipped(f"tc cannot shape a link here: {done.stderr.strip()}")

    def cut_halves(self, cut):
        """Nothing passes between the halves, or all does again. No host sees its own link go down."""
        ip("-n", self.switch, "link", "set", "dev", "to-far", "down" if cut else "up")

    def relay(self, **how):
        """Joins the halves by relay.py, with these settings of it, and gives its process."""
        if not os.path.exists("/dev/net/tun"):
            raise Skipped("/dev/net/tun is missing, so there is no TAP device for the relay")
        words = [word for name, value in how.items() for word in (f"--{name}", str(value))]
        relay = subprocess.Popen(["ip", "netns", "exec", self.switch, sys.executable, RELAY, "near-tap", "far-tap", *words],
                                 stdout=subprocess.PIPE, text=True)
        self.helpers.append(relay)
        if relay.stdout.readline() != "ready\n":
            raise Failure("the relay has not started")
        for tap, bridge in (("near-tap", "br0"), ("far-tap", "far0")):
            ip("-n", self.switch, "link", "set", "dev", tap, "master", bridge, "up")
        return relay

    def traffic(self):
        """What the hosts have sent so far by the kernel's count: bytes on eth0, all headers included, and TCP connections
        that they began."""
        bytes_sent = dials = 0
        for name in self.names:
            done = subprocess.run(["ip", "netns", "exec", self.host(name), "cat", "/proc/net/snmp", "/proc/net/dev"],
                                  capture_output=True, text=True, check=True)
            lines = [line.split() for line in done.stdout.splitlines()]
            titles, values = [line for line in lines if line[0] == "Tcp:"]
            dials += int(values[titles.index("ActiveOpens")])
            bytes_sent += sum(int(line[9]) for line in lines if line[0] == "eth0:")
        return bytes_sent, dials

    def node(self, name, *words):
        """Starts one on that host, without waiting for anything."""
        self.nodes.append(Node(self.host(name), name, words))
        return self.nodes[-1]

    def start(self, names=None, words=()):
        """A node on each host, all of which have met."""
        nodes = [self.node(name, *words) for name in names or self.names]
        for node in nodes:
            node.endpoint = node.event("started")["endpoint"]
            if self.ipv4 and not node.endpoint.startswith(f"tcp://{self.address(node.name)}:"):
                raise Failure(f"{node.name} is reachable at {node.endpoint}")
        meet(nodes)
        return nodes

    def allow(self, *kinds, of=None, by=None):
        """Events that are true of these nodes, by name ("*": of anybody); of all hosts' if none is named. Told `by` these,
        or by anybody."""
        self.allowed |= set(itertools.product(kinds, of or self.names, by or ["*"]))

    def check(self):
        """What has to hold after every scenario."""
        left = [node for node in self.nodes if node.process.poll() is None]
        for mesh in {node.mesh for node in left}:
            agree([node for node in left if node.mesh == mesh])
        for node in self.nodes:
            while node.read(0):
                pass
            present = set()
            for line in node.events:
                so = set(itertools.product([line["event"]], [line.get("name"), "*"], [node.name, "*"]))
                if line["event"] in GRAVE and not so & self.allowed:
                    raise Failure(f"{node.name} told what was not so: {line}")
                if line["event"] == "joined" and line["id"] in present:
                    raise Failure(f"{node.name} told twice what was so once: {line}")
                if line["event"] == "joined":
                    present.add(line["id"])
                elif line["event"] in GONE:
                    present.discard(line["id"])


def unhindered(took):
    """What has just ended and took that long: how long it would have taken on a machine that does nothing else."""
    return max(0.0, took - HELD_UP.within_last(took))


def in_time(what, took, limit):
    """It has just ended."""
    if unhindered(took) > limit * SLOWDOWN:
        raise Failure(f"{what} took {took:.2f} s, {unhindered(took):.2f} s on an idle machine, more than {limit} s")


def expect(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what}: {got!r} instead of {wanted!r}")


def meet(nodes, within=10.0):
    for node, other in itertools.permutations(nodes, 2):
        node.event("joined", other.name, within)


def agree(nodes, within=15.0):
    """Waits until all have the same digest, and gives it."""
    until = time.monotonic() + within * PATIENCE
    while True:
        digests = [node.ask("digest") for node in nodes]
        if len({(one["digest"], one["keys"]) for one in digests}) == 1 and digests[0]["digest"]:
            return digests[0]
        if time.monotonic() > until:
            raise Failure(f"no equal digests within {within} s: {digests}")
        time.sleep(0.02)


def eventually(what, true, within=10.0):
    until = time.monotonic() + within * PATIENCE
    while not true():
        if time.monotonic() > until:
            raise Failure(f"{what}: not within {within} s")
        time.sleep(0.02)


def check_exchange(nodes):
    """What each stashes, the others pick up."""
    for node in nodes:
        node.ask(f"stash from-{node.name} hello")
    for node, other in itertools.permutations(nodes, 2):
        expect(f"from-{node.name} at {other.name}", other.ask(f"pickup from-{node.name} within=5s")["value"], "hello")
