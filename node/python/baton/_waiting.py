"""How an event loop waits for the library: by descriptors, without a thread. Everything here is private to the package."""
from __future__ import annotations

import asyncio

from . import _abi, _calls, errors
from ._abi import Answer, Call


class Source:
    """Waits in the loop for what baton_next() returns."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._fd = _abi.descriptor(handle)
        self._waiting: asyncio.Future[None] | None = None

    async def next(self) -> Answer:
        """One task at a time."""
        if self._waiting is not None:
            raise errors.BadArgument("another task waits for the same events or changes")
        while True:
            answer = _abi.next_answer(self._handle, 0)
            if answer is not None:
                return answer
            self._waiting = self._loop.create_future()
            self._loop.add_reader(self._fd, self._wake)
            try:
                await self._waiting
            finally:
                self._stop()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _stop(self) -> None:
        """Before the library closes the descriptor, whose number may then be another one's."""
        if self._waiting is not None:
            self._loop.remove_reader(self._fd)
            self._waiting = None

    def end(self) -> None:
        """Whoever waits gets errors.Closed."""
        waiting = self._waiting
        self._stop()
        if waiting is not None and not waiting.done():
            waiting.set_exception(errors.Closed("the node or the watch was closed"))


class Caller:
    """The calls under way of a node or of a client. Belongs to the loop in which it was made."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._queue = _abi.open_queue()
        self._fd = _abi.descriptor(self._queue)
        self._calls: dict[int, asyncio.Future[Answer]] = {}
        self._loop.add_reader(self._fd, self.complete)

    async def call(self, call: Call) -> Answer:
        """Makes a call and waits for its end. Errors: those of the call."""
        tag = next(_calls.tags)
        _abi.begin(self._handle, self._queue, tag, call)
        waiting: asyncio.Future[Answer] = self._loop.create_future()
        self._calls[tag] = waiting
        answer = await waiting
        answer.raise_failure()
        return answer

    def complete(self) -> None:
        """Hands out what has ended."""
        while (answer := _abi.next_answer(self._queue, 0)) is not None:
            waiting = self._calls.pop(answer.tag)
            if waiting.done():
                _calls.unused(answer)
            else:
                waiting.set_result(answer)

    def end(self, why: str) -> None:
        """Whoever still waits gets errors.Closed."""
        self._loop.remove_reader(self._fd)
        _abi.close(self._queue)
        for waiting in self._calls.values():
            if not waiting.done():
                waiting.set_exception(errors.Closed(why))
