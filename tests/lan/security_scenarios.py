"""A mesh with a key on a LAN."""
import os
import subprocess
import tempfile
import time

from harness import Node, check_exchange, expect


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


SCENARIOS = [secure]
