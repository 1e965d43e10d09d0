"""What calls return: plain values."""
from __future__ import annotations

import enum
from dataclasses import dataclass, field


@dataclass(frozen=True, order=True)
class Version:
    """Names one write; `Version()` names none."""

    replica: bytes = bytes(16)
    counter: int = 0


@dataclass(frozen=True)
class Value:
    """One value of a register or of a field."""

    value: bytes
    version: Version
    siblings: int = 0  #: how many other concurrent values there are
    epoch: int = 0  #: of the last claim or release; odd: a node owns the key; 0: it was never claimed

    @property
    def owned(self) -> bool:
        """True if a node owns the register, as far as this node knows."""
        return self.epoch % 2 == 1


class Outcome(enum.Enum):
    """What a pickup found, or why the key is absent."""

    FOUND = "found"
    PENDING_HANDOFF = "pending_handoff"  #: a leaving member has announced the key: it is on its way
    ABSENT_CONFIRMED = "absent_confirmed"  #: no node has the key
    ABSENT_UNSYNCED = "absent_unsynced"  #: another node may have it: do not start from an empty state


@dataclass(frozen=True)
class Pickup:
    """The answer to a pickup. It is true if the key was found."""

    outcome: Outcome
    read: Value | None = None  #: the value with its version, if it was found
    who: tuple[bytes, ...] = ()  #: ids of the nodes that hand the key over or may have it
    seeds: tuple[str, ...] = ()  #: seeds at which a member may be running

    def __bool__(self) -> bool:
        return self.read is not None

    @property
    def value(self) -> bytes:
        """The bytes; LookupError if the key was not found."""
        if self.read is None:
            raise LookupError(f"the key is not here: {self.outcome.value}")
        return self.read.value


@dataclass(frozen=True)
class Written:
    """What a write has reached."""

    version: Version  #: names the write
    copies: int  #: members known to hold it
    met: bool  #: the wanted level is reached; if not, the write goes on spreading
    changed: bool  #: False: there was nothing to remove


@dataclass(frozen=True)
class LeaveReport:
    """What a leave achieved."""

    outcome: str  #: "safe", "safe_degraded", "spilled" or "unsafe"
    copies: int  #: staying members that hold everything
    unsafe: int  #: keys that no staying member is known to hold
    unsafe_keys: tuple[bytes, ...] = ()  #: the first 1,000 of them
    path: str | None = None  #: the spill file, if one was written


@dataclass(frozen=True)
class Member:
    """Another node, as this one sees it."""

    id: bytes
    name: str
    state: str = ""
    endpoint: str = ""
    synced: bool = False
    lag: int = 0  #: events of this node that it has not reported as applied
    lag_seconds: float = 0.0
    round_trip: float | None = None  #: seconds
    client_endpoint: str = ""  #: of its door for clients; "": it has none


@dataclass(frozen=True)
class LostWrite:
    """A write of a client that nobody has any more."""

    key: bytes
    version: Version


@dataclass(frozen=True)
class Event:
    """One report about the mesh or this node."""

    kind: str  #: "joined", "left", "crashed", "conflict", …
    member: Member
    reason: str = ""
    key: bytes = b""
    count: int = 0


@dataclass(frozen=True)
class Change:
    """One report of a watch."""

    kind: str  #: "put", "removed", "initial_done" or "lagged"
    key: bytes = b""
    type: str | None = None  #: of a put: "register", "counter", "set", "map" or "flag"
    read: Value | None = field(default=None)  #: of a put of a register
    sum: int = 0  #: of a counter
    count: int = 0  #: with "lagged": how many changes were dropped

    @property
    def value(self) -> bytes:
        """The bytes of a register; LookupError for anything else."""
        if self.read is None:
            raise LookupError("only the put of a register has a value")
        return self.read.value
