"""redis-py, the client most programs use, in both protocols: what it does by itself on connecting, what it parses."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from harness.servers import Server
from harness.waiting import eventually

Client = Any
"""redis.Redis, whose annotations (futures and results in one union) describe no call that is made here."""


@pytest.fixture(params=[2, 3], ids=["resp2", "resp3"])
def client(ours: Server, request: pytest.FixtureRequest) -> Iterator[Client]:
    with redis.Redis(port=ours.port, protocol=request.param, client_name="tests", decode_responses=True) as connected:
        connected.flushall()
        yield connected


def test_strings_counters_and_expiry(client: Client) -> None:
    assert client.set("a", "1", ex=100) is True
    assert client.get("a") == "1"
    assert 99 <= client.ttl("a") <= 100
    assert client.set("a", "2", nx=True) is None
    assert client.set("a", "2", get=True) == "1"
    assert client.incrby("a", 40) == 42
    assert client.incrbyfloat("a", 0.5) == 42.5
    assert client.mset({"b": "1", "c": "2"}) is True
    assert client.mget(["b", "missing", "c"]) == ["1", None, "2"]
    assert client.getex("b", px=50_000) == "1"
    assert 49_000 < client.pttl("b") <= 50_000
    assert client.persist("b") is True
    assert client.getdel("b") == "1"
    assert client.append("c", "34") == 3
    assert client.setrange("c", 1, "99") == 3
    assert client.getrange("c", 0, -1) == "299"
    assert client.expire("c", 100, nx=True) is True
    assert client.expire("c", 200, nx=True) is False
    assert client.lcs("a", "a") == "42.5"


def test_bitmaps(client: Client) -> None:
    assert client.setbit("a", 7, 1) == 0
    assert client.bitcount("a") == 1
    assert client.bitpos("a", 1) == 7
    assert client.bitfield("a").set("u8", 0, 200).incrby("u8", 0, 100).execute() == [1, 44]
    client.set("b", "\x0f")
    assert client.bitop("or", "c", "a", "b") == 1
    assert client.bitfield_ro("b", "u4", 4) == [15]


def test_keys(client: Client) -> None:
    client.mset({f"key:{number}": number for number in range(300)})
    assert client.dbsize() == 300
    assert set(client.scan_iter("key:1?", count=20)) == {f"key:{number}" for number in range(10, 20)}
    assert len(client.keys("key:*")) == 300
    assert client.exists("key:1", "key:2", "none") == 2
    assert client.type("key:1") == "string"
    assert client.rename("key:1", "other") is True
    assert client.copy("other", "copied") is True
    assert client.touch("other", "copied") == 2
    assert client.unlink("other", "copied") == 2
    assert client.delete("key:2") == 1
    assert client.randomkey().startswith("key:")
    assert client.object("encoding", "key:3") == "int"
    with redis.Redis(port=client.get_connection_kwargs()["port"]) as bytewise:
        dumped = bytewise.dump("key:3")
        assert bytewise.restore("restored", 0, dumped)
        assert bytewise.get("restored") == b"3"


def test_server_commands_parse(client: Client) -> None:
    client.set("a", "x" * 1000)
    info = client.info()
    assert info["tcp_port"]
    assert info["used_memory"] > 1000
    assert info["connected_clients"] >= 1
    assert client.info("keyspace")["db0"]["keys"] == 1
    assert client.ping() is True
    assert client.echo("hello") == "hello"
    assert client.client_getname() == "tests"
    assert client.client_id() > 0
    assert any(entry["name"] == "tests" for entry in client.client_list())
    assert client.client_info()["lib-name"].startswith("redis-py")
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-s3fifo"}
    assert client.config_set("timeout", 0) is True
    assert client.command_count() == len(client.command())
    seconds, microseconds = client.time()
    assert seconds > 1_700_000_000
    assert 0 <= microseconds < 1_000_000
    assert client.lastsave()
    assert client.wait(0, 10) == 0
    assert client.memory_usage("a") > 1000
    assert client.memory_stats()
    assert client.slowlog_len() >= 0
    assert isinstance(client.slowlog_get(), list)
    assert client.latency_latest() == [] or client.latency_latest()
    assert client.role()


def test_errors_are_the_classes_that_programs_catch(client: Client) -> None:
    client.set("a", "x")
    with pytest.raises(redis.ResponseError, match="value is not an integer"):
        client.incr("a")
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command("NOSUCH")
    assert client.get("a") == "x", "the connection goes on"


def test_pipelines_answer_each_command(client: Client) -> None:
    pipeline = client.pipeline(transaction=False)
    for number in range(5000):
        pipeline.set(f"key:{number}", number).get(f"key:{number}")
    pipeline.incr("key:x").get("key:0")
    replies = pipeline.execute(raise_on_error=False)
    assert len(replies) == 10_002
    assert replies[1:10_000:2] == [str(number) for number in range(5000)]
    pipeline.set("text", "x").incr("text").get("text")
    stored, refused, read = pipeline.execute(raise_on_error=False)
    assert stored is True
    assert isinstance(refused, redis.ResponseError)
    assert read == "x"


def test_databases_are_apart(ours: Server, client: Client) -> None:
    client.set("a", "0")
    with redis.Redis(port=ours.port, db=3) as third:
        assert third.get("a") is None
        third.set("a", "3")
        assert ours_keys(client) == {"db0": 1, "db3": 1}


def ours_keys(client: Client) -> dict[str, int]:
    """Keys per database, as INFO says."""
    return {name: facts["keys"] for name, facts in client.info("keyspace").items()}


def test_many_threads_share_a_pool(ours: Server) -> None:
    pool = redis.Redis(port=ours.port, max_connections=8)
    pool.set("shared", 0)
    wrong: list[object] = []

    def work(number: int) -> None:
        for turn in range(200):
            pool.set(f"mine:{number}", turn)
            if pool.get(f"mine:{number}") != str(turn).encode():
                wrong.append((number, turn))
            pool.incr("shared")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert pool.get("shared") == b"1600"
    pool.close()


def test_monitor_shows_what_others_do(client: Client) -> None:
    with client.monitor() as monitor:
        client.set("seen", "by the monitor")
        seen = eventually(lambda: _next_with(monitor, "seen"), "the command at the monitor") or {}
    assert seen["command"] == "SET seen by the monitor"
    assert seen["db"] == 0


def _next_with(monitor: Client, word: str) -> dict[str, object] | None:
    shown: dict[str, object] = monitor.next_command()
    return shown if word in str(shown["command"]) else None


def test_a_password_is_asked_for(serve: Callable[..., Server]) -> None:
    node, once = serve(requirepass="secret"), Retry(NoBackoff(), 0)
    with redis.Redis(port=node.port, retry=once) as anonymous, pytest.raises(redis.AuthenticationError):
        anonymous.get("a")
    with redis.Redis(port=node.port, retry=once, password="wrong") as wrong, pytest.raises(redis.AuthenticationError):
        wrong.ping()
    for protocol in (2, 3):
        with redis.Redis(port=node.port, password="secret", protocol=protocol) as right:
            assert right.set("a", 1) is True
        with redis.Redis(port=node.port, username="default", password="secret", protocol=protocol) as right:
            assert right.get("a") == b"1"
