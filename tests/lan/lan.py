#!/usr/bin/env python3
"""Proves that baton works on a LAN, not only on loopback.

lan.py PROGRAM [SCENARIO…] makes network namespaces (hosts) with bridges between them (in a namespace of its own), runs
`baton run` in each, and prints one verdict line a scenario. Exit status: 0 all ok, 1 one failed, 77 not possible here.
Nothing outside its namespaces is touched, and everything is gone afterwards. The scenarios are those of every
`*_scenarios.py` in this folder; harness.py says what they are made of. Those that wait for most of their time run at once,
each in a process of its own, beside the others, which run one after the other.
"""
import importlib
import os
import pathlib
import signal
import subprocess
import sys
import time

from harness import PATIENCE, Failure, Lan, Node, Skipped


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

    started, figures, fault, lacking = time.monotonic(), "", "", ""
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(int(net.seconds * PATIENCE))
    try:
        with net:
            figures = scenario(net) or ""
            net.check()
    except Skipped as skipped:
        lacking = str(skipped)
    except (Failure, OSError, subprocess.SubprocessError) as failure:
        fault = str(failure)
    finally:
        signal.alarm(0)
    took = "; ".join(filter(None, [f"{time.monotonic() - started:.1f} s", figures]))
    verdict = f"FAILED {fault}" if fault else f"skipped: {lacking}" if lacking else "ok"
    lines = [f"lan: {scenario.__name__}: {verdict} ({took})"]
    if fault:
        lines += [line for node in net.nodes for line in node.last_words()]
    print("\n".join(lines), flush=True)
    return not fault


def begin(scenario):
    """Runs it in a process of its own, which is this one's child; its id."""
    child = os.fork()
    if child != 0:
        return child
    status = 1
    try:
        status = 0 if run(scenario) else 1
    except SystemExit:  # told to stop: its namespaces are gone by now
        pass
    finally:
        os._exit(status)


def run_all(wanted):
    """Those that wait, and beside them the others in turn; true if all went well."""
    children = set()
    try:
        children |= {begin(scenario) for scenario in wanted if getattr(scenario, "waits", False)}
        good = all([run(scenario) for scenario in wanted if not getattr(scenario, "waits", False)])
        while children:
            child, status = os.wait()
            children.discard(child)
            good = good and status == 0
        return good
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            os.waitpid(child, 0)


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
    return 0 if run_all(wanted) else 1


if __name__ == "__main__":
    Node.program = os.path.abspath(sys.argv[1])
    sys.exit(main())
