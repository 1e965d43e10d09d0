"""Who lives, on a LAN that loses, cuts, stops and kills: told in time, and nobody told dead who lives."""
import itertools
import signal
import time

from harness import Node, agree, check_exchange, expect, in_time, on


def killed(net):
    """SIGKILL is told everywhere, usually within half a second: nobody waits for four seconds of silence."""
    a, b, c = net.start()
    net.allow("suspect", "crashed", of="c")
    since = time.monotonic()
    c.process.kill()
    for node in (a, b):
        node.event("crashed", "c")
    took = time.monotonic() - since
    in_time("the news", took, 3)
    return f"told after {took:.2f} s"


@on(waits=True, ipv6=False)
def lossy(net):
    """Three of ten packets are lost everywhere for half a minute, while all write: nobody is called dead."""
    nodes = net.start()
    net.allow("suspect")
    for name in net.names:
        net.firewall(name, "-A", "INPUT", "-i", "eth0", "-m", "statistic", "--mode", "random", "--probability", "0.3",
                 "-j", "DROP")
    for number in range(30):
        for node in nodes:
            node.ask(f"stash {node.name}-{number} v")
        time.sleep(1)
    for name in net.names:
        net.firewall(name, "-F")
    agree(nodes, 20)
    told = sum(node.told("suspect", other.name) for node, other in itertools.permutations(nodes, 2))
    return f"suspect told {told} times"


@on(waits=True, ipv6=False)
def between_two(net):
    """Nothing passes between two of three; the third hears both, so neither is dead, and what either writes arrives."""
    a, b, c = nodes = net.start()
    net.allow("suspect", of="ab")
    for name, other in (("a", "b"), ("b", "a")):
        net.firewall(name, "-A", "INPUT", "-s", net.address(other), "-j", "DROP")
    time.sleep(10)
    a.ask("stash by-a 1")
    b.ask("stash by-b 1")
    expect("of b at a", a.ask("pickup by-b within=5s")["value"], "1")
    expect("of a at b", b.ask("pickup by-a within=5s")["value"], "1")
    for name in "ab":
        net.firewall(name, "-F")
    since = time.monotonic()
    check_exchange(nodes)
    return f"healed after {time.monotonic() - since:.1f} s"


@on(waits=True, ipv6=False)
def one_way(net):
    """One hears nobody, though it is heard, for ten seconds; then all is well, usually within two."""
    a, b, c = nodes = net.start()
    net.allow("suspect", "crashed")
    net.firewall("c", "-A", "INPUT", "-i", "eth0", "-j", "DROP")
    for node, gone in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("crashed", gone)
    time.sleep(5)
    net.firewall("c", "-F")
    since = time.monotonic()
    for node, back in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("joined", back, within=20)
    agree(nodes)
    took = time.monotonic() - since
    in_time("the heal", took, 10)
    return f"healed after {took:.1f} s"


@on(waits=True)
def stopped(net):
    """SIGSTOP for longer than the dead timer, and SIGCONT: it is back, and blames nobody."""
    a, b, c = nodes = net.start()
    net.allow("suspect", "crashed", of="c")
    c.process.send_signal(signal.SIGSTOP)
    for node in (a, b):
        node.event("crashed", "c")
    time.sleep(3)
    c.process.send_signal(signal.SIGCONT)
    since = time.monotonic()
    for node in (a, b):
        node.event("joined", "c")
    agree(nodes)
    return f"back after {time.monotonic() - since:.2f} s"


def replaced(net):
    """A host dies, and its name starts on another one: it is replaced at once, not after the dead timer."""
    a, b, c = net.start()
    net.allow("suspect", "crashed", "restarted", of="c")
    net.set_port("c", "down")
    heir = Node(net.host("b"), "c")
    net.nodes.append(heir)
    since = time.monotonic()
    for node in (a, b):
        node.event("restarted", "c")
    took = time.monotonic() - since
    in_time("the replacement", took, 3)
    c.process.kill()
    c.process.wait()
    return f"told after {took:.2f} s"


SCENARIOS = [killed, lossy, between_two, one_way, stopped, replaced]
