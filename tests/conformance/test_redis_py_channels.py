"""redis-py's publish and subscribe, and its near cache, against a node and beside the reference server."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from redis.cache import CacheConfig

from harness.servers import Server
from harness.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]

Client = redis.Redis

SERVERS = ["ours", "reference"]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    chosen: Server = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(params=[2, 3])
def client(request: pytest.FixtureRequest, server: Server) -> Iterator[Client]:
    with redis.Redis(port=server.port, protocol=request.param, decode_responses=True) as connected:
        connected.flushall()
        yield connected


def channels(client: Client) -> redis.client.PubSub:
    """A listener over a connection of its own."""
    listener: redis.client.PubSub = client.pubsub()  # type: ignore[no-untyped-call]
    return listener


def next_message(pubsub: redis.client.PubSub) -> dict[str, object]:
    found: dict[str, object] = eventually(
        lambda: pubsub.get_message(ignore_subscribe_messages=True, timeout=1), "a message"
    )
    return found


def told_as_json(pubsub: redis.client.PubSub) -> dict[str, object]:
    data = next_message(pubsub)["data"]
    assert isinstance(data, bytes)
    told: dict[str, object] = json.loads(data)
    return told


def test_channels_and_patterns(client: Client) -> None:
    with channels(client) as pubsub:
        pubsub.subscribe("news", "sport")
        pubsub.psubscribe("n*")
        eventually(lambda: pubsub.get_message(timeout=1) and client.pubsub_numpat() == 1, "all is confirmed")
        assert sorted(client.pubsub_channels()) == ["news", "sport"]
        assert client.pubsub_numsub("news", "none") == [("news", 1), ("none", 0)]
        assert client.publish("news", "hello") == 2
        seen = [next_message(pubsub) for _ in range(2)]
        assert {(one["type"], one["channel"], one["data"]) for one in seen} == {
            ("message", "news", "hello"),
            ("pmessage", "news", "hello"),
        }
        pubsub.unsubscribe()  # type: ignore[no-untyped-call]
        pubsub.punsubscribe()  # type: ignore[no-untyped-call]
    eventually(lambda: client.publish("news", "hello") == 0, "nobody listens")


def test_channels_of_a_shard(client: Client) -> None:
    with channels(client) as pubsub:
        pubsub.ssubscribe("s")
        eventually(lambda: client.pubsub_shardnumsub("s") == [("s", 1)], "somebody listens")
        assert client.pubsub_shardchannels() == ["s"]
        assert client.spublish("s", "hello") == 1
        message = next_message(pubsub)
        assert (message["type"], message["channel"], message["data"]) == ("smessage", "s", "hello")


def test_a_thread_serves_handlers(client: Client) -> None:
    heard: list[object] = []
    with channels(client) as pubsub:
        pubsub.subscribe(news=lambda message: heard.append(message["data"]))
        thread = pubsub.run_in_thread(sleep_time=0.01)
        try:
            eventually(lambda: client.publish("news", "0"), "somebody listens")
            for number in range(1, 100):
                client.publish("news", str(number))
            eventually(lambda: len(heard) >= 100, "everything is heard")
        finally:
            thread.stop()
            thread.join()
    assert heard == [str(number) for number in range(100)]


@pytest.fixture
def near(ours: Server) -> Iterator[Callable[[], Client]]:
    """Clients with near caches; redis-py refuses to open one on a server as old as the reference."""
    with redis.Redis(port=ours.port) as connected:
        connected.flushall()
    opened: list[Client] = []

    def connect() -> Client:
        opened.append(redis.Redis(port=ours.port, protocol=3, decode_responses=True, cache_config=CacheConfig()))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def cached(client: Client) -> int:
    cache = client.get_cache()
    assert cache is not None
    return int(cache.size)


def test_the_near_cache_answers_itself_until_another_writes(near: Callable[[], Client]) -> None:
    one, other = near(), near()
    other.set("user:1", "a")
    assert one.get("user:1") == "a"
    assert (cached(one), one.get("user:1")) == (1, "a")
    other.set("user:1", "b")
    assert eventually(lambda: one.get("user:1") == "b", "the change is seen")
    other.delete("user:1")
    assert eventually(lambda: one.get("user:1") is None, "the end is seen")


def test_the_near_cache_forgets_everything_after_a_flush(near: Callable[[], Client]) -> None:
    one, other = near(), near()
    for number in range(20):
        other.set(f"k{number}", number)
        one.get(f"k{number}")
    assert cached(one) == 20
    other.flushall()
    assert eventually(lambda: one.get("k1") is None, "the flush is seen")


def test_lists_are_cached_near_too(near: Callable[[], Client]) -> None:
    one, other = near(), near()
    other.rpush("l", "a", "b")
    assert one.lrange("l", 0, -1) == ["a", "b"]
    other.rpush("l", "c")
    assert eventually(lambda: one.lrange("l", 0, -1) == ["a", "b", "c"], "the change is seen")


def test_the_example_runs(ours: Server) -> None:
    command = [sys.executable, str(ROOT / "examples" / "near_cache.py"), f"redis://127.0.0.1:{ours.port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "the change was seen after" in done.stdout


def test_changes_are_told_as_json(ours: Server) -> None:
    with redis.Redis(port=ours.port) as client, channels(client) as pubsub:
        client.flushall()
        client.set("before", "1")
        pubsub.subscribe("cache-invalidation")
        eventually(lambda: dict(client.pubsub_numsub("cache-invalidation")).get(b"cache-invalidation"), "it is heard")
        client.set("user:1", "a", px=50)
        client.delete("before")
        client.set(b"\xff", "1")
        seen: dict[tuple[str, str], dict[str, object]] = {}
        while len(seen) < 4:
            told = told_as_json(pubsub)
            seen[str(told["key"]), str(told["action"])] = told
        assert set(seen) == {
            ("user:1", "update"),
            ("user:1", "expire"),
            ("before", "delete"),
            ("\ufffd", "update"),
        }
        assert seen["\ufffd", "update"]["keyBase64"] == "/w=="
        assert all(told["namespace"] == "0" for told in seen.values())
        assert all(float(str(told["timestamp"])) > 1_700_000_000 for told in seen.values())
        client.flushall()
        told = told_as_json(pubsub)
        assert (told["key"], told["action"], "namespace" in told) == (None, "flush", False)
        with redis.Redis(port=ours.port, db=3) as third:
            third.set("a", "1")
            third.flushdb()
        seen_there = [told_as_json(pubsub) for _ in range(2)]
        assert [(told["action"], told["namespace"]) for told in seen_there] == [("update", "3"), ("flush", "3")]
        client.set("user:2", "a")
        client.execute_command("SET", "item:2", "a", "TAGS", 1, "fresh")
        client.execute_command("JAY.DELPREFIX", "user:")
        client.execute_command("JAY.DELTAG", "fresh")
        groups = [told_as_json(pubsub) for _ in range(4)][2:]
        assert [(told["key"], told["action"]) for told in groups] == [(None, "delete")] * 2
        assert (groups[0]["prefix"], groups[1]["tag"]) == ("user:", "fresh")
        client.config_set("invalidation-channel", "no")
        try:
            client.set("user:1", "b")
            client.publish("cache-invalidation", "end")
            assert next_message(pubsub)["data"] == b"end"
        finally:
            client.config_set("invalidation-channel", "yes")
