"""`/metrics` as Prometheus reads it, by the parser of its own client library, and by the names of the contract."""

import re
import urllib.request
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from harness.servers import Server

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"

CONTRACT = {
    "cache_entries": "gauge",
    "cache_memory_bytes": "gauge",
    "cache_hits_total": "counter",
    "cache_misses_total": "counter",
    "cache_hit_rate": "gauge",
    "cache_evictions_total": "counter",
    "cache_expirations_total": "counter",
    "cache_errors_total": "counter",
    "cache_bytes_in_total": "counter",
    "cache_bytes_out_total": "counter",
    "cache_command_duration_seconds": "histogram",
}
"""Names that dashboards and alerts are written against: they stay as they are."""

SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{[^}]*\})? \S+")
PART = re.compile(r"_(bucket|sum|count)$")


@pytest.fixture
def node(serve: Callable[..., Server]) -> Server:
    """A node that has done a little of everything that is counted."""
    node = serve(max_memory="256mb")
    with node.connect() as connection:
        connection.pipeline([("SET", f"key:{number}", "x" * 100) for number in range(50)])
        connection.pipeline([("GET", f"key:{number}") for number in range(75)])
        connection.pipeline([("INCR", "key:1"), ("NOSUCH",), ("GET",), ("LCS", "a", "b", "IDX")])
        connection.run("CONFIG", "GET", "maxmemory")
        door = HTTPConnection("127.0.0.1", node.http_port, timeout=20)
        door.request("PUT", '/cache/"quoted"', body=b"x")
        assert door.getresponse().read()
        door.close()
    return node


def test_every_sample_stands_under_the_help_and_the_type_of_its_family(node: Server) -> None:
    family, kind, seen = "", "", Counter[str]()
    lines = _text(node).splitlines()
    for number, line in enumerate(lines):
        if line.startswith("# HELP "):
            family, sentence = line.removeprefix("# HELP ").split(" ", 1)
            assert sentence.endswith("."), line
            seen[family] += 1
            words = lines[number + 1].split(" ")
            assert words[:3] == ["#", "TYPE", family], f"{line}\n{lines[number + 1]}"
            kind = words[3]
        elif not line.startswith("# TYPE "):
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            name = PART.sub("", sample["name"]) if kind == "histogram" else sample["name"]
            assert name == family, f"{line} under {family}"
    assert set(seen.values()) == {1}, seen.most_common(3)
    assert set(seen) == set(re.findall(r"^\| `(cache_[a-z_]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_official_parser_reads_every_family_with_its_kind(node: Server) -> None:
    families = _families(node)
    kinds = {name: family.type for name, family in families.items()}
    assert CONTRACT.items() <= kinds.items()
    for name, family in families.items():
        assert name.startswith("cache_")
        assert family.documentation, name
        assert family.type in {"counter", "gauge", "histogram"}, name
        series = Counter((sample.name, frozenset(sample.labels.items())) for sample in family.samples)
        assert set(series.values()) <= {1}, series.most_common(1)
        assert (family.type == "counter") == name.endswith("_total"), name
        assert all(sample.value >= 0 for sample in family.samples), name


def test_what_is_counted_is_what_was_done(node: Server) -> None:
    families = _families(node)

    def value(name: str, **labels: str) -> float:
        (sample,) = [sample for sample in families[name].samples if sample.labels == labels]
        return sample.value

    assert value("cache_entries") == 51
    assert value("cache_hits_total") == 50
    assert value("cache_misses_total") == 25 + 2, "LCS reads two keys"
    assert value("cache_hit_rate") == pytest.approx(50 / 77)
    assert value("cache_commands_total", command="set") == 51, "by both doors"
    assert value("cache_commands_failed_total", command="incr") == 1
    assert value("cache_commands_rejected_total", command="get") == 1
    assert value("cache_errors_total", code="ERR") >= 3
    assert value("cache_memory_max_bytes") == 256 << 20
    assert value("cache_payload_bytes") == sum(len(f"key:{number}") + 100 for number in range(50)) + 8 + 1


def test_histograms_are_cumulative_and_end_with_everything(node: Server) -> None:
    families = _families(node)
    commands = {sample.labels["command"]: sample.value for sample in families["cache_commands_total"].samples}
    samples = families["cache_command_duration_seconds"].samples
    timed = {sample.labels["command"] for sample in samples}
    assert {"get", "set", "incr", "config|get"} <= timed
    for command in timed:
        of = [sample for sample in samples if sample.labels["command"] == command]
        buckets = [(float(sample.labels["le"]), sample.value) for sample in of if sample.name.endswith("_bucket")]
        assert [bound for bound, _ in buckets] == sorted({bound for bound, _ in buckets})
        assert [count for _, count in buckets] == sorted(count for _, count in buckets)
        total = next(sample.value for sample in of if sample.name.endswith("_count"))
        seconds = next(sample.value for sample in of if sample.name.endswith("_sum"))
        assert buckets[-1] == (float("inf"), total)
        assert total == commands[command], command
        assert 0 < seconds < total * 20


def _text(node: Server) -> str:
    with urllib.request.urlopen(f"{node.url}/metrics", timeout=20) as answer:  # noqa: S310 - a node on loopback
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        body: bytes = answer.read()
    assert body.endswith(b"\n")
    return body.decode()


def _families(node: Server) -> dict[str, Metric]:
    """By name; the parser takes the `_total` off a counter's, and we put it back."""
    return {
        family.name + "_total" * (family.type == "counter"): family
        for family in text_string_to_metric_families(_text(node))
    }
