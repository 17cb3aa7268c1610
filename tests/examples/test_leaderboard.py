"""The leaderboard among the examples, against a node."""

import importlib.util
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import redis

from harness.servers import Server

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "leaderboard.py"


@pytest.fixture(scope="module")
def leaderboard() -> ModuleType:
    spec = importlib.util.spec_from_file_location("leaderboard", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["leaderboard"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    with redis.Redis(port=ours.port, protocol=request.param, decode_responses=True) as client:
        client.flushall()
        yield client


def test_every_place_is_where_sorting_puts_it(leaderboard: ModuleType, client: redis.Redis) -> None:
    board, chance = leaderboard.Leaderboard(client, "game"), random.Random(1)
    points: dict[str, float] = {}
    for _ in range(2000):
        player, result = f"player-{chance.randrange(500)}", chance.randrange(-50, 50) / 4
        assert board.record(player, result) == (result > points.get(player, float("-inf")))
        points[player] = max(result, points.get(player, result))
    ranking = sorted(points, key=lambda player: (points[player], player), reverse=True)
    places = [leaderboard.Place(rank, player, points[player]) for rank, player in enumerate(ranking, start=1)]
    assert len(board) == len(places)
    assert board.top(10) == places[:10]
    for place in places[::17]:
        assert board.place(place.player) == place
        assert board.around(place.player) == places[max(place.rank - 3, 0) : place.rank + 2]


def test_points_add_up_and_who_has_none_has_no_place(leaderboard: ModuleType, client: redis.Redis) -> None:
    board = leaderboard.Leaderboard(client, "game")
    assert board.award("ada", 1.5) == 1.5
    assert board.award("ada", 2) == 3.5
    assert board.place("nobody") is None
    assert board.around("nobody") == []
    board.reset()
    assert (len(board), board.top()) == (0, [])


def test_it_runs_as_its_docstring_says(ours: Server) -> None:
    command = [sys.executable, str(EXAMPLE), "--url", f"redis://127.0.0.1:{ours.port}", "--players", "200"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert printed[0] == "200 players; the best:"
    assert len(printed) == 1 + 10 + 1 + 5
    assert printed[1].split()[0] == "1."
    assert any("player-100" in line for line in printed[12:])
