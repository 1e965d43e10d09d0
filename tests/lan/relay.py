#!/usr/bin/env python3
"""A bad cable: passes Ethernet frames between two TAP devices, later, twice, and in another order.

relay.py TAP TAP [options] makes both devices where it runs, says "ready", and passes what comes out of one into the other
until SIGTERM; then it prints what it has done as a JSON object. Stands in for `tc … netem`, which not every kernel has. The
same seed gives the same sequence of draws, a frame's fate is drawn as it arrives. A TAP device, unlike a raw socket on a
veth, is given whole frames with their checksums, none larger than the link takes.
"""
import argparse
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
FRAME_BYTES_MAX = 1 << 16


def tap(name):
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", "dev", name, "up"], check=True)
    return device


class Relay:
    """Frames that are under way, in a heap by when they are due."""

    def __init__(self, how):
        self.how, self.dice = how, random.Random(how.seed)
        self.under_way, self.numbers = [], itertools.count()
        self.in_order_until = {}  # by device: when the last frame is due that keeps its place
        self.newest = {}  # by device: the latest of those that have arrived
        self.done = dict.fromkeys(("passed", "dropped", "duplicated", "held", "overtaken"), 0)

    def take(self, frame, to, now):
        if len(self.under_way) >= self.how.frames_max:
            self.done["dropped"] += 1
            return
        number = next(self.numbers)
        due = max(now + self.delay(), self.in_order_until.get(to, 0))
        if self.how.rate:
            due += len(frame) / self.how.rate
        if self.dice.random() < self.how.reorder:
            self.done["held"] += 1
            due += self.dice.uniform(*self.how.hold) / 1000
        else:
            self.in_order_until[to] = due
        heapq.heappush(self.under_way, (due, number, to, frame))
        if self.dice.random() < self.how.duplicate:
            self.done["duplicated"] += 1
            heapq.heappush(self.under_way, (due + self.delay(), number, to, frame))

    def delay(self):
        return self.dice.uniform(*self.how.delay) / 1000

    def give(self, now):
        """Passes what is due; how long until something is, or None."""
        while self.under_way and self.under_way[0][0] <= now:
            _, number, to, frame = heapq.heappop(self.under_way)
            self.done["overtaken"] += number < self.newest.get(to, 0)
            self.newest[to] = max(number, self.newest.get(to, 0))
            try:
                os.write(to, frame)
                self.done["passed"] += 1
            except OSError:  # the device is down, or its queue full
                self.done["dropped"] += 1
        return self.under_way[0][0] - now if self.under_way else None

    def run(self, one, other):
        while True:
            ready, _, _ = select.select([one, other], [], [], self.give(time.monotonic()))
            for device in ready:
                try:
                    for _ in range(64):  # then those that are due have their turn
                        self.take(os.read(device, FRAME_BYTES_MAX), other if device == one else one, time.monotonic())
                except BlockingIOError:
                    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("taps", nargs=2, metavar="TAP")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delay", default="0-0", help="milliseconds, drawn for each frame; they stay in order")
    parser.add_argument("--duplicate", type=float, default=0, help="share of frames that arrive twice")
    parser.add_argument("--reorder", type=float, default=0, help="share of frames that are held, so others overtake them")
    parser.add_argument("--hold", default="10-100", help="for how long, milliseconds beside the delay")
    parser.add_argument("--rate", type=float, default=0, help="bytes a second, each way; 0: no bound")
    parser.add_argument("--frames_max", type=int, default=10_000, help="under way; what comes beyond is dropped")
    how = parser.parse_args()
    for name in ("delay", "hold"):
        setattr(how, name, [float(bound) for bound in getattr(how, name).split("-")])
    relay = Relay(how)

    def stop(*_):
        print(json.dumps(relay.done), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    devices = [tap(name) for name in how.taps]
    print("ready", flush=True)
    relay.run(*devices)


if __name__ == "__main__":
    main()
