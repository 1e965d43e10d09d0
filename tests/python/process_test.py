"""Processes: the end of a program, forks, spawn, Ctrl-C; and baton.SyncNode."""
from __future__ import annotations

import gc
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
from mesh import PATIENCE, Mesh

import baton
from baton import errors


def script(mesh: Mesh, *lines: str, seed: str = "") -> list[str]:
    """A Python program with a SyncNode `node` that has met the node at `seed`."""
    options = mesh.options("script", *([seed] if seed else []))
    head = ["import baton, sys, time", f"node = baton.SyncNode(**{options!r}).start()"]
    if seed:
        head += [f"node.wait_synced({PATIENCE})"]
    return [sys.executable, "-c", "\n".join([*head, *lines])]


def test_a_script(mesh: Mesh) -> None:
    with baton.SyncNode(**mesh.options("one")) as one, baton.SyncNode(**mesh.options("other", one.endpoint)) as other:
        event = one.next_event(PATIENCE)
        while event is not None and event.kind != "joined":
            event = one.next_event(PATIENCE)
        assert event is not None and event.member.name == "other"
        assert one.stash("key", b"v", copies=2, within=PATIENCE).copies == 2
        assert other.pickup("key").value == b"v"
        with other.claim("key") as mine:
            assert mine.commit(b"w", copies="all_up", within=PATIENCE).met
        assert other.add("n", 2).met and other.insert("s", "e").met and other.set_field("m", "f", b"v").met
        assert other.enable("flag").met and other.disable("flag").changed and other.erase("s", "e").changed
        assert other.erase_field("m", "f").changed and other.drop("n").changed
        assert one.confirm(one.stash("key", b"x").version, copies=2, within=PATIENCE).met
        with one.watch("ke") as watch:
            kinds = [watch.next(PATIENCE), watch.next(PATIENCE)]
            assert [each and each.kind for each in kinds] == ["put", "initial_done"]
            assert watch.next(0.01) is None
        assert one.leave(within=PATIENCE, copies=1).outcome == "safe"


def test_closing_ends_the_calls_of_other_threads(mesh: Mesh) -> None:
    node = baton.SyncNode(**mesh.options("one")).start()
    ended: list[object] = []

    def wait() -> None:
        try:
            ended.append(node.pickup("never", within=100 * PATIENCE).outcome)
        except errors.BatonError as failure:
            ended.append(failure)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for each in threads:
        each.start()
    node.close()
    for each in threads:
        each.join(PATIENCE)
    assert len(ended) == 4


def test_a_node_that_nobody_closes_warns_and_leaves_at_the_end(mesh: Mesh) -> None:
    program = mesh.program("cpp")
    ended = subprocess.run(script(mesh, "node.stash('key', b'last words')", seed=program.endpoint), timeout=PATIENCE)
    assert ended.returncode == 0
    program.event("left", "script")  # not: crashed
    assert program("pickup key")["value"] == "last words"

    node = baton.SyncNode(**mesh.options("forgotten", program.endpoint)).start()
    node.wait_synced(PATIENCE)
    handle = node._handle
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del node
        gc.collect()
    ours = [each.category for each in caught if "SyncNode forgotten" in str(each.message)]
    assert ours == [ResourceWarning]
    again = baton.SyncNode()
    again._handle = handle  # it goes on
    assert again.stash("key", b"still here", copies=2, within=PATIENCE).met
    again.close()


def test_nobody_to_hand_over_to_holds_the_end_up_for_two_seconds_at_most(mesh: Mesh) -> None:
    options = mesh.options("script", leave_within="10m", destructor_leave_within="10m")
    lines = ["import baton", f"node = baton.SyncNode(**{options!r}).start()", "node.stash('key', b'v')", "print('ends', flush=True)"]
    ending = subprocess.Popen([sys.executable, "-c", "\n".join(lines)], stdout=subprocess.PIPE, text=True)
    assert ending.stdout is not None and ending.stdout.readline() == "ends\n"
    begun = time.monotonic()
    assert ending.wait(2 * PATIENCE) == 0
    assert time.monotonic() - begun < PATIENCE  # not the ten minutes of the option
    ending.stdout.close()


def test_a_forked_child_has_no_node(mesh: Mesh) -> None:
    with baton.SyncNode(**mesh.options("one")) as node:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of threads, which is the point of the error
            child = os.fork()
        if child == 0:
            wrong = 0
            for call in (lambda: node.stash("k", b"v"), lambda: node.pickup("k", within=60), node.leave, node.keys, node.watch):
                try:
                    call()
                    wrong += 1
                except errors.Forked:
                    pass
            node.close()
            os._exit(wrong)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert node.stash("k", b"v").met


def _in_child(options: dict[str, object]) -> None:
    with baton.SyncNode(**options) as node:  # type: ignore[arg-type]
        node.stash("child", b"was here", copies=2, within=PATIENCE)


def test_multiprocessing_with_spawn(mesh: Mesh) -> None:
    with baton.SyncNode(**mesh.options("parent")) as node:
        child = multiprocessing.get_context("spawn").Process(target=_in_child, args=(mesh.options("child", node.endpoint),))
        child.start()
        assert node.pickup("child", within=PATIENCE).value == b"was here"
        child.join(PATIENCE)
        assert child.exitcode == 0


def test_ctrl_c_ends_a_wait(mesh: Mesh) -> None:
    words = script(mesh, "print('waits', flush=True)", f"node.pickup('never', within={100 * PATIENCE})")
    waiting = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == "waits\n"
    waiting.send_signal(signal.SIGINT)
    _, errors_of_it = waiting.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in errors_of_it and waiting.returncode != 0


def test_every_code_of_the_library_has_its_exception() -> None:
    from baton._abi import lib, text

    names = {text(lib.baton_code_name(code)) for code in (*range(1, 30), 100, 101, 102)}
    assert names == set(errors.BY_CODE)
    assert baton.library_version().count(".") == 2
    with pytest.raises(errors.Conflict):
        raise errors.error_of("conflict", "a sentence")


def test_every_option_of_the_program_is_an_option_of_a_node() -> None:
    page = subprocess.run([os.environ["BATON_PROGRAM"], "run", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    network = re.search(r"^Network:.*\n((?:  .*\n)+)", page, re.MULTILINE)
    assert network is not None
    names = re.findall(r"^  --([a-z0-9-]+)", network.group(1), re.MULTILINE)
    assert len(names) > 20
    for name in names:
        with pytest.raises(errors.BadOption) as failure:  # of the second one at the latest
            baton.SyncNode(**{name: "1"}, nmae="x").start()
        assert f'"{name}"' not in str(failure.value) or "is not an option" not in str(failure.value)
