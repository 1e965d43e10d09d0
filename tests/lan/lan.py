#!/usr/bin/env python3
"""Proves that baton works on a LAN, not only on loopback.

lan.py PROGRAM [SCENARIO…] makes network namespaces (hosts) with bridges between them (in a namespace of its own), runs
`baton run` in each, and prints one verdict line a scenario. Exit status: 0 all ok, 1 one failed, 77 not possible here.
Nothing outside its namespaces is touched, and everything is gone afterwards. The scenarios are those of every
`*_scenarios.py` in this folder; harness.py says what they are made of.
"""
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import time

from harness import SLOWDOWN, Failure, Lan, Node


def scenarios():
    found = []
    for path in sorted(pathlib.Path(__file__).parent.glob("*_scenarios.py")):
        found += importlib.import_module(path.stem).SCENARIOS
    return found


def missing():
    """The sentence that says why it cannot run here; None if it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with Lan():
            return None
    except FileNotFoundError:
        return "the command `ip` is missing (package iproute2)"
    except Failure as failure:
        return f"network namespaces do not work here: {failure}"


def run(scenario):
    net = Lan(**getattr(scenario, "topology", {}))

    def too_long(*_):
        raise Failure(f"not over within {net.seconds} s")

    started, figures, fault = time.monotonic(), "", ""
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(net.seconds * SLOWDOWN))
    try:
        with net:
            figures = scenario(net) or ""
            net.check()
    except (Failure, OSError, subprocess.TimeoutExpired) as failure:
        fault = str(failure)
    finally:
        signal.alarm(0)
    took = "; ".join(filter(None, [f"{time.monotonic() - started:.1f} s", figures]))
    print(f"lan: {scenario.__name__}: {'FAILED ' + fault if fault else 'ok'} ({took})", flush=True)
    if fault:
        print("\n".join(line for node in net.nodes for line in node.last_words()), flush=True)
    return not fault


def main():
    def stop(*_):
        sys.exit(1)  # through every `with`, so that nothing stays behind

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    sentence = missing()
    if sentence:
        print(f"lan: skipped: {sentence}")
        return 77
    wanted = [one for one in scenarios() if one.__name__ in sys.argv[2:] or not sys.argv[2:]]
    return 0 if all([run(scenario) for scenario in wanted]) else 1


if __name__ == "__main__":
    Node.program = os.path.abspath(sys.argv[1])
    sys.exit(main())
