"""A leaderboard: who leads, where do I stand, and who is near me.

A sorted set keeps its members in order while their scores change, so a rank is a look-up and not a sort: every question
here costs the logarithm of the number of players. Run it against a node:

    scrubjay serve &
    pip install redis
    python examples/leaderboard.py --players 1000
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass

import redis


@dataclass(frozen=True)
class Place:
    """A player's place: ranks begin at 1, players with equal points stand in the order of their names."""

    rank: int
    player: str
    points: float

    def __str__(self) -> str:
        """One line of a table."""
        return f"{self.rank:>6}. {self.player:<16} {self.points:>8g}"


class Leaderboard:
    """The best of a game, under one key of a node."""

    def __init__(self, client: redis.Redis, key: str) -> None:
        self._client = client
        self._key = key

    def __len__(self) -> int:
        """How many players have points."""
        return int(self._client.zcard(self._key))

    def record(self, player: str, points: float) -> bool:
        """Keeps the player's best result. Whether this is one."""
        return bool(self._client.zadd(self._key, {player: points}, gt=True, ch=True))

    def award(self, player: str, points: float) -> float:
        """Adds points to what the player has, and returns the sum."""
        return float(self._client.zincrby(self._key, points, player))

    def top(self, count: int = 10) -> list[Place]:
        """The best players."""
        return list(self._places(0, count - 1))

    def place(self, player: str) -> Place | None:
        """Where a player stands; None without points. Rank and points are of one moment."""
        found = self._client.execute_command("ZREVRANK", self._key, player, "WITHSCORE")
        return Place(found[0] + 1, player, float(found[1])) if found else None

    def around(self, player: str, distance: int = 2) -> list[Place]:
        """A player and those just above and below; nobody without points."""
        place = self.place(player)
        if place is None:
            return []
        return list(self._places(max(place.rank - 1 - distance, 0), place.rank - 1 + distance))

    def reset(self) -> None:
        """Everybody begins anew."""
        self._client.delete(self._key)

    def _places(self, first: int, last: int) -> Iterator[Place]:
        rows = self._client.zrange(self._key, first, last, desc=True, withscores=True)
        for rank, (player, points) in enumerate(rows, start=first + 1):
            yield Place(rank, player, points)


def main() -> None:
    """Plays a few rounds and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="redis://127.0.0.1:6379", help="the node")
    parser.add_argument("--players", type=int, default=1000, help="how many play")
    parser.add_argument("--seed", type=int, default=1, help="repeats a game")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)  # noqa: S311 - a game
    with redis.Redis.from_url(arguments.url, decode_responses=True) as client:
        board = Leaderboard(client, "leaderboard")
        board.reset()
        for number in range(arguments.players):
            board.record(f"player-{number}", chance.randrange(10_000))
        me = f"player-{arguments.players // 2}"
        board.award(me, 500)
        print(f"{len(board)} players; the best:")
        print(*board.top(), sep="\n")
        print(f"around {me}:")
        print(*board.around(me), sep="\n")


if __name__ == "__main__":
    main()
