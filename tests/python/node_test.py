"""baton.Node in an event loop, beside C++ nodes."""
from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest
from mesh import PATIENCE, Mesh

import baton
from baton import Outcome, Version, errors


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 4 * PATIENCE))


def test_a_cpp_node_hands_over_to_python_and_back(mesh: Mesh) -> None:
    async def story() -> None:
        old = mesh.program("old")
        old("stash game/state round 41")
        async with baton.Node(**mesh.options("new", old.endpoint)) as new:
            got = await new.pickup("game/state", within=PATIENCE)
            assert got and got.outcome is Outcome.FOUND and got.value == b"round 41"
            await new.wait_synced(PATIENCE)
            assert old("leave")["outcome"] == "safe"
            written = await new.stash("game/state", b"round 42")
            assert written.met and written.copies == 1 and written.changed
            next_one = mesh.program("next", new.endpoint)
            report = await new.leave(within=PATIENCE, copies=1)
            assert report.outcome == "safe" and report.unsafe == 0
            with pytest.raises(errors.Leaving):
                await new.stash("game/state", b"round 43")
        assert next_one("pickup game/state")["value"] == "round 42"

    run(story)


def test_the_four_answers_of_a_pickup(mesh: Mesh) -> None:
    async def story() -> None:
        async with baton.Node(**mesh.options("alone")) as alone:
            answer = await alone.pickup("key", within=0.05)
            assert not answer and answer.outcome is Outcome.ABSENT_UNSYNCED
            with pytest.raises(LookupError):
                answer.value
            other = mesh.program("other", alone.endpoint)
            other.event("joined", "alone")
            answer = await alone.pickup("key", within=PATIENCE, until="known")
            assert answer.outcome is Outcome.ABSENT_CONFIRMED
            other("stash key v")
            assert (await alone.pickup("key", within=PATIENCE)).value == b"v"
        assert Outcome("pending_handoff") is Outcome.PENDING_HANDOFF

    run(story)


def test_thousands_of_calls_wait_without_a_thread(mesh: Mesh) -> None:
    async def story() -> None:
        async with baton.Node(**mesh.options("one")) as node:
            await node.stash("warm", b"up")
            before = threading.active_count()
            waiting = [asyncio.create_task(node.pickup(f"key/{i}", within=10 * PATIENCE)) for i in range(2000)]
            await asyncio.sleep(0)
            assert threading.active_count() == before
            await asyncio.gather(*(node.stash(f"key/{i}", str(i).encode()) for i in range(2000)))
            assert [got.value for got in await asyncio.gather(*waiting)] == [str(i).encode() for i in range(2000)]

    run(story)


def test_levels_versions_and_concurrent_values(mesh: Mesh) -> None:
    async def story() -> None:
        async with baton.Node(**mesh.options("one")) as one:
            async with baton.Node(**mesh.options("other", one.endpoint)) as other:
                await one.wait_synced(PATIENCE)
                first = await one.stash("key", b"1", copies=2, within=PATIENCE)
                assert first.met and first.copies == 2
                assert (await one.confirm(first.version, copies="all_up", within=PATIENCE)).met
                weak = await one.stash("key", b"2", copies=5, within=0.01)
                assert not weak.met
                with pytest.raises(errors.Conflict):
                    await one.stash("key", b"3", if_version=first.version)
                await one.stash("fresh", b"", if_version=Version())
                assert (await one.pickup("fresh")).value == b""
                with pytest.raises(errors.Conflict):
                    await one.resolve("key", b"4", [first.version])
                values = one.siblings("key")
                await one.resolve("key", b"4", values)
                assert [each.value for each in one.siblings("key")] == [b"4"]
                with pytest.raises(errors.BadArgument):
                    await one.stash("key", b"v", copies="majority")
                with pytest.raises(errors.BadArgument):
                    await one.stash("key", b"v", copies="most")
                assert (await other.drop("nothing")).changed is False
                await one.stash("short", b"v", ttl=0.05)
                assert await other.pickup("short", within=PATIENCE)
                while await one.pickup("short"):
                    await asyncio.sleep(0.01)

    run(story)


def test_claims(mesh: Mesh) -> None:
    async def story() -> None:
        async with baton.Node(**mesh.options("one")) as node:
            with pytest.raises(errors.Absent):
                await node.claim("key")
            claiming = asyncio.create_task(node.claim("key", within=PATIENCE, lease=PATIENCE))
            await asyncio.sleep(0)
            await node.stash("key", b"first")
            async with await claiming as mine:
                assert mine.taken_over.value == b"first" and mine.key == b"key" and mine.epoch % 2 == 1
                assert (await mine.commit(b"second")).met
                mine.renew()
                assert not mine.lost
                assert (await node.pickup("key")).read.owned  # type: ignore[union-attr]
                with pytest.raises(errors.Conflict):
                    await node.claim("key", if_free=True)
            assert mine.lost
            with pytest.raises(errors.Closed):
                await mine.commit(b"third")

            # A task that is cancelled does not keep what it would have got.
            late = asyncio.create_task(node.claim("late", within=PATIENCE))
            await asyncio.sleep(0)
            late.cancel()
            await node.stash("late", b"v")
            while (got := await node.pickup("late")).read is None or got.read.epoch == 0 or got.read.owned:
                await asyncio.sleep(0.01)

    run(story)


def test_typed_values(mesh: Mesh) -> None:
    async def story() -> None:
        program = mesh.program("cpp")
        async with baton.Node(**mesh.options("py", program.endpoint)) as node:
            await node.wait_synced(PATIENCE)
            program("add score 5")
            while node.count("score") != 5:
                await asyncio.sleep(0.01)
            await node.add("score", -2, copies=2, within=PATIENCE)
            assert program("count score")["value"] == 3
            for element in (b"b", "a", b"\0"):
                await node.insert("set", element)
            await node.erase("set", b"b")
            assert node.elements("set") == [b"\0", b"a"] and node.contains("set", "a") and not node.contains("set", "b")
            await node.set_field("map", "f", b"1")
            await node.set_field("map", "g", b"2")
            await node.erase_field("map", "g")
            field = node.field("map", "f")
            assert field is not None and field.value == b"1" and node.fields("map") == [b"f"]
            assert node.field("map", "g") is None and len(node.field_siblings("map", "f")) == 1
            await node.enable("flag")
            assert node.enabled("flag")
            await node.disable("flag")
            assert not node.enabled("flag") and node.types("set") == ["set"] and node.count("none") is None
            assert node.keys() == [b"map", b"score", b"set"] and node.keys("s") == [b"score", b"set"]
            with pytest.raises(errors.WrongType):
                await node.stash("score", b"v")
            assert 'baton_keys{node="py"} 3' in node.stats()
            (member,) = node.members()
            assert member.name == "cpp" and member.state == "up"

    run(story)


def test_watch_and_events(mesh: Mesh) -> None:
    async def story() -> None:
        async with baton.Node(**mesh.options("one")) as node:
            await node.stash("game/a", b"1")
            seen: list[tuple[str, bytes]] = []
            begun = asyncio.Event()

            async def follow() -> None:
                async for change in node.watch("game/"):
                    seen.append((change.kind, change.key))
                    begun.set()
                    if change.kind == "removed":
                        return

            following = asyncio.create_task(follow())
            await begun.wait()
            await node.stash("other", b"1")
            await node.add("game/count", 7)
            await node.drop("game/a")
            await following
            assert seen[:2] == [("put", b"game/a"), ("initial_done", b"")] and seen[-1] == ("removed", b"game/a")

            async with node.watch() as watch:
                kinds = {}
                async for change in watch:
                    if change.kind == "initial_done":
                        break
                    kinds[change.key] = (change.type, change.sum)
                assert kinds == {b"game/count": ("counter", 7), b"other": ("register", 0)}
                reading = asyncio.create_task(watch.__anext__())
                await asyncio.sleep(0)
            with pytest.raises(StopAsyncIteration):
                await watch.__anext__()
            with pytest.raises((StopAsyncIteration, RuntimeError)):
                await reading

            program = mesh.program("cpp", node.endpoint)
            async for event in node.events():
                if event.kind == "joined":
                    assert event.member.name == "cpp" and len(event.member.id) == 16
                    break
            program("leave")
            async for event in node.events():
                if event.kind == "left":
                    break
            never = asyncio.create_task(node.next_event())
            while not never.done() and node._events is not None and node._events._waiting is None:
                await asyncio.sleep(0)
        with pytest.raises(errors.Closed):  # the node's end ends who waits for its events
            while True:
                await never
                never = asyncio.create_task(node.next_event())

    run(story)


def test_what_waits_ends_with_the_node(mesh: Mesh) -> None:
    async def story() -> None:
        node = await baton.Node(**mesh.options("one")).start()
        assert repr(node) == "<baton.Node one>" and node.name == "one" and len(node.digest()) == 32
        pickup = asyncio.create_task(node.pickup("never", within=100 * PATIENCE))
        claim = asyncio.create_task(node.claim("never", within=100 * PATIENCE))
        await asyncio.sleep(0)
        await node.close()
        assert not await pickup
        with pytest.raises(errors.Leaving):
            await claim
        await node.close()
        with pytest.raises(errors.Closed):
            await node.stash("key", b"v")

    run(story)


def test_wrong_arguments(mesh: Mesh) -> None:
    async def story() -> None:
        for options, sentence in ((dict(nmae="x"), "nmae"), (dict(port="x"), "port"), (dict(seed="nowhere"), "nowhere")):
            with pytest.raises(errors.BadOption, match=sentence):
                await baton.Node(**options).start()
        async with baton.Node(**mesh.options("one")) as node:
            with pytest.raises(errors.AddressInUse):
                await baton.Node(**mesh.options("two", port=int(node.endpoint.rsplit(":")[-1]))).start()
            with pytest.raises(errors.KeyEmpty):
                await node.stash("", b"v")
            with pytest.raises(errors.KeyTooLong):
                await node.pickup("k" * 513)
            with pytest.raises(errors.ValueTooLong):
                await node.stash("k", bytes((8 << 20) + 1))
            with pytest.raises(TypeError):
                await node.stash("k", "text")  # type: ignore[arg-type]
            await node.stash(b"\xff\0", memoryview(b"any\0bytes"))
            assert (await node.pickup(b"\xff\0")).value == b"any\0bytes"
            with pytest.raises(errors.Timeout):
                await node.wait_synced(0.01)
            with pytest.raises(errors.BadArgument):
                await node.start()

    run(story)
