"""A node for asyncio.

    async with baton.Node(network="loopback", cluster="harbour") as node:
        await node.stash("session/ABYZ", b"round 41", copies=2)
        got = await node.pickup("session/ABYZ", within=10, until="known")
        if got:
            print(got.value)

Threads and loops: a node belongs to the event loop in which it was started; other threads use `baton.SyncNode`. No call
occupies a thread: the loop watches one descriptor for all calls under way. A task that is cancelled stops waiting; its call
goes on, and a claim that it would have got is released.

Processes: a node stays with the parent of a fork; in the child every call raises `errors.Forked`. With multiprocessing use
the start method `spawn`, and start a node in the child.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import TypeVar

from . import _abi, _calls, errors
from ._abi import Answer, Bytes, Call, Key, Seconds, lib
from ._calls import ClaimBase, NodeBase
from ._waiting import Caller, Source
from .values import Event, LeaveReport, Pickup, Value, Version, Written
from .watching import Watch

T = TypeVar("T")


class Claim(ClaimBase):
    """A register that this node owns: `async with await node.claim("session") as mine`. Leaving the block releases it."""

    _node: Node

    async def commit(
        self, value: Bytes, *, copies: int | str | None = None, within: Seconds | None = None, ttl: Seconds | None = None
    ) -> Written:
        """Writes the key as its owner. Errors: ClaimLost, and those of Node.stash."""
        return await self._node._write(self._commit(value, copies, within, ttl))

    async def __aenter__(self) -> Claim:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class Node(NodeBase):
    """A member of the mesh. Options are those of `baton run`, with _ for -: Node(cluster="harbour", seed=["10.0.0.5:5000"]).

    `async with` starts the node and leaves at the end; start() and leave() do the same by hand.
    """

    async def start(self) -> Node:
        """Starts the node. Errors: BadOption, AddressInUse, NetworkError and others."""
        self._loop = asyncio.get_running_loop()
        await self._loop.run_in_executor(None, self._start)
        self._caller = Caller(self._handle)
        self._watches: set[Watch] = set()
        self._events: Source | None = None
        return self

    async def __aenter__(self) -> Node:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Leaves, if the node has not left, and ends what waits for it."""
        if self._handle not in _calls._open_nodes:
            return
        try:
            await self.leave()
        except errors.Forked:
            pass
        finally:
            for each in list(self._watches):
                await each.aclose()
            if self._events is not None:
                self._events.end()
            self._caller.end("the node was closed")
            await self._loop.run_in_executor(None, self._close)

    # ------------------------------------------------------------ calls under way

    async def _begin(self, call: Call, made: Callable[[Answer], T]) -> T:
        return made(await self._caller.call(call))

    async def _write(self, call: Call) -> Written:
        return await self._begin(call, Answer.as_written)

    # ------------------------------------------------------------ registers

    async def stash(
        self,
        key: Key,
        value: Bytes,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        ttl: Seconds | None = None,
        if_version: Version | None = None,
    ) -> Written:
        """Writes a register. `copies`: members that must hold it before the call returns, a number, "majority" or
        "all_up"; if that takes longer than `within` (5 s), the write stays and spreads on. `ttl`: seconds to live.
        `if_version`: only if the key is at this version; Version(): only if it is absent. Errors: Conflict, Busy, Full,
        WrongType, Leaving, …"""
        return await self._write(_calls.stash(key, value, copies, within, ttl, if_version))

    async def pickup(self, key: Key, *, within: Seconds | None = None, until: str = "found") -> Pickup:
        """Reads a register. With `within` it waits so long for the key, and asks every member; with until="known" also only
        until it is certain that no node has the key. The outcome says why an absent key is absent."""
        return await self._begin(_calls.pickup(key, within, until), Answer.as_pickup)

    async def drop(self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Removes all that this node has seen of the key, of any type."""
        return await self._write(Call(lib.BATON_DROP, key, copies=copies, within=within))

    async def resolve(
        self,
        key: Key,
        value: Bytes,
        replaced: Iterable[Version | Value],
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
    ) -> Written:
        """Replaces exactly these concurrent values. Error: Conflict if one of them is gone."""
        versions = _calls.versions_of(replaced)
        return await self._write(Call(lib.BATON_RESOLVE, key, value=value, copies=copies, within=within, versions=versions))

    async def confirm(self, version: Version, *, copies: int | str, within: Seconds | None = None) -> Written:
        """Waits until so many members hold a write."""
        return await self._write(Call(lib.BATON_CONFIRM, copies=copies, within=within, versions=[version]))

    async def claim(
        self,
        key: Key,
        *,
        within: Seconds | None = None,
        lease: Seconds | None = None,
        if_free: bool = False,
        if_epoch: int | None = None,
    ) -> Claim:
        """Takes ownership of a register, waiting `within` for it to appear. `if_free`: only if no node owns it. `if_epoch`: only
        if nobody has claimed it since that epoch. Errors: Absent; Conflict with `if_free` and `if_epoch`."""
        return await self._begin(_calls.claim(key, within, lease, if_free, if_epoch), lambda answer: Claim(self, answer))

    # ------------------------------------------------------------ typed values

    async def add(self, key: Key, amount: int = 1, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Adds to a counter."""
        return await self._write(Call(lib.BATON_ADD, key, amount=amount, copies=copies, within=within))

    async def insert(self, key: Key, element: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Puts an element into a set."""
        return await self._write(Call(lib.BATON_INSERT, key, element=element, copies=copies, within=within))

    async def erase(self, key: Key, element: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Takes an element out of a set."""
        return await self._write(Call(lib.BATON_ERASE, key, element=element, copies=copies, within=within))

    async def set_field(
        self, key: Key, field: Key, value: Bytes, *, copies: int | str | None = None, within: Seconds | None = None
    ) -> Written:
        """Sets a field of a map."""
        return await self._write(Call(lib.BATON_SET_FIELD, key, element=field, value=value, copies=copies, within=within))

    async def erase_field(
        self, key: Key, field: Key, *, copies: int | str | None = None, within: Seconds | None = None
    ) -> Written:
        """Removes a field of a map."""
        return await self._write(Call(lib.BATON_ERASE_FIELD, key, element=field, copies=copies, within=within))

    async def enable(self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Turns a flag on."""
        return await self._write(Call(lib.BATON_ENABLE, key, copies=copies, within=within))

    async def disable(self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Turns a flag off."""
        return await self._write(Call(lib.BATON_DISABLE, key, copies=copies, within=within))

    # ------------------------------------------------------------ the mesh

    def watch(self, prefix: Key = b"") -> Watch:
        """What exists under the prefix, then every change."""
        return Watch(self, prefix, _abi.open_watch(self._handle, prefix))

    async def next_event(self) -> Event:
        """The oldest unread event; waits for one. Error: Closed when the node is closed."""
        if self._events is None:
            self._events = Source(self._handle)
        return (await self._events.next()).as_event()

    async def events(self) -> AsyncIterator[Event]:
        """Every event, until the node is closed."""
        while True:
            try:
                yield await self.next_event()
            except errors.Closed:
                return

    async def wait_synced(self, within: Seconds = 30.0) -> None:
        """Waits until this node holds what the members held when it joined. Error: Timeout."""
        await self._begin(Call(lib.BATON_WAIT_SYNCED, within=within), lambda answer: None)

    async def leave(
        self, *, within: Seconds | None = None, copies: int | None = None, nobody_stays: bool = False
    ) -> LeaveReport:
        """Hands everything over; writes are refused afterwards. A second leave returns the first report."""
        return await self._begin(_calls.leave(within, copies, nobody_stays), Answer.as_leave_report)
