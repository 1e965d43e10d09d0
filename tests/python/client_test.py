"""baton.Client in an event loop and baton.SyncClient, with C++ nodes."""
from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from mesh import PATIENCE, Mesh, eventually

import baton
from baton import Outcome, Version, errors


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 4 * PATIENCE))


def options(mesh: Mesh, *seeds: str, **more: Any) -> dict[str, Any]:
    return dict(cluster=mesh.cluster, name="visitor", seed=list(seeds), no_search=True, reach_within=f"{PATIENCE}s") | more


def two_programs(mesh: Mesh) -> Any:
    one = mesh.program("one")
    other = mesh.program("other", one.endpoint)
    one.event("joined", "other")
    other.event("joined", "one")
    return one, other


def test_registers(mesh: Mesh) -> None:
    async def story() -> None:
        one, other = two_programs(mesh)
        async with baton.Client(**options(mesh, one.endpoint)) as client:
            written = await client.stash("key", b"1", within=PATIENCE)
            assert written.met and written.copies == 2  # by default
            assert other("pickup key")["value"] == "1"
            got = await client.pickup("key")
            assert got and got.value == b"1" and got.read is not None and got.read.version == written.version
            absent = await client.pickup("never", within=PATIENCE, until="known")
            assert absent.outcome is Outcome.ABSENT_CONFIRMED
            assert (await client.confirm(written.version, copies="all_up", within=PATIENCE)).met
            await client.stash("key", b"2", copies="local", if_version=written.version, at_least_once=True)
            with pytest.raises(errors.Conflict):
                await client.stash("key", b"3", if_version=written.version)
            with pytest.raises(errors.Conflict):
                await client.stash("key", b"3", if_version=Version())
            values = await client.siblings("key")
            assert [each.value for each in values] == [b"2"]
            await client.resolve("key", b"4", values)
            await client.stash_all({"all/a": b"1", "all/b": b"2"}, within=PATIENCE)
            assert await client.keys("all/") == [b"all/a", b"all/b"]
            await client.stash("short", b"v", ttl=0.03)
            while await client.pickup("short"):
                await asyncio.sleep(0.01)
            assert (await client.drop("key")).changed and not await client.pickup("key")
            with pytest.raises(TypeError):
                await client.stash("key", "text")  # type: ignore[arg-type]

    run(story)


def test_typed_values_and_the_mesh(mesh: Mesh) -> None:
    async def story() -> None:
        one, other = two_programs(mesh)
        async with baton.Client(**options(mesh, one.endpoint)) as client:
            await client.add("score", 5)
            await client.add("score", -2)
            assert await client.count("score") == 3 and await client.count("none") is None
            for element in (b"b", "a", b"\0"):
                await client.insert("set", element)
            await client.erase("set", b"b")
            assert await client.elements("set") == [b"\0", b"a"]
            assert await client.contains("set", "a") and not await client.contains("set", "b")
            await client.set_field("map", "f", b"1")
            await client.set_field("map", "g", b"2")
            await client.erase_field("map", "g")
            field = await client.field("map", "f")
            assert field is not None and field.value == b"1" and await client.field("map", "g") is None
            assert await client.fields("map") == [b"f"] and len(await client.field_siblings("map", "f")) == 1
            await client.enable("flag")
            assert await client.enabled("flag") and await client.types("flag") == ["flag"]
            await client.disable("flag")
            assert not await client.enabled("flag")
            with pytest.raises(errors.WrongType):
                await client.stash("score", b"v")

            assert 'baton_keys{node="one"}' in await client.stats()
            assert 0 < await client.ping() < PATIENCE
            while not (members := await client.members())[1].client_endpoint:
                await asyncio.sleep(0.01)
            assert [each.name for each in members] == ["one", "other"] and members[0].id == client.talks_to()
            with pytest.raises(errors.Absent):
                await client.leave("nobody")
            assert (await client.leave("other", within=PATIENCE)).outcome == "safe"
            one.event("left", "other")

    run(story)


def test_claims(mesh: Mesh) -> None:
    async def story() -> None:
        program = mesh.program("one")
        async with baton.Client(**options(mesh, program.endpoint)) as client:
            async with baton.Client(**options(mesh, program.endpoint)) as other:
                with pytest.raises(errors.Absent):
                    await client.claim("key")
                claiming = asyncio.create_task(client.claim("key", within=PATIENCE, lease=60))
                await client.stash("key", b"first")
                async with await claiming as mine:
                    assert mine.taken_over.value == b"first" and mine.key == b"key" and mine.epoch % 2 == 1
                    await mine.commit(b"second", copies="local")
                    assert not await mine.lost() and not await mine.tentative()
                    with pytest.raises(errors.Claimed):
                        await other.stash("key", b"foreign")
                    with pytest.raises(errors.Conflict):
                        await other.claim("key", if_free=True)
                    assert await mine.release() == mine.epoch + 1
                    assert await mine.lost()
                    with pytest.raises(errors.ClaimLost):
                        await mine.commit(b"third")
                with pytest.raises(errors.Closed):
                    await mine.commit(b"third")
                async with await other.claim("key", if_epoch=mine.epoch) as again:
                    assert again.taken_over.value == b"second"
                with pytest.raises(errors.Conflict):  # it was claimed in between
                    await client.claim("key", if_epoch=mine.epoch)

                # A task that is cancelled does not keep what it would have got.
                late = asyncio.create_task(other.claim("late", within=PATIENCE))
                await asyncio.sleep(0)
                late.cancel()
                await client.stash("late", b"v")
                while (got := await client.pickup("late")).read is None or got.read.epoch == 0 or got.read.owned:
                    await asyncio.sleep(0.01)

                left = await other.claim("key")
            with pytest.raises(errors.Closed):
                await left.commit(b"v")  # its client is closed

    run(story)


def test_if_epoch_of_a_node(mesh: Mesh) -> None:
    with baton.SyncNode(**mesh.options("one")) as node:
        node.stash("key", b"v")
        with node.claim("key") as first:
            pass
        with pytest.raises(errors.Conflict):
            node.claim("key", if_epoch=first.epoch + 2)
        with node.claim("key", if_epoch=first.epoch) as second:
            assert second.epoch > first.epoch

    async def story() -> None:
        async with baton.Node(**mesh.options("other")) as node:
            await node.stash("key", b"v")
            async with await node.claim("key") as first:
                pass
            async with await node.claim("key", if_epoch=first.epoch):
                with pytest.raises(errors.Conflict):
                    await node.claim("key", if_epoch=first.epoch)

    run(story)


def test_hundreds_of_calls_wait_at_the_same_time(mesh: Mesh) -> None:
    async def story() -> None:
        program = mesh.program("one")
        async with baton.Client(**options(mesh, program.endpoint)) as client:
            waiting = [asyncio.create_task(client.pickup(f"key/{i}", within=4 * PATIENCE)) for i in range(400)]
            await asyncio.sleep(0)
            await asyncio.gather(*(client.stash(f"key/{i}", str(i).encode(), copies="local") for i in range(400)))
            assert [got.value for got in await asyncio.gather(*waiting)] == [str(i).encode() for i in range(400)]

            never = asyncio.create_task(client.pickup("never", within=100 * PATIENCE))
            await client.ping()
        with pytest.raises((errors.Unreachable, errors.Closed)):  # its end ends who waits for it
            await never
        with pytest.raises(errors.Closed):
            await client.pickup("key/1")

    run(story)


def test_what_nobody_has_any_more_is_lost(mesh: Mesh) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    former = mesh.program("former", arguments=("--port", str(port)))
    with baton.SyncClient(**options(mesh, f"127.0.0.1:{port}", patience="200ms")) as client:
        own = client.stash("own", b"value")
        former.end()
        mesh.program("next", arguments=("--port", str(port), "--founding"))
        with pytest.raises(errors.Lost):
            client.pickup("own")
        assert client.lost_writes() == [baton.LostWrite(b"own", own.version)]
        client.accept_loss()
        assert not client.pickup("own") and client.stash("own", b"again", copies=1).met


def test_a_script(mesh: Mesh) -> None:
    one, other = two_programs(mesh)
    with baton.SyncClient(**options(mesh, one.endpoint)) as client:
        assert client.stash("key", b"v", within=PATIENCE).copies == 2 and client.pickup("key").value == b"v"
        with client.claim("key", if_free=True) as mine:
            assert mine.commit(b"w", copies="all_up", within=PATIENCE).met and not mine.lost()
            assert mine.release() == mine.epoch + 1
        assert client.stash_all({b"a": b"1", b"b": b"2"}).changed and client.keys() == [b"a", b"b", b"key"]
        assert client.add("n", 2).changed and client.count("n") == 2
        assert client.insert("s", "e").changed and client.contains("s", "e") and client.elements("s") == [b"e"]
        assert client.set_field("m", "f", b"v").changed and client.fields("m") == [b"f"] and client.field("m", "f")
        assert client.enable("flag").changed and client.enabled("flag") and client.disable("flag").changed
        assert client.erase("s", "e").changed and client.erase_field("m", "f").changed and client.drop("n").changed
        assert client.confirm(client.stash("key", b"x").version, copies=2, within=PATIENCE).met
        assert client.resolve("key", b"y", client.siblings("key")).changed and client.types("key") == ["register"]
        assert client.ping() > 0 and "baton_keys" in client.stats() and client.talks_to() == client.members()[0].id
        assert eventually(lambda: client.members()[1].client_endpoint != "")
        assert client.leave("other", within=PATIENCE).outcome == "safe"
        assert client.field_siblings("m", "none") == []
    with pytest.raises(errors.Closed):
        client.ping()


def test_closing_ends_the_calls_of_other_threads(mesh: Mesh) -> None:
    program = mesh.program("one")
    client = baton.SyncClient(**options(mesh, program.endpoint)).connect()
    ended: list[object] = []

    def wait() -> None:
        try:
            ended.append(client.pickup("never", within=100 * PATIENCE))
        except errors.BatonError as failure:
            ended.append(type(failure))

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for each in threads:
        each.start()
    client.close()
    for each in threads:
        each.join(PATIENCE)
    assert len(ended) == 4 and set(ended) <= {errors.Unreachable, errors.Closed}


def test_options_and_keys(mesh: Mesh) -> None:
    with pytest.raises(errors.BadOption, match="nmae"):
        baton.SyncClient(nmae="x").connect()
    with pytest.raises(errors.BadOption) as failure:
        baton.SyncClient(key="a secret").connect()
    assert "secret" not in str(failure.value)
    soon = timedelta(milliseconds=50)
    with pytest.raises(errors.Unreachable):
        baton.SyncClient(**options(mesh, "127.0.0.1:1", reach_within=soon, search_within=soon)).connect()
    with baton.SyncClient(**options(mesh, mesh.program("one").endpoint)) as client:
        with pytest.raises(errors.BadArgument):
            client.connect()
        with pytest.raises(errors.BadArgument):
            client.stash("key", b"v", copies="most")


def test_a_client_that_nobody_closes_warns(mesh: Mesh) -> None:
    program = mesh.program("one")
    client = baton.SyncClient(**options(mesh, program.endpoint)).connect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del client
        gc.collect()
    assert [each.category for each in caught if "SyncClient of" in str(each.message)] == [ResourceWarning]
    given = options(mesh, program.endpoint)
    lines = ["import baton", f"client = baton.SyncClient(**{given!r}).connect()", "client.stash('key', b'v')"]
    assert subprocess.run([sys.executable, "-c", "\n".join(lines)], timeout=PATIENCE).returncode == 0
    assert program("pickup key")["value"] == "v"


def test_a_forked_child_has_no_client(mesh: Mesh) -> None:
    with baton.SyncClient(**options(mesh, mesh.program("one").endpoint)) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of threads, which is the point of the error
            child = os.fork()
        if child == 0:
            wrong = 0
            calls: list[Callable[[], object]] = [lambda: client.stash("k", b"v"), lambda: client.pickup("k"), client.ping, client.talks_to]
            for call in calls:
                try:
                    call()
                    wrong += 1
                except errors.Forked:
                    pass
            client.close()
            os._exit(wrong)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert client.stash("k", b"v", copies=1).met


def test_ctrl_c_ends_a_wait(mesh: Mesh) -> None:
    given = options(mesh, mesh.program("one").endpoint)
    lines = ["import baton", f"client = baton.SyncClient(**{given!r}).connect()", "print('waits', flush=True)",
             f"client.pickup('never', within={100 * PATIENCE})"]
    waiting = subprocess.Popen([sys.executable, "-c", "\n".join(lines)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiting.stdout is not None and waiting.stdout.readline() == "waits\n"
    waiting.send_signal(signal.SIGINT)
    _, said = waiting.communicate(timeout=PATIENCE)
    assert "KeyboardInterrupt" in said and waiting.returncode != 0


def test_watch(mesh: Mesh) -> None:
    async def story() -> None:
        one, other = two_programs(mesh)
        async with baton.Client(**options(mesh, one.endpoint)) as client:
            await client.stash("game/a", b"1", within=PATIENCE)
            seen: list[tuple[str, bytes]] = []
            async for change in client.watch("game/"):
                seen.append((change.kind, change.key))
                if change.kind == "initial_done":
                    one("leave")  # the client moves
                    other("drop game/a")
                if change.kind == "removed":
                    break
            assert seen == [("put", b"game/a"), ("initial_done", b""), ("removed", b"game/a")]
            rest = client.watch("game/")
            waiting = asyncio.ensure_future(rest.__anext__())
            assert (await waiting).kind == "initial_done"
            waiting = asyncio.ensure_future(rest.__anext__())
            await asyncio.sleep(0)
        with pytest.raises(StopAsyncIteration):  # the watch ends with its client
            await waiting

    run(story)


def test_sync_watch(mesh: Mesh) -> None:
    one = mesh.program("one")
    with baton.SyncClient(**options(mesh, one.endpoint)) as client:
        with client.watch("game/") as watch:
            first = watch.next(PATIENCE)
            assert first is not None and first.kind == "initial_done"
            client.stash("game/a", b"1", copies="local")
            change = watch.next(PATIENCE)
            assert change is not None and change.value == b"1"
            assert watch.next(0) is None
