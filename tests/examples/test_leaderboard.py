"""The leaderboard among the examples, against a node."""

import random
from collections.abc import Callable
from types import ModuleType

import redis


def test_every_place_is_where_sorting_puts_it(example: ModuleType, client: redis.Redis) -> None:
    board, chance = example.Leaderboard(client, "game"), random.Random(1)
    points: dict[str, float] = {}
    for _ in range(2000):
        player, result = f"player-{chance.randrange(500)}", chance.randrange(-50, 50) / 4
        assert board.record(player, result) == (result > points.get(player, float("-inf")))
        points[player] = max(result, points.get(player, result))
    ranking = sorted(points, key=lambda player: (points[player], player), reverse=True)
    places = [example.Place(rank, player, points[player]) for rank, player in enumerate(ranking, start=1)]
    assert len(board) == len(places)
    assert board.top(10) == places[:10]
    for place in places[::17]:
        assert board.place(place.player) == place
        assert board.around(place.player) == places[max(place.rank - 3, 0) : place.rank + 2]


def test_points_add_up_and_who_has_none_has_no_place(example: ModuleType, client: redis.Redis) -> None:
    board = example.Leaderboard(client, "game")
    assert board.award("ada", 1.5) == 1.5
    assert board.award("ada", 2) == 3.5
    assert board.place("nobody") is None
    assert board.around("nobody") == []
    board.reset()
    assert (len(board), board.top()) == (0, [])


def test_it_runs_as_its_docstring_says(run_example: Callable[..., list[str]]) -> None:
    printed = run_example("--players", "200")
    assert printed[0] == "200 players; the best:"
    assert len(printed) == 1 + 10 + 1 + 5
    assert printed[1].split()[0] == "1."
    assert any("player-100" in line for line in printed[12:])
