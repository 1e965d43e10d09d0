"""A LAN in two halves, and what lies between them: a cable that delays, duplicates and reorders."""
import itertools
import json
import time

from harness import Failure, agree, expect, meet, on


def suspicions(nodes):
    """Being silent for a while is what such a cable makes of anybody: how often somebody was suspected."""
    return sum(node.told("suspect", other.name) for node, other in itertools.permutations(nodes, 2))


def write_for(nodes, seconds):
    """All write and remove, as fast as ten times a second, and how many keys are there then."""
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for node in nodes:
            node.ask(f"stash {node.name}-{rounds} v")
            if rounds % 5 == 4:
                node.ask(f"drop {node.name}-{rounds - 4}")
        rounds += 1
        time.sleep(0.1)
    return len(nodes) * (rounds - rounds // 5)


def over_relay(net, **how):
    """Nodes on both sides meet, write, and have to agree while the relay goes on."""
    relay = net.relay(**how)
    nodes = [net.node(name) for name in net.names]
    meet(nodes, within=15)
    net.allow("suspect")
    written = write_for(nodes, seconds=20)
    since = time.monotonic()
    expect("keys", agree(nodes, 20)["keys"], written)
    took = time.monotonic() - since
    told = suspicions(nodes)
    relay.terminate()
    done = json.loads(relay.stdout.read())
    for name in ("duplicated", "overtaken"):
        if done[name] < 20:
            raise Failure(f"the relay had too little to do: {done}")
    return (f"of {done['passed']} frames {done['duplicated']} twice, {done['overtaken']} overtaken, {done['dropped']} dropped; "
            f"all agree after {took:.2f} s; suspect told {told} times")


@on(waits=True, names="abcd", far="cd", seconds=90)
def delayed(net):
    """Frames need up to 60 ms, one of ten comes twice, and one of ten is overtaken by others."""
    return over_relay(net, seed=1, delay="5-60", duplicate=0.1, reorder=0.1, hold="5-80")


@on(waits=True, names="abcd", far="cd", seconds=90)
def shuffled(net):
    """Half of all frames come twice, and a third are held for up to a third of a second."""
    return over_relay(net, seed=2, delay="0-10", duplicate=0.5, reorder=0.3, hold="10-300")


SCENARIOS = [delayed, shuffled]
