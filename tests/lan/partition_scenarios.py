"""A LAN that is cut in two for shorter and longer than each timeout, both ways and one way, while all write; and what the
heal costs."""
import itertools
import time

from harness import agree, expect, in_time, meet, on

SIDES = ("ab", "cd")
FORGETFUL = ("--redial-for", "20s")
HEAL_BYTES_MAX, HEAL_DIALS_MAX = 400_000, 200  # of all hosts together, until two seconds after the heal
HEALS_WITHIN = 10.0  # usually two; after a minute a dead member is dialled once a minute, which must not be waited for


def across():
    """(node, other) of different sides."""
    return [pair for one, other in (SIDES, SIDES[::-1]) for pair in itertools.product(one, other)]


def start(net, *words):
    """All up, with keys that either side will remove."""
    nodes = dict(zip(net.names, (net.node(name, *words) for name in net.names)))
    meet(list(nodes.values()))
    nodes["a"].ask("load 100 100 shared-")
    agree(list(nodes.values()))
    for one, other in (SIDES, SIDES[::-1]):
        net.allow("suspect", "crashed", of=other, by=one)
    net.allow("conflict", of=["*"])  # of a writer, too, who is not heard of again yet
    return nodes


def write_apart(nodes):
    """Each side removes and writes, one key both."""
    for number in range(10):
        nodes["a"].ask(f"drop shared-{number:016}")
        nodes["c"].ask(f"drop shared-{number + 10:016}")
        for node in nodes.values():
            node.ask(f"stash from-{node.name}-{number} 1")
    nodes["b"].ask("stash both of-b")
    nodes["d"].ask("stash both of-d")


def live_through(net, nodes, seconds, cut, heal):
    """Cuts, writes on either side, waits, heals, and looks at what is there then; the figures."""
    since = time.monotonic()
    cut()
    for name, other in across():
        nodes[name].event("crashed", other)
    told = time.monotonic() - since
    write_apart(nodes)
    for side in SIDES:
        agree([nodes[name] for name in side])
    quiet, quiet_since = net.traffic(), time.monotonic()
    time.sleep(max(0.0, since + seconds - time.monotonic()))
    before = net.traffic()
    redials = (before[1] - quiet[1]) / max(1.0, time.monotonic() - quiet_since)
    healed_at = time.monotonic()
    heal()
    expect("keys", agree(list(nodes.values()))["keys"], 80 + 40 + 1)
    healed = time.monotonic() - healed_at
    for name, other in across():
        nodes[name].event("joined", other)
    time.sleep(max(0.0, healed_at + 2 - time.monotonic()))
    sent, dials = (now - then for now, then in zip(net.traffic(), before))
    in_time("the heal", healed, HEALS_WITHIN)
    expect(f"at most {HEAL_BYTES_MAX} bytes ({sent}) and {HEAL_DIALS_MAX} dials ({dials}) after the heal",
           (sent <= HEAL_BYTES_MAX, dials <= HEAL_DIALS_MAX), (True, True))
    for node in nodes.values():
        for number in range(20):
            expect(f"removed key at {node.name}", node.ask(f"pickup shared-{number:016}")["value"], None)
    expect("values of a key written on both sides", nodes["b"].ask("pickup both")["siblings"], 1)
    for name, other in across():
        expect(f"how often {name} has called {other} crashed", nodes[name].told("crashed", other), 1)
    return (f"told after {told:.1f} s, equal digests {healed:.2f} s after the heal, "
            f"{sent / 1000:.0f} kB and {dials} dials in the 2 s after it by all, {redials:.1f} dials a second before it")


def two_way(net, seconds, *words):
    net.join_halves()
    nodes = start(net, *words)

    def heal():
        for name, other in across() if words == FORGETFUL else []:
            expect(f"what {name} still knows of {other}", nodes[name].member(other), None)
        net.cut_halves(False)

    return live_through(net, nodes, seconds, lambda: net.cut_halves(True), heal)


def one_way(net, seconds, *words):
    """The second side hears nothing of the first, and is heard."""
    net.join_halves()
    nodes = start(net, *words)

    def cut():
        for name, other in itertools.product(SIDES[1], SIDES[0]):
            net.firewall(name, "-A", "INPUT", "-s", net.address(other), "-j", "DROP")

    def heal():
        for name in SIDES[1]:
            net.firewall(name, "-F")

    return live_through(net, nodes, seconds, cut, heal)


HALVES = dict(waits=True, names="abcd", far="cd")


@on(**HALVES)
def cut_5_s(net):
    """Just longer than it takes to call somebody crashed."""
    return two_way(net, 5)


@on(**HALVES, seconds=120)
def cut_60_s(net):
    return two_way(net, 60)


@on(**HALVES, ipv6=False)
def one_way_5_s(net):
    return one_way(net, 5)


@on(**HALVES, ipv6=False, seconds=120)
def one_way_60_s(net):
    return one_way(net, 60)


@on(**HALVES, seconds=120)
def cut_for_long(net):
    """Longer than every timeout: the other side's addresses are forgotten by then, and only beacons find it again."""
    return two_way(net, 75, *FORGETFUL)


@on(**HALVES, ipv6=False, seconds=120)
def one_way_for_long(net):
    return one_way(net, 75, *FORGETFUL)


SCENARIOS = [cut_5_s, cut_60_s, cut_for_long, one_way_5_s, one_way_60_s, one_way_for_long]
