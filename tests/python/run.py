"""Runs a module of Python as a test, or skips it (77) where a module that it needs is missing.

run.py NEEDED,… MODULE ARGUMENT…
"""
import importlib.util
import runpy
import sys

missing = [each for each in sys.argv[1].split(",") if importlib.util.find_spec(each) is None]
if missing:
    print("skipped: no Python module " + ", ".join(missing))
    sys.exit(77)
sys.argv = sys.argv[2:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
