"""A client for asyncio: it reads and writes through one member of the mesh, holds nothing itself, and is no copy.

    async with baton.Client(cluster="harbour", seed=["10.0.0.5:5670"]) as client:
        written = await client.stash("session/ABYZ", b"round 41")   # two members have it, unless written.met is False
        got = await client.pickup("session/ABYZ", within=10, until="known")

Options are those of <baton/baton.h>, with _ for -. What the client has written or seen it sees again at every member; if the
member lacks it, a call raises errors.Behind, or errors.Lost once nobody has it. errors.Unknown: the write may have been made.

Threads and loops: a client belongs to the event loop in which it was connected; other threads use `baton.SyncClient`. The
library has a thread for its connection, and one for each call under way, at most 512; further calls take their turn. Calls
that are under way at the same time are made in any order. A task that is cancelled stops waiting; its call goes on, and a
claim that it would have got is released.

Processes: as with a node, see `baton.node`.
"""
from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeVar

from . import _calls, errors
from ._abi import Answer, Bytes, Call, Key, Pairs, Seconds, lib
from ._calls import Granted, ClientBase
from ._waiting import Caller
from .values import LeaveReport, Member, Pickup, Value, Version, Written
from .watching import Watch

T = TypeVar("T")


class ClientClaim(Granted):
    """A register that this client owns: `async with await client.claim("session") as mine`. Leaving the block releases it.

    It belongs to its client: close it first, since otherwise the key is free only when the lease ends. After the client's end
    its calls raise errors.Closed.
    """

    def __init__(self, client: Client, answer: Answer) -> None:
        super().__init__(answer)
        self._client = client

    async def commit(
        self, value: Bytes, *, copies: int | str | None = None, within: Seconds | None = None, ttl: Seconds | None = None
    ) -> Written:
        """Writes the key as its owner. Errors: ClaimLost, and those of Client.stash."""
        return await self._client._write(self._commit(value, copies, within, ttl))

    async def release(self) -> int:
        """Gives the key up, and returns the epoch under which it is free. Error: ClaimLost."""
        return await self._client._ask(Call(lib.BATON_RELEASE, claim=self._handle), lambda answer: answer.count)

    async def lost(self) -> bool:
        """What the member says: True once this client does not own the key any more."""
        return await self._client._ask(self._about(), lambda answer: bool(answer.flags & lib.BATON_LOST))

    async def tentative(self) -> bool:
        """What the member says: True while another node may own the key, too."""
        return await self._client._ask(self._about(), lambda answer: bool(answer.flags & lib.BATON_TENTATIVE))

    def _about(self) -> Call:
        return Call(lib.BATON_CLAIM_STATE, claim=self._handle)

    async def __aenter__(self) -> ClientClaim:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class Client(ClientBase):
    """Talks to a member of the mesh: Client(cluster="harbour", seed=["10.0.0.5:5670"]).

    `async with` connects and closes; connect() and close() do the same by hand.
    """

    async def connect(self) -> Client:
        """Finds a member and is let in. Errors: BadOption, BadKey, Unreachable, Refused."""
        await asyncio.get_running_loop().run_in_executor(None, self._connect)
        self._caller = Caller(self._handle)
        self._watches: set[Watch] = set()
        return self

    async def close(self) -> None:
        """Closes the connection. Calls under way end with Unreachable, or Unknown."""
        if self._handle not in _calls._open_clients:
            return
        for each in list(self._watches):
            await each.aclose()
        await asyncio.get_running_loop().run_in_executor(None, self._close)
        try:
            self._caller.complete()
        except errors.Forked:
            pass
        finally:
            self._caller.end("the client was closed")

    async def __aenter__(self) -> Client:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, call: Call, made: Callable[[Answer], T]) -> T:
        return made(await self._caller.call(call))

    async def _write(self, call: Call) -> Written:
        return await self._ask(call, Answer.as_written)

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
        at_least_once: bool = False,
    ) -> Written:
        """Writes a register. `copies`: as Node.stash(); two by default. `at_least_once`: if the member is gone before its answer,
        write again at another one, possibly twice; otherwise such a write raises Unknown."""
        flags = _calls.retry(at_least_once)
        return await self._write(_calls.stash(key, value, copies, within, ttl, if_version, flags))

    async def stash_all(
        self,
        values: Pairs,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        ttl: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Writes several registers as one: at most 1,000, with at most 8 MiB together. The version is that of the last key."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_STASH_ALL, pairs=values.items(), copies=copies, within=within, ttl=ttl, flags=flags))

    async def pickup(self, key: Key, *, within: Seconds | None = None, until: str = "found") -> Pickup:
        """Reads a register, as Node.pickup(): the outcome is the member's."""
        return await self._ask(_calls.pickup(key, within, until), Answer.as_pickup)

    async def siblings(self, key: Key) -> list[Value]:
        """Every concurrent value of a register, first the one that pickup reads."""
        return await self._ask(Call(lib.BATON_SIBLINGS, key), lambda answer: answer.values)

    async def drop(
        self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None, at_least_once: bool = False
    ) -> Written:
        """Removes all that the member has seen of the key, of any type."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_DROP, key, copies=copies, within=within, flags=flags))

    async def resolve(
        self,
        key: Key,
        value: Bytes,
        replaced: Iterable[Version | Value],
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Replaces exactly these concurrent values. Error: Conflict if one of them is gone."""
        flags, versions = _calls.retry(at_least_once), _calls.versions_of(replaced)
        call = Call(lib.BATON_RESOLVE, key, value=value, copies=copies, within=within, versions=versions, flags=flags)
        return await self._write(call)

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
    ) -> ClientClaim:
        """Takes ownership of a register by way of the member, as Node.claim(). The claim ends with the member, and when
        the member has not heard this client for `lease`, 3 to 60 s (10 s)."""
        return await self._ask(_calls.claim(key, within, lease, if_free, if_epoch), lambda answer: ClientClaim(self, answer))

    # ------------------------------------------------------------ typed values

    async def add(
        self,
        key: Key,
        amount: int = 1,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Adds to a counter."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_ADD, key, amount=amount, copies=copies, within=within, flags=flags))

    async def insert(
        self,
        key: Key,
        element: Key,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Puts an element into a set."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_INSERT, key, element=element, copies=copies, within=within, flags=flags))

    async def erase(
        self,
        key: Key,
        element: Key,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Takes an element out of a set."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_ERASE, key, element=element, copies=copies, within=within, flags=flags))

    async def set_field(
        self,
        key: Key,
        field: Key,
        value: Bytes,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Sets a field of a map."""
        flags = _calls.retry(at_least_once)
        call = Call(lib.BATON_SET_FIELD, key, element=field, value=value, copies=copies, within=within, flags=flags)
        return await self._write(call)

    async def erase_field(
        self,
        key: Key,
        field: Key,
        *,
        copies: int | str | None = None,
        within: Seconds | None = None,
        at_least_once: bool = False,
    ) -> Written:
        """Removes a field of a map."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_ERASE_FIELD, key, element=field, copies=copies, within=within, flags=flags))

    async def enable(
        self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None, at_least_once: bool = False
    ) -> Written:
        """Turns a flag on."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_ENABLE, key, copies=copies, within=within, flags=flags))

    async def disable(
        self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None, at_least_once: bool = False
    ) -> Written:
        """Turns a flag off."""
        flags = _calls.retry(at_least_once)
        return await self._write(Call(lib.BATON_DISABLE, key, copies=copies, within=within, flags=flags))

    async def count(self, key: Key) -> int | None:
        """The sum of a counter; None if there is none."""
        return await self._ask(Call(lib.BATON_COUNT, key), Answer.as_count)

    async def contains(self, key: Key, element: Key) -> bool:
        """True if the element is in the set."""
        return await self._ask(Call(lib.BATON_CONTAINS, key, element=element), lambda answer: answer.found)

    async def elements(self, key: Key) -> list[bytes]:
        """The elements of a set, sorted; read in pages, not at one time."""
        return await self._ask(Call(lib.BATON_ELEMENTS, key), lambda answer: answer.names)

    async def field(self, key: Key, field: Key) -> Value | None:
        """The value of a field of a map; None if the member holds none."""
        return await self._ask(Call(lib.BATON_FIELD, key, element=field), Answer.as_value)

    async def field_siblings(self, key: Key, field: Key) -> list[Value]:
        """Every concurrent value of the field."""
        return await self._ask(Call(lib.BATON_FIELD_SIBLINGS, key, element=field), lambda answer: answer.values)

    async def fields(self, key: Key) -> list[bytes]:
        """The names of the fields of a map, sorted; read in pages."""
        return await self._ask(Call(lib.BATON_FIELDS, key), lambda answer: answer.names)

    async def enabled(self, key: Key) -> bool:
        """True if the flag is on."""
        return await self._ask(Call(lib.BATON_ENABLED, key), lambda answer: answer.found)

    async def types(self, key: Key) -> list[str]:
        """The types that the key holds, normally one: "register", "counter", "set", "map" or "flag"."""
        return await self._ask(Call(lib.BATON_TYPES, key), Answer.as_types)

    # ------------------------------------------------------------ the mesh

    async def keys(self, prefix: Key = b"") -> list[bytes]:
        """Keys of every type that begin with the prefix, sorted; read in pages."""
        return await self._ask(Call(lib.BATON_KEYS, prefix), lambda answer: answer.names)

    def watch(self, prefix: Key = b"") -> Watch:
        """What exists under the prefix, then every change, also at another member."""
        return Watch(self, prefix)

    async def members(self) -> list[Member]:
        """The members of the mesh, first the one that this client talks to."""
        return await self._ask(Call(lib.BATON_MEMBERS), lambda answer: answer.members)

    async def stats(self) -> str:
        """What the member counts and measures, as Prometheus reads it."""
        return await self._ask(Call(lib.BATON_STATS), lambda answer: answer.text.decode())

    async def ping(self) -> float:
        """Seconds to the member and back."""
        return await self._ask(Call(lib.BATON_PING), lambda answer: answer.number / 1e9)

    async def leave(self, member: Key, *, within: Seconds | None = None) -> LeaveReport:
        """Makes the member of that name, or of that id in 32 hexadecimal digits, leave the mesh. Errors: Absent, BadArgument,
        Refused (the key is not one of an admin)."""
        return await self._ask(Call(lib.BATON_LEAVE, member, within=within), Answer.as_leave_report)
