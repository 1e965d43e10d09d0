"""The watches of nodes and clients, for asyncio."""
from __future__ import annotations

import asyncio
from typing import Protocol

from . import _abi, errors
from ._abi import Key
from ._waiting import Source
from .values import Change


class Owner(Protocol):
    """A node or a client."""

    _handle: int
    _watches: set[Watch]


class Watch:
    """The changes of the keys under a prefix: `async for change in node.watch("game/")`.

    First a put for each key, then initial_done, then every change. A key that changes again before it is read is reported
    once, with its latest value. The watch ends with the loop over it, with aclose(), or with its node or client. That of a
    client begins with the loop over it, which may raise what Client.pickup raises, and errors.TooManyWatches; it goes on when
    the client moves to another member.
    """

    def __init__(self, owner: Owner, prefix: Key, handle: int = 0) -> None:
        self._owner = owner
        self._prefix = prefix
        self._handle = handle  # 0: it has not begun
        self._source = Source(handle) if handle else None
        self._closed = False
        owner._watches.add(self)

    def __aiter__(self) -> Watch:
        return self

    async def __anext__(self) -> Change:
        try:
            return (await (self._source or await self._begin()).next()).as_change()
        except errors.Closed:
            raise StopAsyncIteration from None

    async def _begin(self) -> Source:
        if self._closed:
            raise errors.Closed("the watch was closed")
        opening = asyncio.get_running_loop().run_in_executor(None, _abi.open_watch, self._owner._handle, self._prefix)
        handle = await opening
        if self._closed:
            _abi.close(handle)
            raise errors.Closed("the watch was closed")
        self._handle, self._source = handle, Source(handle)
        return self._source

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the watch."""
        self._closed = True
        self._owner._watches.discard(self)
        if self._source is not None:
            self._source.end()
            _abi.close(self._handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", 0):
            _abi.close(self._handle)  # releases what is already closed, too: handles are never used twice
