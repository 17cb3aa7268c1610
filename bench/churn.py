"""Resident memory against the limit, while entries come and go: `RSS / max_memory`, the largest seen.

Random keys are written, over twice as many as fit. Steady churn has values of 16 lengths between 32 and 1000
bytes; its memory is watched once twice the limit has been written, until it is six times. A shift fills the
memory with values of one length and then writes another, which an allocator by size classes answers with
holes; it is watched from the first write of the new length on.
"""

import threading
from collections.abc import Iterable
from typing import Self

import generator
import targets
from options import Options
from reference import MissingError
from report import Row
from servers import ALL, Server, start

#: What an entry costs beside its value, roughly: key and overhead. Only decides how much to write.
BESIDE_BYTES = 60
SAMPLE_SECONDS = 0.05
#: One run of the generator; the next draws other keys.
SLICE_SECONDS = 0.5


def measure(options: Options) -> Iterable[Row]:
    """Steady churn, and after shifts of the value size in both directions (the worse of the two counts)."""
    steady = "steady churn"
    shift = "after a shift of value sizes"
    rows = {
        case: Row("churn", case, targets.TIMES_LIMIT, limits=targets.of(case, targets.TIMES_LIMIT))
        for case in (steady, shift)
    }
    details = {case: Row("churn", case, targets.TIMES_LIMIT) for case in ("100 B to 1000 B", "1000 B to 100 B")}
    absent = []
    for name in ALL:
        try:
            rows[steady].samples[name] = [_steady(name, options)]
            for detail, (before, after) in zip(details.values(), ((100, 1000), (1000, 100)), strict=True):
                detail.samples[name] = [_shift(name, before, after, options)]
                rows[shift].samples.setdefault(name, []).extend(detail.samples[name])
            rows[shift].samples[name] = [max(rows[shift].samples[name])]
        except MissingError as error:
            absent.append(Row("churn", name, "", skipped=str(error)))
    return [*rows.values(), *details.values(), *absent]


def _steady(name: str, options: Options) -> float:
    with start(name, memory_bytes=options.churn_bytes) as server:
        _write(server, options.churn_bytes, (32, 1000), times=2)
        return _write(server, options.churn_bytes, (32, 1000), times=4)


def _shift(name: str, before: int, after: int, options: Options) -> float:
    with start(name, memory_bytes=options.churn_bytes) as server:
        _write(server, options.churn_bytes, (before, before), times=2)
        return _write(server, options.churn_bytes, (after, after), times=3)


def _write(server: Server, limit_bytes: int, lengths: tuple[int, int], times: int) -> float:
    """Write `times` the limit; the largest RSS meanwhile, over the limit."""
    fitting = limit_bytes // (sum(lengths) // 2 + BESIDE_BYTES)
    written = seed = 0
    with _Peak(server) as peak:
        while written < times * fitting:
            seed += 1
            written += generator.run(
                server,
                "set",
                keys=2 * fitting,
                value_bytes=lengths[0],
                value_bytes_max=lengths[1],
                pipeline=16,
                seed=seed,
                duration_s=SLICE_SECONDS,
                warmup_s=0,
            ).ops
    return peak.bytes / limit_bytes


class _Peak:
    """The largest RSS of a server within a `with` block."""

    def __init__(self, server: Server) -> None:
        self.bytes = 0
        self._server = server
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, self._server.rss_bytes())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.bytes = max(self.bytes, self._server.rss_bytes())
