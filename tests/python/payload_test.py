"""Typed values are those of <baton/payload.hpp>: [payload version, object], structs as arrays of their fields."""
from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import msgpack
import pytest

from baton import errors, pack, unpack, unpack_as


@dataclass
class Player:
    name: str
    score: int = 0


@dataclass
class Game:
    round: int
    map: str
    players: list[Player] = field(default_factory=list)
    by_name: dict[str, Player] = field(default_factory=dict)
    speed: float = 1.5


@dataclass
class OldGame:
    round: int
    map: str


def test_the_bytes_are_those_of_cpp() -> None:
    # What baton::pack writes of struct {int round = 41; std::string map = "dust";} with MSGPACK_DEFINE.
    assert pack(OldGame(41, "dust")) == b"\x92\x01\x92\x29\xa4dust"
    assert pack([1, None, b"\0", "t"], version=7) == b"\x92\x07\x94\x01\xc0\xc4\x01\x00\xa1t"
    moment = datetime.datetime(2026, 11, 30, 12, tzinfo=datetime.timezone.utc)
    assert unpack(pack(moment)) == moment
    assert unpack(pack(2**64 - 1)) == 2**64 - 1 and unpack(pack(-(2**63))) == -(2**63)


def test_a_dataclass_may_grow_at_its_end() -> None:
    game = Game(3, "dust", [Player("a", 5)], {"b": Player("b")})
    assert unpack_as(Game, pack(game)) == game
    assert unpack_as(OldGame, pack(game)) == OldGame(3, "dust")
    assert unpack_as(Game, pack(OldGame(3, "dust"))) == Game(3, "dust")
    assert unpack_as(OldGame, msgpack.packb([1, [float(2**53), b"dust"]])) == OldGame(2**53, "dust")


@pytest.mark.parametrize("data", [b"", b"\x92\x01", b"\x92\x01\xc0\xc0", b"\x93\x01\xc0\xc0", b"\x92\xa1x\xc0", b"\xc1", b"text",
                                  b"\x92\xc3\xc0", b"\x92\x01" + 100 * b"\x91" + b"\xc0", b"\x92\x01\xdf\xff\xff\xff\xff"])
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(errors.NotReadable):
        unpack(data)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(errors.NotReadable, match="payload version 2, this program reads version 1"):
        unpack(pack("x", version=2))
    wrong: list[Any] = ["x", [1], ["x", "map"], [1, 2], [1, "map", "players"], [True, "map"], [1.5, "map"]]
    for each in wrong:
        with pytest.raises(errors.NotReadable):
            unpack_as(Game, pack(each))
    deep: list[Any] = []
    for _ in range(70):
        deep = [deep]
    for unfit in (object(), 2**64, datetime.datetime(2026, 1, 1), deep):
        with pytest.raises(errors.Malformed):
            pack(unfit)
