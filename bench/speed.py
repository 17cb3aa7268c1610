"""Speed of one core: reads, writes and pings over RESP (memcached in its meta commands), closed loop.

All servers run side by side on the same core, each with the same keys loaded, and take turns: case by case,
A B C, A B C. An idle server costs the busy one next to nothing (Redis' cron and memcached's clock wake ten
times and once a second), and taking turns at a distance of seconds lets a change of the machine's mood hit
all alike.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import generator
import targets
from options import Options
from report import Row, missing_rows
from servers import ALL, MEMCACHED, Server, started


@dataclass(frozen=True)
class Case:
    """One line of the table of targets."""

    operation: str
    value_bytes: int
    pipeline: int

    @property
    def name(self) -> str:
        """As the targets name it."""
        size = f" {self.value_bytes} B" if self.value_bytes < 1024 else f" {self.value_bytes >> 10} KiB"
        depth = "no pipeline" if self.pipeline == 1 else f"pipeline {self.pipeline}"
        return f"{self.operation.upper()}{'' if self.operation == 'ping' else size}, {depth}"


CASES = (
    *(Case("get", 64, pipeline) for pipeline in (1, 16, 64)),
    *(Case("set", 64, pipeline) for pipeline in (1, 16, 64)),
    Case("get", 1024, 16),
    Case("set", 1024, 16),
    Case("ping", 64, 1),
    Case("ping", 64, 16),
)


def measure(options: Options, groups: set[str]) -> Iterable[Row]:
    """The rows of those of the groups `get`, `set` and `ping` that are asked for."""
    rows: list[Row] = []
    missing: dict[str, str] = {}
    for value_bytes in (64, 1024):
        cases = [case for case in CASES if case.operation in groups and case.value_bytes == value_bytes]
        if not cases:
            continue
        with started(ALL) as (servers, absent):
            missing |= absent
            for server in servers:
                generator.preload(server, options.speed_keys, value_bytes)
            for case in cases:
                rows += _case(case, servers, options)
    return [*rows, *missing_rows("speed", missing)]


def _case(case: Case, servers: list[Server], options: Options) -> list[Row]:
    contenders = [s for s in servers if case.operation != "ping" or s.name != MEMCACHED]
    metrics = (targets.CPU, targets.RATE, targets.P50, targets.P99, targets.P999)
    rows = {metric: Row("speed", case.name, metric, limits=targets.of(case.name, metric)) for metric in metrics}
    for _ in range(options.rounds):
        for server in contenders:
            load = generator.run(
                server,
                case.operation,
                keys=options.speed_keys,
                value_bytes=case.value_bytes,
                pipeline=case.pipeline,
                **options.timing,
            )
            figures = (load.server_cpu_us_per_op, load.ops_per_s, load.p50_us, load.p99_us, load.p999_us)
            for metric, figure in zip(metrics, figures, strict=True):
                rows[metric].samples.setdefault(server.name, []).append(figure)
    return list(rows.values())
