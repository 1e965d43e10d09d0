"""A client for programs without asyncio; any thread may use it.

    with baton.SyncClient(cluster="harbour", seed=["10.0.0.5:5670"]) as client:
        client.stash("session/ABYZ", b"round 41")
        print(client.pickup("session/ABYZ").value)

A call that waits can be interrupted by Ctrl-C: it then goes on without its caller. For the rest see `baton.client`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from . import _calls
from ._abi import Answer, Bytes, Call, Key, Pairs, Seconds, lib
from ._calls import Granted, ClientBase
from .sync import SyncWatch, wait_for
from .values import LeaveReport, Member, Pickup, Value, Version, Written

T = TypeVar("T")


class SyncClientClaim(Granted):
    """A register that this client owns: `with client.claim("session") as mine`. Leaving the block releases it.

    It belongs to its client: close it first, since otherwise the key is free only when the lease ends. After the client's end
    its calls raise errors.Closed.
    """

    def __init__(self, client: SyncClient, answer: Answer) -> None:
        super().__init__(answer)
        self._client = client

    def commit(
        self, value: Bytes, *, copies: int | str | None = None, within: Seconds | None = None, ttl: Seconds | None = None
    ) -> Written:
        """Writes the key as its owner. Errors: ClaimLost, and those of SyncClient.stash."""
        return self._client._write(self._commit(value, copies, within, ttl))

    def release(self) -> int:
        """Gives the key up, and returns the epoch under which it is free. Error: ClaimLost."""
        return self._client._ask(Call(lib.BATON_RELEASE, claim=self._handle), lambda answer: answer.count)

    def lost(self) -> bool:
        """What the member says: True once this client does not own the key any more."""
        return self._client._ask(self._about(), lambda answer: bool(answer.flags & lib.BATON_LOST))

    def tentative(self) -> bool:
        """What the member says: True while another node may own the key, too."""
        return self._client._ask(self._about(), lambda answer: bool(answer.flags & lib.BATON_TENTATIVE))

    def _about(self) -> Call:
        return Call(lib.BATON_CLAIM_STATE, claim=self._handle)

    def __enter__(self) -> SyncClientClaim:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SyncClient(ClientBase):
    """Talks to a member of the mesh, as `baton.Client`, with calls that block. `with` connects and closes."""

    def connect(self) -> SyncClient:
        """Finds a member and is let in. Errors: as Client.connect()."""
        self._connect()
        return self

    def close(self) -> None:
        """Closes the connection. Calls of other threads end."""
        if self._handle in _calls._open_clients:
            self._close()

    def __enter__(self) -> SyncClient:
        return self.connect()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, call: Call, made: Callable[[Answer], T]) -> T:
        return wait_for(self._handle, call, made)

    def _write(self, call: Call) -> Written:
        return self._ask(call, Answer.as_written)

    # ------------------------------------------------------------ registers

    def stash(
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
        """As Client.stash()."""
        flags = _calls.retry(at_least_once)
        return self._write(_calls.stash(key, value, copies, within, ttl, if_version, flags))

    def stash_all(
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
        return self._write(Call(lib.BATON_STASH_ALL, pairs=values.items(), copies=copies, within=within, ttl=ttl, flags=flags))

    def pickup(self, key: Key, *, within: Seconds | None = None, until: str = "found") -> Pickup:
        """As Client.pickup()."""
        return self._ask(_calls.pickup(key, within, until), Answer.as_pickup)

    def siblings(self, key: Key) -> list[Value]:
        """Every concurrent value of a register, first the one that pickup reads."""
        return self._ask(Call(lib.BATON_SIBLINGS, key), lambda answer: answer.values)

    def drop(
        self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None, at_least_once: bool = False
    ) -> Written:
        """Removes all that the member has seen of the key, of any type."""
        flags = _calls.retry(at_least_once)
        return self._write(Call(lib.BATON_DROP, key, copies=copies, within=within, flags=flags))

    def resolve(
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
        return self._write(call)

    def confirm(self, version: Version, *, copies: int | str, within: Seconds | None = None) -> Written:
        """Waits until so many members hold a write."""
        return self._write(Call(lib.BATON_CONFIRM, copies=copies, within=within, versions=[version]))

    def claim(
        self,
        key: Key,
        *,
        within: Seconds | None = None,
        lease: Seconds | None = None,
        if_free: bool = False,
        if_epoch: int | None = None,
    ) -> SyncClientClaim:
        """As Client.claim()."""
        return self._ask(_calls.claim(key, within, lease, if_free, if_epoch), lambda answer: SyncClientClaim(self, answer))

    # ------------------------------------------------------------ typed values

    def add(
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
        return self._write(Call(lib.BATON_ADD, key, amount=amount, copies=copies, within=within, flags=flags))

    def insert(
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
        return self._write(Call(lib.BATON_INSERT, key, element=element, copies=copies, within=within, flags=flags))

    def erase(
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
        return self._write(Call(lib.BATON_ERASE, key, element=element, copies=copies, within=within, flags=flags))

    def set_field(
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
        return self._write(Call(lib.BATON_SET_FIELD, key, element=field, value=value, copies=copies, within=within, flags=flags))

    def erase_field(
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
        return self._write(Call(lib.BATON_ERASE_FIELD, key, element=field, copies=copies, within=within, flags=flags))

    def enable(
        self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None, at_least_once: bool = False
    ) -> Written:
        """Turns a flag on."""
        flags = _calls.retry(at_least_once)
        return self._write(Call(lib.BATON_ENABLE, key, copies=copies, within=within, flags=flags))

    def disable(
        self, key: Key, *, copies: int | str | None = None, within: Seconds | None = None, at_least_once: bool = False
    ) -> Written:
        """Turns a flag off."""
        flags = _calls.retry(at_least_once)
        return self._write(Call(lib.BATON_DISABLE, key, copies=copies, within=within, flags=flags))

    def count(self, key: Key) -> int | None:
        """The sum of a counter; None if there is none."""
        return self._ask(Call(lib.BATON_COUNT, key), Answer.as_count)

    def contains(self, key: Key, element: Key) -> bool:
        """True if the element is in the set."""
        return self._ask(Call(lib.BATON_CONTAINS, key, element=element), lambda answer: answer.found)

    def elements(self, key: Key) -> list[bytes]:
        """The elements of a set, sorted; read in pages, not at one time."""
        return self._ask(Call(lib.BATON_ELEMENTS, key), lambda answer: answer.names)

    def field(self, key: Key, field: Key) -> Value | None:
        """The value of a field of a map; None if the member holds none."""
        return self._ask(Call(lib.BATON_FIELD, key, element=field), Answer.as_value)

    def field_siblings(self, key: Key, field: Key) -> list[Value]:
        """Every concurrent value of the field."""
        return self._ask(Call(lib.BATON_FIELD_SIBLINGS, key, element=field), lambda answer: answer.values)

    def fields(self, key: Key) -> list[bytes]:
        """The names of the fields of a map, sorted; read in pages."""
        return self._ask(Call(lib.BATON_FIELDS, key), lambda answer: answer.names)

    def enabled(self, key: Key) -> bool:
        """True if the flag is on."""
        return self._ask(Call(lib.BATON_ENABLED, key), lambda answer: answer.found)

    def types(self, key: Key) -> list[str]:
        """The types that the key holds, normally one: "register", "counter", "set", "map" or "flag"."""
        return self._ask(Call(lib.BATON_TYPES, key), Answer.as_types)

    # ------------------------------------------------------------ the mesh

    def keys(self, prefix: Key = b"") -> list[bytes]:
        """Keys of every type that begin with the prefix, sorted; read in pages."""
        return self._ask(Call(lib.BATON_KEYS, prefix), lambda answer: answer.names)

    def watch(self, prefix: Key = b"") -> SyncWatch:
        """What exists under the prefix, then every change, also at another member. Waits until the member has begun."""
        return SyncWatch(self, prefix)

    def members(self) -> list[Member]:
        """The members of the mesh, first the one that this client talks to."""
        return self._ask(Call(lib.BATON_MEMBERS), lambda answer: answer.members)

    def stats(self) -> str:
        """What the member counts and measures, as Prometheus reads it."""
        return self._ask(Call(lib.BATON_STATS), lambda answer: answer.text.decode())

    def ping(self) -> float:
        """Seconds to the member and back."""
        return self._ask(Call(lib.BATON_PING), lambda answer: answer.number / 1e9)

    def leave(self, member: Key, *, within: Seconds | None = None) -> LeaveReport:
        """Makes the member of that name, or of that id in 32 hexadecimal digits, leave the mesh. Errors: Absent, BadArgument,
        Refused (the key is not one of an admin)."""
        return self._ask(Call(lib.BATON_LEAVE, member, within=within), Answer.as_leave_report)
