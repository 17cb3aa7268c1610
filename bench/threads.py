"""Two threads against one: GET 64 B at pipeline 64, nothing pinned.

On a machine of four cores or more the throughputs are compared. On one of two cores server and generator
share them, so the throughput of two threads is bounded by what the generator leaves; there the comparison is
of capacity: twice the CPU per operation of one thread, over that of two. Lock contention and shared cache
lines show in it, waiting for a lock does not; METHOD.md says so.
"""

import os
from collections.abc import Iterable
from contextlib import ExitStack

import generator
import targets
from options import Options
from reference import MissingError
from report import Row
from servers import ALL, REDIS, Server, start

CASE = "GET 64 B, pipeline 64, two threads unpinned"
SCALING = "two threads over one"


def measure(options: Options) -> Iterable[Row]:
    """Requests per second and CPU of two threads, and what the second thread brought."""
    roomy = len(os.sched_getaffinity(0)) >= 4
    rate = Row("threads", CASE, targets.RATE, limits=targets.of(CASE, targets.RATE))
    cpu = Row("threads", CASE, targets.CPU)
    scaling = Row("threads", SCALING, "times", limits=targets.of(SCALING, "times"))
    rows = [rate, cpu, scaling]
    with ExitStack() as stack:
        pairs: list[tuple[str, Server, Server | None]] = []
        for name in ALL:
            try:
                two = stack.enter_context(start(name, threads=2, pinned=False))
                # Debian's Redis executes on one thread whatever its settings: it has no other to compare.
                one = None if name == REDIS else stack.enter_context(start(name, threads=1, pinned=False))
            except MissingError as error:
                rows.append(Row("threads", name, "", skipped=str(error)))
                continue
            for server in filter(None, (two, one)):
                generator.preload(server, options.speed_keys, 64)
            pairs.append((name, two, one))
        for _ in range(options.rounds):
            for name, two, one in pairs:
                both = _run(two, options, roomy)
                rate.samples.setdefault(name, []).append(both.ops_per_s)
                cpu.samples.setdefault(name, []).append(both.server_cpu_us_per_op)
                if one is not None:
                    single = _run(one, options, roomy)
                    gain = (
                        both.ops_per_s / single.ops_per_s
                        if roomy
                        else 2 * single.server_cpu_us_per_op / both.server_cpu_us_per_op
                    )
                    scaling.samples.setdefault(name, []).append(gain)
    return rows


def _run(server: Server, options: Options, roomy: bool) -> generator.Load:
    # One generator thread drives two server threads; where there is room a second makes sure of it.
    return generator.run(
        server,
        "get",
        threads=2 if roomy else 1,
        keys=options.speed_keys,
        pipeline=64,
        **options.timing,
    )
