"""A mesh with a key on a LAN."""
import os
import subprocess
import sys
import tempfile
import time

from discovery_scenarios import link_local
from harness import Failure, Node, check_exchange, expect, ip, meet, on


def secure(net):
    """Everybody has the key; one host is lost, and comes back as a new incarnation; a stranger hears nothing."""
    with tempfile.TemporaryDirectory() as place:
        key = os.path.join(place, "key")
        subprocess.run([Node.program, "keygen", key], check=True, stderr=subprocess.DEVNULL)
        a, b, c = net.start(words=("--key-file", key))
        check_exchange([a, b, c])
        net.allow("suspect", "crashed", of=["c"])
        net.allow("refused", of=["*"])
        c.process.kill()
        for node in (a, b):
            node.event("crashed", "c")
        since = time.monotonic()
        again = Node(net.host("c"), "again", ("--key-file", key))
        net.nodes.append(again)
        for node in (a, b):
            node.event("joined", "again")
        joined = time.monotonic() - since
        check_exchange([a, b, again])
        stranger = Node(net.host("c"), "stranger")
        net.nodes.append(stranger)
        stranger.mesh = "nobody's"
        a.event("refused")
        stranger.event("refused")
        expect("members of the stranger", stranger.ask("members")["members"], [])
        expect("keys of the stranger", stranger.ask("keys")["keys"], [])
        for node in (a, b, again):
            expect(f"members up at {node.name}", node.ask("stats")["members_up"], 2)
    return f"back after {joined:.2f} s"


@on(names="ab", wires=2, ipv4=False)
def secure_link_local(net):
    """No host has an IPv4 address, and nobody announces itself: one introduces itself at a link-local seed, which is on its
    second interface."""
    with tempfile.TemporaryDirectory() as place:
        key = os.path.join(place, "key")
        subprocess.run([Node.program, "keygen", key], check=True, stderr=subprocess.DEVNULL)
        words = ("--key-file", key, "--no-beacon")
        a = net.node("a", *words, "--port", "5700")
        a.event("started")
        b = net.node("b", *words, "--seed", f"[{link_local(net, 'a', 1)}%eth1]:5700")
        meet([a, b])
        check_exchange([a, b])


PLAYER = r"""
import socket, struct, sys
group, port, own = "239.255.86.71", int(sys.argv[1]), sys.argv[2]
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.bind((own, 0))
sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
if sys.argv[3] == "record":  # the next beacon of that host, said again
    hears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    hears.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    hears.bind(("", port))
    hears.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(own))
    hears.settimeout(30)
    said, who = b"", ""
    while who != sys.argv[4]:
        said, (who, _) = hears.recvfrom(2048)
else:
    def text(of):
        return bytes([0xd9, len(of)]) + of.encode()
    hosts = " ".join(f"{sys.argv[4]}:{81 + i}/443" for i in range(8))
    said = (bytes([0x99]) + text("baton") + bytes([4, 5]) + text("default") + bytes([0xc4, 16]) + bytes(range(1, 17)) +
            bytes([1, 80]) + b"\xcd\x01\xbb" + text(hosts))
for _ in range(int(sys.argv[5])):
    sender.sendto(said, (group, port))
print(len(said))
"""


def play(net, name, *words):
    """On that host; the bytes of what it has sent."""
    done = subprocess.run(["ip", "netns", "exec", net.host(name), sys.executable, "-c", PLAYER, "5671", net.address(name),
                           *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"the player: {done.stderr.strip()}")
    return int(done.stdout)


def count_towards(net, name, address):
    """What that host sends there is counted from now on: SYNs, and datagrams; packets of each, when called."""
    for words in (("-p", "tcp", "--syn"), ("-p", "udp")):
        net.firewall(name, "-A", "OUTPUT", "-d", address, *words)

    def counts():
        done = subprocess.run(["ip", "netns", "exec", net.host(name), "iptables", "-w", "-nvxL", "OUTPUT"],
                              capture_output=True, text=True, check=True)
        return [int(line.split()[0]) for line in done.stdout.splitlines()[2:]]
    return counts


@on(waits=True, ipv6=False)
def recorded_beacon(net):
    """In a mesh with a key: somebody on the wire says a member's beacon again, from an address of his own. Nothing is sent
    there, while that member is up, and after it has gone."""
    with tempfile.TemporaryDirectory() as place:
        key = os.path.join(place, "key")
        subprocess.run([Node.program, "keygen", key], check=True, stderr=subprocess.DEVNULL)
        a, b = net.start("ab", words=("--key-file", key))
        counts = count_towards(net, "b", net.address("c"))
        play(net, "c", "record", net.address("a"), "20")
        net.allow("suspect", "crashed", of="a")
        a.process.kill()
        b.event("crashed", "a")
        time.sleep(8)
        expect("SYNs and datagrams", counts(), [0, 0])


@on(waits=True, names="ab", ipv6=False)
def beacon_of_a_stranger(net):
    """In an open mesh: one beacon that names eight ports of a host that answers nobody."""
    a = net.node("a")
    a.event("started")
    nowhere = "10.77.0.99"
    ip("-n", net.host("a"), "neigh", "replace", nowhere, "lladdr", "02:00:00:77:00:63", "dev", "eth0")
    counts = count_towards(net, "a", nowhere)
    size = play(net, "b", "make", nowhere, "1")
    time.sleep(20)
    syns, datagrams = counts()
    if not 8 <= syns <= 18 or datagrams != 0:  # SECURITY.md: nine connections, one or two each
        raise Failure(f"{syns} SYNs and {datagrams} datagrams for {size} bytes")
    return f"{syns} SYNs for {size} bytes"


SCENARIOS = [secure, secure_link_local, recorded_beacon, beacon_of_a_stranger]
