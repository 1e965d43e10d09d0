"""How nodes find each other by name, and what they say where nobody answers: a name service on one of the hosts, that
changes its mind or falls silent; firewalls; a cable that is out."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

from harness import Failure, Node, agree, check_exchange, eventually, expect, in_time, ip, meet, on

SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "name_server.py")
PORT = "5700"


class Names:
    """The name service, on the last host."""

    def __init__(self, net):
        self.address = net.address(net.names[-1])
        self.folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self.folder.name, "names.json")
        self.say({})
        server = subprocess.Popen(["ip", "netns", "exec", net.host(net.names[-1]), sys.executable, SERVER, self.address,
                                   self.file], stdout=subprocess.PIPE, text=True)
        net.helpers.append(server)
        if server.stdout.readline() != "ready\n":
            raise Failure("the name service has not started")

    def say(self, names):
        """`names`: addresses by name, or [name, port] of a service; None: nothing is answered any more."""
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            json.dump(names, file)
        os.replace(self.file + ".new", self.file)

    def words(self, *more, seed=f"mesh.svc:{PORT}"):
        return ["--no-beacon", "--dns-server", self.address, "--seed", seed, *more]


@contextlib.contextmanager
def key_file():
    """A new key, in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "key")
        subprocess.run([Node.program, "keygen", path], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        yield path


def absent(node):
    return node.ask("pickup nothing")["result"]


def warnings(node, event):
    return [line for line in node.last_words(10000) if f"event={event} " in line]


def headless(net, *more):
    """One name, with the addresses of all nodes: each one's own is among them, for the first it comes first. They come and
    go; in the end one is left, by itself."""
    names = Names(net)
    names.say({"mesh.svc": [net.address(name) for name in "ab"]})
    a, b = (net.node(name, *names.words("--port", PORT, *more)) for name in "ab")
    meet([a, b])
    names.say({"mesh.svc": [net.address(name) for name in "abc"]})
    c = net.node("c", *names.words("--port", PORT, *more))
    for node in (a, b):
        node.event("joined", "c")
        c.event("joined", node.name)
    check_exchange([a, b, c])
    net.allow("leaving", "left", of="ab")
    names.say({"mesh.svc": [net.address(name) for name in "bc"]})
    a.leave()
    for node in (b, c):
        node.event("left", "a")
    again = net.node("a", *names.words("--port", PORT, *more))
    names.say({"mesh.svc": [net.address(name) for name in "abc"]})
    for node in (b, c):
        node.event("joined", "a")
    agree([again, b, c])


@on(names="abcd", ipv6=False, seconds=90)
def names_of_all(net):
    headless(net)


@on(names="abcd", ipv6=False, seconds=90)
def names_of_all_with_a_key(net):
    with key_file() as path:
        headless(net, "--key-file", path)


@on(names="abcd", ipv6=False, seconds=90)
def service_records(net):
    """A service in a mesh with a key: its records name hosts and ports, which differ; nodes come and go."""
    service = "_baton._tcp.mesh.svc"
    ports = dict(zip("abc", ("5700", "5710", "5720")))
    names = Names(net)

    def published(those):
        names.say({service: [[f"{name}.mesh.svc", int(ports[name])] for name in those],
                   **{f"{name}.mesh.svc": [net.address(name)] for name in those}})
    with key_file() as path:
        def pod(name):
            return net.node(name, *names.words("--port", ports[name], "--no-peer-exchange", "--key-file", path, seed=service))
        published("ab")
        a, b = pod("a"), pod("b")
        meet([a, b])
        expect("b's endpoint", a.member("b")["endpoint"], f"tcp://{net.address('b')}:{ports['b']}")
        published("abc")
        c = pod("c")
        for node in (a, b):
            node.event("joined", "c")
            c.event("joined", node.name)
        net.allow("leaving", "left", of="a")
        published("bc")
        a.leave()
        check_exchange([b, c])


@on(names="abc", seconds=90)
def name_of_ipv6(net):
    """The name has an address of IPv6 alone; then the same in a mesh with a key."""
    names = Names(net)
    for number, name in enumerate("ab", 1):
        ip("-n", net.host(name), "addr", "add", f"fd00::{number}/64", "dev", "eth0", "nodad")
    names.say({"mesh.svc": ["fd00::1"]})
    with key_file() as path:
        for words in ((), ("--key-file", path)):
            a, b = net.node("a", "--no-beacon", "--port", PORT, *words), net.node("b", *names.words(*words))
            meet([a, b])
            expect("a's endpoint", b.member("a")["endpoint"], f"tcp://[fd00::1]:{PORT}")
            check_exchange([a, b])
            for node in (a, b):
                node.process.kill()
                node.process.wait()
            net.allow("suspect", "crashed", of="ab")


@on(names="abcd", ipv6=False, waits=True, seconds=90)
def name_service_falls_silent(net):
    """Two have joined by the name of a third, which leaves as planned; then the name service answers no more. It holds
    nothing up: every write is acknowledged, and the next leave is safe at once."""
    names = Names(net)
    names.say({"mesh.svc": [net.address("a")]})
    a = net.node("a", "--no-beacon", "--port", PORT)
    b, c = (net.node(name, *names.words()) for name in "bc")
    meet([a, b, c])
    names.say(None)
    net.allow("leaving", "left", of="ab")
    a.leave()
    for number in range(24):
        expect("acknowledged", b.ask(f"stash k{number} v copies=2 within=5s")["met"], True)
        time.sleep(0.5)
    began = time.monotonic()
    report, _ = b.leave()
    in_time("the leave", time.monotonic() - began, 5)  # a question is given up after 7 s
    if report["outcome"] == "unsafe":
        raise Failure(f"{report}")
    expect("keys", c.ask("digest")["keys"], 24)


@on(names="ab", ipv6=False, waits=True)
def silent_seed(net):
    """A firewall drops what goes to the seed: that is no evidence that nobody is there. It is named, and told of."""
    net.firewall("a", "-A", "INPUT", "-p", "tcp", "-j", "DROP")
    a = net.node("a", "--no-beacon", "--port", PORT)
    a.event("started")
    seed = f"{net.address('a')}:{PORT}"
    b = net.node("b", "--no-beacon", "--seed", seed, "--alone-after", "500ms")
    reply = b.ask("pickup nothing within=4s until=known", 10)
    expect("an absent key", (reply["result"], reply.get("seeds")), ("absent_unsynced", [seed]))
    eventually("a warning", lambda: warnings(b, "seed_unreachable"))
    if "does not answer" not in warnings(b, "seed_unreachable")[0]:
        raise Failure(f"{warnings(b, 'seed_unreachable')}")
    net.firewall("a", "-F", "INPUT")
    meet([a, b], 30)
    expect("now", b.ask("pickup nothing within=4s until=known")["result"], "absent_confirmed")


@on(names="ab", ipv6=False, waits=True)
def unresolved_seed(net):
    """A name that nobody has, and one that nobody can be asked for."""
    names = Names(net)
    a = net.node("a", *names.words("--alone-after", "500ms"))
    b = net.node("b", "--no-beacon", "--dns-server", "10.77.0.77", "--seed", f"mesh.svc:{PORT}", "--alone-after", "500ms")
    for node in (a, b):
        reply = node.ask("pickup nothing within=4s until=known", 10)
        expect("an absent key", (reply["result"], reply.get("seeds")), ("absent_unsynced", [f"mesh.svc:{PORT}"]))
        eventually("a warning", lambda node=node: warnings(node, "seed_unresolved"))
    names.say({"mesh.svc": [net.address("a")]})  # where nobody listens at that port
    eventually("the first is alone", lambda: absent(a) == "absent_confirmed", 40)
    a.mesh, b.mesh = "a", "b"


@on(names="ab", ipv6=False, waits=True)
def cable_out(net):
    """A node whose cable is out hears nobody, and is not alone for that."""
    net.set_port("a", "down")
    a = net.node("a", "--alone-after", "500ms")
    a.event("started")
    reply = a.ask("pickup nothing within=3s until=known", 10)
    expect("an absent key", reply["result"], "absent_unsynced")
    net.set_port("a", "up")
    eventually("with its cable in it is alone", lambda: absent(a) == "absent_confirmed")


@on(names="ab", ipv6=False, waits=True)
def firewalled(net):
    """One host lets in only what answers, as a default firewall does. The other one hears its beacon, and says in its log
    what has to pass; with a seed the one behind the firewall says so too. Neither takes itself for the only one."""
    for rule in (("-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"), ("-i", "lo", "-j", "ACCEPT"),
                 ("-j", "REJECT", "--reject-with", "icmp-admin-prohibited")):
        net.firewall("a", "-A", "INPUT", *rule)
    b = net.node("b", "--port", PORT, "--alone-after", "500ms")
    b.event("started")
    a = net.node("a", "--alone-after", "500ms")
    a.event("started")
    eventually("what is missing", lambda: warnings(b, "no_handshake"), 20)
    line = warnings(b, "no_handshake")[0]
    if f"TCP from here to {net.address('a')}:" not in line:
        raise Failure(line)
    expect("an absent key", absent(b), "absent_unsynced")
    a.process.kill()
    a.process.wait()
    a = net.node("a", "--seed", f"{net.address('b')}:{PORT}", "--alone-after", "500ms")
    eventually("what is missing", lambda: warnings(a, "no_handshake"), 20)
    line = warnings(a, "no_handshake")[0]
    if f"TCP from {net.address('b')} to this node's port" not in line:
        raise Failure(line)
    net.firewall("a", "-F", "INPUT")
    a.event("joined", "b", 30)
    net.allow("crashed", "suspect", "restarted", "left", of="a")


SCENARIOS = [names_of_all, names_of_all_with_a_key, service_records, name_of_ipv6, name_service_falls_silent, silent_seed,
             unresolved_seed, cable_out, firewalled]
