"""A node for programs without asyncio; any thread may use it.

    with baton.SyncNode(network="loopback", cluster="harbour") as node:
        node.stash("session/ABYZ", b"round 41", copies=2)
        print(node.pickup("session/ABYZ").value)

A call that waits can be interrupted by Ctrl-C: it then goes on without its caller. For forks see `baton.node`.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from . import _abi, _calls, errors
from ._abi import Answer, Bytes, Call, Key, Seconds, lib
from ._calls import ClaimBase, ClientBase, NodeBase
from .values import Change, Event, LeaveReport, Pickup, Value, Version, Written

T = TypeVar("T")

_SLICE_MS = 100  #: Python handles signals between two calls into the library


def _next(handle: int, within: Seconds | None) -> Answer | None:
    until = None if within is None else time.monotonic() + max(0, _abi.milliseconds(within)) / 1000
    while True:
        left = _SLICE_MS if until is None else round((until - time.monotonic()) * 1000)
        answer = _abi.next_answer(handle, max(0, min(left, _SLICE_MS)))
        if answer is not None or left <= 0:
            return answer


def wait_for(handle: int, call: Call, made: Callable[[Answer], T]) -> T:
    """Makes a call of a node or of a client, and waits for its end."""
    queue = _abi.open_queue()
    try:
        _abi.begin(handle, queue, 0, call)
        answer = _next(queue, None)
        assert answer is not None
        answer.raise_failure()
        return made(answer)
    finally:
        _abi.close(queue)


class SyncClaim(ClaimBase):
    """A register that this node owns: `with node.claim("session") as mine`. Leaving the block releases it."""

    _node: SyncNode

    def commit(
        self, value: Bytes, *, copies: int | str | None = None, within: Seconds | None = None, ttl: Seconds | None = None
    ) -> Written:
        """Writes the key as its owner. Errors: ClaimLost, and those of SyncNode.stash."""
        return self._node._wait(self._commit(value, copies, within, ttl), Answer.as_written)

    def __enter__(self) -> SyncClaim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SyncWatch:
    """The changes of the keys under a prefix: `for change in node.watch("game/")`; see `baton.Watch`."""

    def __init__(self, owner: NodeBase | ClientBase, prefix: Key) -> None:
        self._handle = _abi.open_watch(owner._handle, prefix)

    def next(self, within: Seconds | None = None) -> Change | None:
        """The next change; None if none comes in time. Error: Closed."""
        answer = _next(self._handle, within)
        return answer.as_change() if answer is not None else None

    def __iter__(self) -> Iterator[Change]:
        while True:
            try:
                change = self.next()
            except errors.Closed:
                return
            if change is not None:
                yield change

    def __enter__(self) -> SyncWatch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the watch, and whoever waits for it."""
        _abi.close(self._handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", 0):
            _abi.close(self._handle)


class SyncNode(NodeBase):
    """A member of the mesh, as `baton.Node`, with calls that block. `with` starts the node and leaves at the end."""

    def start(self) -> SyncNode:
        """Starts the node."""
        self._start()
        return self

    def __enter__(self) -> SyncNode:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leaves, if the node has not left, and closes it. Calls of other threads end."""
        if self._handle not in _calls._open_nodes:
            return
        try:
            self.leave()
        except (errors.Forked, errors.Closed):
            pass
        self._close()

    def _wait(self, call: Call, made: Callable[[Answer], T]) -> T:
        return wait_for(self._handle, call, made)

    def _write(self, call: Call) -> Written:
        return self._wait(call, Answer.as_written)

    def stash(
        self,
        key: Key,
        value: Bytes,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        ttl: Seconds | None = None,
        if_version: Version | None = None,
    ) -> Written:
        """As Node.stash()."""
        return self._write(_calls.stash(key, value, copies, within, ttl, if_version))

    def pickup(self, key: Key, *, within: Seconds | None = None, until: str = "found") -> Pickup:
        """As Node.pickup()."""
        return self._wait(_calls.pickup(key, within, until), Answer.as_pickup)

    def drop(self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """As Node.drop()."""
        return self._write(Call(lib.BATON_DROP, key, copies=copies, within=within))

    def resolve(
        self,
        key: Key,
        value: Bytes,
        replaced: Iterable[Version | Value],
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
    ) -> Written:
        """As Node.resolve()."""
        versions = _calls.versions_of(replaced)
        return self._write(Call(lib.BATON_RESOLVE, key, value=value, copies=copies, within=within, versions=versions))

    def confirm(self, version: Version, *, copies: int | str, within: Seconds | None = None) -> Written:
        """As Node.confirm()."""
        return self._write(Call(lib.BATON_CONFIRM, copies=copies, within=within, versions=[version]))

    def claim(
        self,
        key: Key,
        *,
        within: Seconds | None = None,
        lease: Seconds | None = None,
        if_free: bool = False,
        if_epoch: int | None = None,
    ) -> SyncClaim:
        """As Node.claim()."""
        return self._wait(_calls.claim(key, within, lease, if_free, if_epoch), lambda answer: SyncClaim(self, answer))

    def add(self, key: Key, amount: int = 1, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Adds to a counter."""
        return self._write(Call(lib.BATON_ADD, key, amount=amount, copies=copies, within=within))

    def insert(self, key: Key, element: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Puts an element into a set."""
        return self._write(Call(lib.BATON_INSERT, key, element=element, copies=copies, within=within))

    def erase(self, key: Key, element: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Takes an element out of a set."""
        return self._write(Call(lib.BATON_ERASE, key, element=element, copies=copies, within=within))

    def set_field(
        self, key: Key, field: Key, value: Bytes, *, copies: int | str | None = None, within: Seconds | None = None
    ) -> Written:
        """Sets a field of a map."""
        return self._write(Call(lib.BATON_SET_FIELD, key, element=field, value=value, copies=copies, within=within))

    def erase_field(self, key: Key, field: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Removes a field of a map."""
        return self._write(Call(lib.BATON_ERASE_FIELD, key, element=field, copies=copies, within=within))

    def enable(self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Turns a flag on."""
        return self._write(Call(lib.BATON_ENABLE, key, copies=copies, within=within))

    def disable(self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None) -> Written:
        """Turns a flag off."""
        return self._write(Call(lib.BATON_DISABLE, key, copies=copies, within=within))

    def watch(self, prefix: Key = b"") -> SyncWatch:
        """What exists under the prefix, then every change."""
        return SyncWatch(self, prefix)

    def next_event(self, within: Seconds | None = None) -> Event | None:
        """The oldest unread event; None if none comes in time (None: waits for ever)."""
        answer = _next(self._handle, within)
        return answer.as_event() if answer is not None else None

    def wait_synced(self, within: Seconds = 30.0) -> None:
        """As Node.wait_synced()."""
        self._wait(Call(lib.BATON_WAIT_SYNCED, within=within), lambda answer: None)

    def leave(self, *, within: Seconds | None = None, copies: int | None = None, nobody_stays: bool = False) -> LeaveReport:
        """As Node.leave()."""
        return self._wait(_calls.leave(within, copies, nobody_stays), Answer.as_leave_report)
