"""Resident memory against the limit; small limits and two threads show what a process takes beside its entries."""

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.servers import Server
from scrubjay import bench

BESIDE_BYTES = 60
"""What an entry costs beside its value, roughly: only decides how much is written."""

CHURN_MAX = 1.10
SHIFT_MAX = 1.25
"""Resident memory over the limit, from the targets."""

MIXED = (32, 1000)


@pytest.mark.parametrize("limit_bytes", [100_000_000, 256_000_000], ids=["100 MB", "256 MB"])
@pytest.mark.parametrize(
    ("before", "after", "most"),
    [
        pytest.param(MIXED, MIXED, CHURN_MAX, id="steady"),
        pytest.param((1000, 1000), (100, 100), SHIFT_MAX, id="values shrink"),
        pytest.param((100, 100), (1000, 1000), SHIFT_MAX, id="values grow"),
    ],
)
def test_resident_memory_stays_near_the_limit(
    serve: Callable[..., Server], limit_bytes: int, before: tuple[int, int], after: tuple[int, int], most: float
) -> None:
    node = serve(threads=2, max_memory=limit_bytes)
    empty = node.rss_bytes()
    _write(node, limit_bytes, before)
    _forget_peak(node)
    _write(node, limit_bytes, after)
    beyond = (_peak_bytes(node) - empty) / limit_bytes
    assert beyond < most, f"{beyond:.3f} x the limit"


LONG = (3000, 5000, 9000, 3000, 20_000, 4000)
"""Each leaves holes that the next does not fit in: survivors must move, or nearly every page of them stays."""


@pytest.mark.parametrize("threads", [1, 2])
def test_resident_memory_stays_near_the_limit_whatever_lengths_long_values_have_had(
    serve: Callable[..., Server], threads: int
) -> None:
    limit_bytes = 256_000_000
    node = serve(threads=threads, max_memory=limit_bytes)
    empty = node.rss_bytes()
    for length in LONG:
        _forget_peak(node)
        _write(node, limit_bytes, (length, length))
        beyond = (_peak_bytes(node) - empty) / limit_bytes
        assert beyond < SHIFT_MAX, f"{beyond:.3f} x the limit at values of {length} bytes"


def _write(node: Server, limit_bytes: int, lengths: tuple[int, int]) -> None:
    """Random keys, twice as many as fit, until twice the limit has been written."""
    fitting = limit_bytes // (sum(lengths) // 2 + BESIDE_BYTES)
    written = seed = 0
    while written < 2 * fitting:
        seed += 1
        load = bench.load(
            port=node.port,
            operation="set",
            keys=2 * fitting,
            value_bytes=lengths[0],
            value_bytes_max=lengths[1],
            connections=20,
            pipeline=16,
            seed=seed,
            duration_s=0.5,
            warmup_s=0,
        )
        assert load.errors == 0, load.first_error
        written += load.ops


def _forget_peak(node: Server) -> None:
    """From now on the kernel notes the largest resident size anew."""
    Path(f"/proc/{node.pid}/clear_refs").write_text("5", "ascii")


def _peak_bytes(node: Server) -> int:
    status = Path(f"/proc/{node.pid}/status").read_text("ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
