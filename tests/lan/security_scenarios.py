"""A mesh with a key on a LAN."""
import os
import subprocess
import tempfile
import time

from discovery_scenarios import link_local
from harness import Node, check_exchange, expect, meet, on


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


SCENARIOS = [secure, secure_link_local]
