#!/usr/bin/env python3
"""`baton run` at a terminal: the prompt, its history and completion, tables, and what appears above the line being edited.

prompt_test.py PROGRAM ROOT [CASE…]. Each case is a function below; what a person would see is looked at on an emulated screen.
"""
import json
import os
import pathlib
import re
import signal
import sys
import tempfile

import cases
from console import CTRL_A, CTRL_C, CTRL_D, DOWN, TAB, UP, Console, Mesh, Node


def at_prompt(mesh, name="ada", *options, **how):
    console = Console([PROGRAM, "run", "--name", name, *mesh.options, *options], **how)
    console.prompt(f"{name}> ")
    return console


def leave_now(console):
    console.enter("leave now")
    return console.end()


def a_prompt_takes_commands_and_answers_in_words():
    with at_prompt(Mesh()) as ada:
        ada.shows("started ada at tcp://127.0.0.1:")
        ada.shows("^D leaves")
        ada.enter("stash note hello world")
        ada.shows("ok, 1 copy")
        ada.enter("pickup note")
        ada.shows("\nhello world\n")
        ada.enter("stahs note x")
        ada.shows("error: 'stahs' is not a command of this version")
        ada.enter("keys")
        ada.shows("note\n(1 key)")
        assert "{" not in ada.text(), ada.text()
        assert leave_now(ada) == 4  # nobody has taken the key over
        ada.shows("1 key is on no other node")


def control_c_drops_the_line_and_ends_a_wait_but_not_the_program():
    with at_prompt(Mesh(), columns=160) as ada:
        ada.press("stash note half a li")
        ada.prompt("ada> stash note half a li")
        ada.press(CTRL_C)
        ada.shows("half a li^C")
        ada.prompt("ada> ")
        ada.enter("keys")
        ada.shows("(0 keys)")
        ada.enter("pickup absent within=1h")
        ada.until(lambda: ada.line() == "", "the wait")
        ada.press(CTRL_C)
        ada.shows("error: ^C has ended the wait (interrupted)")
        ada.prompt("ada> ")
        ada.enter("wait-synced 1h")
        ada.until(lambda: ada.line() == "", "the wait")
        ada.signal(signal.SIGINT)
        ada.shows("synced no")
        ada.prompt("ada> ")
        ada.enter("stash note kept")
        ada.shows("ok, 1 copy")
        ada.prompt("ada> ")
        ada.press(CTRL_D)
        ada.shows("waiting up to 25 s for a successor. ^C (SIGINT or SIGTERM) ends this at once")
        ada.press(CTRL_C)
        ada.shows("left: unsafe")
        assert ada.end() == 4


def sigterm_at_the_prompt_leaves():
    with at_prompt(Mesh()) as ada:
        ada.press("half a line")
        ada.prompt("ada> half a line")
        ada.signal(signal.SIGTERM)
        ada.shows("left: safe")  # it holds nothing
        assert ada.end() == 0


def control_z_does_not_stop_a_member():
    with at_prompt(Mesh()) as ada:
        ada.press("\x1akeys")
        ada.until(lambda: ada.line().endswith("keys"), "the line")
        ada.press("\r")
        ada.shows("(0 keys)")
        assert leave_now(ada) == 0


def history_is_kept_between_runs():
    with tempfile.TemporaryDirectory() as home:
        with at_prompt(Mesh(), home=home) as ada:
            for line in ("stash one 1", "stash two 2", " stash hidden 3", "key-install secret"):
                ada.enter(line)
                ada.prompt("ada> ")
            ada.press(UP)
            ada.prompt("ada> stash two 2")
            ada.press(UP)
            ada.prompt("ada> stash one 1")
            ada.press(DOWN)
            ada.prompt("ada> stash two 2")
            ada.press(CTRL_C)
            ada.prompt("ada> ")
            assert leave_now(ada) == 4
        path = pathlib.Path(home) / ".baton_history"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() == "stash one 1\nstash two 2\nleave now\n", path.read_text()
        with at_prompt(Mesh(), "bob", home=home) as bob:
            bob.press(UP + UP)
            bob.prompt("bob> stash two 2")
            bob.press("\r")
            bob.shows("ok, 1 copy")
            assert leave_now(bob) == 4


def tab_completes_commands_and_keys():
    with at_prompt(Mesh()) as ada:
        for key in ("game/alpha", "game/alphabet", "other", '"two words"', "base64:Z2FtZS//"):
            ada.enter(f"stash {key} 1")
            ada.prompt("ada> ")
        ada.press("pic" + TAB)
        ada.prompt("ada> pickup ")
        ada.press("g" + TAB)
        ada.prompt("ada> pickup g")  # base64 begins otherwise: a list, and nothing typed
        ada.shows("base64:Z2FtZS//")
        ada.press("ame/a" + TAB)
        ada.prompt("ada> pickup game/alpha")
        ada.press(TAB)
        ada.until(lambda: re.search("^game/alpha +game/alphabet$", ada.text(), re.M), "the list")
        ada.press("b" + TAB)
        ada.prompt("ada> pickup game/alphabet ")
        ada.press(CTRL_C)
        ada.prompt("ada> ")
        ada.press("drop two" + TAB)
        ada.prompt('ada> drop "two words" ')
        ada.press("\r")
        ada.shows("dropped yes")
        ada.press("key-" + TAB)
        ada.shows("key-install  key-remove   key-use")
        ada.prompt("ada> key-")
        ada.press("x" + TAB + "\x08\x08\x08\x08\x08" + "keys o" + TAB + "\r")
        ada.shows("other\n(1 key)")
        assert leave_now(ada) == 4


def events_and_changes_appear_above_the_line():
    mesh = Mesh()
    with at_prompt(mesh) as ada:
        ada.enter("watch game/")
        ada.shows("initial_done game/")
        ada.press("stash note this line is being edited")
        ada.prompt("ada> stash note this line is being edited")
        with Node(PROGRAM, mesh, "bob") as bob:
            bob.ask("wait-synced 60s")
            ada.shows("joined bob")
            ada.prompt("ada> stash note this line is being edited")
            ada.press(CTRL_A)
            ada.prompt("ada> ")
            bob.ask("stash game/1 one")
            ada.shows("put game/1 = one")
            ada.prompt("ada> ")  # the cursor stays where it was
            bob.ask("drop game/1")
            ada.shows("removed game/1")
            ada.press("#1 ")
            ada.until(lambda: ada.lines()[ada.screen.cursor.y] == "ada> #1 stash note this line is being edited", "the line")
            assert sum("is being edited" in line for line in ada.lines()) == 1, ada.text()
            ada.press("\r")
            ada.shows("ok, ")
            assert bob.ask("pickup note within=60s")["value"] == "this line is being edited"
            assert bob.ask("leave")["outcome"] == "safe"
            ada.shows("left bob")
        assert leave_now(ada) == 4


def a_line_of_several_rows_survives_what_is_printed_above():
    mesh = Mesh()
    with at_prompt(mesh, columns=40) as ada:
        long = "stash note " + "0123456789" * 9
        ada.press(long)
        ada.until(lambda: "".join(ada.lines()).endswith(long), "the line")
        with Node(PROGRAM, mesh, "bob"):
            ada.shows("joined bob")
            ada.until(lambda: "".join(ada.lines()).endswith("ada> " + long), "the line, drawn again")
            assert "".join(ada.lines()).count("ada> stash") == 1, ada.text()
            ada.press("\r")
            ada.shows("ok, ")
            assert leave_now(ada) == 0


def a_narrower_terminal_is_used_at_once():
    with at_prompt(Mesh(), columns=120) as ada:
        ada.enter("members")
        ada.until(lambda: any(line.startswith("* ada") and "tcp://" in line for line in ada.lines()), "the own node")
        ada.press("keys")
        ada.prompt("ada> keys")
        ada.resize(20, 30)
        ada.prompt("ada> keys")
        ada.press("\r")
        ada.shows("(0 keys)")
        ada.enter("members")
        ada.until(lambda: any(line.startswith("* ada") and "tcp://" not in line for line in ada.lines()), "members again")
        ada.prompt("ada> ")
        assert leave_now(ada) == 0


def names_and_keys_cannot_corrupt_tables():
    mesh = Mesh()
    with at_prompt(mesh, columns=100) as ada, Node(PROGRAM, mesh, "b\x1b[2Job\u202e") as bob:
        bob.ask("wait-synced 60s")
        ada.shows("joined b\\x1b[2Job\\u{202e}")
        bob.ask("stash \"k\\u001b[31m\\n\" \"v\\u001b[2J\\nsecond line\"")
        ada.enter("pickup \"k\\u001b[31m\\n\" within=60s")
        ada.shows("v\\x1b[2J\nsecond line")
        ada.enter("keys")
        ada.shows("k\\x1b[31m\\x0a\n(1 key)")
        ada.enter("members")
        ada.until(lambda: any(line.startswith("  b\\x1b[2Job\\u{202e}") and " up " in line for line in ada.lines()), "the row")
        header = next(line for line in ada.lines() if line.startswith("name"))
        rows = [line for line in ada.lines() if " up " in line and "tcp://" in line]
        assert len(rows) == 2 and all(row.index("up") == header.index("state") for row in rows), ada.text()
        assert all(len(line) <= 100 for line in ada.lines())
        assert b"\x1b[31mred" not in ada.raw and b"\x1b[2J" not in ada.raw
        assert leave_now(ada) == 0


def colours_only_where_they_are_wanted():
    for wanted, environment in ((True, {}), (False, {"NO_COLOR": "1"}), (False, {"TERM": "dumb"})):
        with at_prompt(Mesh(), **environment) as ada:
            ada.enter("members")
            ada.until(lambda: any(line.startswith("* ada") for line in ada.lines()), "the own node")
            assert (b"\x1b[32mup" in ada.raw) == wanted, (environment, ada.raw)
            if environment.get("TERM") == "dumb":
                assert b"\x1b" not in ada.raw, ada.raw
            assert leave_now(ada) == 0


def json_lines_on_request_and_without_a_terminal():
    mesh = Mesh()
    with Console([PROGRAM, "run", "--json", "--name", "ada", *mesh.options], columns=200) as ada:
        ada.shows('{"event":"started","name":"ada"')
        ada.enter("keys")
        ada.shows('{"reply":"keys","keys":[]}')
        assert "ada>" not in ada.text()
        ada.press(CTRL_D)
        assert ada.end() == 0
    with Console([PROGRAM, "run", "--name", "ada", *mesh.options], pipes=(1,)) as ada:  # the reader is a script
        ada.enter("keys")
        lines = (json.loads(line) for line in ada.process.stdout)
        assert next(line for line in lines if line.get("reply") == "keys")["keys"] == []
        ada.press(CTRL_D)
        assert ada.end() == 0
    with Console([PROGRAM, "run", "--name", "ada", *mesh.options], pipes=(0,)) as ada:  # tables, but no prompt
        ada.process.stdin.write(b"members\n")
        ada.process.stdin.close()
        ada.until(lambda: any(line.startswith("* ada") for line in ada.lines()), "the own node")
        assert "ada>" not in ada.text()
        assert ada.end() == 0


def the_own_node_is_among_the_members():
    mesh = Mesh()
    with Node(PROGRAM, mesh, "ada") as ada:
        reply = ada.ask("members")
        assert reply["members"] == []  # as ever: all others
        assert reply["self"]["id"] == ada.started["id"] and reply["self"]["name"] == "ada"
        assert reply["self"]["state"] == "up" and reply["self"]["synced"] is False


def a_terminal_that_is_stopped_does_not_hold_the_node_up():
    mesh = Mesh()
    with at_prompt(mesh) as ada, Node(PROGRAM, mesh, "bob") as bob:
        bob.ask("wait-synced 60s")
        ada.shows("joined bob")
        ada.press("\x13")  # ^S: nothing that the program writes is taken any more
        assert bob.ask("stash note x copies=2 within=60s")["met"] is True
        ada.press("\x11")
        ada.enter("pickup note")
        ada.shows("\nx\n")
        assert leave_now(ada) == 0


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv[1])
    cases.run(globals(), sys.argv[3:])
