"""Typed values: objects as MessagePack, in the form of <baton/payload.hpp>: the array [payload version, object].

A dataclass is packed as the array of its fields, as MSGPACK_DEFINE packs a struct. So it may grow during a rolling update:
append the new field and give it a default. An old program ignores the field; a new one takes the default where it is
missing. Any other change needs a new payload version.
"""
from __future__ import annotations

import dataclasses
import typing
from typing import Any, TypeVar

import msgpack

from . import errors

T = TypeVar("T")

DEPTH_MAX = 64  #: nesting of arrays and maps, the outermost included


def _plain(value: Any, depth: int = 1) -> Any:
    if depth > DEPTH_MAX:
        raise errors.Malformed(f"the object is nested deeper than {DEPTH_MAX}")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [_plain(getattr(value, each.name), depth + 1) for each in dataclasses.fields(value)]
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each, depth + 1) for key, each in value.items()}
    return value


def pack(value: Any, version: int = 1) -> bytes:
    """The bytes of [version, value]. A datetime must have a time zone. Error: Malformed if MessagePack has no such type."""
    try:
        packed = msgpack.packb([version, _plain(value, 2)], datetime=True)
    except (TypeError, ValueError, OverflowError) as failure:
        raise errors.Malformed(f"the object could not be packed ({failure})") from failure
    return typing.cast(bytes, packed)


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        each, depth = waiting.pop()
        inner = each if isinstance(each, list) else each.values() if isinstance(each, dict) else None
        if inner is not None:
            deepest = max(deepest, depth)
            waiting.extend((one, depth + 1) for one in inner)
    return deepest


def unpack(data: bytes, version: int = 1) -> Any:
    """The object in a payload, of lists, dicts, numbers, text, bytes and datetimes. Error: NotReadable."""
    try:
        outer = msgpack.unpackb(data, timestamp=3, strict_map_key=False)
    except Exception as failure:  # msgpack raises many kinds, ValueError and its own among them
        raise errors.NotReadable("the value is not a whole MessagePack object") from failure
    if not isinstance(outer, list) or len(outer) != 2 or type(outer[0]) is not int:
        raise errors.NotReadable("the value is not a typed value, [payload version, object]")
    if outer[0] != version:
        raise errors.NotReadable(
            f"the value has payload version {outer[0]}, this program reads version {version}"
        )
    if _depth(outer) > DEPTH_MAX:
        raise errors.NotReadable(f"the value is nested deeper than {DEPTH_MAX}")
    return outer[1]


def unpack_as(cls: type[T], data: bytes, version: int = 1) -> T:
    """The dataclass in a payload; fields that are missing at its end take their defaults. Error: NotReadable."""
    return typing.cast(T, _as(cls, unpack(data, version)))


def _as(wanted: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        if not isinstance(value, list):
            raise errors.NotReadable(f"the value is no {wanted.__name__}, but {type(value).__name__}")
        hints = typing.get_type_hints(wanted)
        names = [each.name for each in dataclasses.fields(wanted)]
        given = {name: _as(hints[name], each) for name, each in zip(names, value)}
        try:
            return wanted(**given)
        except TypeError as failure:
            raise errors.NotReadable(f"the value is no {wanted.__name__}: {failure}") from failure
    kind = typing.get_origin(wanted)
    if kind in (list, dict):
        if not isinstance(value, kind):
            raise errors.NotReadable(f"a field is no {kind.__name__}, but {type(value).__name__}")
        inner = typing.get_args(wanted)[-1]
        if kind is list:
            return [_as(inner, each) for each in value]
        return {key: _as(inner, each) for key, each in value.items()}
    if wanted is int and isinstance(value, float) and value.is_integer():
        return int(value)  # as JavaScript writes large numbers
    if wanted in (int, float, str, bytes, bool):
        good = (int, float) if wanted is float else (bytes, str) if wanted in (bytes, str) else wanted
        if not isinstance(value, good) or (wanted is not bool and isinstance(value, bool)):
            raise errors.NotReadable(f"a field is no {wanted.__name__}, but {type(value).__name__}")
        if wanted is bytes and isinstance(value, str):
            return value.encode()
        if wanted is str and isinstance(value, bytes):
            return value.decode("utf-8", "surrogateescape")
    return value
