"""The C ABI of <baton/baton.h> as Python objects. Everything here is private to the package.

No call into the library holds the interpreter's lock, and the library never calls Python.
"""
from __future__ import annotations

import ctypes.util
import os
import pathlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Union

from . import errors
from ._baton_abi import ffi
from .values import Change, Event, LeaveReport, LostWrite, Member, Outcome, Pickup, Value, Version, Written

Bytes = Union[bytes, bytearray, memoryview]
Key = Union[str, Bytes]
Seconds = Union[float, timedelta]
Pairs = Union[Mapping[str, Bytes], Mapping[bytes, Bytes]]
OptionValue = Union[str, int, float, bool, timedelta, os.PathLike[str], Iterable[str], None]


def _load() -> Any:
    """The library of BATON_LIBRARY, beside the package, or of the system, in this order."""
    given = os.environ.get("BATON_LIBRARY")
    beside = pathlib.Path(__file__).with_name("libbaton.so.0")
    tried = [str(beside)] if beside.exists() else []
    tried += ["libbaton.so.0", ctypes.util.find_library("baton") or "libbaton.so"]
    for each in [given] if given else tried:
        try:
            return ffi.dlopen(each)
        except OSError as failure:
            if given:
                raise ImportError(f"BATON_LIBRARY: {failure}") from failure
    raise ImportError("libbaton.so.0 is not installed; BATON_LIBRARY may name it")


lib: Any = _load()
OK: int = lib.BATON_OK
TIMEOUT: int = lib.BATON_TIMEOUT


def text(of: Any) -> str:
    """A text that ends with a zero byte, or ""."""
    return "" if of == ffi.NULL else bytes(ffi.string(of)).decode("utf-8", "backslashreplace")


def library_version() -> str:
    """The version of the loaded library, "0.1.0"."""
    return text(lib.baton_library_version())


def _bytes(of: Any) -> bytes:
    return bytes(ffi.buffer(of.data, of.size)) if of.size else b""


def as_bytes(of: Key) -> bytes:
    """The bytes of a key: text is UTF-8."""
    return of.encode("utf-8", "surrogateescape") if isinstance(of, str) else bytes(of)


def milliseconds(of: Seconds) -> int:
    """At least 1 for every time above 0, as 0 has a meaning of its own."""
    seconds = of.total_seconds() if isinstance(of, timedelta) else float(of)
    return max(1, round(min(seconds, 10**12) * 1000)) if seconds > 0 else -1


def _version(of: Any) -> Version:
    return Version(bytes(of.replica), of.counter)


class Fault:
    """A baton_error of one function call."""

    def __init__(self) -> None:
        self.c = ffi.new("baton_error *", {"size": ffi.sizeof("baton_error")})

    def check(self, code: int) -> None:
        if code != OK:
            raise errors.error_of(text(lib.baton_code_name(code)), text(self.c.what))


class Call:
    """A baton_call, and the memory that it points to."""

    def __init__(
        self,
        what: int,
        key: Key = b"",
        *,
        element: Key = b"",
        value: Bytes = b"",
        amount: int = 0,
        claim: int = 0,
        within: Seconds | None = None,
        ttl: Seconds | None = None,
        lease: Seconds | None = None,
        copies: int | str | None = None,
        versions: Iterable[Version] = (),
        pairs: Iterable[tuple[Key, Bytes]] = (),
        epoch: int | None = None,
        flags: int = 0,
    ) -> None:
        self._kept: list[Any] = []
        self.c = ffi.new("baton_call *")
        c = self.c
        c.size = ffi.sizeof("baton_call")
        c.what = what
        self._put(c.key, as_bytes(key))
        self._put(c.element, as_bytes(element))
        self._put_value(c.value, value)
        c.amount = amount
        c.claim = claim
        c.within_ms = 0 if within is None else milliseconds(within)
        c.ttl_ms = 0 if ttl is None else milliseconds(ttl)
        c.lease_ms = 0 if lease is None else milliseconds(lease)
        c.flags = flags
        if epoch is not None:
            c.flags |= lib.BATON_IF_EPOCH
            c.epoch = epoch
        if isinstance(copies, int):
            c.ack, c.copies = lib.BATON_ACK_COPIES, copies
        elif copies is not None:
            levels = {"local": lib.BATON_ACK_LOCAL, "majority": lib.BATON_ACK_MAJORITY, "all_up": lib.BATON_ACK_ALL_UP}
            if copies not in levels:
                raise errors.BadArgument(f'copies is a number, "local", "majority" or "all_up", not {copies!r}')
            c.ack = levels[copies]
        named = list(versions)
        if named:
            all_c = ffi.new("baton_version[]", len(named))
            for each, given in zip(all_c, named):
                each.replica = given.replica
                each.counter = given.counter
            self._kept.append(all_c)
            c.versions = all_c
            c.versions_count = len(named)

        together = list(pairs)
        if together:
            all_pairs = ffi.new("baton_pair[]", len(together))
            for each, (its_key, its_value) in zip(all_pairs, together):
                self._put(each.key, as_bytes(its_key))
                self._put_value(each.value, its_value)
            self._kept.append(all_pairs)
            c.pairs = all_pairs
            c.pairs_count = len(together)

    def _put_value(self, into: Any, value: Bytes) -> None:
        if isinstance(value, str):
            raise TypeError("a value is bytes: encode the text, or pack() it")
        self._put(into, value)

    def _put(self, into: Any, data: Bytes) -> None:
        if len(data) == 0:
            return
        view = ffi.from_buffer(data)
        self._kept.append(view)
        into.data = view
        into.size = len(view)


@dataclass
class Answer:
    """A baton_answer, copied."""

    code: int
    what: str
    tag: int
    word: str
    flags: int
    number: int
    count: int
    written: Version
    claim: int
    type: str
    key: bytes
    text: bytes
    values: list[Value]
    names: list[bytes]
    members: list[Member]

    def raise_failure(self) -> None:
        if self.code != OK:
            raise errors.error_of(text(lib.baton_code_name(self.code)), self.what)

    @property
    def found(self) -> bool:
        return bool(self.flags & lib.BATON_FOUND)

    def as_written(self) -> Written:
        met, changed = lib.BATON_MET, lib.BATON_CHANGED
        return Written(self.written, self.count, bool(self.flags & met), bool(self.flags & changed))

    def as_pickup(self) -> Pickup:
        who = tuple(each.id for each in self.members)
        seeds = tuple(each.decode("utf-8", "backslashreplace") for each in self.names)
        return Pickup(Outcome(self.word), self.values[0] if self.values else None, who, seeds)

    def as_leave_report(self) -> LeaveReport:
        path = self.text.decode("utf-8", "surrogateescape") or None
        return LeaveReport(self.word, self.count, self.number, tuple(self.names), path)

    def as_count(self) -> int | None:
        return self.number if self.found else None

    def as_value(self) -> Value | None:
        return self.values[0] if self.values else None

    def as_types(self) -> list[str]:
        return [each.decode() for each in self.names]

    def as_lost_writes(self) -> list[LostWrite]:
        return [LostWrite(key, each.version) for key, each in zip(self.names, self.values)]

    def as_event(self) -> Event:
        reason = self.text.decode("utf-8", "backslashreplace")
        return Event(self.word, self.members[0], reason, self.key, self.count)

    def as_change(self) -> Change:
        read = self.values[0] if self.values else None
        return Change(self.word, self.key, self.type or None, read, self.number, self.count)


def _member(of: Any) -> Member:
    def words(part: Any) -> str:
        return _bytes(part).decode("utf-8", "backslashreplace")

    round_trip = of.round_trip_us / 1e6 if of.round_trip_us >= 0 else None
    return Member(
        bytes(of.id),
        words(of.name),
        words(of.state),
        words(of.endpoint),
        bool(of.synced),
        of.lag,
        of.lag_ms / 1e3,
        round_trip,
        words(of.client_endpoint),
    )


def new_answer() -> Any:
    return ffi.new("baton_answer *", {"size": ffi.sizeof("baton_answer")})


def taken(c: Any) -> Answer:
    """Copies the answer and frees the library's memory."""
    try:
        values = [
            Value(_bytes(each.value), _version(each.written), each.siblings, each.epoch)
            for each in (c.values[i] for i in range(c.values_count))
        ]
        names = [_bytes(c.names[i]) for i in range(c.names_count)]
        members = [_member(c.members[i]) for i in range(c.members_count)]
        return Answer(
            c.code,
            text(c.what),
            c.tag,
            text(c.word),
            c.flags,
            c.number,
            c.count,
            _version(c.written),
            c.claim,
            text(c.type),
            _bytes(c.key),
            _bytes(c.text),
            values,
            names,
            members,
        )
    finally:
        lib.baton_answer_free(c)


def run(node_or_client: int, call: Call) -> Answer:
    """Makes a call that does not wait, or waits for its end."""
    answer = new_answer()
    lib.baton_run(node_or_client, call.c, answer)
    made = taken(answer)
    made.raise_failure()
    return made


def next_answer(handle: int, within_ms: int) -> Answer | None:
    """The next completion, event or change; None if none comes in time."""
    answer = new_answer()
    code = lib.baton_next(handle, within_ms, answer)
    if code == OK:
        return taken(answer)
    if code != TIMEOUT:
        raise errors.error_of(text(lib.baton_code_name(code)), f"nothing more comes: {text(lib.baton_code_name(code))}")
    return None


def begin(node_or_client: int, queue: int, tag: int, call: Call) -> None:
    fault = Fault()
    fault.check(lib.baton_begin(node_or_client, queue, tag, call.c, fault.c))


def descriptor(handle: int) -> int:
    fault, fd = Fault(), ffi.new("int *")
    fault.check(lib.baton_fd(handle, fd, fault.c))
    return int(fd[0])


def open_queue() -> int:
    fault, queue = Fault(), ffi.new("baton_queue *")
    fault.check(lib.baton_queue_open(0, queue, fault.c))
    return int(queue[0])


def open_watch(node_or_client: int, prefix: Key) -> int:
    fault, watch = Fault(), ffi.new("baton_watch *")
    data = as_bytes(prefix)
    view = ffi.from_buffer(data)
    c = ffi.new("baton_bytes *", {"data": view, "size": len(data)})
    fault.check(lib.baton_watch_open(node_or_client, c[0], watch, fault.c))
    return int(watch[0])


def close(handle: int) -> None:
    """Closes a handle; one that is closed or belongs to the parent of a fork is none of ours."""
    lib.baton_close(handle)


def _option(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{max(0, round(value.total_seconds() * 1000))}ms"
    return str(os.fspath(value)) if isinstance(value, os.PathLike) else str(value)


def start(options: Mapping[str, OptionValue]) -> int:
    """A node. Names are those of `baton run`, with _ for -; a list repeats an option; None leaves it out."""
    return _opened(lib.baton_start, options)


def connect(options: Mapping[str, OptionValue]) -> int:
    """A client; options as start()."""
    return _opened(lib.baton_connect, options)


def _opened(opens: Any, options: Mapping[str, OptionValue]) -> int:
    pairs: list[tuple[bytes, bytes]] = []
    for name, value in options.items():
        every = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        for each in every:
            if each is not None:
                pairs.append((name.replace("_", "-").encode(), _option(each).encode("utf-8", "surrogateescape")))
    kept = [(ffi.new("char[]", name), ffi.new("char[]", value)) for name, value in pairs]
    c = ffi.new("baton_option[]", [{"name": name, "value": value} for name, value in kept])
    fault, handle = Fault(), ffi.new("uint64_t *")
    fault.check(opens(c, len(kept), handle, fault.c))
    return int(handle[0])
