"""Namespaces at every door of a running node, through its settings file, and within their limits."""

import json
import subprocess
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import redis

from harness.resp import Connection, integer, text
from harness.servers import Server, environment, scrubjay

FILE = """\
# what the workers need
[namespaces.jobs] # a queue
max-memory = '8mb' # plenty
eviction-policy = "noeviction"

[namespaces.sessions]
default-ttl = 60
"""


def test_the_settings_file_and_the_running_node_say_the_same(serve: Callable[..., Server], tmp_path: Path) -> None:
    file = tmp_path / "jay.toml"
    file.write_text(FILE)
    node = serve(config=file)
    with node.connect() as client:
        client.run("SELECT", "sessions")
        client.run("SET", "s", "1")
        assert client.ask("TTL", "s") in [integer(left) for left in range(1, 61)]
        client.run("JAY.NAMESPACE", "SET", "jobs", "MAXMEMORY", "16mb", "MAXOPS", "7000")
        client.run("JAY.NAMESPACE", "DROP", "sessions")
        client.run("JAY.NAMESPACE", "SET", "2", "TTL", "1.5")
        client.run("CONFIG", "REWRITE")
        before = client.ask("JAY.NAMESPACE", "LIST")
    written = file.read_text()
    assert written.startswith('# what the workers need\n[namespaces.jobs] # a queue\nmax-memory = "16mb" # plenty\n')
    assert "sessions" not in written
    node.stop()
    again = serve(config=file)
    with again.connect() as client:
        # The same, but for the number of the one that was second in the file.
        assert str(client.ask("JAY.NAMESPACE", "LIST")) == str(before)
    shown = subprocess.run(
        [*scrubjay(), "config", "show", "--config", file],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "namespaces.jobs.max-ops = 7000\n" in shown
    assert "namespaces.2.default-ttl = 1500ms\n" in shown


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ("[namespaces.16]\n", "'16' cannot be a namespace"),
        ("[namespaces.a]\nmax-memory = 'lots'\n", "namespaces.a.max-memory: 'lots' is not a size"),
        ("[namespaces.a]\neviction-policy = 'best'\n", "namespaces.a.eviction-policy: 'best'"),
        ("[namespaces.a]\nmaxops = 1\n", "a namespace has no such setting"),
    ],
)
def test_a_wrong_table_is_refused_in_one_sentence(table: str, part: str, tmp_path: Path) -> None:
    file = tmp_path / "jay.toml"
    file.write_text(table)
    ended = subprocess.run(
        [*scrubjay(), "serve", "--config", file, "--port", "0"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert part in ended.stderr
    assert str(file) in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_queue_loses_nothing_to_a_full_node_and_its_limit_holds(serve: Callable[..., Server]) -> None:
    node = serve(max_memory="32mb")
    with node.connect() as client:
        client.run("JAY.NAMESPACE", "SET", "jobs", "MAXMEMORY", "8mb", "POLICY", "noeviction")
        client.run("SELECT", "jobs")
        client.pipeline([("RPUSH", "queue", f"{number:08}") for number in range(1000)])
        client.run("SELECT", "0")
        for start in range(0, 60_000, 1000):  # twice what the node has
            client.pipeline([("SET", f"page:{start + number}", "x" * 1000) for number in range(1000)])
        assert int(client.info("stats")["evicted_keys"]) > 0
        client.run("SELECT", "jobs")
        assert client.ask("LLEN", "queue").value == 1000
        refused = None
        for number in range(20_000):
            answer = client.ask("SET", f"job:{number}", "x" * 1000)
            if answer.is_error:
                refused = answer
                break
        assert str(refused).startswith("-OOM ")
        fields = _namespace(client, "jobs")
        assert 7 << 20 < int(fields["bytes"]) <= 8 << 20
        assert fields["policy"] == "noeviction"
        assert client.ask("LLEN", "queue").value == 1000
        client.run("JAY.NAMESPACE", "SET", "jobs", "POLICY", "allkeys-lru")
        assert str(client.ask("SET", "more", "x" * 1000)) == "+OK"
        client.run("JAY.NAMESPACE", "DROP", "jobs")
        assert "ns_jobs" not in client.info("namespaces")


def test_a_client_library_selects_a_namespace_by_its_name(ours: Server) -> None:
    with redis.Redis(port=ours.port) as client:
        client.execute_command("JAY.NAMESPACE", "SET", "library")
    try:
        pool = redis.ConnectionPool(port=ours.port, db="library")
        with redis.Redis(connection_pool=pool) as client:
            with client.pipeline(transaction=True) as pipeline:
                assert pipeline.set("k", "v").get("k").execute() == [True, b"v"]
            client.rpush("l", "x")
            assert client.blpop(["l"], timeout=5) == (b"l", b"x")
            assert client.client_info()["db"] >= 16
    finally:
        with redis.Redis(port=ours.port) as client:
            client.execute_command("JAY.NAMESPACE", "DROP", "library")


def test_hot_and_big_keys_say_the_name(serve: Callable[..., Server]) -> None:
    node = serve(hot_key_threshold=1)
    with node.connect(protocol=3) as client:
        client.run("JAY.NAMESPACE", "SET", "pages")
        client.run("SELECT", "pages")
        client.run("SET", "large", "x" * 100_000)
        client.pipeline([("GET", "large")] * 5000)
        big = client.ask("JAY.BIGKEYS")
        assert '"database", "pages"' in str(big)
        hot = client.ask("JAY.HOTKEYS")
        assert '"database", "pages"' in str(hot)
    status, answer = _http(node, "GET", "/cluster/hotkeys")
    assert status == 200
    assert (answer["keys"][0]["key"], answer["keys"][0]["namespace"]) == ("large", "pages")


def test_a_quota_refuses_at_both_doors_and_lets_through_again(serve: Callable[..., Server]) -> None:
    node = serve()
    assert _http(node, "PUT", "/v1/namespaces/slow", body={"maxOps": 1})[0] == 201
    with node.connect() as client:
        client.run("SELECT", "slow")
        client.run("SET", "k", "v")
        refused = client.ask("GET", "k")
        assert str(refused).startswith("-LIMIT namespace 'slow' may run 1 commands a second: try again in ")
        status, answer = _http(node, "GET", "/cache/k", headers={"X-Namespace": "slow"})
        assert (status, answer["code"]) == (429, "limited")
        deadline = time.monotonic() + 60
        while client.ask("GET", "k") != text("v"):
            assert time.monotonic() < deadline, "the quota never has room again"
        assert int(_namespace(client, "slow")["ops_refused"]) >= 2


def _namespace(client: Connection, name: str) -> dict[str, str]:
    return dict(field.split("=") for field in client.info("namespaces")[f"ns_{name}"].split(","))


def _http(
    node: Server, method: str, path: str, *, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    client = HTTPConnection("127.0.0.1", node.http_port, timeout=20)
    kind = {"Content-Type": "application/json"} if body is not None else {}
    client.request(method, path, body=None if body is None else json.dumps(body), headers=kind | (headers or {}))
    response = client.getresponse()
    status, answer = response.status, json.load(response)
    client.close()
    return status, answer
