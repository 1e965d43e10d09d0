#!/usr/bin/env python3
"""Nodes of several systems form one mesh, without a key and with one.

one_mesh.py SYSTEM… : each SYSTEM is the root of a system with /baton/build/release/baton in it; the program runs there by
chroot. Two nodes a system; each writes values of every type and reads those of all others, all have one digest, and all
but the last one leave safely. Exit status 0 if so.
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time

PROGRAM = "/baton/build/release/baton"


class Node:
    def __init__(self, system, name, options):
        self.name, self.lines, self.told = name, queue.Queue(), []
        self.process = subprocess.Popen(["chroot", system, PROGRAM, "run", "--name", name, "--host", "127.0.0.1", *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()
        self.line("event", "started")

    def listen(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def line(self, kind, value, seconds=60):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                line = self.lines.get(timeout=left)
            except queue.Empty:
                break
            if line is None:
                break
            self.told.append(line)
            if line.get(kind) == value:
                return line
        raise SystemExit(f"one_mesh: {self.name}: no {kind} {value}; it said {self.told[-20:]}")

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        reply = self.line("reply", command.split()[0])
        if "error" in reply:
            raise SystemExit(f"one_mesh: {self.name}: {command}: {reply}")
        return reply


def eventually(holds, what, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"one_mesh: {what}")
        time.sleep(0.05)


def one_mesh(systems, options, title):
    nodes = [Node(system, f"{os.path.basename(system)}-{number}", options) for number in (1, 2) for system in systems]
    try:
        for node in nodes:
            eventually(lambda: sum(m["state"] == "up" for m in node.ask("members")["members"]) >= len(nodes) - 1,
                       f"{node.name} does not see the others up")
        for node in nodes:
            node.ask(f"load 2000 200 {node.name}/")
            node.ask(f"stash long-{node.name} {'x' * 300_000}")
            done = node.ask(f"stash proven-{node.name} value copies={len(nodes)} within=60s")
            if not done["met"]:
                raise SystemExit(f"one_mesh: {node.name}: {done}")
            for command in ("add counter 5", f"insert set {node.name}", f"set-field map {node.name} here", "enable flag"):
                node.ask(command)
        digests = lambda: [node.ask("digest") for node in nodes]
        eventually(lambda: len({(d["digest"], d["keys"]) for d in digests()}) == 1, f"not one digest: {digests()}")
        for node in nodes:
            if node.ask("count counter")["value"] != 5 * len(nodes) or len(node.ask("elements set")["elements"]) != len(nodes):
                raise SystemExit(f"one_mesh: {node.name} reads something else")
        refused = {node.name: node.ask("stats")["refused_frames"] for node in nodes}
        if any(refused.values()):
            raise SystemExit(f"one_mesh: frames refused: {refused}")
        for node in nodes[:-1]:
            left = node.ask("leave 60s")
            if left["outcome"] != "safe":
                raise SystemExit(f"one_mesh: {node.name}: {left}")
        print(f"one_mesh: {title}: {', '.join(node.name for node in nodes)}: {digests_of(nodes[-1])}", flush=True)
    finally:
        for node in nodes:
            node.process.kill()
            node.process.wait()


def digests_of(node):
    told = node.ask("digest")
    return f"{told['keys']} keys, digest {told['digest']}"


def main():
    systems = sys.argv[1:]
    key = subprocess.run(["chroot", systems[0], PROGRAM, "keygen"], check=True, capture_output=True, text=True).stdout
    for system in systems:
        with open(os.open(f"{system}/etc/mesh.key", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(key)
    one_mesh(systems, ["--cluster", "fresh-open"], "open")
    one_mesh(systems, ["--cluster", "fresh-key", "--key-file", "/etc/mesh.key"], "with a key")


if __name__ == "__main__":
    main()
