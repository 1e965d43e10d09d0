"""Interfaces that go and come back, have labels, are not there yet, or are bridges that every host has; and a host that
lets out what it does not let in."""
import itertools
import resource
import subprocess
import time

from harness import Failure, Skipped, agree, check_exchange, eventually, expect, ip, meet, on


def batch(namespace, *lines):
    """Commands of `ip`, one right after the other."""
    done = subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise Failure(f"ip -batch: {done.stderr.strip()}")


def index_of(net, name):
    done = subprocess.run(["ip", "-n", net.host(name), "-o", "link", "show", "eth0"], capture_output=True, text=True,
                          check=True)
    return done.stdout.split(":")[0]


def remade(net, name, *lines, index=None):
    """`eth0` is deleted and made again, under its number, all at once; then plugged in."""
    wanted = ["index", index] if index else []
    words = ["link add eth0", *wanted, f"address {net.mac(name)} type veth peer name {net.port(name)} netns {net.switch}"]
    batch(net.host(name), "link del eth0", " ".join(words), *lines, "link set eth0 up")
    net.set_port(name, "master", "br0", "up")


def apart_until_changed(net, change):
    """Two start while no cable joins them, something happens to their interfaces, and then there is a cable."""
    net.set_port("b", "nomaster")
    a, b = net.node("a"), net.node("b")
    for node in (a, b):
        node.event("started")
    time.sleep(1.5)
    for name in "ab":
        change(name)
    time.sleep(1)  # what a change makes a node do is over
    net.set_port("b", "master", "br0")
    began = time.monotonic()
    meet([a, b])
    took = time.monotonic() - began
    check_exchange([a, b])
    return f"joined after {took:.1f} s"


@on(names="ab", ipv4=False)
def regrouped(net):
    """An interface becomes too narrow for IPv6 for a moment, and forgets its groups; its addresses come back the same."""
    def change(name):
        batch(net.host(name), "link set eth0 mtu 1000", "link set eth0 mtu 1500")
    return apart_until_changed(net, change)


@on(names="ab", ipv6=False)
def remade_under_its_number(net):
    """An interface is deleted and made again with the same number and address. Both hear multicast alone: no address has
    a directed broadcast."""
    numbers = {name: index_of(net, name) for name in "ab"}
    other = {"a": "b", "b": "a"}

    def addresses(name):
        return f"addr add {net.address(name)}/32 dev eth0", f"route add {net.address(other[name])} dev eth0"
    for name in "ab":
        address, route = addresses(name)
        batch(net.host(name), "addr flush dev eth0", address, route)

    def change(name):
        address, route = addresses(name)
        remade(net, name, address, "link set eth0 up", route, index=numbers[name])
        if name == "b":
            net.set_port("b", "nomaster")
    return apart_until_changed(net, change)


@on(names="ab", ipv6=False)
def labels(net):
    """An address has a label of its own; the interface is chosen by name all the same."""
    for name in "ab":
        batch(net.host(name), "addr flush dev eth0",
              f"addr add {net.address(name)}/24 brd + dev eth0 label eth0:{'1' if name == 'a' else 'spare'}")
    check_exchange(net.start(words=("--interface", "eth0")))


@on(names="abc", ipv6=False)
def not_there_yet(net):
    """One waits for its interface, another one for its address; both join once these are there."""
    batch(net.host("a"), "link set eth0 down", "link set eth0 name later0")
    batch(net.host("b"), "addr flush dev eth0")
    refused = net.node("a", "--interface", "eth0")
    failed = refused.take("failed", lambda line: line.get("event") == "failed")
    expect("without the option", failed["error"], "unknown_interface")
    refused.process.wait()
    net.nodes.remove(refused)
    a = net.node("a", "--interface", "eth0", "--wait-for-interface")
    b = net.node("b", "--host", net.address("b"), "--wait-for-interface")
    c = net.node("c")
    for node in (a, b, c):
        node.event("started")
    time.sleep(1)
    for node in (a, b):
        if not any("waiting_for_interface" in line for line in node.last_words(100)):
            raise Failure(f"{node.name} does not say what it waits for")
    batch(net.host("a"), "link set later0 name eth0", "link set eth0 up")
    batch(net.host("b"), f"addr add {net.address('b')}/24 brd + dev eth0")
    meet([a, b, c])
    check_exchange([a, b, c])


@on(names="ab", ipv6=False)
def bridge_of_containers(net):
    """Every host has a bridge with the same address, which comes first in the list of interfaces."""
    for name in "ab":
        batch(net.host(name), "link del eth0", "link add docker0 type bridge", "addr add 172.17.0.1/16 brd + dev docker0",
              "link set docker0 up",
              f"link add eth0 address {net.mac(name)} type veth peer name {net.port(name)} netns {net.switch}",
              f"addr add {net.address(name)}/24 brd + dev eth0", "link set eth0 up")
        net.set_port(name, "master", "br0", "up")
    check_exchange(net.start())  # which looks at the endpoints


@on(names="ab", wires=2, ipv6=False)
def route_to_everywhere(net):
    """Every host has two interfaces; the default route is on the second one, whose address is the one to be named."""
    for name in "ab":
        batch(net.host(name), "route add default dev eth1")
    nodes = [net.node(name) for name in "ab"]
    for node in nodes:
        host = node.event("started")["endpoint"].removeprefix("tcp://").split(":")[0]
        expect(f"host of {node.name}", host, net.address(node.name, 1))
    meet(nodes)
    check_exchange(nodes)


@on(names="ab", ipv6=False)
def list_that_cannot_be_read(net):
    """A process has no descriptor to spare when an address comes, and so cannot list its interfaces. It goes on with those
    it knows and looks again: once there are descriptors, it is found at the new address."""
    batch(net.host("a"), "addr flush dev eth0")
    a, b = net.node("a"), net.node("b")
    for node in (a, b):
        node.event("started")
    limits = resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    batch(net.host("a"), f"addr add {net.address('a')}/24 brd + dev eth0")
    eventually("a says so", lambda: any("addresses_unread" in line for line in a.last_words(100)))
    resource.prlimit(a.process.pid, resource.RLIMIT_NOFILE, limits)
    meet([a, b])
    check_exchange([a, b])


def reset(net, name, *others):
    """All connections of that host to these are closed at once."""
    for other in others:
        done = subprocess.run(["ip", "netns", "exec", net.host(name), "ss", "-K", "dst", net.address(other)],
                              capture_output=True, text=True)
        if done.returncode != 0 or "not supported" in done.stderr:
            raise Skipped(f"ss -K does not work here: {done.stderr.strip()}")


@on(waits=True, names="abc", ipv6=False, seconds=90)
def lets_nobody_in(net):
    """A host's firewall drops what comes in unasked, and its connections are reset once: the others cannot dial it, while
    it dials them. All say so, steadily; nobody is called crashed; and it is up again when the firewall is gone."""
    nodes = a, b, c = net.start()
    net.allow("suspect")
    for words in (("-p", "tcp", "--syn"), ("-p", "udp")):
        net.firewall("b", "-A", "INPUT", "-i", "eth0", *words, "-j", "DROP")
    reset(net, "b", "a", "c")
    pairs = [(a, "b"), (c, "b"), (b, "a"), (b, "c")]
    for node, other in pairs:
        node.event("one_way", other)
    b.ask("stash from-b 1")

    def told():
        return [node.told(kind, other) for node, other in pairs for kind in ("suspect", "one_way", "crashed", "joined")]
    before = told()
    until = time.monotonic() + 15
    while time.monotonic() < until:
        for node, other in pairs:
            expect(f"{other} at {node.name}", node.member(other)["state"], "suspect")
        time.sleep(0.1)
    expect("what has been told", told(), before)
    for node, other in pairs:
        expect(f"{node.name} told of {other}", [node.told(kind, other) for kind in ("one_way", "crashed")], [1, 0])
    expect("an absent key at a", a.ask("pickup from-b within=2s until=known")["result"], "absent_unsynced")
    expect("a and c", [a.member("c")["state"], c.member("a")["state"]], ["up", "up"])
    net.firewall("b", "-F", "INPUT")
    for node, other in itertools.permutations(nodes, 2):
        eventually(f"{other.name} up at {node.name}", lambda: node.member(other.name)["state"] == "up", 15)
    expect("keys", agree(nodes)["keys"], 1)


SCENARIOS = [regrouped, remade_under_its_number, labels, not_there_yet, bridge_of_containers, route_to_everywhere,
             list_that_cannot_be_read, lets_nobody_in]
