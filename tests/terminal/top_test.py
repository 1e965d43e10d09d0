#!/usr/bin/env python3
"""`baton top`: the mesh live on a terminal, one picture for scripts, and the sync of a newcomer shown as it goes.

top_test.py PROGRAM ROOT [CASE…].
"""
import json
import os
import re
import signal
import subprocess
import sys

import cases
from console import PATIENCE, Console, Mesh, Node


def top(mesh, *options, **how):
    return Console([PROGRAM, "top", *mesh.options, *options], **how)


def row_of(console, name):
    return next((line for line in console.lines() if re.match(rf"\*? *{name} ", line)), "")


def it_shows_members_states_keys_traffic_and_events_as_they_change():
    mesh = Mesh()
    with Node(PROGRAM, mesh, "ada") as ada:
        ada.ask("load 50 1000")
        with top(mesh, "--name", "eyes", "--every", "100ms") as eyes:
            eyes.shows("keys 50 ")
            eyes.shows("1 member up")
            eyes.shows("seen from eyes, which is a member itself and holds a copy")
            eyes.until(lambda: " up " in row_of(eyes, "ada") and " yes " in row_of(eyes, "ada"), "ada")
            eyes.until(lambda: " up " in row_of(eyes, "eyes"), "its own row")
            assert ada.event("joined", "eyes")
            with Node(PROGRAM, mesh, "bob") as bob:
                eyes.shows("2 members up")
                eyes.until(lambda: re.search(r"\d\d:\d\d:\d\d  joined bob", eyes.text()), "the event")
                bob.ask("wait-synced 60s")
                bob.ask("load 2000 10 more/")
                eyes.until(lambda: re.search(r"writes [1-9][\d,]*/s  frames [1-9]", eyes.text()), "traffic")
                eyes.shows("keys 2,050 ")
                bob.ask("leave")
                eyes.shows("1 member up")
                eyes.until(lambda: re.search(r"left bob", eyes.text()), "the event")
                eyes.until(lambda: " left " in row_of(eyes, "bob"), "bob's state")
            assert eyes.screen.cursor.hidden
            eyes.press("q")
            assert eyes.end() == 0
            assert b"\x1b[?1049l" in eyes.raw and not eyes.screen.cursor.hidden
            assert ada.event("left", "eyes")


def it_fits_any_terminal_and_follows_its_size():
    mesh = Mesh()
    with Node(PROGRAM, mesh, "a-member-with-a-rather-long-name"), top(mesh, "--every", "100ms", columns=120) as eyes:
        eyes.until(lambda: "round trip" in eyes.text() and "tcp://" in eyes.text(), "a wide table")
        eyes.resize(10, 34)
        eyes.until(lambda: "round trip" not in eyes.text() and "a-member-wi" in eyes.text() and "baton top" in eyes.lines()[0],
                   "a narrow one")
        eyes.until(lambda: any(line.startswith("  a-member") and "…" in line for line in eyes.lines()), "a cut name")
        eyes.signal(signal.SIGINT)
        assert eyes.end() == 0


def names_cannot_corrupt_it():
    mesh = Mesh()
    with Node(PROGRAM, mesh, "b\x1b[2Job"), top(mesh, "--every", "100ms") as eyes:
        eyes.shows("joined b\\x1b[2Job")
        eyes.until(lambda: any(line.startswith("  b\\x1b[2Job") for line in eyes.lines()), "the row")
        assert b"\x1b[2Job" not in eyes.raw
        eyes.press("q")
        assert eyes.end() == 0


def once_is_one_picture_of_a_synced_node():
    mesh = Mesh()
    with Node(PROGRAM, mesh, "ada") as ada:
        ada.ask("load 7 10")
        with top(mesh, "--once") as eyes:
            assert eyes.end() == 0
            assert "keys 7 " in eyes.text() and "1 member up" in eyes.text(), eyes.text()
            assert b"1049" not in eyes.raw
            assert re.search(r"^\* top-[0-9a-f]{8} ", eyes.text(), re.M), eyes.text()
    alone = subprocess.run([PROGRAM, "top", "--once", "--within", "200ms", *Mesh().options], capture_output=True, text=True,
                           timeout=PATIENCE)
    assert alone.returncode == 1 and "not in sync with any member" in alone.stderr and alone.stdout == "", alone


def scripts_get_json_lines():
    mesh = Mesh()
    with Node(PROGRAM, mesh, "ada") as ada:
        ada.ask("load 7 10")
        once = subprocess.run([PROGRAM, "top", "--once", "--name", "eyes", *mesh.options], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert once.returncode == 0, once
        line = json.loads(once.stdout)
        assert line["top"] == mesh.cluster and line["seen_from"] == "eyes" and line["keys"] == 7 and line["synced"] is True
        assert [(each["name"], each["state"]) for each in line["members"]] == [("ada", "up")]
        assert {"lag", "lag_ms", "round_trip_us", "endpoint", "id"} <= line["members"][0].keys()
        assert line["self"]["name"] == "eyes"
        assert any(each["event"] == "joined" and each["name"] == "ada" for each in line["events"])
        several = subprocess.run([PROGRAM, "top", "-n", "3", "--every", "50ms", *mesh.options], capture_output=True,
                                 text=True, timeout=PATIENCE)
        assert several.returncode == 0 and len(several.stdout.splitlines()) == 3, several


def a_newcomers_sync_is_shown_on_a_terminal_only():
    """100,000 keys. 100 MB in small chunks take more than a second, so that the newcomer is seen in the middle of it."""
    mesh = Mesh()
    keys = 100_000
    small = ("--chunk-bytes", "2048")
    with Node(PROGRAM, mesh, "ada", *small) as ada:
        assert ada.ask(f"load {keys} 1000")["count"] == keys
        with Console([PROGRAM, "run", "--name", "bob", *small, *mesh.options], pipes=(0, 1)) as bob:
            bob.wrote("sync: ")  # on standard error, which is the terminal
            bob.until(lambda: re.search(rb"sync: [\d,]+ of about 100,000 keys, [\d.]+ [kM]B, [\d.]+ s left", bob.raw), "progress")
            bob.shows("received in")
            bob.until(lambda: re.search(r"sync: [\d.]+ MB received in [\d.]+ s; 100,000 keys here", bob.text()), "the end")
            bob.process.stdin.close()
            assert bob.end() == 0
        with Console([PROGRAM, "run", "--name", "eve", *mesh.options]) as eve:
            eve.prompt("eve> ")  # while it goes on
            eve.press("stash note typed meanwhile")
            eve.until(lambda: re.search(r"sync: .*received in .*; 100,000 keys here", eve.text()), "the end")
            eve.prompt("eve> stash note typed meanwhile")
            eve.enter("")
            eve.shows("ok, ")
            eve.enter("leave")
            assert eve.end() == 0
        quiet = subprocess.run([PROGRAM, "run", "--name", "dan", *mesh.options], input="wait-synced 60s\n", capture_output=True,
                               text=True, timeout=PATIENCE)
        assert quiet.returncode == 0 and "sync:" not in quiet.stdout + quiet.stderr, quiet
        assert '"synced":true' in quiet.stdout


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    cases.run(globals(), sys.argv[3:])
