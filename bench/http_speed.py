"""HTTP with keep-alive: GET of a stored value and PUT, raw bodies.

50 connections, one request at a time on each. Measured alone: neither reference server speaks HTTP. What
nginx costs for the same is in METHOD.md.
"""

from collections.abc import Iterable
from dataclasses import replace

import generator
import targets
from options import Options
from report import Row
from servers import OURS, start


def measure(options: Options) -> Iterable[Row]:
    """CPU per operation, throughput and latency of both methods."""
    metrics = (targets.CPU, targets.RATE, targets.P50, targets.P99, targets.P999)
    rows = {
        (operation, metric): Row("http", case, metric, limits=targets.of(case, metric))
        for operation, case in (("get", "HTTP GET 64 B, keep-alive"), ("set", "HTTP PUT 64 B, keep-alive"))
        for metric in metrics
    }
    with start(OURS, http=True) as server:
        # Loaded through the RESP door: the same bytes come out of this one.
        generator.preload(server, options.speed_keys, 64)
        door = replace(server, port=server.http_port, protocol="http")
        for _ in range(options.rounds):
            for operation in ("get", "set"):
                load = generator.run(door, operation, keys=options.speed_keys, **options.timing)
                figures = (load.server_cpu_us_per_op, load.ops_per_s, load.p50_us, load.p99_us, load.p999_us)
                for metric, figure in zip(metrics, figures, strict=True):
                    rows[operation, metric].samples.setdefault(OURS, []).append(figure)
    return rows.values()
