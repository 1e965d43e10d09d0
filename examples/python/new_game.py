#!/usr/bin/env python3
"""The Python half of a handoff between languages: takes the state over from the C++ game and plays on.

new_game.py CLUSTER SEED: SEED is the address that the old game has printed.
"""
import asyncio
import sys
from dataclasses import dataclass, field

import baton


@dataclass
class Game:
    """As struct game of old_game.cpp, with a field more: the new program may append one."""

    round: int
    map: str
    players: list[str] = field(default_factory=list)
    paused: bool = False


async def main(cluster: str, seed: str) -> int:
    async with baton.Node(network="loopback", cluster=cluster, name="new game", seed=seed, no_beacon=True) as node:
        got = await node.pickup("game/state", within=30, until="known")
        if not got:
            print(f"no state to start from: {got.outcome.value}")  # absent_unsynced: somebody may have it
            return 1
        async with await node.claim("game/state", within=30) as mine:  # from here on this game is the owner
            game = baton.unpack_as(Game, got.value)
            print(f"takes over round {game.round} on {game.map} with {', '.join(game.players)}")
            game.round += 1
            await mine.commit(baton.pack(game))
            await node.add("game/rounds played")
        print(f"played {node.count('game/rounds played')} rounds")
        async for event in node.events():
            if event.kind == "left":
                print(f"{event.member.name} has left")
                break
        await node.leave(nobody_stays=True)  # this was the last one
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:3])))
