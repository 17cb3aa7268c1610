"""Load on a running node, and what it answered: the library behind `scrubjay bench`.

The generator is the native one that the published figures are measured with (`bench/METHOD.md` in the
repository): light enough not to be the bottleneck, and it parses every reply. It works on any server that
speaks the protocol. Comparing servers, pinning them to cores and printing targets is the business of the
repository's `bench/`.
"""

import json
from dataclasses import dataclass, fields
from typing import Any

from scrubjay._core import loadgen, loadgen_defaults

__all__ = ["Load", "defaults", "load"]


@dataclass(frozen=True, slots=True)
class Load:
    """What a run found. Counts and rates are of the measured seconds, latencies in microseconds."""

    ops: int
    """Replies received."""
    seconds: float
    """Length of the measured window."""
    ops_per_s: float
    """Replies per second."""
    hits: int
    """Reads that found their key."""
    misses: int
    """Reads that did not."""
    stored: int
    """Writes and pings that were confirmed."""
    errors: int
    """Error replies."""
    first_error: str | None
    """The text of the first one."""
    p50_us: float
    """Median time from a batch's first byte (open loop: from when it fell due) to its last reply."""
    p99_us: float
    """99th percentile."""
    p999_us: float
    """99.9th percentile."""
    max_us: float
    """The slowest batch."""
    generator_cpu: float
    """Cores that the generator used: near `threads`, it may be the limit itself."""
    generator_cpu_us_per_op: float
    """The generator's CPU per operation."""
    server_cpu: float | None
    """Cores that the server used; None unless `server_pid` named its process."""
    server_cpu_us_per_op: float | None
    """The server's CPU per operation; None unless `server_pid` named its process."""
    send_lag_p99_us: float | None
    """Open loop: how late the generator itself was, 99th percentile."""


def defaults() -> dict[str, Any]:
    """Every setting that `load` takes, with its default."""
    settings: dict[str, Any] = json.loads(loadgen_defaults())
    return settings


def load(**settings: Any) -> Load:  # noqa: ANN401 (the generator's own table of settings says which and of what type)
    """Put load on a server and wait until it is over.

    Args:
        **settings: `host`, `port`, `protocol` ("resp", "memcached", "meta", "http"), `operation` ("get",
            "set", "mix", "load", "ping"), `pipeline`, `connections`, `threads`, `duration_s`, `warmup_s`,
            `value_bytes`, `keys`, `ttl_s`, `rate_per_s` (0: closed loop) and what else `defaults` lists.

    Returns:
        What the server answered, and how fast. Error replies are counted in it and not raised.

    Raises:
        ConfigurationError: a setting that does not exist or cannot be used; nothing was sent.
        ConnectionLost: the server cannot be reached, went away, fell silent or does not speak the protocol. A
            "load" has then written a part of its keys.

    Example:
        >>> from scrubjay import bench
        >>> bench.defaults()["pipeline"]
        1
    """
    report = json.loads(loadgen(json.dumps(settings)))
    return Load(**{field.name: report[field.name] for field in fields(Load)})
