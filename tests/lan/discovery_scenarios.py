"""How nodes find each other on a LAN: by broadcast, multicast or IPv6 alone, by one seed, over several interfaces, after
an address has changed, beside another cluster, and many at once."""
import itertools
import statistics
import time

from harness import SLOWDOWN, Failure, agree, check_exchange, eventually, expect, ip, meet, on, unhindered


@on(ipv6=False)
def broadcast(net):
    """The bridge passes no multicast."""
    net.block("multicast")
    check_exchange(net.start())


@on(ipv6=False)
def multicast(net):
    """The bridge passes no broadcast, ARP included."""
    net.block("broadcast")
    check_exchange(net.start())


@on(ipv4=False)
def ipv6_only(net):
    """No host has an IPv4 address; they find and dial each other at link-local ones."""
    nodes = net.start()
    for node, other in itertools.permutations(nodes, 2):
        endpoint = node.member(other.name)["endpoint"]
        if not (endpoint.startswith("tcp://[fe80::") and "%eth0]:" in endpoint):
            raise Failure(f"{other.name} at {endpoint}")
    check_exchange(nodes)


@on(names="abcd", ipv4=False)
def groups(net):
    """By IPv6 multicast those meet that speak in the same group."""
    for name in "abcd":
        mesh = "one" if name in "ab" else "two"
        net.node(name, "--group-ipv6", {"one": "ff12::1", "two": "ff12::2"}[mesh]).mesh = mesh
    a, b, c, d = net.nodes
    meet([a, b])
    meet([c, d])
    time.sleep(1.5)
    for node in net.nodes:
        expect(f"members of {node.name}", len(node.ask("members")["members"]), 1)
    check_exchange([a, b])
    check_exchange([c, d])


@on(wires=2)
def excluded(net):
    """Every host is on two wires, and keeps off the first, which it also does not name to others."""
    nodes = [net.node(name, "--exclude-interface", "eth0") for name in net.names]
    meet(nodes)
    check_exchange(nodes)
    for node, other in itertools.permutations(nodes, 2):
        endpoint = node.member(other.name)["endpoint"]
        if ".77.0." in endpoint or "%eth0" in endpoint:
            raise Failure(f"{other.name} at {endpoint}")


@on(names="abcde")
def one_seed(net):
    """The bridge passes neither broadcast nor multicast. Three know the first; the fifth knows the fourth, and that is
    enough for all of them."""
    net.block("broadcast")
    net.block("multicast")
    a = net.node("a")
    seed = a.event("started")["endpoint"]
    others = [net.node(name, "--seed", seed) for name in "bcd"]
    meet([a, *others])
    seed = others[-1].event("started")["endpoint"]
    began = time.monotonic()
    e = net.node("e", "--seed", seed)
    for node in (a, *others):
        node.event("joined", "e")
        e.event("joined", node.name)
    took = time.monotonic() - began
    check_exchange(net.nodes)
    return f"the fifth knows all after {took * 1000:.0f} ms"


@on(ipv4=False)
def one_seed_ipv6(net):
    """The same at link-local addresses: what is told of others is dialled on the link where it was told."""
    net.block("multicast")
    for name in net.names:  # neighbour discovery is multicast, too
        for other in net.names:
            ip("-n", net.host(name), "neigh", "replace", link_local(net, other), "lladdr", net.mac(other), "dev",
               "eth0")
    a = net.node("a", "--port", "5700")
    a.event("started")
    seed = f"[{link_local(net, 'a')}%eth0]:5700"
    nodes = [a, *(net.node(name, "--seed", seed) for name in "bc")]
    meet(nodes)
    check_exchange(nodes)


def link_local(net, name, wire=0):
    """The address that the kernel makes of this MAC."""
    octets = net.mac(name, wire).split(":")
    octets[0] = f"{int(octets[0], 16) ^ 2:x}"
    return f"fe80::{octets[0]}{octets[1]}:{octets[2]}ff:fe{octets[3]}:{octets[4]}{octets[5]}".replace("::0", "::")


@on(wires=2)
def two_interfaces(net):
    """Every host is on two wires, and is heard on both: each joins once, and a leave is told once."""
    a, b, c = net.start()
    check_exchange([a, b, c])
    time.sleep(2)
    net.allow("leaving", "left", of="a")
    a.leave()
    for node in (b, c):
        node.event("left", "a")
    time.sleep(1)
    for node in (b, c):
        expect(f"{node.name} told of a", [node.told(kind, "a") for kind in ("joined", "leaving", "left")], [1, 1, 1])
        expect(f"members of {node.name}",
               [one["name"] for one in node.ask("members")["members"] if one["state"] == "up"],
               [other.name for other in (b, c) if other != node])


@on(wires=2)
def spare_wire(net):
    """One wire is cut: those that spoke over it go on over the other, and nobody is called crashed."""
    nodes = net.start()
    check_exchange(nodes)
    time.sleep(1.5)  # until each has been heard on both
    net.allow("suspect")
    for name in net.names:
        net.set_port(name, "down", wire=0)
    began = time.monotonic()
    for node, other in itertools.permutations(nodes, 2):
        def by_the_other(node=node, name=other.name):
            seen = node.member(name)
            return seen["state"] == "up" and (".77.1." in seen["endpoint"] or "%eth1" in seen["endpoint"])
        eventually(f"{other.name} up at {node.name} by the other wire", by_the_other)
    took = time.monotonic() - began
    for node in nodes:
        node.ask(f"stash after-{node.name} 1")
    expect("keys", agree(nodes)["keys"], 6)
    return f"over the other wire after {took:.1f} s"


@on(ipv6=False)
def address_change(net):
    """A host gets another address while it runs. It announces itself there at once, and nothing is told of it."""
    a, b, c = net.start()
    check_exchange([a, b, c])
    host = net.host("c")
    ip("-n", host, "addr", "del", f"{net.address('c')}/24", "dev", "eth0")
    ip("-n", host, "addr", "add", "10.77.0.33/24", "brd", "+", "dev", "eth0")
    began = time.monotonic()
    for node in (a, b):
        eventually(f"c at its new address for {node.name}",
                   lambda: node.member("c")["endpoint"].startswith("tcp://10.77.0.33:"))
    took = time.monotonic() - began
    c.ask("stash moved 1")
    for node in (a, b):
        expect(f"moved at {node.name}", node.ask("pickup moved within=5s")["value"], "1")
        node.ask(f"stash to-c-{node.name} 1")
    expect("keys", agree([a, b, c])["keys"], 6)
    time.sleep(2.5)  # longer than silence takes to be noticed
    return f"dialled there after {took:.1f} s"


@on(names="ab", ipv6=False)
def late_address(net):
    """A host is started before it has an address."""
    ip("-n", net.host("b"), "addr", "del", f"{net.address('b')}/24", "dev", "eth0")
    a, b = net.node("a"), net.node("b")
    for node in (a, b):
        node.event("started")
    time.sleep(1)
    ip("-n", net.host("b"), "addr", "add", f"{net.address('b')}/24", "brd", "+", "dev", "eth0")
    began = time.monotonic()
    meet([a, b])
    took = time.monotonic() - began
    check_exchange([a, b])
    return f"joined {took * 1000:.0f} ms after the address came"


@on(names="abcd")
def two_clusters(net):
    """Two on one LAN at the same port: each node knows its own, counts the others, and complains once."""
    for name in "abcd":
        net.node(name, "--cluster", "one" if name in "ab" else "two").mesh = "one" if name in "ab" else "two"
    a, b, c, d = net.nodes
    meet([a, b])
    meet([c, d])
    check_exchange([a, b])
    check_exchange([c, d])
    time.sleep(2)
    for node in net.nodes:
        expect(f"members of {node.name}", len(node.ask("members")["members"]), 1)
        expect(f"keys of {node.name}", node.ask("digest")["keys"], 2)
        if node.ask("stats")["foreign_cluster"] == 0:
            raise Failure(f"{node.name} has not noticed the other cluster")
        complaints = [line for line in node.last_words(10000) if "another cluster" in line]
        if len(complaints) > 2 * 2 * 2:  # a node of theirs, an address it is seen at
            raise Failure(f"{node.name} complains again and again: {complaints}")


@on(names="abcdefghij", seconds=90)
def ten_at_once(net):
    """Ten hosts start within a second; all know all, and nobody is told to be in trouble."""
    began = time.monotonic()
    for name in net.names:
        net.node(name)
    started = time.monotonic() - began
    if started > 1:
        raise Failure(f"starting them took {started:.1f} s")
    meet(net.nodes, within=20)
    took = time.monotonic() - began
    check_exchange(net.nodes)
    return f"all joined {took:.2f} s after the first was started"


@on(names="ab", ipv6=False)
def join_time(net):
    """From the start of a process to `joined` on both sides, by broadcast, ten times."""
    net.block("multicast")
    net.allow("leaving", "left", of="b")
    a = net.node("a")
    a.event("started")
    time.sleep(2)  # its own beacon is slow by now
    whole, from_start = [], []
    for _ in range(10):
        b = net.node("b")
        b.event("started")
        started = time.monotonic()
        b.event("joined", "a")
        a.event("joined", "b")
        whole.append(1000 * unhindered(time.monotonic() - b.began))
        from_start.append(1000 * (time.monotonic() - started))
        b.leave()
        a.event("left", "b")
        net.nodes.remove(b)
    if statistics.median(whole) > 150 * SLOWDOWN:
        raise Failure(f"joined after {whole} ms")
    return (f"from the start of the process: median {statistics.median(whole):.0f} ms, at most {max(whole):.0f} ms; "
            f"from `started`: {statistics.median(from_start):.1f} ms, at most {max(from_start):.1f} ms")


SCENARIOS = [broadcast, multicast, ipv6_only, groups, excluded, one_seed, one_seed_ipv6, two_interfaces, spare_wire, address_change,
             late_address, two_clusters, ten_at_once, join_time]
