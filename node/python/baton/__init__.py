"""baton keeps a process's state alive when the process goes away: a replicated map in the memory of every node of a mesh.

`Node` is a member of the mesh for asyncio (see `baton.node`), `SyncNode` one for other programs (see `baton.sync`). `Client` and
`SyncClient` talk to a member and are none (see `baton.client`). Values
are bytes; `pack` and `unpack` make them of objects, as C++ programs do with <baton/typed.hpp>. The semantics of every call are
those of the C++ API; seconds are floats or timedeltas.
"""
from . import errors
from ._abi import library_version
from .client import Client, ClientClaim
from .errors import BatonError
from .node import Claim, Node
from .payload import pack, unpack, unpack_as
from .sync import SyncClaim, SyncNode, SyncWatch
from .sync_client import SyncClient, SyncClientClaim
from .values import Change, Event, LeaveReport, LostWrite, Member, Outcome, Pickup, Value, Version, Written
from .watching import Watch

__all__ = [
    "BatonError",
    "Change",
    "Claim",
    "Client",
    "ClientClaim",
    "Event",
    "LeaveReport",
    "LostWrite",
    "Member",
    "Node",
    "Outcome",
    "Pickup",
    "SyncClaim",
    "SyncClient",
    "SyncClientClaim",
    "SyncNode",
    "SyncWatch",
    "Value",
    "Version",
    "Watch",
    "Written",
    "errors",
    "library_version",
    "pack",
    "unpack",
    "unpack_as",
]
