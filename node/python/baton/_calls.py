"""What the asynchronous and the synchronous forms share: how calls are made up, a node's reads, which never wait, and the end of
the program."""
from __future__ import annotations

import atexit
import itertools
import warnings
from collections.abc import Iterable
from typing import Any

from . import _abi, errors
from ._abi import Bytes, Call, Key, OptionValue, Seconds, lib
from .values import LostWrite, Member, Value, Version

LEAVE_AT_EXIT = 2.0  #: seconds: how long all nodes together may hand over when the program ends

_open_nodes: set[int] = set()
_open_clients: set[int] = set()


@atexit.register
def _leave_all() -> None:
    """Nodes that the program has not closed hand over together. In a forked child there are none."""
    for client in list(_open_clients):
        _abi.close(client)
    nodes = list(_open_nodes)
    if not nodes:
        return
    try:
        queue = _abi.open_queue()
        begun = 0
        for tag, node in enumerate(nodes):
            try:
                _abi.begin(node, queue, tag, Call(lib.BATON_LEAVE, within=LEAVE_AT_EXIT))
                begun += 1
            except errors.BatonError:
                pass  # it has left, or is the parent's
        for _ in range(begun):
            if _abi.next_answer(queue, round(LEAVE_AT_EXIT * 2000)) is None:
                break
        for node in nodes:
            _abi.close(node)
        _abi.close(queue)
    except errors.BatonError:
        pass


def stash(
    key: Key,
    value: Bytes,
    copies: int | str | None,
    within: Seconds | None,
    ttl: Seconds | None,
    if_version: Version | None,
    flags: int = 0,
) -> Call:
    versions = [] if if_version is None else [if_version]
    flags |= lib.BATON_IF_VERSION if versions else 0
    return Call(lib.BATON_STASH, key, value=value, copies=copies, within=within, ttl=ttl, flags=flags, versions=versions)


def pickup(key: Key, within: Seconds | None, until: str) -> Call:
    if until not in ("found", "known"):
        raise errors.BadArgument(f'until is "found" or "known", not {until!r}')
    flags = lib.BATON_UNTIL_KNOWN if until == "known" else 0
    return Call(lib.BATON_PICKUP, key, within=within, flags=flags)


def claim(key: Key, within: Seconds | None, lease: Seconds | None, if_free: bool, if_epoch: int | None) -> Call:
    flags = lib.BATON_IF_FREE if if_free else 0
    return Call(lib.BATON_CLAIM, key, within=within, lease=lease, flags=flags, epoch=if_epoch)


def retry(at_least_once: bool) -> int:
    """The flag of a client's write."""
    return int(lib.BATON_AT_LEAST_ONCE) if at_least_once else 0


def leave(within: Seconds | None, copies: int | None, nobody_stays: bool) -> Call:
    call = Call(lib.BATON_LEAVE, within=within, flags=lib.BATON_NOBODY_STAYS if nobody_stays else 0)
    call.c.copies = copies or 0
    return call


class NodeBase:
    """A node, and its reads of local memory, which never wait."""

    def __init__(self, **options: OptionValue) -> None:
        self._options = options
        self._handle = 0

    def _start(self) -> None:
        if self._handle != 0:
            raise errors.BadArgument("the node has been started before")
        self._handle = _abi.start(self._options)
        _open_nodes.add(self._handle)
        self._self = self._run(Call(lib.BATON_SELF)).members[0]

    def _close(self) -> None:
        """Waits for the leave, if there was none."""
        _abi.close(self._handle)
        _open_nodes.discard(self._handle)

    def __del__(self) -> None:
        # Leaving may take time, and may not be what is wanted: it happens at the end of the program.
        if getattr(self, "_handle", 0) in _open_nodes:
            warnings.warn(f"{self!r} was not closed; it leaves when the program ends", ResourceWarning, stacklevel=2, source=self)

    def __repr__(self) -> str:
        return f"<baton.{type(self).__name__} {self._self.name}>" if self._handle else f"<baton.{type(self).__name__}>"

    def _run(self, call: Call) -> _abi.Answer:
        return _abi.run(self._handle, call)

    # ------------------------------------------------------------ this node

    @property
    def name(self) -> str:
        """The option `name`, or the name that the node chose."""
        return self._self.name

    @property
    def id(self) -> bytes:
        """The id of this run, 16 bytes."""
        return self._self.id

    @property
    def endpoint(self) -> str:
        """An address that another node may use as a seed."""
        return self._run(Call(lib.BATON_SELF)).members[0].endpoint

    # ------------------------------------------------------------ reads

    def siblings(self, key: Key) -> list[Value]:
        """Every concurrent value of a register, first the one that pickup reads."""
        return self._run(Call(lib.BATON_SIBLINGS, key)).values

    def count(self, key: Key) -> int | None:
        """The sum of a counter; None if there is none."""
        return self._run(Call(lib.BATON_COUNT, key)).as_count()

    def contains(self, key: Key, element: Key) -> bool:
        """True if the element is in the set."""
        return self._run(Call(lib.BATON_CONTAINS, key, element=element)).found

    def elements(self, key: Key) -> list[bytes]:
        """The elements of a set, sorted."""
        return self._run(Call(lib.BATON_ELEMENTS, key)).names

    def field(self, key: Key, field: Key) -> Value | None:
        """The value of a field of a map; None if this node holds none."""
        return self._run(Call(lib.BATON_FIELD, key, element=field)).as_value()

    def field_siblings(self, key: Key, field: Key) -> list[Value]:
        """Every concurrent value of the field."""
        return self._run(Call(lib.BATON_FIELD_SIBLINGS, key, element=field)).values

    def fields(self, key: Key) -> list[bytes]:
        """The names of the fields of a map, sorted."""
        return self._run(Call(lib.BATON_FIELDS, key)).names

    def enabled(self, key: Key) -> bool:
        """True if the flag is on."""
        return self._run(Call(lib.BATON_ENABLED, key)).found

    def types(self, key: Key) -> list[str]:
        """The types that the key holds, normally one: "register", "counter", "set", "map" or "flag"."""
        return self._run(Call(lib.BATON_TYPES, key)).as_types()

    def keys(self, prefix: Key = b"") -> list[bytes]:
        """Keys of every type that begin with the prefix, sorted."""
        return self._run(Call(lib.BATON_KEYS, prefix)).names

    def members(self) -> list[Member]:
        """All other nodes that this node knows."""
        return self._run(Call(lib.BATON_MEMBERS)).members

    def stats(self) -> str:
        """What the node counts and measures, as Prometheus reads it."""
        return self._run(Call(lib.BATON_STATS)).text.decode()

    def digest(self) -> str:
        """32 hexadecimal digits over the state; equal on nodes with equal state."""
        return self._run(Call(lib.BATON_DIGEST)).text.decode()

    def end_leave_now(self) -> None:
        """Ends a running leave, or the next one, with what it has reached."""
        lib.baton_end_leave_now(self._handle)


class ClientBase:
    """A client: its options, and what it needs no member for."""

    def __init__(self, **options: OptionValue) -> None:
        self._options = options
        self._handle = 0

    def _connect(self) -> None:
        if self._handle != 0:
            raise errors.BadArgument("the client has been connected before")
        self._handle = _abi.connect(self._options)
        _open_clients.add(self._handle)

    def _close(self) -> None:
        """Ends the calls of other threads, and waits for them."""
        _open_clients.discard(self._handle)
        _abi.close(self._handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", 0) in _open_clients:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, stacklevel=2, source=self)
            self._close()

    def __repr__(self) -> str:
        return f"<baton.{type(self).__name__} of {self._options.get('cluster', 'default')}>"

    def talks_to(self) -> bytes | None:
        """The id of the member that this client talks to; None while it looks for one."""
        members = _abi.run(self._handle, Call(lib.BATON_TALKS_TO)).members
        return members[0].id if members else None

    def lost_writes(self) -> list[LostWrite]:
        """After errors.Lost: the last 1,024 writes of this client, as far as they are among what is lost."""
        return _abi.run(self._handle, Call(lib.BATON_LOST_WRITES)).as_lost_writes()

    def accept_loss(self) -> None:
        """Goes on without what is lost: this client forgets what it has seen."""
        _abi.run(self._handle, Call(lib.BATON_ACCEPT_LOSS))


class Granted:
    """What a claim has found, and its handle."""

    def __init__(self, answer: _abi.Answer) -> None:
        self._handle = answer.claim
        self.key = answer.key  #: the key
        self.epoch = answer.count  #: of the claim: odd, and larger than every earlier one
        self.values_found = answer.values  #: all values that the claim found; a client's claim has the first of them

    @property
    def taken_over(self) -> Value:
        """The value that the claim took over."""
        return self.values_found[0]

    def close(self) -> None:
        """Releases the key if the claim still owns it."""
        _abi.close(self._handle)

    def _commit(self, value: Bytes, copies: int | str | None, within: Seconds | None, ttl: Seconds | None) -> Call:
        return Call(lib.BATON_COMMIT, claim=self._handle, value=value, copies=copies, within=within, ttl=ttl)


class ClaimBase(Granted):
    """A register that this node owns, until the claim is closed or lost."""

    def __init__(self, node: NodeBase, answer: _abi.Answer) -> None:
        super().__init__(answer)
        self._node = node

    def _state(self) -> int:
        return self._node._run(Call(lib.BATON_CLAIM_STATE, claim=self._handle)).flags

    @property
    def lost(self) -> bool:
        """True once the claim no longer owns the key, for good."""
        try:
            return bool(self._state() & lib.BATON_LOST)
        except (errors.Closed, errors.Forked):
            return True

    @property
    def tentative(self) -> bool:
        """True while another node may own the key, too."""
        return bool(self._state() & lib.BATON_TENTATIVE)

    def renew(self) -> None:
        """Restarts the lease. Error: ClaimLost."""
        self._node._run(Call(lib.BATON_RENEW, claim=self._handle))

    def release(self) -> int:
        """Gives the key up, and returns the epoch under which it is free. Error: ClaimLost."""
        return self._node._run(Call(lib.BATON_RELEASE, claim=self._handle)).count


tags = itertools.count(1)


def versions_of(given: Iterable[Version | Value]) -> list[Version]:
    """The versions of values, or themselves."""
    return [each.version if isinstance(each, Value) else each for each in given]


def unused(answer: Any) -> None:
    """Nobody waits for this answer any more: a claim in it is released."""
    if answer.claim != 0:
        _abi.close(answer.claim)
