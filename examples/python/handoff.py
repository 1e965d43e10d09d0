#!/usr/bin/env python3
"""Plays the handoff: starts the C++ game, then the Python game beside it.

handoff.py OLD_GAME: the program made of old_game.cpp. Exits with 1 if something of the state is lost.
"""
import os
import pathlib
import subprocess
import sys

NEW_GAME = pathlib.Path(__file__).with_name("new_game.py")
EXPECTED = ["takes over round 41 on dust with Ada, Grace", "played 42 rounds", "old game has left"]


def main() -> int:
    cluster = f"arcade-{os.getpid()}"
    with subprocess.Popen([sys.argv[1], cluster], stdout=subprocess.PIPE, text=True) as old:
        assert old.stdout is not None
        seed = old.stdout.readline().strip()
        print(f"the old game runs at {seed}")
        new = subprocess.run([sys.executable, NEW_GAME, cluster, seed], stdout=subprocess.PIPE, text=True, timeout=240)
        print(new.stdout, end="")
        print(old.stdout.read(), end="")
    good = new.returncode == 0 and old.returncode == 0 and new.stdout.splitlines() == EXPECTED
    return 0 if good else 1


sys.exit(main())
