"""A LAN as it is in use: a hand-off, and a host that is cut off and comes back."""
import time

from harness import agree, expect, on

CUT_SECONDS = 8


def handoff(net):
    """One gets SIGTERM and leaves safely; what it held is on both others."""
    a, b, c = net.start()
    a.ask("load 1000 100")
    net.allow("leaving", "left", of="a")
    report, status = a.leave()
    held = [len(node.ask("keys key-")["keys"]) for node in (b, c)]
    expect("outcome", (report["outcome"], status), ("safe", 0))
    expect("keys at the others", held, [1000, 1000])
    for node in (b, c):
        node.event("left", "a")
    expect("keys", agree([b, c])["keys"], 1000)


@on(waits=True)
def cut(net):
    """One is cut off while both sides write and remove; it comes back, and nothing removed does."""
    a, b, c = net.start()
    a.ask("load 100 100 shared-")
    agree([a, b, c])
    net.allow("suspect", "crashed")
    net.set_port("c", "down")
    since = time.monotonic()
    for node, gone in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("crashed", gone)
    told = time.monotonic() - since
    for number in range(10):
        a.ask(f"drop shared-{number:016}")
        c.ask(f"drop shared-{number + 10:016}")
        a.ask(f"stash here-{number} 1")
        c.ask(f"stash there-{number} 1")
    net.allow("conflict")
    a.ask("stash both of-a")
    c.ask("stash both of-c")
    agree([a, b])
    time.sleep(max(0.0, since + CUT_SECONDS - time.monotonic()))

    net.set_port("c", "up")
    healed_at = time.monotonic()
    for node, back in ((a, "c"), (b, "c"), (c, "a"), (c, "b")):
        node.event("joined", back, within=20)
    expect("keys", agree([a, b, c])["keys"], 80 + 20 + 1)
    healed = time.monotonic() - healed_at
    for node in (a, b, c):
        for number in range(20):
            reply = node.ask(f"pickup shared-{number:016}")
            expect(f"removed key at {node.name}", reply["result"], "absent_unsynced")
    expect("values of a key written on both sides", b.ask("pickup both")["siblings"], 1)
    return f"told after {told:.1f} s, healed after {healed:.1f} s"


SCENARIOS = [handoff, cut]
