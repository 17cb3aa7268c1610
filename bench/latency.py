"""Latency at half of one core's capacity, without pipelining: open loop, all contenders at the same rate.

Capacity is what one core of ours would do if it were busy all the time: the closed-loop throughput divided
by the share of the core that it used. Half of that is offered to everyone, so "no worse than the best peer
at equal load" can be read off. (Where ours cannot run, the first server that can sets the rate.)
"""

from collections.abc import Iterable

import generator
import targets
from options import Options
from report import Row, missing_rows
from servers import ALL, Server, started


def measure(options: Options) -> Iterable[Row]:
    """p50, p99 and p99.9 of reads and writes at half load."""
    rows: list[Row] = []
    with started(ALL) as (servers, missing):
        for server in servers:
            generator.preload(server, options.speed_keys, 64)
        for operation in ("get", "set") if servers else ():
            rows += _half_load(operation, servers, options)
    return [*rows, *missing_rows("latency", missing)]


def _half_load(operation: str, servers: list[Server], options: Options) -> list[Row]:
    settings = {"keys": options.speed_keys, **options.timing}
    full = generator.run(servers[0], operation, **settings)
    rate = full.ops_per_s / full.server_cpu / 2
    case = f"{operation.upper()} 64 B at half load"
    metrics = (targets.P50, targets.P99, targets.P999)
    rows = {metric: Row("latency", case, metric, limits=targets.of(case, metric)) for metric in metrics}
    offered = Row("latency", case, "requests/s offered")
    lag = Row("latency", case, "generator's own lag, p99, µs")
    for _ in range(options.rounds):
        for server in servers:
            load = generator.run(server, operation, rate_per_s=rate, **settings)
            for metric, figure in zip(metrics, (load.p50_us, load.p99_us, load.p999_us), strict=True):
                rows[metric].samples.setdefault(server.name, []).append(figure)
            offered.samples.setdefault(server.name, []).append(rate)
            lag.samples.setdefault(server.name, []).append(load.send_lag_p99_us or 0.0)
    return [offered, *rows.values(), lag]
