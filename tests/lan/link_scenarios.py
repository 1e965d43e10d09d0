"""A LAN in two halves, and what lies between them: a cable that delays, duplicates and reorders, or carries little."""
import itertools
import json
import time

from harness import Failure, agree, expect, in_time, meet, on

RATE_BYTES = 125_000  # a second: 1 Mbit/s


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


def pulled_over_slow(net):
    a, b = nodes = net.start("ab")
    a.ask("load 20000 100")
    agree(nodes)
    net.allow("suspect")
    began = time.monotonic()
    c = net.node("c")
    nodes.append(c)
    for node, other in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("joined", other)
    joined = time.monotonic() - began
    number = 0
    while c.ask("digest")["keys"] < 20000:  # writes go on meanwhile, and none has to wait for the pull
        for node in nodes:
            node.ask(f"stash {node.name}-{number} v")
        number += 1
        time.sleep(0.5)
    expect("keys", agree(nodes, 60)["keys"], 20000 + 3 * number)
    took = time.monotonic() - began
    got = c.ask("stats")["state_bytes_received"]
    in_time("the pull", took, 3 * got / RATE_BYTES)
    return (f"joined after {joined:.2f} s; {got / 1e6:.2f} MB of state in {took:.1f} s at 1 Mbit/s, {number} rounds of writes "
            f"meanwhile; suspect told {suspicions(nodes)} times")


@on(waits=True, far="c", seconds=120)
def slow_link(net):
    """A newcomer pulls some MB over 1 Mbit/s, which takes longer than any silence may; nobody is called dead."""
    net.join_halves()
    net.shape("1mbit")
    return pulled_over_slow(net)


@on(waits=True, far="c", seconds=120)
def slow_relay(net):
    """The same where the link is shaped by the relay, whose queue is longer than that of `tc`."""
    net.relay(rate=RATE_BYTES, frames_max=100)
    return pulled_over_slow(net)


SCENARIOS = [delayed, shuffled, slow_link, slow_relay]
