"""Why a call failed: one exception for each code of <baton/baton.h>, all of them BatonError."""
from __future__ import annotations


class BatonError(Exception):
    """A call failed; the text is a sentence for people, `code` the name of the kind for programs."""

    code = "failed"


class BadOption(BatonError, ValueError):
    """The value of an option cannot work."""

    code = "bad_option"


class BadSeed(BadOption):
    """A seed is not HOST:PORT."""

    code = "bad_seed"


class UnknownInterface(BatonError):
    """No network interface has that name or address."""

    code = "unknown_interface"


class AddressInUse(BatonError, OSError):
    """The port is taken."""

    code = "address_in_use"


class NetworkError(BatonError, OSError):
    """Another refusal of the operating system."""

    code = "network"


class KeyEmpty(BatonError, ValueError):
    """A key has at least one byte."""

    code = "key_empty"


class KeyTooLong(BatonError, ValueError):
    """A key, element or field has at most 512 bytes."""

    code = "key_too_long"


class ValueTooLong(BatonError, ValueError):
    """A value has at most 8 MiB."""

    code = "value_too_long"


class WrongType(BatonError, TypeError):
    """The key holds a value of another type."""

    code = "wrong_type"


class Full(BatonError):
    """The store has reached its bound."""

    code = "full"


class Leaving(BatonError):
    """The node leaves or has left: it accepts no more writes."""

    code = "leaving"


class Forked(BatonError):
    """The call is made in a forked child: nodes and clients stay with the parent. Start one after the fork, or use the start
    method `spawn` of multiprocessing."""

    code = "forked"


class Absent(BatonError, LookupError):
    """The key is not here."""

    code = "absent"


class ClaimLost(BatonError):
    """The claim no longer owns the key."""

    code = "claim_lost"


class Conflict(BatonError):
    """The key is not in the state that the call expects: read it again."""

    code = "conflict"


class BadArgument(BatonError, ValueError):
    """The arguments contradict each other or the options."""

    code = "bad_argument"


class UnknownVersion(BatonError, LookupError):
    """The node has not seen that write."""

    code = "unknown_version"


class Busy(BatonError):
    """Members lag too far behind, or too many calls are under way; nothing was written."""

    code = "busy"


class Timeout(BatonError, TimeoutError):
    """What the call waits for did not happen in time."""

    code = "timeout"


class Malformed(BatonError, ValueError):
    """The bytes do not have the form that they should have."""

    code = "malformed"


class NotReadable(BatonError, ValueError):
    """A typed value has another type or payload version."""

    code = "not_readable"


class TooManyWatches(BatonError):
    """The node has as many watches as it may have."""

    code = "too_many_watches"


class BadKey(BatonError):
    """A mesh key, or a file of keys, cannot be used."""

    code = "bad_key"


class Refused(BatonError):
    """The member does not accept this client, or its key does not allow the call."""

    code = "refused"


class Unreachable(BatonError, ConnectionError):
    """The client has no member to talk to at present, or was closed during the call."""

    code = "unreachable"


class Unknown(BatonError):
    """The write may have been made or not: the connection broke before its answer."""

    code = "unknown"


class Behind(BatonError):
    """The member lacks what this client has seen already."""

    code = "behind"


class Lost(BatonError):
    """Nobody in view has what this client has seen: see Client.accept_loss()."""

    code = "lost"


class Claimed(BatonError):
    """Another client owns the key by a claim at this member."""

    code = "claimed"


class Closed(BatonError):
    """The node, client, watch or claim is closed."""

    code = "closed"


class NoMemory(BatonError, MemoryError):
    """Memory is short; the call may have been made."""

    code = "no_memory"


BY_CODE: dict[str, type[BatonError]] = {
    kind.code: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, BatonError)
}


def error_of(code: str, what: str) -> BatonError:
    """The exception for a code of the library."""
    return BY_CODE.get(code, BatonError)(what or code)
